//! The page of a bill, open and archived (ledger-pages.md §4).

use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{World, words};

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_open_bill_shows_every_line_with_its_reason(pool: PgPool) {
    let world = World::new(pool).await;
    let html = world.page("/client/100001?year=2025&month=6").await.text();
    insta::assert_snapshot!("open_bill", words(&html));
    assert!(html.contains("id=\"acceptBillBtn\""));
    let (_, actions) = html.split_once("id=\"acceptBillBtn\"").unwrap();
    let (actions, _) = actions.split_once("</section>").unwrap();
    let back = actions.rsplit("<a ").next().unwrap();
    assert!(back.contains("href=\"/ledger/\"") && back.contains("Back"), "the lower one leads home: {back}");
    assert!(
        html.contains("href=\"/ledger/invoice/100001/download?year=2025&#38;month=6\""),
        "with the prefix"
    );
    assert!(html.contains("href=\"/ledger/client/100001/export/quickbooks?year=2025&#38;month=6\""));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_month_before_and_after_stand_in_the_address(pool: PgPool) {
    let world = World::new(pool).await;
    let html = world.page("/client/100001?year=2025&month=1").await.text();
    assert!(html.contains("href=\"/ledger/client/100001?year=2024&#38;month=12\" rel=\"prev\""));
    assert!(html.contains("href=\"/ledger/client/100001?year=2025&#38;month=2\" rel=\"next\""));
    let now = world.page("/client/100001").await.text();
    assert!(now.contains("This month is not over") && !now.contains("rel=\"next\""));
    let future = world.page("/client/100001?year=2025&month=9").await.text();
    assert!(!future.contains("id=\"acceptBillBtn\""), "a month that has not begun cannot be accepted");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_bill_that_is_much_more_than_the_one_before_says_so(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(5).await;
    let html = world.page("/client/100001?year=2025&month=6").await.text();
    assert!(html.contains("+$2,750.00 against May 2025"), "before the dialog and in it");
    assert!(!world.page("/client/100001?year=2025&month=5").await.text().contains("against"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_open_bill_names_the_causes_of_its_change(pool: PgPool) {
    let world = World::new(pool).await;
    let page = "/client/100001?year=2025&month=6";
    assert!(!world.page(page).await.text().contains("id=\"changes\""), "there is nothing to compare with");
    world.accept(5).await;
    let answer =
        world.call(Method::PUT, "/api/overrides/client/100001", json!({"per_server_cost": 130.5})).await;
    assert_eq!(answer.status, StatusCode::OK);
    let html = world.page(page).await.text();
    let (_, section) = html.split_once("id=\"changes\"").unwrap();
    let text = words(section);
    for expected in [
        "+$2,755.50 against May 2025",
        "Per Server Cost:",
        "$125.00 →",
        "$130.50",
        "Added",
        "Billable Hours",
        "+$2,750.00",
        "Changed",
        "+$5.50",
    ] {
        assert!(text.contains(expected), "{expected} is not in {text}");
    }
    assert!(section.contains("/ledger/api/billing/100001/changes?year=2025&#38;month=6"));
    let dashboard = world.page("/?year=2025&month=6").await.text();
    assert!(
        dashboard.contains("/client/100001?year=2025&#38;month=6#changes"),
        "the causes are one step away"
    );
    world.accept(6).await;
    let dashboard = world.page("/?year=2025&month=6").await.text();
    assert!(
        dashboard.contains("/archive/compare?account_number=100001&#38;first=2025-05&#38;second=2025-06")
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_month_under_a_former_account_number_is_shown_as_archived(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    world.accept(5).await;
    sqlx::query("insert into account_renames (former_account_number, account_number, archive_end, renamed_by) values ('100001', '200001', 1000000, 'x')")
        .execute(&pool)
        .await
        .unwrap();
    let html = world.page("/client/200001?year=2025&month=5").await.text();
    assert!(html.contains("100001-202505") && !html.contains("200001-202505"), "{html}");
    // Its company and tickets are found under the number of now.
    assert!(
        html.contains("href=\"/codex/companies/200001\"") && !html.contains("/codex/companies/100001"),
        "{html}"
    );
    // Who has it, and that it was done before what went along was kept.
    let html = world.page("/admin/accounts").await.text();
    assert!(
        html.contains("<strong>100001</strong>") && html.contains("before Ledger kept what went along"),
        "{html}"
    );
    sqlx::query("update account_renames set undo = '{\"rows\": {}, \"redirected\": [], \"ended\": []}'")
        .execute(&pool)
        .await
        .unwrap();
    let html = world.page("/admin/accounts").await.text();
    assert!(html.contains("data-take-back=\"100001\" data-now=\"200001\""), "{html}");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_differs_from_the_plan_is_marked_with_what_the_plan_says(pool: PgPool) {
    let world = World::new(pool).await;
    let answer = world
        .call(
            Method::PUT,
            "/api/overrides/client/100001",
            json!({"per_user_cost": 12.5, "support_level": "Unlimited"}),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    world.call(Method::PUT, "/api/overrides/asset/1", json!({"billing_type": "No Charge"})).await;
    world.call(Method::PUT, "/api/overrides/features/100001", json!({"soc": "Huntress"})).await;
    let text = words(&world.page("/client/100001?year=2025&month=6").await.text());
    for expected in [
        "The rate of $12.50 is agreed with the client; the plan says $40.00.",
        "Without it: Billed Hourly",
        "Billed as No Charge: set by hand for this one.",
        "The plan says: Not Included",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

/// §10: what is archived is what is shown, with its differences from a fresh computation.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_archived_month_shows_what_was_archived(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(6).await;
    let same = world.page("/client/100001?year=2025&month=6").await.text();
    assert!(same.contains("The same bill would come out today, line by line."));
    assert!(!same.contains("data-modal-open=\"accept-dialog\""));

    world.call(Method::PUT, "/api/overrides/client/100001", json!({"per_user_cost": 50})).await;
    world.answer("/api/companies/100001/assets", json!([]));
    let note =
        json!({"reason": "agreed", "lines": [{"line_item": 0, "description": "half a month", "amount": 20}]});
    let credited = world.call(Method::POST, "/archive/api/snapshot/100001-202506/credit-notes", note).await;
    assert_eq!(credited.status, StatusCode::CREATED, "{}", credited.text());
    let html = world.page("/client/100001?year=2025&month=6").await.text();
    insta::assert_snapshot!("archived_bill", words(&html));

    world.answer("/api/companies/100001", Value::Null);
    let away = world.page("/archive/invoice/100001-202506").await;
    assert_eq!(away.status, StatusCode::OK, "the archive needs no Codex");
    assert!(away.text().contains("It cannot be compared now:"));
    assert_eq!(world.page("/archive/invoice/100001-209901").await.status, StatusCode::NOT_FOUND);
}

/// §10: to print, to keep, to send. What is not accepted is not sent.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn documents_of_a_bill_are_a_press_away(pool: PgPool) {
    let world = World::new(pool).await;
    let open = world.page("/client/100001?year=2025&month=6").await.text();
    for part in [
        "href=\"/ledger/invoice/100001/pdf?year=2025&#38;month=6&#38;inline=true\" target=\"_blank\"",
        "href=\"/ledger/client/100001/export/xero?year=2025&#38;month=6\"",
        "href=\"/ledger/invoice/100001/ubl?year=2025&#38;month=6\"",
        "data-print",
        "data-total=\"3045.00\"",
        "/ledger/static/js/print.js",
    ] {
        assert!(open.contains(part), "{part}");
    }
    assert!(!open.contains("mailto:"));
    let shown = world.page("/invoice/100001/pdf?year=2025&month=6&inline=true").await;
    assert_eq!(shown.header("content-disposition"), "inline; filename=\"100001-202506.pdf\"");

    world.accept(6).await;
    let note = json!({"reason": "agreed", "lines": [{"description": "half a month", "amount": 45}]});
    world.call(Method::POST, "/archive/api/snapshot/100001-202506/credit-notes", note).await;
    let archived = world.page("/archive/invoice/100001-202506").await.text();
    for part in [
        "href=\"/ledger/archive/api/document/100001-202506/pdf?inline=true\"",
        "href=\"/ledger/archive/api/document/100001-202506-C1/pdf?inline=true\"",
        "href=\"/ledger/archive/api/snapshot/100001-202506/csv\"",
        "mailto:?subject=Invoice%20100001-202506%20for%20June%202025&#38;body=",
        "Total%3A%20%243%2C000.00",
        "href=\"/ledger/archive/compare?account_number=100001&amp;second=2025-06\"",
        "Prepaid Monthly Hours Used",
        ">#501</a>",
    ] {
        assert!(archived.contains(part), "{part}");
    }
    let note = world.page("/archive/api/document/100001-202506-C1/pdf?inline=true").await;
    assert_eq!(note.header("content-disposition"), "inline; filename=\"100001-202506-C1.pdf\"");
}

/// What is archived is what was shown: a bill that has changed since is not.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_bill_that_changed_since_it_was_shown_is_not_accepted(pool: PgPool) {
    let world = World::new(pool).await;
    let shown = world.page("/client/100001?year=2025&month=6").await.text();
    let total = shown.split_once("data-total=\"").unwrap().1.split('"').next().unwrap().to_owned();
    world.call(Method::PUT, "/api/overrides/client/100001", json!({"per_user_cost": 50})).await;
    let body = json!({"account_number": "100001", "year": 2025, "month": 6, "expected_total": total});
    let answer = world.call(Method::POST, "/api/bill/accept", body).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        answer.text().contains("its total has become 3055.00 since it was looked at"),
        "{}",
        answer.text()
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_archived_month_cannot_be_accepted_again_and_says_so_on_its_button(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(6).await;
    let html = world.page("/client/100001?year=2025&month=6").await.text();
    let button = "<button class=\"btn btn--success\" type=\"button\" id=\"acceptBillBtn\" disabled>";
    let (_, after) = html.split_once(button).unwrap();
    let (button, _) = after.split_once("</button>").unwrap();
    assert_eq!(words(button).trim(), "Already Archived");
    assert!(!world.page("/archive/invoice/100001-202506").await.text().contains("acceptBillBtn"));
}
