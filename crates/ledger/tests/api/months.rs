//! Months as they are, and as they were archived.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_archived_month_comes_to_what_was_archived_whoever_is_left(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([
        Company::new("1001", "A"),
        Company::new("1002", "B"),
        Company::new("1003", "C"),
        Company::new("1004", "D"),
    ]);
    for account in ["1001", "1002", "1003", "1004"] {
        assert_eq!(suite.accept(account, 2025, 6).await.status, 201);
    }
    // One costs more by now, one is gone, one is not billed any more, one has another number.
    let more = json!({"name": "Line", "monthly_fee": 10});
    suite.send("POST", "/api/overrides/line-items/1001", more).await;
    suite.peers.companies([
        Company::new("1001", "A"),
        Company::new("1003", "C").plan(Some("inactive")),
        Company::new("2004", "D"),
    ]);
    let carried = json!({"from": "1004", "to": "2004"});
    assert_eq!(suite.send("POST", "/api/accounts/carry-over", carried).await.status, 200);
    let dashboard = suite.json("/api/billing/dashboard?year=2025&month=6").await;
    let rows = dashboard["companies"].as_array().unwrap();
    let told: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!([row["account_number"], row["name"], row["total_bill"], row["is_archived"], row["workstations"]])
        })
        .collect();
    assert_eq!(
        json!(told),
        json!([
            ["1001", "A", 234.49, true, 2],
            ["2004", "D", 234.49, true, 2],
            ["1002", "B", 234.49, true, 2],
            ["1003", "C", 234.49, true, 2]
        ])
    );
    let open = suite.json("/api/billing/dashboard?year=2025&month=7").await;
    assert_eq!(open["companies"].as_array().unwrap().len(), 2, "an open month has nobody who is gone: {open}");
}
