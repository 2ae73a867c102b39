//! The HTML pages, health and documents.

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::support::{NOW, World};

#[sqlx::test(migrations = "../../migrations/codex")]
async fn links_of_pages_carry_the_gateways_prefix(pool: PgPool) {
    let world = World::new(pool);
    let get = |path: &str| {
        world.client.get(path).bearer(world.token(Technician)).header("x-forwarded-prefix", "/codex").send()
    };
    let start = get("/").await;
    assert!(start.text().contains("href=\"/codex/companies/\""));
    let list = get("/companies").await;
    assert_eq!((list.status, list.header("location")), (StatusCode::PERMANENT_REDIRECT, "/codex/companies/"));
    let settings = get("/settings").await.text();
    assert!(settings.contains("src=\"/codex/static/js/settings.js\""));
    assert!(settings.contains("data-endpoint=\"/codex/api/my/settings\""));
    assert!(!settings.contains("<script>") && !settings.contains("style="), "nothing inline");
}

/// codex-pages.md §1.1.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn each_page_opens_for_those_it_is_for_and_two_for_services(pool: PgPool) {
    let world = World::new(pool);
    world
        .sql(
            "insert into companies (account_number, name) values ('1', 'A');
             insert into contacts (id, name, email, primary_email) values (1, 'C', 'client@example.test', 'client@example.test');
             insert into contact_company_link (contact_id, company_account_number) values (1, '1');
             insert into assets (id, hostname, company_account_number) values (1, 'PC', '1');",
        )
        .await;
    let everybody = &[Admin, Technician, Billing, Client][..];
    for (path, people, service) in [
        ("/", everybody, 403),
        ("/companies/", everybody, 403),
        ("/companies/1", everybody, 403),
        ("/contacts/", everybody, 403),
        ("/contacts/1", everybody, 403),
        ("/assets/", everybody, 403),
        ("/assets/1", everybody, 403),
        ("/search", everybody, 403),
        ("/review", &[Admin, Technician, Billing], 403),
        ("/agents", &[Admin], 403),
        ("/billing-plans/", everybody, 200),
        ("/admin/", &[Admin], 200),
        ("/settings", everybody, 403),
    ] {
        for level in everybody {
            let expected = if people.contains(level) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(world.get_as(*level, path).await.status, expected, "{path} {level}");
        }
        // One that acts for a person has the person's rights on JSON, and no pages.
        let acting = world.identity.service_token_on_behalf("brainhair", "codex", Admin);
        for token in [world.identity.service_token("beacon", "codex"), acting] {
            let answer = world.client.get(path).bearer(token).send().await;
            assert_eq!(answer.status.as_u16(), service, "{path}");
            if service == 403 {
                assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
                assert_eq!(answer.json()["error"], "This endpoint is for users only", "{path}");
            }
        }
        assert_eq!(world.client.get(path).send().await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for root in ["/companies", "/contacts", "/assets", "/billing-plans", "/admin"] {
        assert_eq!(world.client.get(root).send().await.status, StatusCode::UNAUTHORIZED, "{root}");
        let answer = world.get_as(Admin, root).await;
        let there = (answer.status.as_u16(), answer.header("location").to_owned());
        assert_eq!(there, (308, format!("{root}/")));
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn the_settings_page_shows_what_is_chosen(pool: PgPool) {
    let world = World::new(pool);
    world
        .sql("insert into agents (keycloak_id, username, email, theme_preference, preferred_color_theme, home_page_preference) \
              values ('t', '<tech>', 'technician@example.test', 'dark', 'matrix', 'ledger')")
        .await;
    let page = world.get_as(Technician, "/settings").await.text();
    assert!(page.contains("value=\"dark\" checked"));
    assert!(page.contains("value=\"matrix\" checked"));
    assert!(page.contains("value=\"ledger\" selected"));
    assert!(page.contains("&#60;tech&#62;") && !page.contains("<tech>"));
    assert_eq!(world.get("/settings").await.status, StatusCode::FORBIDDEN, "services have no settings");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn an_empty_list_says_what_to_do(pool: PgPool) {
    let world = World::new(pool);
    assert!(
        world.get_as(Admin, "/companies/").await.text().contains("They appear here after the first sync")
    );
    assert!(world.get_as(Client, "/companies/").await.text().contains("not linked to a company"));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn health_tells_the_age_of_the_last_ticket_sync(pool: PgPool) {
    let configured = ["--freshservice-domain", "msp.freshservice.com", "--freshservice-api-key", "k3y"];
    let world = World::at(pool, NOW, &configured);
    for path in ["/health", "/api/health"] {
        let health = world.client.get(path).send().await.json();
        assert_eq!(health["checks"]["sync"]["status"], "degraded", "{path}");
        assert_eq!(health["service"], "codex");
    }
}

/// Where cron starts the syncs (the set-up of the original's documents), nobody here knows how often.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn what_is_not_scheduled_here_is_told_and_not_judged(pool: PgPool) {
    let unscheduled: [&[&str]; 3] = [
        &["--skip-scheduler", "1"],
        &["--sync-tickets-schedule", "by cron"],
        &["--sync-tickets-enabled", "false"],
    ];
    for arguments in unscheduled {
        let configured = ["--freshservice-domain", "msp.freshservice.com", "--freshservice-api-key", "k3y"];
        // Answers of health are kept for a while, so each is asked once.
        let check = async || {
            let world = World::at(pool.clone(), NOW, &[&configured, arguments].concat());
            world.client.get("/health").send().await.json()["checks"]["sync"].clone()
        };
        sqlx::query("delete from sync_state").execute(&pool).await.unwrap();
        let never = check().await;
        assert_eq!((&never["status"], never.get("age_seconds")), (&json!("healthy"), None), "{never}");
        sqlx::query(
            "insert into sync_state (provider, kind, last_completed_at)
                 values ('freshservice', 'tickets', '2025-11-22T08:30:15Z')",
        )
        .execute(&pool)
        .await
        .unwrap();
        let told = check().await;
        assert_eq!(
            (&told["status"], &told["last_sync_time"], &told["age_seconds"]),
            (&json!("healthy"), &json!("2025-11-22T08:30:15Z"), &json!(7200)),
            "{arguments:?}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn without_a_provider_there_is_no_sync_to_miss(pool: PgPool) {
    let nothing: [&[&str]; 2] = [&[], &["--freshservice-domain", "msp.freshservice.com"]];
    for arguments in nothing {
        let world = World::at(pool.clone(), NOW, arguments);
        let health = world.client.get("/api/health").send().await.json();
        assert_eq!(health["checks"]["sync"]["status"], "healthy", "{arguments:?}");
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn every_route_is_in_the_document(pool: PgPool) {
    let world = World::new(pool);
    let document = world.client.get("/static/openapi.json").send().await.json();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    insta::assert_json_snapshot!(paths);
}
