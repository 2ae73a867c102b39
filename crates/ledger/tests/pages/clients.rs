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
        "May 2025: $295.00, June 2025: $3,045.00",
        "Assets: 175",
    ] {
        assert!(html.contains(part), "{part}");
    }
}
