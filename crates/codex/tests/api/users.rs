//! Preferences and platform users.

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

async fn put(world: &World, token: &str, body: Value) -> (StatusCode, Value) {
    let answer = world.client.put("/api/my/settings").bearer(token).json(&body).send().await;
    (answer.status, answer.json())
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn the_first_save_makes_the_user_known(pool: PgPool) {
    let world = World::new(pool);
    let token = world.token(Technician);
    assert_eq!(
        world.get_as(Technician, "/api/my/settings").await.json(),
        json!({"theme_preference": "light", "preferred_color_theme": "purple", "knowledgetree_view_preference": "grid",
               "home_page_preference": "beacon", "synced": false})
    );
    let (status, saved) =
        put(&world, &token, json!({"theme_preference": "dark", "home_page_preference": null})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(saved["theme_preference"], "dark");
    assert_eq!(saved["home_page_preference"], "beacon");
    let (_, saved) = put(&world, &token, json!({"preferred_color_theme": "bee"})).await;
    assert_eq!(saved["theme_preference"], "dark", "what is not named stays");

    let mine = world.get_as(Technician, "/api/my/settings").await.json();
    assert_eq!(
        (&mine["synced"], &mine["username"], &mine["email"]),
        (&json!(true), &json!("technician"), &json!("technician@example.test"))
    );
    let theme = world.get("/api/public/user/theme?email=TECHNICIAN@example.test").await.json();
    assert_eq!(
        theme,
        json!({"theme": "dark", "color_theme": "bee", "source": "codex", "email": "TECHNICIAN@example.test"})
    );
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn values_that_are_not_allowed_change_nothing(pool: PgPool) {
    let world = World::new(pool);
    let token = world.token(Admin);
    for body in [
        json!({}),
        json!({"theme_preference": "pink"}),
        json!({"theme_preference": "dark", "home_page_preference": "/etc"}),
        json!({"theme_preference": 5}),
        json!([]),
    ] {
        assert_eq!(put(&world, &token, body.clone()).await.0, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(world.get_as(Admin, "/api/my/settings").await.json()["synced"], false);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn many_first_saves_at_once_make_one_user(pool: PgPool) {
    let world = World::new(pool);
    let token = world.token(Client);
    let saves = (0..8).map(|_| put(&world, &token, json!({"theme_preference": "dark"})));
    for (status, _) in futures::future::join_all(saves).await {
        assert_eq!(status, StatusCode::OK);
    }
    assert_eq!(world.get_as(Admin, "/api/agents").await.json()["total"], 1);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_user_who_is_known_by_another_id_is_found_by_address(pool: PgPool) {
    let world = World::new(pool);
    world
        .sql(
            "insert into agents (keycloak_id, username, email) values ('old', 'admin', 'Admin@Example.test')",
        )
        .await;
    let (status, _) = put(&world, &world.token(Admin), json!({"theme_preference": "dark"})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.get_as(Admin, "/api/agents/old").await.json()["theme_preference"], "dark");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_taken_login_name_does_not_keep_anybody_out(pool: PgPool) {
    let world = World::new(pool);
    world.sql("insert into agents (keycloak_id, username, email) values ('other', 'technician', 'other@x.example')").await;
    let (status, _) = put(&world, &world.token(Technician), json!({"theme_preference": "dark"})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(world.get_as(Technician, "/api/my/settings").await.json()["username"], "user-technician");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn administrators_change_the_preferences_of_others(pool: PgPool) {
    let world = World::new(pool);
    world.sql("insert into agents (keycloak_id, username, email) values ('bo', 'bo', 'bo@x.example')").await;
    let change = |token: String, id: &str| {
        let path = format!("/api/agents/{id}/settings");
        world.client.put(&path).bearer(token).json(&json!({"theme_preference": "dark"})).send()
    };
    assert_eq!(change(world.token(Technician), "bo").await.status, StatusCode::FORBIDDEN);
    assert_eq!(change(world.token(Admin), "none").await.status, StatusCode::NOT_FOUND);
    let changed = change(world.token(Admin), "bo").await;
    insta::assert_json_snapshot!(changed.json(), { ".agent.updated_at" => "[time]" });
}

/// A user whom the identity provider has listed without an address, or with an old one, is found by id; the address of
/// the token is what everybody else asks by.
#[sqlx::test(migrations = "../../migrations/codex")]
async fn what_is_saved_is_read_back_whatever_address_was_known_before(pool: PgPool) {
    let world = World::new(pool);
    world
        .sql(
            "insert into agents (keycloak_id, username, email, theme_preference) values
                 ('user-technician', 'technician', null, 'dark'), ('user-billing', 'billing', 'old@example.test', 'dark')",
        )
        .await;
    for (level, address) in [(Technician, "technician@example.test"), (Billing, "billing@example.test")] {
        let mine = async || world.get_as(level, "/api/my/settings").await.json();
        let own =
            async || world.get_as(level, &format!("/api/public/user/theme?email={address}")).await.json();
        let first = mine().await;
        assert_eq!((&first["synced"], &first["theme_preference"]), (&json!(true), &json!("dark")), "{level}");
        assert_eq!(
            (&own().await["source"], &own().await["theme"]),
            (&json!("codex"), &json!("dark")),
            "{level}"
        );

        let (status, _) = put(&world, &world.token(level), json!({"preferred_color_theme": "bee"})).await;
        assert_eq!(status, StatusCode::OK);
        let saved = mine().await;
        assert_eq!(
            (&saved["email"], &saved["preferred_color_theme"]),
            (&json!(address), &json!("bee")),
            "{level}"
        );
        let others = world.get(&format!("/api/public/user/theme?email={address}")).await.json();
        assert_eq!((&others["source"], &others["color_theme"]), (&json!("codex"), &json!("bee")), "{level}");
        let home = world.get(&format!("/api/public/user/home-page?email={address}")).await.json();
        assert_eq!(home["source"], "codex", "{level}");
    }
}
