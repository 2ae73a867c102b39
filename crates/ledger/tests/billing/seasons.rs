//! A year of bills, one archived after the other, while hours keep coming late: each hour is billed once, and no prepaid hour
//! is given twice (rule 48).

use std::collections::BTreeMap;

use hivematrix_ledger::{case::Case, domain::billing::compute};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// An entry, and in which month's run it is there for the first time.
#[derive(Clone, Debug)]
struct Entry {
    ticket: usize,
    worked: u32,
    arrives: u32,
    quarters: i64,
    billable: bool,
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let entry = (0_usize..4, 1_u32..=6, 0_u32..4, 1_i64..20, prop::bool::weighted(0.9));
    prop::collection::vec(
        entry.prop_map(|(ticket, worked, late, quarters, billable)| Entry {
            ticket,
            worked,
            arrives: worked + late,
            quarters,
            billable,
        }),
        0..25,
    )
}

/// Archives January to September and gives back what the bills hold, and what of it was prepaid.
fn year(entries: &[Entry], monthly: i64, yearly: i64, pool: &str) -> Vec<Value> {
    let (mut snapshots, mut held, mut bills) = (Vec::new(), Vec::new(), Vec::new());
    for month in 1_u32..=9 {
        let tickets: Vec<_> = (0..4)
            .map(|ticket| {
                let entries: Vec<_> = entries
                    .iter()
                    .enumerate()
                    .filter(|(_, entry)| entry.ticket == ticket && entry.arrives <= month)
                    .map(|(id, entry)| {
                        json!({
                            "id": id, "hours": entry.quarters as f64 / 4.0, "billable": entry.billable,
                            "executed_at": format!("2025-{:02}-15T10:00:00Z", entry.worked),
                        })
                    })
                    .collect();
                json!({
                    "ticket_number": ticket.to_string(), "last_updated_at": "2025-01-01T00:00:00Z", "time_entries": entries,
                })
            })
            .collect();
        let case = json!({
            "now": "2025-12-15T12:00:00Z", "year": 2025, "month": month,
            "company": {"account_number": "1", "billing_plan": "Plan", "contract_term_length": "1 Year"},
            "tickets": tickets, "plans": [{"plan_name": "Plan", "term_length": "1 Year", "per_hour_ticket_cost": 100}],
            "settings": {"yearly_pool": pool},
            "ledger": {
                "client_override": {
                    "prepaid_hours_monthly": monthly, "override_prepaid_hours_monthly_enabled": true,
                    "prepaid_hours_yearly": yearly, "override_prepaid_hours_yearly_enabled": true,
                },
                "billing_snapshots": snapshots, "billed_hours": held,
            },
        });
        let text = case.to_string();
        let case = Case::read(&text).unwrap();
        let bill = compute(&case.inputs()).unwrap();
        let bill = crate::common::text_of(&bill);
        for row in bill["billed_hours"].as_array().unwrap() {
            let mut row = row.clone();
            row["snapshot_id"] = json!(month);
            held.push(row);
        }
        snapshots.push(json!({"id": month, "billing_year": 2025, "billing_month": month}));
        bills.push(bill);
    }
    bills
}

fn decimal(value: &Value) -> Decimal {
    value.as_str().unwrap().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_hour_is_billed_once_and_no_prepaid_hour_twice(
        entries in entries(), monthly in 0_i64..5, yearly in 0_i64..25, net in any::<bool>(),
    ) {
        let bills = year(&entries, monthly, yearly, if net { "net" } else { "gross" });
        let mut held: BTreeMap<i64, Vec<Decimal>> = BTreeMap::new();
        let (mut by_month, mut by_year) = (BTreeMap::<String, Decimal>::new(), Decimal::ZERO);
        let (mut billable, mut hours) = (Decimal::ZERO, Decimal::ZERO);
        for bill in &bills {
            for row in bill["billed_hours"].as_array().unwrap() {
                held.entry(row["time_entry_id"].as_i64().unwrap()).or_default().push(decimal(&row["hours"]));
            }
            for month in bill["explain"]["hours"]["months"].as_array().unwrap() {
                *by_month.entry(month["month"].as_str().unwrap().to_owned()).or_default() += decimal(&month["prepaid_monthly"]);
                by_year += decimal(&month["prepaid_yearly"]);
            }
            billable += decimal(&bill["receipt_data"]["billable_hours"]);
            hours += decimal(&bill["receipt_data"]["hours_for_billing_period"]);
        }
        for (id, entry) in entries.iter().enumerate() {
            let expected = entry.billable.then(|| vec![Decimal::new(entry.quarters * 25, 2)]);
            let held = held.get(&(id as i64)).map(|held| held.iter().map(|hours| hours.round_dp(2)).collect::<Vec<_>>());
            prop_assert_eq!(held, expected);
        }
        prop_assert!(by_month.values().all(|prepaid| *prepaid <= Decimal::from(monthly)), "{:?}", by_month);
        prop_assert!(by_year <= Decimal::from(yearly), "{}", by_year);
        prop_assert_eq!(hours, billable + by_year + by_month.values().sum::<Decimal>());
    }

    #[test]
    fn in_the_net_reading_hours_cost_the_same_whenever_they_come(entries in entries(), monthly in 0_i64..5, yearly in 0_i64..25) {
        let in_time: Vec<_> = entries.iter().map(|entry| Entry { arrives: entry.worked, ..entry.clone() }).collect();
        let billable = |entries: &[Entry]| -> Decimal {
            year(entries, monthly, yearly, "net").iter().map(|bill| decimal(&bill["receipt_data"]["billable_hours"])).sum()
        };
        prop_assert_eq!(billable(&entries), billable(&in_time));
    }
}
