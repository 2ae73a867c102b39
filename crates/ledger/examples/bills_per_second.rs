//! How many bills one core computes in a second, explanation included, from inputs that are parsed already.
//!
//! `cargo run --release -p hivematrix-ledger --example bills_per_second [vector.json ...]`; without files: a company of 40 devices,
//! 30 people and 60 tickets.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measurement ends at what is wrong")]

use std::{
    env, fs,
    hint::black_box,
    time::{Duration, Instant},
};

use hivematrix_ledger::{case::Case, domain::billing::compute};
use serde_json::json;

/// How long each measurement takes.
const TIME: Duration = Duration::from_secs(2);

fn main() {
    let files: Vec<String> = env::args().skip(1).collect();
    if files.is_empty() {
        measure("40 devices, 30 people, 60 tickets", &company(), false);
        measure("the same, written as JSON", &company(), true);
    }
    for file in files {
        let text = fs::read_to_string(&file).expect("the file can be read");
        measure(&file, &text, false);
        measure(&format!("{file}, written as JSON"), &text, true);
    }
}

fn measure(name: &str, text: &str, written: bool) {
    let case = Case::read(text).unwrap();
    let inputs = case.inputs();
    let begin = Instant::now();
    let mut bills = 0_u32;
    while begin.elapsed() < TIME {
        for _ in 0..100 {
            let bill = compute(black_box(&inputs)).unwrap();
            if written {
                black_box(serde_json::to_vec(&bill).unwrap());
            }
            black_box(bill);
        }
        bills += 100;
    }
    let rate = f64::from(bills) / begin.elapsed().as_secs_f64();
    println!("{rate:>10.0} bills/s  {name}");
}

/// A company of ordinary size, with something of everything.
fn company() -> String {
    let kinds = ["Laptop", "Desktop", "Server", "Virtual Machine", "Network Device", "Firewall"];
    let assets: Vec<_> = (0..40)
        .map(|id| {
            let bytes = if id % 3 == 0 { 700_000_000_000_i64 + id * 12_345 } else { 0 };
            let kind = kinds[usize::try_from(id).unwrap() % kinds.len()];
            json!({
                "id": id, "hostname": format!("HOST-{id}"), "hardware_type": kind, "device_type": null, "backup_data_bytes": bytes,
                "operating_system": "Windows 11", "online": true,
            })
        })
        .collect();
    let users: Vec<_> = (0..30)
        .map(|id| json!({"id": id, "name": format!("Person {id}"), "email": format!("p{id}@example.test"), "active": id != 7}))
        .collect();
    let tickets: Vec<_> = (0..60)
        .map(|id| {
            let month = 1 + id % 6;
            let entries: Vec<_> = (0..2)
                .map(|place| {
                    json!({
                        "id": id * 10 + place, "hours": 0.25 + f64::from(id) / 60.0, "billable": id % 9 != 0,
                        "executed_at": format!("2025-{month:02}-{:02}T10:00:00Z", 1 + id % 28),
                    })
                })
                .collect();
            json!({
                "ticket_number": format!("{}", 9000 + id), "subject": format!("Work {id}"), "total_hours_spent": 1.5,
                "last_updated_at": format!("2025-{month:02}-28T10:00:00Z"),
                "time_entries": if id % 2 == 0 { entries } else { Vec::new() },
            })
        })
        .collect();
    json!({
        "now": "2025-07-15T12:00:00Z", "year": 2025, "month": 6,
        "company": {
            "account_number": "410001", "name": "Northwind Dental", "billing_plan": "Silver Care", "contract_term_length": "1 Year",
            "contract_start_date": "2024-09-01",
        },
        "assets": assets, "users": users, "tickets": tickets,
        "plans": [{
            "plan_name": "Silver Care", "term_length": "1 Year", "support_level": "Hourly", "per_user_cost": 24.0,
            "per_workstation_cost": 31.25, "per_server_cost": 99.99, "per_vm_cost": 62.4, "per_switch_cost": 8.0,
            "per_firewall_cost": 19.5, "per_hour_ticket_cost": 110.0, "backup_base_fee_workstation": 25.0,
            "backup_base_fee_server": 50.0, "backup_included_tb": 1.5, "backup_per_tb_fee": 15.35,
            "features": {"antivirus": "Sentry EDR", "soc": "NightWatch"},
        }],
        "ledger": {
            "client_override": {
                "prepaid_hours_monthly": 2, "override_prepaid_hours_monthly_enabled": true,
                "prepaid_hours_yearly": 60, "override_prepaid_hours_yearly_enabled": true,
            },
            "asset_overrides": [{"asset_id": 3, "billing_type": "Custom", "custom_cost": 13.13}],
            "user_overrides": [{"user_id": 2, "billing_type": "Free"}],
            "manual_assets": [{"id": 1, "hostname": "SW-1", "billing_type": "Switch"}],
            "custom_line_items": [{"id": 1, "name": "Office suite", "monthly_fee": 62.5}],
        },
    })
    .to_string()
}
