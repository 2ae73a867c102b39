//! The HTML pages, health and documents.

use hivematrix_shared::auth::PermissionLevel::{Admin, Client, Technician};
use http::StatusCode;
use sqlx::PgPool;

use crate::support::{NOW, World};

#[sqlx::test(migrations = "../../migrations/codex")]
async fn links_of_pages_carry_the_gateways_prefix(pool: PgPool) {
    let world = World::new(pool);
    let get = |path: &str| {
        world.client.get(path).bearer(world.token(Technician)).header("x-forwarded-prefix", "/codex").send()
    };
    let start = get("/").await;
    assert_eq!((start.status, start.header("location")), (StatusCode::SEE_OTHER, "/codex/companies/"));
    let settings = get("/settings").await.text();
    assert!(settings.contains("src=\"/codex/static/js/settings.js\""));
    assert!(settings.contains("data-endpoint=\"/codex/api/my/settings\""));
    assert!(!settings.contains("<script>") && !settings.contains("style="), "nothing inline");
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
