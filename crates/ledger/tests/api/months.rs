//! Months as they are, as they were archived, and beside each other.

use std::time::Duration;

use hivematrix_ledger::bills::verify;
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
            json!([
                row["account_number"],
                row["name"],
                row["total_bill"],
                row["is_archived"],
                row["workstations"]
            ])
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
    assert_eq!(
        open["companies"].as_array().unwrap().len(),
        2,
        "an open month has nobody who is gone: {open}"
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_bill_says_what_changed_against_the_month_before_and_why(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let path = "/api/billing/1001/changes?year=2025&month=6";
    suite.peers.companies([Company::new("1001", "A")]);
    assert_eq!(suite.get(path).await.status, 404, "May is not archived");
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
    let same = suite.json(path).await;
    assert_eq!(
        (&same["change"], &same["added"], &same["removed"], &same["changed"], &same["rates"]),
        (&json!(0.0), &json!([]), &json!([]), &json!([]), &json!([]))
    );

    // One person comes, one goes, a device goes, and a rate is agreed on.
    let mut company = Company::new("1001", "A");
    company.contacts.remove(0);
    company.contacts.push(json!({"id": 9, "name": "Dee Moss", "email": "d@example.test", "active": true}));
    company.assets.remove(1);
    suite.peers.companies([company]);
    let rate = suite.send("PUT", "/api/overrides/client/1001", json!({"per_server_cost": 90})).await;
    assert!(rate.status.is_success(), "{}", rate.text());
    let found = suite.json(path).await;
    let names = |list: &str| -> Vec<String> {
        let lines = found[list].as_array().unwrap().iter();
        lines.map(|line| line["item_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("added"), ["Dee Moss"]);
    assert_eq!(names("removed"), ["HOST-2", "Amy Jones"]);
    assert_eq!(
        found["changed"],
        json!([{"line_type": "asset", "item_name": "HOST-3", "first": 99.99, "second": 90.0, "change": -9.99}])
    );
    assert_eq!(found["rates"], json!([{"name": "per_server_cost", "first": 99.99, "second": 90.0}]));
    assert_eq!(
        (&found["first"]["invoice_number"], &found["second"]["total_amount"], &found["change"]),
        (&json!("1001-202505"), &json!(193.25), &json!(-41.24))
    );
    // As it is archived, whatever comes after.
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    suite.peers.companies([]);
    assert_eq!(suite.json(path).await["change"], json!(-41.24));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_large_archive_is_checked_part_by_part(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let numbers = ["1001", "1002", "1003"];
    suite.peers.companies(numbers.map(|number| Company::new(number, number)));
    for number in numbers {
        assert_eq!(suite.accept(number, 2025, 6).await.status, 201);
    }
    // Without time, one company at each go.
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let report = verify::part(&pool, after.as_deref(), Duration::ZERO).await.unwrap();
        assert_eq!((report.companies, report.documents, report.faults.len()), (1, 1, 0));
        seen.push(report.next.clone());
        after = report.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [Some("1001".to_owned()), Some("1002".to_owned()), None]);
    let rest = suite.json("/archive/api/verify?after=1001").await;
    assert_eq!(rest, json!({"companies": 2, "documents": 2, "faults": []}));
}
