//! The archive and the administration (ledger-pages.md §6, §7).

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing};
use http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use crate::support::World;

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_archive_is_searched_on_the_server(pool: PgPool) {
    let world = World::new(pool).await;
    assert!(world.page("/archive/").await.text().contains("The archive is empty"));
    for month in [4, 5, 6] {
        world.accept(month).await;
    }
    for (query, found) in [
        ("", 3),
        ("?company_name=NORTH", 3),
        ("?company_name=%3Cscript%3E", 3),
        ("?company_name=other", 0),
        ("?account_number=100001&month=5", 1),
        ("?year=2025", 3),
        ("?year=2024", 0),
        ("?year=x&page=-1", 3),
        ("?page=99", 3),
        ("?company_name=%00", 3),
    ] {
        let html = world.page(&format!("/archive/{query}")).await.text();
        assert_eq!(html.matches(">View</a>").count(), found, "{query}");
        assert!(html.contains(&format!("role=\"status\">{found}</span>")), "{query}");
    }
    let moved = world.page("/archive").await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (StatusCode::PERMANENT_REDIRECT, "/ledger/archive/")
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_schedule_is_shown_to_all_who_bill_and_edited_by_administrators(pool: PgPool) {
    let world = World::new(pool).await;
    let change = json!({"enabled": true, "day_of_month": 31, "hour": 4, "snapshot_previous_month": false});
    assert_eq!(
        world.call(Method::POST, "/archive/api/scheduler/config", change).await.status,
        StatusCode::OK
    );
    for (level, edits) in [(Admin, true), (Billing, false)] {
        let html = world.page_as(level, "/archive/").await.text();
        assert!(
            html.contains("day 31 (or the last) of each month at 04:00")
                && html.contains("The month that runs")
        );
        assert_eq!(html.contains("id=\"schedule-form\""), edits, "{level}");
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn kinds_without_a_billing_type_are_listed_until_they_have_one(pool: PgPool) {
    let world = World::new(pool).await;
    let before = world.page("/admin/device-types").await.text();
    assert!(before.contains("data-map=\"Printer\""));
    world
        .call(
            Method::PUT,
            "/api/device-types",
            json!({"device_type": "Printer", "billing_type": "No Charge"}),
        )
        .await;
    let after = world.page("/admin/device-types").await.text();
    assert!(after.contains("Every kind of device has a billing type."));
    let changes = world.page("/admin/changes").await.text();
    assert!(changes.contains("No Charge") && changes.contains("Device Type Mappings"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn numbers_that_no_company_has_are_listed_with_what_is_kept_under_them(pool: PgPool) {
    let world = World::new(pool).await;
    let path = "/api/overrides/line-items/999%3C";
    let item = json!({"name": "Line", "monthly_fee": 10});
    assert_eq!(world.call(Method::POST, path, item).await.status, StatusCode::CREATED);
    let html = world.page("/admin/accounts").await.text();
    assert!(html.contains("data-carry=\"999&#60;\"") && html.contains("1 line item"), "{html}");
    for path in ["/", "/clients"] {
        assert!(world.page(path).await.text().contains("href=\"/ledger/admin/accounts\""), "{path}");
    }
    assert_eq!(
        world.call(Method::DELETE, "/api/accounts/unknown/999%3C", json!(null)).await.status,
        StatusCode::OK
    );
    let html = world.page("/admin/accounts").await.text();
    assert!(html.contains("Everything that is kept belongs to a company in Codex."), "{html}");
}
