//! What people decide: the page, and the decisions that do something.

use hivematrix_shared::auth::PermissionLevel::{Billing, Technician};
use http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use crate::{
    people::{PEOPLE, send, world},
    support::World,
};

const ITEMS: &str = r#"
    insert into review_items (id, kind, subject, other, detail, proposal, found_at, last_seen_at) values
        (1, 'duplicate_contact', 'freshservice:12', 'freshservice:11', 'both at one desk', null, now(), now()),
        (2, 'duplicate_contact', 'freshservice:77', 'freshservice:12', 'one address <x>', null, now(), now()),
        (3, 'duplicate_contact', 'freshservice:78', 'freshservice:79', 'both gone', null, now(), now()),
        (4, 'rmm_site', 'datto/site-1', '', 'Main Street: no company of this name',
            '{"provider": "datto", "site_uid": "site-1", "site_name": "Main Street", "companies": [{"account_number": "100001", "name": "Mine"}]}', now(), now()),
        (5, 'duplicate_asset', '1', '2', 'two of one name', null, now(), now()),
        (6, 'company_without_number', 'freshservice:5', '', 'Nameless Ltd', null, now(), now());
"#;

async fn state(world: &World, id: i64) -> Option<String> {
    sqlx::query_scalar("select resolution || ' by ' || resolved_by from review_items where id = $1")
        .bind(id)
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn the_page_names_what_there_is_to_decide(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    assert!(world.get_as(Technician, "/review").await.text().contains("Nothing to decide"));
    world.sql(ITEMS).await;
    let page = world.get_as(Technician, "/review").await.text();
    for part in [
        "6 open questions",
        "Contacts that may be one person",
        "Jon Doe",
        "One address &#60;x&#62;",
        "freshservice:77 (not stored)",
        "data-one=\"2\"",
        "data-two=\"1\"",
        "data-same",
        "Main Street: no company",
        "data-link=\"100001\"",
        "THEIRS-SRV",
        "Nameless Ltd",
    ] {
        assert!(page.contains(part), "{part}");
    }
    let reader = world.get_as(Billing, "/review").await.text();
    assert!(
        reader.contains("Main Street") && !reader.contains("data-dismiss"),
        "billing reads and does not decide"
    );
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn deciding_that_two_are_one_makes_them_one(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    world.sql(ITEMS).await;
    let merge = |id: i64, body| {
        send(
            &world,
            Technician,
            Method::POST,
            Box::leak(format!("/api/review/{id}/merge").into_boxed_str()),
            body,
        )
    };
    assert_eq!(
        merge(1, json!({})).await.status,
        StatusCode::BAD_REQUEST,
        "both are stored: which one stays?"
    );
    assert_eq!(merge(1, json!({"into": 3})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(merge(4, json!({})).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(merge(3, json!({})).await.status, StatusCode::CONFLICT);
    assert_eq!(merge(99, json!({})).await.status, StatusCode::NOT_FOUND);
    for id in [1, 3, 4] {
        assert_eq!(state(&world, id).await, None, "a decision that was not carried out is none");
    }
    let same = merge(2, json!({})).await;
    assert_eq!(same.status, StatusCode::OK, "{}", same.text());
    let alias: (i64, i64) = sqlx::query_as("select external_id, contact_id from contact_aliases")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(alias, (77, 2));
    assert_eq!(merge(2, json!({})).await.status, StatusCode::CONFLICT, "decided already");
    assert_eq!(merge(1, json!({"into": 2})).await.status, StatusCode::OK);
    assert_eq!(state(&world, 1).await.as_deref(), Some("merged by technician@example.test"));
    let left: Vec<i64> =
        sqlx::query_scalar("select id from contacts order by id").fetch_all(&world.pool).await.unwrap();
    assert_eq!(left, [2, 3, 4]);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_site_gets_its_company(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    world.sql(ITEMS).await;
    world
        .sql("insert into rmm_site_links (company_account_number, rmm_site_uid) values ('100002', 'site-1')")
        .await;
    let link = |id: i64, number: &str| {
        send(
            &world,
            Technician,
            Method::POST,
            Box::leak(format!("/api/review/{id}/link").into_boxed_str()),
            json!({"account_number": number}),
        )
    };
    assert_eq!(link(4, "9").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(link(1, "100001").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(link(99, "100001").await.status, StatusCode::NOT_FOUND);
    assert_eq!(state(&world, 1).await, None);
    let done = link(4, "100001").await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let row: (String, String, String) =
        sqlx::query_as("select company_account_number, rmm_provider, site_name from rmm_site_links")
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(row, ("100001".to_owned(), "datto".to_owned(), "Main Street".to_owned()));
    assert_eq!(state(&world, 4).await.as_deref(), Some("linked to 100001 by technician@example.test"));
    assert_eq!(link(4, "100001").await.status, StatusCode::CONFLICT);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn what_is_dismissed_leaves_the_page(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    world.sql(ITEMS).await;
    let body = json!({"resolution": "different machines", "note": "one is the spare"});
    let done = send(&world, Technician, Method::POST, "/api/review/5/resolve", body).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let page = world.get_as(Technician, "/review").await.text();
    assert!(!page.contains("two of one name") && page.contains("5 open questions"));
}
