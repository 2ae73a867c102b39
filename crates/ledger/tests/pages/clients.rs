//! The list of clients and the dashboard (ledger-pages.md §2, §3).

use http::StatusCode;
use sqlx::PgPool;

use crate::support::{World, words};

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_list_has_totals_states_and_those_who_need_attention(pool: PgPool) {
    let world = World::new(pool).await;
    let open = words(&world.page("/clients?year=2025&month=6").await.text());
    insta::assert_snapshot!("clients", open);
    world.accept(6).await;
    let html = world.page("/clients?year=2025&month=6").await.text();
    assert!(html.contains(">Accepted</span>") && !html.contains("id=\"accept-all\""));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_accepted_month_has_its_archived_total(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(6).await;
    world.answer("/api/companies/bulk", serde_json::json!([{
        "company": {"account_number": "100001", "name": "North", "billing_plan": "Standard", "contract_term_length": "1 Year"},
        "assets": [], "contacts": [], "tickets": []
    }]));
    assert!(world.page("/clients?year=2025&month=6").await.text().contains("<strong>$3,045.00</strong>"));
    assert!(world.page("/?year=2025&month=6").await.text().contains("$3,045.00"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn search_filter_and_order_stay_together(pool: PgPool) {
    let world = World::new(pool).await;
    let html =
        world.page("/clients?filter=expiring&search=north&sort=-total_bill&year=2025&month=6").await.text();
    assert!(html.contains("Showing 1-1 of 1 clients") && html.contains("Clear Filter"));
    assert!(html.contains("aria-sort=\"descending\">"));
    assert!(html.contains("name=\"search\" value=\"north\""));
    assert!(
        html.contains("rel=\"prev\"")
            && html
                .contains("filter=expiring&#38;search=north&#38;sort=-total_bill&#38;year=2025&#38;month=5")
    );
    let none = world.page("/clients?search=nobody").await.text();
    assert!(none.contains("No client matches") && !none.contains("Showing 1-0"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_file_holds_the_rows_that_match(pool: PgPool) {
    let world = World::new(pool).await;
    let file = world.page("/clients/export?year=2025&month=6").await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"billing_dashboard_2025_06.csv\"");
    insta::assert_snapshot!("clients_csv", file.text());
    assert_eq!(world.page("/clients/export?search=nobody").await.text().lines().count(), 1);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_dashboard_counts_and_links_what_it_counts(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(5).await;
    let html = world.page("/?year=2025&month=6").await.text();
    for part in [
        "href=\"/ledger/clients?filter=expiring&amp;year=2025&#38;month=6\"",
        "href=\"/ledger/archive/\"",
        "against May 2025",
        "aria-label=\"May 2025: $295.00\"",
        "aria-label=\"June 2025: $3,045.00\"",
        "Assets: 175",
        "<a href=\"/ledger/clients?year=2025&#38;month=6&#38;plan=Standard\" aria-label=\"Clients on Standard: $3,045\">",
        "No client has prepaid hours.",
        "id=\"list-ended\"",
    ] {
        assert!(html.contains(part), "{part}");
    }
}

/// §10: what many bills come to and what to look at stands before they are accepted; who failed is told with the reason.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn many_bills_are_weighed_and_failures_stay_visible(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    world.accept(5).await;
    let html = world.page("/clients?year=2025&month=6").await.text();
    assert!(html.contains("data-total=\"$3,045.00\" data-sign=\"$\""), "{html}");
    assert!(html.contains("changes by +$2,750.00 against the month before"));
    assert!(html.contains("name=\"pick\" value=\"100001\"") && html.contains("data-total=\"3045.00\""));

    sqlx::raw_sql(
        "insert into snapshot_jobs (id, job_type, status, target_year, target_month, started_at)
        values ('00000000-0000-0000-0000-000000000001', 'bulk', 'completed', 2025, 6, '2025-07-01T00:00:00Z');
        insert into snapshot_job_companies (job_id, company_account_number, outcome, reason)
        values ('00000000-0000-0000-0000-000000000001', '100001', 'failed', 'Codex was <away>')",
    )
    .execute(&pool)
    .await
    .unwrap();
    let html = world.page("/clients?year=2025&month=6&state=failed").await.text();
    assert!(html.contains(">Failed</span>") && html.contains("Codex was &#60;away&#62;"), "{html}");
    assert!(world.page("/clients?year=2025&month=4&state=failed").await.text().contains("No client matches"));
    world.accept(6).await;
    let html = world.page("/clients?year=2025&month=6").await.text();
    assert!(html.contains(">Accepted</span>") && !html.contains("Codex was"), "archived since");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn hours_stand_against_prepaid_ones(pool: PgPool) {
    let world = World::new(pool).await;
    let own = serde_json::json!({"prepaid_hours_monthly": 2});
    world.call(http::Method::PUT, "/api/overrides/client/100001", own).await;
    let html = world.page("/?year=2025&month=6").await.text();
    assert!(
        html.contains("2.50 of 2.00 prepaid hours</desc>") && html.contains("2.50 of 2.00 h, over"),
        "{html}"
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_list_has_its_title_and_bulk_accepting_takes_notes(pool: PgPool) {
    let world = World::new(pool).await;
    let html = world.page("/clients?year=2025&month=6").await.text();
    assert!(html.contains("<h2 class=\"card__title\" id=\"summary-title\">Client Billing Summary</h2>"));
    let (_, dialog) = html.split_once("id=\"accept-dialog\"").unwrap();
    assert!(dialog.contains("<textarea class=\"form-group__input\" id=\"accept-notes\" name=\"notes\""));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_months_of_the_dashboard_lead_to_their_invoices(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(5).await;
    let html = world.page("/?year=2025&month=6").await.text();
    assert!(html.contains("<a href=\"/ledger/archive/?year=2025&#38;month=5\" aria-label=\"May 2025: $"));
    assert!(html.contains("<a href=\"/ledger/clients?year=2025&#38;month=6\" aria-label=\"June 2025: $"));
}
