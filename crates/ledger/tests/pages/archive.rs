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
        ("?invoice_number=100001-202505", 1),
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
async fn the_history_of_jobs_has_pages(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    sqlx::query(
        "insert into snapshot_jobs (id, job_type, status, target_year, target_month, started_at, completed_at, success)
         select gen_random_uuid(), 'bulk', 'completed', 2000 + n, 6, '2025-07-01T00:00:00Z'::timestamptz + n * interval '1 hour',
            '2025-07-02T00:00:00Z', true from generate_series(1, 16) n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let first = world.page("/archive/?year=2025").await.text();
    assert_eq!(first.matches("data-label=\"Took\"").count(), 15);
    assert!(first.contains(">2016-06<") && !first.contains(">2001-06<"));
    assert!(first.contains("href=\"/ledger/archive/?year=2025&#38;jobs_page=2#jobs\">Older</a>"), "{first}");
    let second = world.page("/archive/?jobs_page=2").await.text();
    assert_eq!(second.matches("data-label=\"Took\"").count(), 1);
    assert!(second.contains(">2001-06<") && second.contains("jobs_page=1#jobs\">Newer</a>"));
    assert!(second.contains("aria-disabled=\"true\">Older</span>"));
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

/// §10: two archived months side by side.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn two_months_are_compared_line_by_line(pool: PgPool) {
    let world = World::new(pool).await;
    assert!(world.page("/archive/compare").await.text().contains("The archive is empty"));
    world.accept(5).await;
    let one = world.page("/archive/compare?account_number=100001").await.text();
    assert!(one.contains("Only one month of this client is archived."));
    world.accept(6).await;
    let html = world.page("/archive/compare?account_number=100001").await.text();
    for part in [
        "May 2025: <a href=\"/ledger/archive/invoice/100001-202505\">",
        "<p class=\"stat-card__value\">+$2,750.00</p>",
        "id=\"added-title\"",
        "data-label=\"June 2025\">$2,750.00</td>",
        "/ledger/archive/api/compare?account_number=100001&#38;first=2025-05&#38;second=2025-06",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("id=\"removed-title\""));
    let back = world.page("/archive/compare?account_number=100001&first=2025-06&second=2025-05").await.text();
    assert!(back.contains("-$2,750.00") && back.contains("id=\"removed-title\""));
    let same = world.page("/archive/compare?account_number=100001&first=2025-06&second=2025-06").await.text();
    assert!(same.contains("Both months have the same lines for the same amounts."));
    assert!(
        world.page("/archive/compare?account_number=x&first=y").await.text().contains("No client is chosen")
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn jobs_tell_how_they_went_and_what_failed_is_tried_again(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let companies = json!([
        {"account_number": "100001", "name": "North"}, {"account_number": "100002", "name": "Planless"}
    ]);
    world.answer("/api/companies", companies);
    let body = json!({"year": 2025, "month": 6, "account_numbers": ["100001", "100002"]});
    let job = world.call(Method::POST, "/archive/api/snapshot/bulk", body).await.json()["job_id"].clone();
    let job = job.as_str().unwrap();
    for _ in 0..100 {
        let state = world.call(Method::GET, &format!("/archive/api/scheduler/jobs/{job}"), json!(null)).await;
        if state.json()["status"] != "running" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let html = world.page("/archive/").await.text();
    for part in [
        "1 archived, 0 already there, 1 failed",
        "100002: ",
        &format!("data-again=\"{job}\" data-year=\"2025\" data-month-number=\"6\""),
        "id=\"run-now\" data-year=\"2025\" data-month-number=\"6\" data-words=\"June 2025\"",
        "id=\"export-from\"",
        "min=\"2025-06\"",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }

    sqlx::query("insert into snapshot_jobs (id, job_type, status, target_year, target_month, total_companies, started_at)
        values ('00000000-0000-0000-0000-000000000001', 'bulk', 'running', 2025, 5, 4, now())")
        .execute(&pool).await.unwrap();
    let running = "data-running=\"00000000-0000-0000-0000-000000000001\"";
    assert!(world.page("/archive/").await.text().contains(running));
    let followed = "data-job=\"00000000-0000-0000-0000-000000000001\"";
    assert!(world.page("/clients?year=2025&month=5").await.text().contains(followed));
    assert!(!world.page("/clients?year=2025&month=6").await.text().contains(followed));
}

/// The logo and every setting of the documents can be set on the page.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn settings_and_logo_are_on_the_page(pool: PgPool) {
    let world = World::new(pool).await;
    let html = world.page("/admin/settings").await.text();
    let settings = world.call(Method::GET, "/api/settings", json!(null)).await.json();
    for name in settings["settings"].as_object().unwrap().keys().filter(|name| !name.starts_with("has_")) {
        assert!(html.contains(&format!("name=\"{name}\"")), "{name}");
    }
    assert!(html.contains("No logo is set") && html.contains("at most 1 MB and 2400 pixels"));
    assert_eq!(world.page("/api/settings/logo").await.status, StatusCode::NOT_FOUND);
    let token = world.identity.user_token(Admin);
    let picture = png();
    let saved =
        world.client.put("/api/settings/logo").bearer(token).body("image/png", picture.clone()).send().await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let html = world.page("/admin/settings").await.text();
    assert!(html.contains("src=\"/ledger/api/settings/logo\"") && html.contains("id=\"logo-remove\""));
    let shown = world.page_as(Billing, "/api/settings/logo").await;
    assert_eq!((shown.header("content-type"), shown.body.as_ref()), ("image/png", &picture[..]));
}

/// One red pixel.
fn png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&[255, 0, 0]).unwrap();
    bytes
}
