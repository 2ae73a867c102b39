//! Who may see which page, and what every page keeps to.

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::{HOSTILE, World};

const PAGES: [(&str, bool); 13] = [
    ("/", false),
    ("/clients", false),
    ("/client/100001", false),
    ("/client/100001/settings", false),
    ("/archive/", false),
    ("/archive/compare", false),
    ("/archive/compare?account_number=100001&second=2025-06", false),
    ("/archive/invoice/100001-202506", false),
    ("/admin/accounts", false),
    ("/admin/device-types", false),
    ("/admin/changes", false),
    ("/admin/settings", true),
    ("/admin/pullers", true),
];

/// ledger-pages.md §1.1.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn each_page_opens_for_those_it_is_for_and_never_for_a_service(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(6).await;
    for (path, admin_only) in PAGES {
        for level in [Admin, Billing, Technician, Client] {
            let allowed = level == Admin || (level == Billing && !admin_only);
            let expected = if allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(world.page_as(level, path).await.status, expected, "{path} {level}");
        }
        let token = world.identity.service_token("brainhair", "ledger");
        let answer = world.client.get(path).bearer(token).send().await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::FORBIDDEN, &Value::from("This endpoint is for users only")),
            "{path}"
        );
        assert_eq!(world.client.get(path).send().await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn pages_keep_hostile_names_as_text_and_run_nothing_inline(pool: PgPool) {
    let world = World::new(pool).await;
    world.accept(6).await;
    for (path, _) in PAGES {
        let html = world.page(path).await.text();
        for raw in ["<script>alert", "<img src=x", "<i>1</i>", "<u>", "seen <b>by"] {
            assert!(!html.contains(raw), "{path} holds {raw}");
        }
        let inline = ["<script>", " style=", " onclick=", " onerror=\""];
        assert!(inline.iter().all(|part| !html.contains(part)), "{path} has something inline");
        for part in html.split("href=\"").skip(1).chain(html.split("src=\"").skip(1)) {
            let address = part.split('"').next().unwrap();
            let is_ours = ["/ledger/", "/codex/", "#", "mailto:?subject="]
                .iter()
                .any(|begin| address.starts_with(begin));
            assert!(is_ours, "{path} links to {address}");
        }
    }
    let title = "<h1 class=\"page-header__title\">North &#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62; &#38; &#34;Sons&#34;</h1>";
    assert!(world.page("/client/100001").await.text().contains(title), "{HOSTILE}");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn plans_and_features_are_managed_in_codex(pool: PgPool) {
    let world = World::new(pool).await;
    for path in ["/admin/plans", "/admin/features"] {
        let answer = world.page(path).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::FOUND, "/codex/billing-plans"));
        assert_eq!(world.page_as(Billing, path).await.status, StatusCode::FORBIDDEN);
    }
}

/// §9: an unknown company, one without a plan, and a Codex that is away are three things.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_keeps_a_bill_from_being_made_is_told(pool: PgPool) {
    let world = World::new(pool).await;
    let unknown = world.page("/client/999").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text().contains("Codex knows no company with the account number 999."));
    assert!(unknown.text().contains("<a class=\"btn btn--primary\" href=\"/ledger/\">Back</a>"));
    let planless = world.page("/client/100002").await;
    assert_eq!(planless.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(planless.text().contains("the company has no billing plan"));
    assert!(planless.text().contains("href=\"/ledger/client/100002/settings\""));
    assert_eq!(world.page("/client/100002/settings").await.status, StatusCode::OK, "where it can be mended");
    assert_eq!(world.page("/client/100001?month=13").await.status, StatusCode::BAD_REQUEST);

    world.answer("/api/companies/100001", Value::Null);
    world.answer("/api/companies/bulk", Value::Null);
    for path in ["/client/100001?year=2025&month=6", "/", "/clients"] {
        let away = world.page(path).await;
        assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(
            away.text().contains(&format!("href=\"/ledger{}\">Try again</a>", path.replace('&', "&#38;"))),
            "{path}"
        );
    }
}

/// §10: errors are pages for people, whichever it is.
#[sqlx::test(migrations = "../../migrations/ledger")]
async fn errors_are_pages_with_a_way_on(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    let nobody = world.client.get("/clients").header("accept", "text/html").send().await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert!(nobody.text().contains("/login?next="), "{}", nobody.text());
    let technician = world.page_as(Technician, "/clients").await;
    assert_eq!(technician.status, StatusCode::FORBIDDEN);
    for path in ["/nowhere", "/archive/invoice/7", "/archive/export?from=2020-01&to=2020-02"] {
        let lost = world.page(path).await;
        assert_eq!(lost.status, StatusCode::NOT_FOUND, "{path}");
        assert!(lost.text().contains("id=\"error-title\""), "{path}: {}", lost.text());
    }
    pool.close().await;
    let away = world.page("/archive/").await;
    assert!(away.status.is_server_error() && away.text().contains("id=\"error-title\""), "{}", away.status);
}
