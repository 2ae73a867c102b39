//! What holds for every bill, whatever comes in.

use hivematrix_ledger::{
    case::Case,
    domain::{
        billing::{Bill, Money, Readings, compute},
        documents::{invoice, quickbooks, snapshot},
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::text_of;

/// Amounts from a tenth of a cent to beyond every column, in every form programs write them.
fn any_number() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (0_i64..20_000).prop_map(|cents| json!(cents as f64 / 100.0)),
        2 => (-20_000_i64..20_000).prop_map(|cents| json!(format!("{}.{:02}", cents / 100, (cents % 100).abs()))),
        1 => Just(json!(0.1 + 0.2)),
        1 => Just(Value::Null),
        1 => prop_oneof![
            Just(json!(99_999_999.99)),
            Just(json!(-99_999_999.99)),
            Just(json!(1e300)),
            Just(json!(-1e300)),
            Just(json!(1e-300)),
            Just(json!(i64::MAX)),
            Just(json!(u64::MAX)),
            Just(json!("NaN")),
            Just(json!("")),
            Just(json!(true)),
            Just(json!([])),
            Just(json!(0.000_1)),
        ],
    ]
}

/// Amounts of two places that a bill accepts.
fn amount() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0_i64..50_000).prop_map(|cents| json!(cents as f64 / 100.0)),
        1 => (0_i64..9_999_999_999).prop_map(|cents| json!(format!("{}.{:02}", cents / 100, cents % 100))),
        1 => Just(Value::Null),
    ]
}

fn fee() -> impl Strategy<Value = Value> {
    prop_oneof![amount(), (-50_000_i64..0).prop_map(|cents| json!(cents as f64 / 100.0))]
}

fn hours() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0_u32..1200).prop_map(|minutes| json!(f64::from(minutes) / 60.0)),
        1 => (-5_i32..5).prop_map(|hours| json!(hours)),
        1 => Just(Value::Null),
    ]
}

fn billing_type() -> impl Strategy<Value = Value> {
    let types = [
        "Workstation",
        "Server",
        "VM",
        "Switch",
        "Firewall",
        "Custom",
        "No Charge",
        "Paid",
        "Free",
        "server",
        "User",
        "Printer",
        "",
    ];
    prop_oneof![9 => prop::sample::select(types.to_vec()).prop_map(|name| json!(name)), 1 => Just(Value::Null)]
}

fn kind() -> impl Strategy<Value = Value> {
    let kinds = ["Laptop", "server", "ESXI Host", "virtual_machine", "Network Device", ""];
    prop_oneof![6 => prop::sample::select(kinds.to_vec()).prop_map(|name| json!(name)), 1 => Just(Value::Null)]
}

/// Names with everything that files and spreadsheets trip over.
fn name() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => "[a-zA-Z ]{0,12}".prop_map(|name| json!(name)),
        1 => prop::sample::select(vec!["=cmd|' /C calc'!A0", "Doe, \"J\"", "Line\r\nBreak", "🦀", "-1", "@SUM(1)", "a;=b"])
            .prop_map(|name| json!(name)),
        1 => Just(Value::Null),
    ]
}

fn stamp() -> impl Strategy<Value = Value> {
    prop_oneof![
        8 => (1_u32..=12, 1_u32..=28).prop_map(|(month, day)| json!(format!("2025-{month:02}-{day:02}T10:00:00Z"))),
        1 => prop::sample::select(vec!["2024-12-31T23:30:00-05:00", "2025-06-30T23:59:59.5Z", "2025-06-01", "soon", ""])
            .prop_map(|time| json!(time)),
        1 => Just(Value::Null),
    ]
}

fn assets() -> impl Strategy<Value = Vec<Value>> {
    let asset = (name(), kind(), 0_i64..5 << 40, prop::option::of(billing_type()), prop::option::of(kind()));
    prop::collection::vec(asset, 0..8).prop_map(|assets| {
        let assets = assets.into_iter().enumerate();
        assets
            .map(|(id, (hostname, hardware_type, bytes, billing_type, device_type))| {
                let mut asset = json!({
                    "id": id, "hostname": hostname, "hardware_type": hardware_type, "backup_data_bytes": bytes,
                    "device_type": device_type,
                });
                if let Some(billing_type) = billing_type {
                    asset["billing_type"] = billing_type;
                }
                asset
            })
            .collect()
    })
}

fn users() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec((name(), prop::option::of(any::<bool>())), 0..8).prop_map(|users| {
        let users = users.into_iter().enumerate();
        users
            .map(|(id, (name, active))| json!({"id": id, "name": name, "email": "a@b.example", "active": active}))
            .collect()
    })
}

fn tickets() -> impl Strategy<Value = Vec<Value>> {
    let entry = (hours(), stamp(), prop::option::of(any::<bool>()));
    prop::collection::vec((stamp(), hours(), prop::collection::vec(entry, 0..3)), 0..8).prop_map(|tickets| {
        let tickets = tickets.into_iter().enumerate();
        tickets
            .map(|(number, (updated, total, entries))| {
                let entries: Vec<_> = entries
                    .into_iter()
                    .enumerate()
                    .map(|(place, (hours, at, billable))| {
                        json!({"id": number * 10 + place, "hours": hours, "executed_at": at, "billable": billable})
                    })
                    .collect();
                json!({
                    "ticket_number": number.to_string(), "last_updated_at": updated, "total_hours_spent": total,
                    "time_entries": entries,
                })
            })
            .collect()
    })
}

/// Overrides of every kind: rows by id of device or contact, rows entered by hand, line items.
fn rows() -> impl Strategy<Value = Value> {
    let typed = || prop::collection::vec((0_i64..8, billing_type(), fee()), 0..6);
    let manual = || prop::collection::vec((name(), billing_type(), fee()), 0..4);
    let item = (name(), fee(), fee(), 5_i64..8, fee(), 5_i64..8);
    let flags = (amount(), amount(), any::<[bool; 4]>());
    (typed(), typed(), manual(), manual(), prop::collection::vec(item, 0..4), flags).prop_map(
        |(assets, users, manual_assets, manual_users, items, (rate, prepaid, flags))| {
            // One row per device or contact, as the tables have it.
            let unique = |mut rows: Vec<(i64, Value, Value)>, id: &str| -> Vec<Value> {
                rows.sort_by_key(|row| row.0);
                rows.dedup_by_key(|row| row.0);
                rows.into_iter()
                    .map(|(of, billing_type, cost)| json!({id: of, "billing_type": billing_type, "custom_cost": cost}))
                    .collect()
            };
            let by_hand = |rows: Vec<(Value, Value, Value)>, called: &str| -> Vec<Value> {
                let rows = rows.into_iter();
                rows.map(|(name, billing_type, cost)| json!({called: name, "billing_type": billing_type, "custom_cost": cost}))
                    .collect()
            };
            let items: Vec<_> = items
                .into_iter()
                .map(|(name, monthly, one_off, month, yearly, yearly_month)| {
                    json!({
                        "name": name, "monthly_fee": monthly, "one_off_fee": one_off, "one_off_year": 2025, "one_off_month": month,
                        "yearly_fee": yearly, "yearly_bill_month": yearly_month,
                    })
                })
                .collect();
            json!({
                "client_override": {
                    "per_user_cost": rate, "override_puc_enabled": flags[0],
                    "per_hour_ticket_cost": rate, "override_phtc_enabled": flags[1],
                    "prepaid_hours_monthly": prepaid, "override_prepaid_hours_monthly_enabled": flags[2],
                    "prepaid_hours_yearly": prepaid, "override_prepaid_hours_yearly_enabled": flags[3],
                },
                "asset_overrides": unique(assets, "asset_id"),
                "user_overrides": unique(users, "user_id"),
                "manual_assets": by_hand(manual_assets, "hostname"),
                "manual_users": by_hand(manual_users, "full_name"),
                "custom_line_items": items,
            })
        },
    )
}

fn plan() -> impl Strategy<Value = Value> {
    prop::collection::vec(amount(), 11).prop_map(|rates| {
        json!({
            "plan_name": "Plan", "term_length": "1 Year",
            "per_user_cost": rates[0], "per_workstation_cost": rates[1], "per_server_cost": rates[2], "per_vm_cost": rates[3],
            "per_switch_cost": rates[4], "per_firewall_cost": rates[5], "per_hour_ticket_cost": rates[6],
            "backup_base_fee_workstation": rates[7], "backup_base_fee_server": rates[8], "backup_included_tb": rates[9],
            "backup_per_tb_fee": rates[10],
        })
    })
}

fn case() -> impl Strategy<Value = Value> {
    (name(), assets(), users(), tickets(), plan(), rows()).prop_map(|(name, assets, users, tickets, plan, rows)| {
        json!({
            "now": "2025-07-15T12:00:00Z", "year": 2025, "month": 6,
            "company": {
                "account_number": "410001", "name": name, "billing_plan": "Plan", "contract_term_length": "1 Year",
            },
            "assets": assets, "users": users, "tickets": tickets, "plans": [plan], "ledger": rows,
        })
    })
}

fn with_bills(case: &Value, mut look: impl FnMut(&Bill<'_>)) {
    let case = Case::read(&case.to_string()).unwrap_or_else(|error| panic!("{error}: {case}"));
    for readings in [Readings::default(), Readings::ORIGINAL] {
        let mut inputs = case.inputs();
        inputs.readings = readings;
        look(&compute(&inputs).unwrap());
    }
}

fn sum(amounts: impl Iterator<Item = Money>) -> Money {
    amounts.sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_add_up_to_the_total_wherever_they_stand(case in case()) {
        with_bills(&case, |bill| {
            let receipt = &bill.receipt;
            let total = receipt.total;
            assert_eq!(sum(bill.explain.lines.iter().map(|line| line.amount)), total);
            assert_eq!(sum(invoice::rows(bill).iter().map(|row| row.amount)), total);
            assert_eq!(sum(quickbooks::rows(bill).iter().map(|row| row.amount)), total);
            assert_eq!(sum(snapshot::of(bill).line_items.iter().map(|line| line.amount)), total);
            let parts = [
                receipt.total_user_charges, receipt.total_asset_charges, receipt.backup_charge, receipt.ticket_charge,
                receipt.total_line_item_charges,
            ];
            assert_eq!(sum(parts.into_iter()), total);
            assert_eq!(sum(receipt.billed_users.iter().map(|line| line.cost)), receipt.total_user_charges);
            assert_eq!(sum(receipt.billed_assets.iter().map(|line| line.cost)), receipt.total_asset_charges);
            let csv = invoice::csv(bill);
            let mut reader = csv::Reader::from_reader(csv.as_bytes());
            let cells = reader.records().map(|row| row.unwrap()[8].parse::<rust_decimal::Decimal>().unwrap());
            assert_eq!(cells.sum::<rust_decimal::Decimal>(), total.decimal());
        });
    }

    #[test]
    fn a_free_user_never_costs(case in case()) {
        with_bills(&case, |bill| {
            for line in bill.receipt.billed_users.iter().filter(|line| !matches!(line.billing_type, "Paid" | "Custom")) {
                assert!(line.cost.is_zero(), "{line:?}");
            }
        });
    }

    #[test]
    fn hours_listed_are_hours_billed(case in case()) {
        with_bills(&case, |bill| {
            let receipt = &bill.receipt;
            let listed: rust_decimal::Decimal =
                bill.tickets_for_billing_period.iter().map(|ticket| ticket.total_hours_spent.decimal()).sum();
            assert_eq!(listed, receipt.hours_for_billing_period.decimal());
            let months = bill.explain.hours.months.iter();
            assert_eq!(months.map(|month| month.billable.decimal()).sum::<rust_decimal::Decimal>(), receipt.billable_hours.decimal());
            assert!(receipt.billable_hours >= hivematrix_ledger::domain::billing::Hours::ZERO);
        });
    }

    #[test]
    fn the_order_of_overrides_does_not_matter(case in case(), turn in 0_usize..6) {
        let mut turned = case.clone();
        let ledger = turned["ledger"].as_object_mut().unwrap();
        for key in ["asset_overrides", "user_overrides"] {
            let rows = ledger[key].as_array_mut().unwrap();
            let places = turn.min(rows.len());
            rows.rotate_left(places);
        }
        let members: Vec<_> = std::mem::take(ledger).into_iter().collect();
        ledger.extend(members.into_iter().rev());
        let own = ledger["client_override"].as_object_mut().unwrap();
        let members: Vec<_> = std::mem::take(own).into_iter().collect();
        own.extend(members.into_iter().rev());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        with_bills(&case, |bill| before.push(text_of(bill)));
        with_bills(&turned, |bill| after.push(text_of(bill)));
        assert_eq!(before, after);
    }

    #[test]
    fn a_member_replaced_by_anything_gives_a_named_error_or_a_bill(case in case(), place in any::<prop::sample::Index>(), odd in any_number()) {
        let mut paths = Vec::new();
        leaves(&case, String::new(), &mut paths);
        let path = &paths[place.index(paths.len())];
        let mut case = case;
        *case.pointer_mut(path).unwrap() = odd;
        match Case::read(&case.to_string()) {
            Ok(case) => {
                for readings in [Readings::default(), Readings::ORIGINAL] {
                    let mut inputs = case.inputs();
                    inputs.readings = readings;
                    if let Ok(bill) = compute(&inputs) {
                        text_of(&bill);
                        invoice::csv(&bill);
                        snapshot::of(&bill);
                    }
                }
            }
            Err(error) => {
                let field = path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap();
                assert!(error.to_string().contains(field), "{error}: {path}");
            }
        }
    }
}

/// JSON pointers to all members and elements.
fn leaves(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                leaves(value, format!("{path}/{key}"), paths);
            }
        }
        Value::Array(elements) => {
            for (place, value) in elements.iter().enumerate() {
                leaves(value, format!("{path}/{place}"), paths);
            }
        }
        _ => {}
    }
    if !path.is_empty() {
        paths.push(path);
    }
}
