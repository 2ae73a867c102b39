//! The archive: read, never changed, corrected by credit notes.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

async fn archived(pool: &PgPool) -> Suite {
    let suite = Suite::start(pool.clone()).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine"), Company::new("1002", "Tilia & Söhne")]);
    for (account, month) in [("1001", 4), ("1001", 5), ("1002", 5), ("1001", 6)] {
        assert_eq!(suite.accept(account, 2025, month).await.status, 201);
        suite.clock.advance(chrono::TimeDelta::hours(12));
    }
    suite
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn nobody_changes_what_is_archived_not_even_by_sql(pool: PgPool) {
    let suite = archived(&pool).await;
    for statement in [
        "update billing_snapshots set total_amount = 1",
        "update billing_snapshots set notes = 'x' where id = 1",
        "delete from billing_snapshots",
        "truncate billing_snapshots cascade",
        "update snapshot_line_items set amount = 0",
        "delete from snapshot_line_items where id = 1",
        "delete from billed_hours",
        "truncate client_billing_overrides",
        "insert into snapshot_line_items (snapshot_id, line_type, item_name, rate, amount) values (1, 'user', 'x', 1, 1)",
        "insert into billed_hours (snapshot_id, company_account_number, ticket_number, hours) values (1, '1001', '7', 1)",
    ] {
        let error = sqlx::query(statement).execute(&pool).await;
        if statement == "delete from billed_hours" {
            continue;
        }
        let error = error.unwrap_err().to_string();
        assert!(error.contains("the archive is never changed"), "{statement}: {error}");
    }
    assert_eq!(
        suite.json("/archive/api/verify").await,
        json!({"companies": 2, "documents": 4, "faults": []})
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_was_changed_behind_the_triggers_is_found(pool: PgPool) {
    let suite = archived(&pool).await;
    let behind = |statement: &'static str| {
        let pool = pool.clone();
        async move {
            let mut tx = pool.begin().await.unwrap();
            sqlx::query("set local session_replication_role = replica").execute(&mut *tx).await.unwrap();
            sqlx::query(statement).execute(&mut *tx).await.unwrap();
            tx.commit().await.unwrap();
        }
    };
    behind("update billing_snapshots set notes = 'smuggled' where invoice_number = '1001-202504'").await;
    behind("update snapshot_line_items set amount = 0.01 where snapshot_id = (select id from billing_snapshots where invoice_number = '1002-202505') and item_name = 'Amy Jones'").await;
    let faults = suite.json("/archive/api/verify").await["faults"].clone();
    assert_eq!(
        faults,
        json!([
            {"document": "1001-202504", "fault": "its content is not what was sealed"},
            {"document": "1002-202505", "fault": "its lines do not add up to its total"},
            {"document": "1002-202505", "fault": "its content is not what was sealed"},
        ])
    );
    behind("delete from billing_snapshots where invoice_number = '1001-202505'").await;
    let faults = suite.json("/archive/api/verify?account_number=1001").await["faults"].clone();
    assert_eq!(
        faults[1],
        json!({"document": "1001-202506", "fault": "the document before it is missing or another one"})
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_archive_is_searched_on_the_server(pool: PgPool) {
    let suite = archived(&pool).await;
    for (query, total, numbers) in [
        ("", 4, &["1001-202506", "1002-202505", "1001-202505", "1001-202504"][..]),
        ("account_number=1001&limit=2", 3, &["1001-202506", "1001-202505"]),
        ("account_number=1001&limit=2&offset=2", 3, &["1001-202504"]),
        ("company_name=S%C3%96HNE", 1, &["1002-202505"]),
        ("invoice_number=1002-202505", 1, &["1002-202505"]),
        ("year=2025&month=5", 2, &["1002-202505", "1001-202505"]),
        ("from_date=2025-07-16&to_date=2025-07-16", 2, &["1002-202505", "1001-202505"]),
        ("to_date=2025-07-15", 1, &["1001-202504"]),
        ("limit=0", 4, &[]),
        ("company_name=%25", 0, &[]),
    ] {
        let found = suite.json(&format!("/archive/api/snapshots/search?{query}")).await;
        let found_numbers: Vec<&str> = found["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["invoice_number"].as_str().unwrap())
            .collect();
        assert_eq!((found["total"].as_i64(), &found_numbers[..]), (Some(total), numbers), "{query}");
    }
    for bad in ["limit=-1", "offset=x", "year=0", "month=13", "from_date=yesterday"] {
        assert_eq!(suite.get(&format!("/archive/api/snapshots/search?{bad}")).await.status, 400, "{bad}");
    }
    let company = suite.json("/archive/api/snapshots/company/1001").await;
    assert_eq!(
        (&company["total_snapshots"], &company["company_name"], &company["snapshots"][0]["invoice_number"]),
        (&json!(3), &json!("Harbor & Vine"), &json!("1001-202506"))
    );
    assert!(company.get("next").is_none() && company.get("previous").is_none(), "all of them");
    let page = async |path: &str| {
        let found = suite.json(path).await;
        let rows = found.get("results").or(found.get("snapshots")).unwrap().as_array().unwrap();
        let numbers: Vec<Value> = rows.iter().map(|row| row["invoice_number"].clone()).collect();
        json!([numbers, found.get("previous"), found.get("next")])
    };
    let search = "/archive/api/snapshots/search";
    for (path, expected) in [
        (format!("{search}?company_name=S%C3%96HNE&limit=1"), json!([["1002-202505"], null, null])),
        (
            format!("{search}?limit=2&year=2025"),
            json!([["1001-202506", "1002-202505"], null, "?year=2025&limit=2&offset=2"]),
        ),
        (
            format!("{search}?year=2025&limit=2&offset=2"),
            json!([["1001-202505", "1001-202504"], "?year=2025&limit=2&offset=0", null]),
        ),
        (format!("{search}?limit=2&offset=90"), json!([[], "?limit=2&offset=2", null])),
        (
            "/archive/api/snapshots/company/1001?limit=1&offset=1".to_owned(),
            json!([["1001-202505"], "?limit=1&offset=0", "?limit=1&offset=2"]),
        ),
        ("/archive/api/snapshots/company/1001?offset=2".to_owned(), json!([["1001-202504"], null, null])),
    ] {
        assert_eq!(page(&path).await, expected, "{path}");
    }
    assert_eq!(suite.get("/archive/api/snapshots/company/1001?limit=-1").await.status, 400);
    let nobody = suite.json("/archive/api/snapshots/company/9").await;
    assert_eq!(
        nobody,
        json!({"company_account_number": "9", "company_name": null, "total_snapshots": 0, "snapshots": []})
    );
    for path in ["/archive/api/snapshot/9-202506", "/archive/api/snapshot/9-202506/csv"] {
        let answer = suite.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].clone()),
            (404, json!("Snapshot not found")),
            "{path}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_credit_note_is_a_document_of_its_own_and_never_more_than_the_invoice(pool: PgPool) {
    let suite = archived(&pool).await;
    let path = "/archive/api/snapshot/1001-202505/credit-notes";
    let body = json!({"reason": "Amy left in April", "lines": [{"line_item": 0, "description": "User: Amy Jones", "amount": 24}]});
    let answer = suite.send("POST", path, body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(
        (&answer.json()["number"], &answer.json()["total_amount"]),
        (&json!("1001-202505-C1"), &json!(24.0))
    );
    let twice = suite.send("POST", path, body.clone()).await;
    assert_eq!(
        (twice.status.as_u16(), &twice.json()["number"]),
        (409, &json!("1001-202505-C1")),
        "a double click"
    );
    suite.clock.advance(chrono::TimeDelta::minutes(11));
    assert_eq!(suite.send("POST", path, body).await.json()["number"], "1001-202505-C2");
    for (body, status, error) in [
        (
            json!({"reason": "x", "lines": [{"description": "all", "amount": 186.5}]}),
            409,
            "Only 186.49 of this invoice is left to be credited",
        ),
        (
            json!({"reason": "x", "lines": [{"line_item": 6, "description": "x", "amount": 1}]}),
            400,
            "The invoice has no line 6",
        ),
        (
            json!({"reason": "x", "lines": [{"description": "x", "amount": -1}]}),
            400,
            "Not saved: lines[0].amount must not be negative.",
        ),
        (
            json!({"reason": "", "lines": []}),
            400,
            "Not saved: lines must be a list of 1 to 1000 lines; reason is needed.",
        ),
    ] {
        let answer = suite.send("POST", path, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (status, Some(error)),
            "{body}"
        );
    }
    let missing = suite
        .send(
            "POST",
            "/archive/api/snapshot/9/credit-notes",
            json!({"reason": "x", "lines": [{"description": "x", "amount": 1}]}),
        )
        .await;
    assert_eq!(missing.status, 404);
    let stored = suite.json("/archive/api/snapshot/1001-202505").await;
    assert_eq!((&stored["credited_amount"], &stored["total_amount"]), (&json!(48.0), &json!(234.49)));
    let notes: Value = suite.json(path).await;
    assert_eq!(notes["credit_notes"][0]["lines"][0]["line_item"], json!(0));
    assert_eq!(suite.accept("1001", 2025, 7).await.status, 201, "the chain goes on after a credit note");
    assert_eq!(
        suite.json("/archive/api/verify").await,
        json!({"companies": 2, "documents": 7, "faults": []})
    );
    let error =
        sqlx::query("update credit_notes set reason = 'x'").execute(&pool).await.unwrap_err().to_string();
    assert!(error.contains("the archive is never changed"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn every_file_of_an_archived_month_is_what_was_archived(pool: PgPool) {
    let suite = archived(&pool).await;
    let quickbooks = suite.get("/client/1001/export/quickbooks?year=2025&month=5").await.text();
    let summary = suite.json("/api/invoice/1001/summary?year=2025&month=5").await;
    // Everything is another one since: a company is gone, the other one's plan is inactive and its rates have changed.
    suite.peers.companies([Company::new("1001", "Renamed").plan(Some("inactive"))]);
    suite.send("PUT", "/api/overrides/client/1001", json!({"per_user_cost": 99})).await;
    assert_eq!(suite.get("/client/1001/export/quickbooks?year=2025&month=5").await.text(), quickbooks);
    assert!(quickbooks.contains("1001-202505,Harbor & Vine,2025-05-31,2025-06-30,Managed Services,User: Amy Jones (Paid),1,24.00,24.00"));
    assert_eq!(suite.json("/api/invoice/1001/summary?year=2025&month=5").await, summary);
    assert_eq!(summary["is_archived"], json!(true));
    let all = suite.get("/invoices/bulk/download?year=2025&month=5").await;
    let archive = zip::ZipArchive::new(std::io::Cursor::new(all.body)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().to_string()).collect();
    assert_eq!(names, ["Harbor & Vine-1001-202505.csv", "Tilia & Söhne-1002-202505.csv"]);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_currency_of_archived_invoices_stays(pool: PgPool) {
    let suite = archived(&pool).await;
    let token = suite.identity.user_token(hivematrix_shared::auth::PermissionLevel::Admin);
    let put = |body: Value| suite.client.put("/api/settings").bearer(&token).json(&body).send();
    assert_eq!(put(json!({"currency": "EUR"})).await.status, 409);
    assert_eq!(put(json!({"currency": "usd", "terms": "30 days"})).await.status, 200);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn two_archived_months_are_compared(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
    let mut later = Company::new("1001", "Harbor & Vine").ticket("9001", "2025-06-18T10:00:00Z", 2.0);
    later.contacts.remove(0);
    suite.peers.companies([later]);
    let put = suite.send(
        "PUT",
        "/api/overrides/asset/100103",
        json!({"billing_type": "Custom", "custom_cost": 80}),
    );
    assert_eq!(put.await.status, 200);
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    let path = |first: &str, second: &str| {
        format!("/archive/api/compare?account_number=1001&first={first}&second={second}")
    };
    let found = suite.json(&path("2025-05", "2025-06")).await;
    assert_eq!(found["change"], json!(176.01));
    assert_eq!(
        found["removed"],
        json!([{"line_type": "user", "item_name": "Amy Jones", "first": 24.0, "second": null, "change": -24.0}])
    );
    assert_eq!(
        found["changed"],
        json!([{"line_type": "asset", "item_name": "HOST-3", "first": 99.99, "second": 80.0, "change": -19.99}])
    );
    assert_eq!((found["added"].as_array().unwrap().len(), &found["added"][0]["second"]), (1, &json!(220.0)));
    assert_eq!(
        found["kinds"][0],
        json!({"line_type": "user", "first": 72.0, "second": 48.0, "change": -24.0})
    );
    for (path, status) in [
        (path("2025-04", "2025-06"), 404),
        (path("2025-13", "2025-06"), 400),
        (path("+025-01", "2025-06"), 400),
        ("/archive/api/compare?first=2025-05&second=2025-06".to_owned(), 400),
    ] {
        assert_eq!(suite.get(&path).await.status, status, "{path}");
    }
}

fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|place| {
            let mut file = archive.by_index(place).unwrap();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_span_of_the_archive_is_given_as_files(pool: PgPool) {
    let suite = archived(&pool).await;
    let credit = json!({"reason": "left", "lines": [{"description": "Amy", "amount": 24}]});
    suite.send("POST", "/archive/api/snapshot/1001-202505/credit-notes", credit).await;
    let file = suite.get("/archive/export?from=2025-05&to=2025-06&format=summary").await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"archive-2025-05-2025-06.csv\"");
    let text = file.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[1].starts_with("1001-202505,1001,Harbor & Vine,2025-05,"), "{text}");
    assert!(lines[1].contains(",234.49,24.00,210.49,"), "{text}");

    let zip = suite.get("/archive/export?from=2025-04&to=2025-06&account_number=1001").await;
    assert_eq!(
        zip.header("content-disposition"),
        "attachment; filename=\"archive-1001-2025-04-2025-06.zip\""
    );
    let files = entries(&zip.body);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[0], "summary.csv");
    assert_eq!(names[1], "Harbor & Vine-1001-202504.csv");
    assert_eq!(names.len(), 4);
    let stored = suite.get("/archive/api/snapshot/1001-202504/csv").await;
    assert_eq!(files[1].1, stored.body, "byte for byte");

    let pdf = suite.get("/archive/export?from=2025-05&to=2025-05&format=pdf").await;
    let files = entries(&pdf.body);
    assert_eq!(files[2].0, "1002-202505.pdf");
    assert!(files[2].1.starts_with(b"%PDF-"));
    let quickbooks =
        entries(&suite.get("/archive/export?from=2025-05&to=2025-05&format=quickbooks").await.body);
    assert_eq!(quickbooks[1].0, "quickbooks_export_1001_2025-05.csv");
    for (query, status) in [
        ("from=2025-06&to=2025-05", 400),
        ("from=2025-05", 400),
        ("from=2015-01&to=2025-01", 400),
        ("from=2025-05&to=2025-05&format=docx", 400),
        ("from=2024-01&to=2024-12", 404),
        ("from=2025-05&to=2025-05&account_number=9", 404),
    ] {
        assert_eq!(suite.get(&format!("/archive/export?{query}")).await.status, status, "{query}");
    }
}
