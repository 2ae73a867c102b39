//! What commands tell.

use std::sync::Mutex;

use hivematrix_ledger::{
    cli::compare,
    domain::billing::Period,
    jobs::scripts::{Listener, snapshots},
};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Company, Suite};

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Listener for Lines {
    fn say(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_rehearsal_of_the_schedule_fails_where_the_run_would(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([
        Company::new("1001", "Harbor & Vine"),
        Company::new("1002", "Left").plan(Some("inactive")),
    ]);
    let june = Period::new(2025, 6).unwrap();
    let rehearse = async || {
        let lines = Lines::default();
        let is_fine = snapshots::preview(&suite.ledger, june, None, &lines).await.unwrap();
        (is_fine, lines.0.into_inner().unwrap())
    };
    let left = "1002 Left: skipped: its plan is inactive";
    suite.peers.last_sync("2025-06-30T20:00:00Z");
    let missing = "1001 Harbor & Vine: would fail: Codex last read the tickets on 2025-06-30 20:00 UTC, before the end of 2025-06";
    assert_eq!(rehearse().await, (false, vec![missing.to_owned(), left.to_owned()]));
    suite.peers.last_sync("2025-07-01T00:10:00Z");
    let fine = "1001 Harbor & Vine: would be archived with 234.49";
    assert_eq!(rehearse().await, (true, vec![fine.to_owned(), left.to_owned()]));
    assert_eq!(suite.json("/archive/api/snapshots/search").await["total"], json!(0), "nothing was archived");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn hours_of_earlier_years_are_named_as_what_makes_the_difference(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")
        .ticket("8001", "2024-11-05T10:00:00Z", 5.0)
        .ticket("9001", "2025-06-18T10:00:00Z", 6.0)]);
    let set = suite.send("PUT", "/api/overrides/client/1001", json!({"prepaid_hours_yearly": 9})).await;
    assert_eq!(set.status, 200);
    // The original has four of the nine hours left in 2025.
    let folder = tempfile::tempdir().unwrap();
    let file = "InvoiceNo,Customer,InvoiceDate,DueDate,Item(Product/Service),Description,Qty,Rate,Amount\r\n\
        1001-202506,Harbor & Vine,2025-06-30,2025-07-30,Hourly Labor,Billable Hours (2.00 hrs),2.00,110.00,220.00\r\n";
    std::fs::write(folder.path().join("invoice.csv"), file).unwrap();
    let compared = compare::compare(&suite.ledger, folder.path()).await.unwrap();
    let hours: Vec<_> = compared[0]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|found| found["kind"] == "ticket")
        .map(|found| json!([found["theirs"], found["ours"], found["rule"]]))
        .collect();
    // Ours bills nothing and says so.
    assert!(hours.contains(&json!(["220.00", null, 47])), "{compared:?}");
}
