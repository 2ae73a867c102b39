//! Invoices as PDF, for Xero and as electronic invoices.

use std::time::Duration;

use hivematrix_ledger::bills::papers;
use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

async fn set(suite: &Suite, body: Value) {
    let token = suite.identity.user_token(PermissionLevel::Admin);
    let answer = suite.client.put("/api/settings").bearer(token).json(&body).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_is_archived_is_printed_as_it_was_shown(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine").ticket(
        "9001",
        "2025-06-18T10:00:00Z",
        2.5,
    )]);
    set(&suite, json!({"sender_name": "Example MSP", "sender_address": "1 Quay\nHarbor", "currency": "EUR"}))
        .await;
    let live = suite.get("/invoice/1001/pdf?year=2025&month=6").await;
    assert_eq!((live.status.as_u16(), live.header("content-type")), (200, "application/pdf"));
    assert_eq!(live.header("content-disposition"), "attachment; filename=\"1001-202506.pdf\"");
    assert!(live.body.starts_with(b"%PDF-"));
    let xero = suite.get("/client/1001/export/xero?year=2025&month=6").await.text();
    assert!(xero.contains("1001-202506") && xero.contains("30/06/2025"), "{xero}");
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    assert_eq!(suite.get("/invoice/1001/pdf?year=2025&month=6").await.body, live.body);
    assert_eq!(suite.get("/archive/api/document/1001-202506/pdf").await.body, live.body);
    assert_eq!(suite.get("/client/1001/export/xero?year=2025&month=6").await.text(), xero);

    let lines = json!([{"line_item": 0, "description": "User: Amy Jones", "amount": 24}]);
    let path = "/archive/api/snapshot/1001-202506/credit-notes";
    assert_eq!(suite.send("POST", path, json!({"reason": "left", "lines": lines})).await.status, 201);
    let note = suite.get("/archive/api/document/1001-202506-C1/pdf").await;
    assert!(note.body.starts_with(b"%PDF-") && note.body != live.body);
    for missing in ["1001-202506-C2", "1001-202507", "x", "-C1"] {
        let answer = suite.get(&format!("/archive/api/document/{missing}/pdf")).await;
        assert_eq!(answer.status, 404, "{missing}");
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn whoever_waits_for_a_drawing_keeps_nobody_from_the_database(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    let turns = u32::try_from(papers::AT_A_TIME).unwrap();
    let busy = suite.ledger.drawing.acquire_many(turns).await.unwrap();
    let more = usize::try_from(pool.options().get_max_connections()).unwrap() + 2;
    let drawn =
        futures::future::join_all((0..more).map(|_| suite.get("/archive/api/document/1001-202506/pdf")));
    let meanwhile = async {
        // Long enough for all of them to have read what they draw.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let reading = suite.json("/archive/api/snapshot/1001-202506");
        let read = tokio::time::timeout(Duration::from_secs(10), reading).await;
        drop(busy);
        read.is_ok()
    };
    let (drawn, was_read) = tokio::join!(drawn, meanwhile);
    assert!(was_read, "all connections are held by those who wait");
    assert!(drawn.iter().all(|answer| answer.status == 200 && answer.body == drawn[0].body));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn files_of_a_month_under_a_former_number_are_named_by_their_document(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
    set(
        &suite,
        json!({"no_tax": "out_of_scope", "sender_name": "Example MSP", "sender_country": "US", "sender_registration": "HM-1"}),
    )
    .await;
    suite.peers.companies([Company::new("2001", "Harbor & Vine")]);
    let carried = suite.send("POST", "/api/accounts/carry-over", json!({"from": "1001", "to": "2001"})).await;
    assert_eq!(carried.status, 200, "{}", carried.text());
    for (path, name) in [
        ("/invoice/2001/pdf", "1001-202505.pdf"),
        ("/client/2001/export/xero", "xero_1001-202505.csv"),
        ("/client/2001/export/quickbooks", "quickbooks_export_1001_2025-05.csv"),
        ("/invoice/2001/ubl", "1001-202505.xml"),
    ] {
        let answer = suite.get(&format!("{path}?year=2025&month=5")).await;
        let expected = format!("attachment; filename=\"{name}\"");
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-disposition")),
            (200, expected.as_str()),
            "{path}"
        );
        let open = suite.get(&format!("{path}?year=2025&month=6")).await;
        assert!(
            open.header("content-disposition").contains("2001"),
            "{path}: an open month has the number of now"
        );
    }

    // A span of months of the company is the same by either number.
    assert_eq!(suite.accept("2001", 2025, 6).await.status, 201);
    for number in ["1001", "2001", "%202001%20"] {
        let path = format!("/archive/export?from=2025-01&to=2025-12&format=summary&account_number={number}");
        let text = suite.get(&path).await.text();
        assert!(text.contains("1001-202505") && text.contains("2001-202506"), "{number}: {text}");
    }
    // Once somebody else has the former one, that is theirs.
    suite.peers.companies([Company::new("1001", "Other"), Company::new("2001", "Harbor & Vine")]);
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    let path = "/archive/export?from=2025-01&to=2025-12&format=summary&account_number=1001";
    let text = suite.get(path).await.text();
    assert!(text.contains("1001-202506") && !text.contains("2001-202506"), "{text}");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_electronic_invoice_says_what_it_lacks(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    let path = "/invoice/1001/ubl?year=2025&month=6";
    let refused = suite.get(path).await;
    assert_eq!((refused.status.as_u16(), &refused.json()["gaps"]), (409, &json!(["no_tax is not set"])));
    set(&suite, json!({"no_tax": "out_of_scope", "sender_name": "Example MSP"})).await;
    let refused = suite.get(path).await;
    assert_eq!(refused.status, 409);
    assert!(
        refused.json()["gaps"].as_array().unwrap().iter().any(|gap| gap.as_str().unwrap().contains("BR-09"))
    );
    set(&suite, json!({"sender_country": "us", "sender_registration": "HM-1"})).await;
    let made = suite.get(path).await;
    assert_eq!(
        (made.status.as_u16(), made.header("content-type")),
        (200, "application/xml"),
        "{}",
        made.text()
    );
    assert!(made.text().contains("<cbc:ID>1001-202506</cbc:ID>") && made.text().contains("234.49"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn only_a_picture_is_a_logo(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let token = suite.identity.user_token(PermissionLevel::Admin);
    let put = |bytes: Vec<u8>| {
        suite.client.put("/api/settings/logo").bearer(&token).body("image/png", bytes).send()
    };
    assert_eq!(put(b"<svg onload=alert(1)>".to_vec()).await.status, 400);
    assert_eq!(put(b"\x89PNG\r\n\x1a\n".to_vec()).await.status, 400);
    assert_eq!(suite.json("/api/settings").await["settings"]["has_logo"], json!(false));
    let answer = suite.client.delete("/api/settings/logo").bearer(&token).send().await;
    assert_eq!(answer.json(), json!({"message": "Logo removed"}));
}
