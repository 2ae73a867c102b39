//! What people have to decide.

use hivematrix_codex::store::reviews::{self, Finding};
use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

async fn three_items(world: &World) -> Vec<i64> {
    let finding = |subject: &str, other: &str| Finding {
        subject: subject.to_owned(),
        other: other.to_owned(),
        detail: "Two of one kind".to_owned(),
        proposal: Some(json!({"name": "Acme"})),
    };
    let mut conn = world.pool.acquire().await.unwrap();
    let now = world.clock.now();
    // The same finding twice in one run is one item.
    let contacts =
        [finding("superops:1", "superops:2"), finding("superops:3", ""), finding("superops:1", "superops:2")];
    reviews::raise(&mut conn, reviews::DUPLICATE_CONTACT, &contacts, now).await.unwrap();
    reviews::raise(&mut conn, reviews::DUPLICATE_COMPANY, &[finding("superops:9", "freshservice:9")], now)
        .await
        .unwrap();
    sqlx::query_scalar("select id from review_items order by id").fetch_all(&world.pool).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn items_are_listed_decided_once_and_kept(pool: PgPool) {
    let world = World::new(pool);
    let ids = three_items(&world).await;
    assert_eq!(ids.len(), 3);
    let list = world.get_as(Billing, "/api/review").await.json();
    assert_eq!((&list["total"], &list["count"], &list["limit"]), (&json!(3), &json!(3), &json!(50)));
    assert_eq!(list["items"][0]["proposal"], json!({"name": "Acme"}));
    let contacts = world.get_as(Admin, "/api/review?kind=duplicate_contact&limit=1&offset=1").await.json();
    assert_eq!((&contacts["total"], &contacts["count"]), (&json!(2), &json!(1)));

    let path = format!("/api/review/{}/resolve", ids[0]);
    let decide = |level, body: Value| world.client.post(&path).bearer(world.token(level)).json(&body).send();
    let decision = json!({"resolution": " not a duplicate ", "note": "twins"});
    assert_eq!(decide(Billing, decision.clone()).await.status, StatusCode::FORBIDDEN);
    for wrong in
        [json!({"resolution": " "}), json!({"resolution": "x".repeat(201)}), json!({"resolution": "a\u{0}b"})]
    {
        assert_eq!(
            decide(Technician, wrong.clone()).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
    let decided = decide(Technician, decision.clone()).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    let item = &decided.json()["item"];
    assert_eq!((&item["resolution"], &item["note"]), (&json!("not a duplicate"), &json!("twins")));
    assert!(item["resolved_by"].as_str().is_some_and(|by| !by.is_empty()));
    let again = decide(Technician, decision).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(again.json()["resolution"], "not a duplicate");

    assert_eq!(world.get_as(Admin, "/api/review").await.json()["total"], 2);
    let all = world.get_as(Admin, "/api/review?state=all").await.json();
    assert_eq!(
        (&all["total"], &all["items"][2]["id"]),
        (&json!(3), &json!(ids[0])),
        "decided ones come last"
    );
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn only_staff_sees_them_and_no_service_alone_decides(pool: PgPool) {
    let world = World::new(pool);
    let ids = three_items(&world).await;
    assert_eq!(world.get_as(Client, "/api/review").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.client.get("/api/review").send().await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get("/api/review").await.status, StatusCode::OK);
    assert_eq!(world.get_as(Admin, "/api/review?kind=%00&limit=many").await.status, StatusCode::OK);
    let service = world.identity.service_token("brainhair", "codex");
    let path = format!("/api/review/{}/resolve", ids[0]);
    let refused = world.client.post(&path).bearer(service).json(&json!({"resolution": "x"})).send().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let missing = world
        .client
        .post("/api/review/999999/resolve")
        .bearer(world.token(Admin))
        .json(&json!({"resolution": "x"}))
        .send()
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn only_what_was_looked_at_settles(pool: PgPool) {
    let world = World::new(pool);
    three_items(&world).await;
    let mut conn = world.pool.acquire().await.unwrap();
    let now = world.clock.now();
    let settle = |scope: &'static str| (reviews::DUPLICATE_CONTACT, scope);
    let (kind, scope) = settle("freshservice:");
    assert_eq!(reviews::settle_missing(&mut conn, kind, scope, &[], now).await.unwrap(), 0);
    let seen = [Finding { subject: "superops:3".to_owned(), ..Finding::default() }];
    let (kind, scope) = settle("superops:");
    assert_eq!(reviews::settle_missing(&mut conn, kind, scope, &seen, now).await.unwrap(), 1);
    let left = reviews::list(&world.pool, None, false, 10, 0).await.unwrap().items;
    assert_eq!(
        left.iter().map(|item| item.subject.as_str()).collect::<Vec<_>>(),
        ["superops:3", "superops:9"]
    );
}
