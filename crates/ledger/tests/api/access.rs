//! Who may do what.

use hivematrix_shared::auth::PermissionLevel;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Company, Suite};

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn bills_are_for_billing_and_administrators(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    for month in [5, 6] {
        assert_eq!(suite.accept("1001", 2025, month).await.status, 201);
    }
    let paths = [
        "/api/billing/1001",
        "/api/billing/dashboard",
        "/api/invoice/1001/summary",
        "/api/bill/check-archived/1001",
        "/api/overrides/client/1001",
        "/api/overrides/asset/1",
        "/api/overrides/user/1",
        "/api/overrides/manual-assets/1001",
        "/api/overrides/manual-users/1001",
        "/api/overrides/line-items/1001",
        "/api/overrides/features/1001",
        "/api/accounts/unknown",
        "/api/device-types",
        "/api/settings",
        "/api/rate-changes",
        "/invoice/1001/download",
        "/invoices/bulk/download",
        "/client/1001/export/quickbooks",
        "/archive/api/snapshots/search",
        "/archive/api/snapshots/company/1001",
        "/archive/api/scheduler/jobs",
        "/archive/api/verify",
        "/archive/api/compare?account_number=1001&first=2025-05&second=2025-06",
        "/archive/export?from=2025-05&to=2025-06",
    ];
    for path in paths {
        assert_eq!(suite.client.get(path).send().await.status, 401, "{path}");
        for level in [PermissionLevel::Client, PermissionLevel::Technician] {
            assert_eq!(suite.get_as(level, path).await.status, 403, "{level} {path}");
        }
        for level in [PermissionLevel::Billing, PermissionLevel::Admin] {
            let answer = suite.get_as(level, path).await;
            assert_eq!(answer.status, 200, "{level} {path}: {}", answer.text());
        }
    }
    assert_eq!(
        suite.get_as(PermissionLevel::Technician, "/api/plans").await.status,
        200,
        "plans are for everybody"
    );
    for (level, status) in [(PermissionLevel::Billing, 403), (PermissionLevel::Admin, 200)] {
        assert_eq!(suite.get_as(level, "/archive/api/scheduler/config").await.status, status, "{level}");
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn files_are_for_people_and_a_service_alone_changes_nothing(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    let acting = suite.identity.service_token_on_behalf("brainhair", "ledger", PermissionLevel::Admin);
    for path in [
        "/invoice/1001/download",
        "/invoices/bulk/download",
        "/client/1001/export/quickbooks",
        "/archive/export?from=2025-05&to=2025-06",
    ] {
        let answer = suite.client.get(path).bearer(&acting).send().await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.json()["error"], "This endpoint is for users only");
    }
    let alone = suite.identity.service_token("brainhair", "ledger");
    assert_eq!(suite.client.get("/api/billing/1001").bearer(&alone).send().await.status, 200);
    for (method, path) in [
        ("PUT", "/api/overrides/client/1001"),
        ("DELETE", "/api/overrides/client/1001"),
        ("POST", "/api/overrides/line-items/1001"),
        ("POST", "/archive/api/snapshot/bulk"),
    ] {
        let request = suite.client.request(method.parse().unwrap(), path).bearer(&alone);
        let answer = request.json(&json!({"per_user_cost": 1})).send().await;
        assert_eq!(answer.status, 403, "{method} {path}");
    }
    let wrong = suite.identity.service_token("brainhair", "codex");
    assert_eq!(
        suite.client.get("/api/billing/1001").bearer(&wrong).send().await.status,
        401,
        "meant for another service"
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_service_that_acts_for_a_person_mails_and_sets_the_logo_by_that_persons_level(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    let mails = "/archive/api/snapshot/1001-202506/mails";
    let alone = suite.identity.service_token("brainhair", "ledger");
    let acting = |level| suite.identity.service_token_on_behalf("brainhair", "ledger", level);
    let ask = async |method: &str, path: &str, token: &str| {
        let request = suite.client.request(method.parse().unwrap(), path).bearer(token);
        let request = if method == "POST" { request.json(&json!({"to": "a@b.test"})) } else { request };
        request.send().await.status.as_u16()
    };
    let (client, billing, admin) =
        (acting(PermissionLevel::Client), acting(PermissionLevel::Billing), acting(PermissionLevel::Admin));
    let logo = "/api/settings/logo";
    for (method, path, token, status) in [
        ("GET", mails, &alone, 200),
        ("GET", mails, &client, 403),
        ("GET", mails, &billing, 200),
        ("POST", mails, &alone, 403),
        ("POST", mails, &client, 403),
        // No mail server is set.
        ("POST", mails, &billing, 409),
        ("GET", logo, &billing, 404),
        ("DELETE", logo, &alone, 403),
        ("DELETE", logo, &billing, 403),
        ("DELETE", logo, &admin, 200),
    ] {
        assert_eq!(ask(method, path, token).await, status, "{method} {path}");
    }
}
