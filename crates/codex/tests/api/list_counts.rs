//! How many rows the filters of the lists of contacts and assets leave (codex-pages.md §10).

use hivematrix_shared::auth::PermissionLevel::{self, Billing, Client};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{
    people::{PEOPLE, world},
    support::World,
};

async fn counts(world: &World, level: PermissionLevel, path: &str) -> Value {
    let answer = world.get_as(level, path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.json()["counts"].clone()
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn contacts_are_counted_by_company_and_importance(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    world
        .sql("insert into contacts (id, name, email, primary_email) values (5, 'Nobody''s', 'n@x.example', 'n@x.example')")
        .await;
    for (query, company, vip) in [
        ("", json!({"100001": 1, "100002": 1, "100003": 1, "none": 1}), json!({"0": 3, "1": 1})),
        (
            "?show_inactive=1",
            json!({"100001": 1, "100002": 1, "100003": 2, "none": 1}),
            json!({"0": 4, "1": 1}),
        ),
        ("?vip=1", json!({"100002": 1, "none": 0}), json!({"0": 3, "1": 1})),
        ("?company=100003", json!({"100001": 1, "100002": 1, "100003": 1, "none": 1}), json!({"0": 1})),
        ("?company=none", json!({"100001": 1, "100002": 1, "100003": 1, "none": 1}), json!({"0": 1})),
        ("?search=doe", json!({"100002": 1, "100003": 1, "none": 0}), json!({"0": 1, "1": 1})),
    ] {
        let found = counts(&world, Billing, &format!("/contacts/api/counts{query}")).await;
        assert_eq!(found, json!({"company": company, "vip": vip}), "{query}");
    }
    let own = counts(&world, Client, "/contacts/api/counts").await;
    assert_eq!(own, json!({"company": {"100001": 1}, "vip": {"0": 1}}), "a client's own");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn assets_are_counted_by_company_type_state_and_patches(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let types = json!({"desktop": 1, "server": 1, "network device": 1});
    let patches = json!({"fullypatched": 1, "approvedpending": 1});
    for (query, expected) in [
        (
            "",
            json!({"company": {"100001": 1, "100002": 2}, "type": types, "online": {"0": 1, "1": 1}, "patch": patches}),
        ),
        (
            "?type=server",
            json!({"company": {"100002": 1}, "type": types, "online": {"0": 1}, "patch": {"approvedpending": 1}}),
        ),
        (
            "?online=1&company=100001",
            json!({"company": {"100001": 1}, "type": {"desktop": 1}, "online": {"1": 1}, "patch": {"fullypatched": 1}}),
        ),
        ("?search=switch", json!({"company": {"100002": 1}, "type": {"network device": 1}})),
    ] {
        assert_eq!(counts(&world, Billing, &format!("/assets/api/counts{query}")).await, expected, "{query}");
    }
    let own = counts(&world, Client, "/assets/api/counts?company=100002").await;
    let expected = json!({"company": {"100001": 1}});
    assert_eq!(own, expected, "of a foreign company nothing is counted");
    for path in ["/contacts/api/counts", "/assets/api/counts"] {
        assert_eq!(world.get(path).await.status, StatusCode::FORBIDDEN, "{path}: users only");
        assert_eq!(world.client.get(path).send().await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}
