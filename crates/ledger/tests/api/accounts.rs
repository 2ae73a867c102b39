//! Account numbers that became others in Codex.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

async fn unknown(suite: &Suite) -> Value {
    suite.json("/api/accounts/unknown").await["accounts"].clone()
}

async fn carry(suite: &Suite, from: &str, to: &str) -> (u16, Value) {
    let answer = suite.send("POST", "/api/accounts/carry-over", json!({"from": from, "to": to})).await;
    (answer.status.as_u16(), answer.json())
}

async fn take_back(suite: &Suite, former: &str) -> (u16, Value) {
    let answer = suite.send("DELETE", &format!("/api/accounts/renames/{former}"), Value::Null).await;
    (answer.status.as_u16(), answer.json())
}

/// A company with everything that can be kept, and an archived month with hours of a ticket that has no dated entries.
async fn agreed(suite: &Suite) {
    suite.peers.companies([
        Company::new("1001", "A").ticket("7", "2025-05-10T10:00:00Z", 3.0),
        Company::new("1002", "B"),
    ]);
    for (method, path, body) in [
        ("PUT", "/api/overrides/client/1001", json!({"per_user_cost": 20})),
        ("PUT", "/api/overrides/features/1001", json!({"antivirus": "Ours"})),
        ("POST", "/api/overrides/manual-assets/1001", json!({"hostname": "NAS", "billing_type": "Server"})),
        ("POST", "/api/overrides/manual-users/1001", json!({"full_name": "Zoe", "billing_type": "Paid"})),
        ("POST", "/api/overrides/line-items/1001", json!({"name": "Line", "monthly_fee": 10})),
    ] {
        let answer = suite.send(method, path, body).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text());
    }
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_is_kept_goes_on_under_the_new_number_and_nothing_is_billed_again(pool: PgPool) {
    let suite = Suite::start(pool).await;
    agreed(&suite).await;
    assert_eq!(unknown(&suite).await, json!([]));
    let before = suite.json("/api/billing/1001?year=2025&month=6").await["receipt"]["total"].clone();

    // The number becomes another one; the ticket is touched again, with an hour more.
    let renamed = || Company::new("2001", "A").ticket("7", "2025-06-10T10:00:00Z", 4.0);
    suite.peers.companies([renamed(), Company::new("1002", "B")]);
    assert_eq!(
        unknown(&suite).await,
        json!([{"account_number": "1001", "company_name": "A", "has_conditions": true, "features": 1, "manual_assets": 1,
            "manual_users": 1, "line_items": 1, "invoices": 1}])
    );
    let dashboard = suite.json("/api/billing/dashboard?year=2025&month=6").await;
    let told = dashboard["needs_attention"].as_array().unwrap();
    assert_eq!((told.len(), &told[0]["account_number"]), (1, &json!("1001")), "{dashboard}");

    let (status, done) = carry(&suite, "1001", "2001").await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(unknown(&suite).await, json!([]));
    let bill = suite.json("/api/billing/2001?year=2025&month=6").await;
    assert_eq!(bill["receipt"]["billable_hours"], json!(1), "three of the four hours are billed already");
    let without_hours =
        bill["receipt"]["total"].as_f64().unwrap() - bill["receipt"]["ticket_charge"].as_f64().unwrap();
    assert!((without_hours - before.as_f64().unwrap()).abs() < 0.001, "{bill}");

    // The month that is archived under the former number is not archived once more.
    let again = suite.accept("2001", 2025, 5).await;
    assert_eq!((again.status.as_u16(), &again.json()["invoice_number"]), (409, &json!("1001-202505")));
    let accepted = suite.accept("2001", 2025, 6).await;
    assert_eq!(accepted.status, 201, "{}", accepted.text());
    suite.peers.companies([renamed(), Company::new("1002", "B")]);
    assert_eq!(
        suite.json("/api/billing/2001?year=2025&month=7").await["receipt"]["billable_hours"],
        json!(0)
    );

    // Who did it is kept with what was moved.
    let changes = suite.json("/api/rate-changes?account_number=2001").await;
    let moved = changes["changes"].as_array().unwrap().iter();
    let moved = moved.filter(|change| change["column_name"] == "company_account_number");
    assert_eq!(moved.count(), 5, "{changes}");
    let kept: i64 =
        sqlx::query_scalar("select count(*) from billing_snapshots where company_account_number = '1001'")
            .fetch_one(&suite.pool)
            .await
            .unwrap();
    assert_eq!(kept, 1, "the archive stays as it is");

    // Once more: through two numbers.
    suite.peers.companies([Company::new("3001", "A").ticket("7", "2025-07-02T10:00:00Z", 4.0)]);
    assert_eq!(carry(&suite, "2001", "3001").await.0, 200);
    assert_eq!(
        suite.json("/api/billing/3001?year=2025&month=7").await["receipt"]["billable_hours"],
        json!(0)
    );
    // And back to the first.
    suite.peers.companies([Company::new("1001", "A").ticket("7", "2025-07-02T10:00:00Z", 4.0)]);
    assert_eq!(carry(&suite, "3001", "1001").await.0, 200);
    assert_eq!(
        suite.json("/api/billing/1001?year=2025&month=7").await["receipt"]["billable_hours"],
        json!(0)
    );
    assert_eq!(suite.accept("1001", 2025, 7).await.status, 201);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_month_that_was_archived_under_the_former_number_is_given_as_archived_and_once(pool: PgPool) {
    let suite = Suite::start(pool).await;
    agreed(&suite).await;
    let archived = suite.get("/archive/api/snapshot/1001-202505/csv").await.text();
    // By now the bill would be another one.
    suite.peers.companies([Company::new("2001", "A & Sons").ticket("8", "2025-05-20T10:00:00Z", 9.0)]);
    assert_eq!(carry(&suite, "1001", "2001").await.0, 200);
    let month = "year=2025&month=5";
    assert_eq!(suite.get(&format!("/invoice/2001/download?{month}")).await.text(), archived);
    for path in ["/client/2001/export/quickbooks", "/client/2001/export/xero"] {
        let text = suite.get(&format!("{path}?{month}")).await.text();
        assert!(text.contains("1001-202505") && !text.contains("2001-202505"), "{path}: {text}");
    }
    let summary = suite.json(&format!("/api/invoice/2001/summary?{month}")).await;
    assert_eq!((&summary["invoice_number"], &summary["is_archived"]), (&json!("1001-202505"), &json!(true)));
    assert_eq!(
        suite.json(&format!("/api/bill/check-archived/2001?{month}")).await,
        json!({"invoice_number": "1001-202505", "is_archived": true})
    );
    let past = suite.json("/archive/api/snapshots/company/2001").await;
    assert_eq!(past["snapshots"][0]["invoice_number"], "1001-202505");
    for path in [format!("/invoices/bulk/download?{month}"), String::new()] {
        let all = if path.is_empty() {
            suite.form("/export/all_bills", &[("year", "2025"), ("month", "5")]).await
        } else {
            suite.get(&path).await
        };
        assert_eq!(all.status, 200);
        let mut files = zip::ZipArchive::new(std::io::Cursor::new(all.body)).unwrap();
        assert_eq!(files.len(), 1, "the archived invoice, and no second one");
        let mut text = String::new();
        std::io::Read::read_to_string(&mut files.by_index(0).unwrap(), &mut text).unwrap();
        assert!(text.contains("1001-202505") && !text.contains("2001-202505"), "{text}");
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn only_what_belongs_to_nobody_is_carried_and_only_to_somebody(pool: PgPool) {
    let suite = Suite::start(pool).await;
    agreed(&suite).await;
    assert_eq!(carry(&suite, "1001", "1002").await.0, 409, "Codex has a 1001");
    suite.peers.companies([Company::new("1002", "B")]);
    let (status, refused) = carry(&suite, "1001", "9999").await;
    assert_eq!((status, refused["fields"]["to"].is_string()), (400, true), "{refused}");
    for body in [json!({}), json!({"from": "1001"}), json!({"from": 1, "to": []}), json!([])] {
        assert_eq!(suite.send("POST", "/api/accounts/carry-over", body.clone()).await.status, 400, "{body}");
    }
    assert_eq!(carry(&suite, "nobody", "1002").await.0, 404);
    // Both have conditions: nothing is decided for the operator, and nothing is moved.
    suite.send("PUT", "/api/overrides/client/1002", json!({"per_user_cost": 1})).await;
    assert_eq!(carry(&suite, "1001", "1002").await.0, 409);
    assert_eq!(unknown(&suite).await[0]["manual_assets"], json!(1));
    suite.send("DELETE", "/api/overrides/client/1002", Value::Null).await;
    assert_eq!(carry(&suite, "1001", "1002").await.0, 200);

    // A Codex that has not read its companies yet makes nobody a stranger.
    suite.peers.companies([]);
    assert_eq!(unknown(&suite).await, json!([]));
    assert_eq!(suite.send("DELETE", "/api/accounts/unknown/1002", Value::Null).await.status, 409);
    suite.peers.companies([Company::new("1003", "C")]);
    assert_eq!(suite.send("DELETE", "/api/accounts/unknown/1003", Value::Null).await.status, 409);
    assert_eq!(suite.send("DELETE", "/api/accounts/unknown/1002", Value::Null).await.status, 200);
    assert_eq!(suite.send("DELETE", "/api/accounts/unknown/1002", Value::Null).await.status, 404);
    assert_eq!(unknown(&suite).await, json!([]));
    suite.peers.fault("/api/companies", 502, "");
    assert_eq!(suite.get("/api/accounts/unknown").await.status, 503);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_number_that_somebody_else_gets_later_is_theirs(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "A").ticket("7", "2025-05-10T10:00:00Z", 3.0)]);
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
    // Billed by its plan alone, with nothing agreed on: it is missed all the same.
    suite.peers.companies([Company::new("2001", "A")]);
    assert_eq!(unknown(&suite).await[0]["account_number"], json!("1001"));
    assert_eq!(carry(&suite, "1001", "2001").await.0, 200);
    assert_eq!(unknown(&suite).await, json!([]));

    // The number is reused. What is billed under it from now on is not 2001's.
    let reused = Company::new("1001", "New").ticket("8", "2025-06-10T10:00:00Z", 2.0);
    let first = || Company::new("2001", "A").ticket("7", "2025-06-11T10:00:00Z", 4.0);
    suite.peers.companies([reused.clone(), first()]);
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    let bill = suite.json("/api/billing/2001?year=2025&month=6").await;
    assert_eq!(bill["receipt"]["billable_hours"], json!(1));
    assert_eq!(suite.accept("2001", 2025, 6).await.status, 201);
    assert_eq!(
        suite.json("/api/billing/1001?year=2025&month=7").await["receipt"]["billable_hours"],
        json!(0)
    );

    // The second one is renamed as well, to a number under which that month is archived, too.
    suite.peers.companies([Company::new("3001", "New"), first()]);
    suite.peers.companies([Company::new("3001", "New").ticket("9", "2025-06-12T10:00:00Z", 1.0), first()]);
    assert_eq!(suite.accept("3001", 2025, 6).await.status, 201);
    let (status, done) = carry(&suite, "1001", "3001").await;
    assert_eq!(status, 200, "{done}");
    assert!(done["message"].as_str().unwrap().contains("Archived under both numbers: 2025-06"), "{done}");
    suite.peers.companies([Company::new("3001", "New").ticket("8", "2025-07-10T10:00:00Z", 2.0), first()]);
    assert_eq!(
        suite.json("/api/billing/3001?year=2025&month=7").await["receipt"]["billable_hours"],
        json!(0)
    );
    assert_eq!(
        suite.json("/api/billing/2001?year=2025&month=7").await["receipt"]["billable_hours"],
        json!(0)
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn carrying_over_to_the_wrong_company_is_taken_back_as_long_as_no_bill_depends_on_it(pool: PgPool) {
    let suite = Suite::start(pool).await;
    agreed(&suite).await;
    let other = || Company::new("1002", "B");
    suite.send("POST", "/api/overrides/line-items/1002", json!({"name": "Its own", "monthly_fee": 3})).await;
    suite.peers.companies([other()]);
    let before = suite.json("/api/billing/1002?year=2025&month=6").await["receipt"]["total"].clone();
    assert_eq!(take_back(&suite, "1001").await.0, 404, "nothing was carried over");
    assert_eq!(carry(&suite, "1001", "1002").await.0, 200);
    assert_ne!(suite.json("/api/billing/1002?year=2025&month=6").await["receipt"]["total"], before);
    let listed = suite.json("/api/accounts/renames").await["renames"].clone();
    assert_eq!(
        (&listed[0]["former_account_number"], &listed[0]["account_number"], &listed[0]["can_be_taken_back"]),
        (&json!("1001"), &json!("1002"), &json!(true)),
        "{listed}"
    );

    // What was added to the other one since stays with it; what went along comes back as it is by now.
    suite.send("POST", "/api/overrides/line-items/1002", json!({"name": "Later", "monthly_fee": 4})).await;
    suite.send("PUT", "/api/overrides/client/1002", json!({"per_user_cost": 21})).await;
    let (status, done) = take_back(&suite, "1001").await;
    assert_eq!(status, 200, "{done}");
    assert_eq!(suite.json("/api/accounts/renames").await["renames"], json!([]));
    let names = |items: Value| {
        let items = items["line_items"].as_array().unwrap().clone();
        items.into_iter().map(|item| item["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(suite.json("/api/overrides/line-items/1001").await), ["Line"]);
    assert_eq!(names(suite.json("/api/overrides/line-items/1002").await), ["Its own", "Later"]);
    assert_eq!(suite.json("/api/overrides/client/1001").await["overrides"]["per_user_cost"], json!(21));
    assert_eq!(
        unknown(&suite).await[0],
        json!({"account_number": "1001", "company_name": "A", "has_conditions": true, "features": 1, "manual_assets": 1,
            "manual_users": 1, "line_items": 1, "invoices": 1})
    );
    let month = suite.json("/api/bill/check-archived/1002?year=2025&month=5").await;
    assert_eq!(month["is_archived"], json!(false), "the archived month is the former number's again");
    let changes = suite.json("/api/rate-changes?account_number=1001").await;
    let moved = changes["changes"].as_array().unwrap().iter();
    let moved = moved.filter(|change| change["column_name"] == "company_account_number");
    assert_eq!(moved.count(), 5, "who took it back is kept with what was moved: {changes}");

    // To the right one now. A bill that was archived meanwhile depends on it.
    suite.peers.companies([other(), Company::new("2001", "A")]);
    assert_eq!(carry(&suite, "1001", "2001").await.0, 200);
    assert_eq!(suite.accept("1002", 2025, 6).await.status, 201, "somebody else's");
    assert_eq!(suite.json("/api/accounts/renames").await["renames"][0]["can_be_taken_back"], json!(true));
    assert_eq!(suite.accept("2001", 2025, 6).await.status, 201);
    let (status, refused) = take_back(&suite, "1001").await;
    assert_eq!(status, 409);
    assert!(refused["error"].as_str().unwrap().contains("Invoice 2001-202506"), "{refused}");
    let listed = suite.json("/api/accounts/renames").await["renames"][0].clone();
    assert_eq!((&listed["can_be_taken_back"], &listed["reason"]), (&json!(false), &refused["error"]));
    let bill = suite.json("/api/billing/2001?year=2025&month=7").await;
    assert!(bill["receipt"]["total_line_item_charges"].as_f64().unwrap() > 9.0, "nothing was moved: {bill}");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn renames_are_taken_back_the_last_one_first(pool: PgPool) {
    let suite = Suite::start(pool).await;
    agreed(&suite).await;
    suite.peers.companies([Company::new("2001", "A")]);
    assert_eq!(carry(&suite, "1001", "2001").await.0, 200);
    suite.peers.companies([Company::new("3001", "A")]);
    assert_eq!(carry(&suite, "2001", "3001").await.0, 200);
    let (status, refused) = take_back(&suite, "1001").await;
    assert_eq!(status, 409);
    assert!(
        refused["error"].as_str().unwrap().starts_with("2001 has been carried over to 3001 since"),
        "{refused}"
    );
    assert_eq!(take_back(&suite, "2001").await.0, 200);
    let listed = suite.json("/api/accounts/renames").await["renames"].clone();
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["account_number"]),
        (1, &json!("2001")),
        "the first one leads where it led: {listed}"
    );
    assert_eq!(take_back(&suite, "1001").await.0, 200);
    // Back to a number that was a former one: taken back, it is one again.
    suite.peers.companies([Company::new("2001", "A")]);
    assert_eq!(carry(&suite, "1001", "2001").await.0, 200);
    suite.peers.companies([Company::new("1001", "A")]);
    assert_eq!(carry(&suite, "2001", "1001").await.0, 200);
    assert_eq!(take_back(&suite, "2001").await.0, 200);
    let listed = suite.json("/api/accounts/renames").await["renames"].clone();
    assert_eq!(listed[0]["former_account_number"], json!("1001"), "{listed}");
    // The former number has something of its own by now.
    suite.send("PUT", "/api/overrides/client/1001", json!({"per_user_cost": 5})).await;
    assert_eq!(take_back(&suite, "1001").await.0, 409);
    assert_eq!(suite.json("/api/overrides/client/2001").await["overrides"]["per_user_cost"], json!(20));
}
