//! Platform users from the identity provider (codex-api.md §13.4).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hivematrix_shared::auth::PermissionLevel::{Admin, Technician};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::admin::Instance;

#[derive(Default)]
pub struct Realm {
    pub users: Vec<Value>,
    /// Status of the list instead of users.
    refuses: Option<u16>,
    /// Status of a single user instead of it.
    refuses_one: Option<u16>,
    /// After this page the first user of the list is deleted, so that all others move by one place.
    loses_one_after: Option<usize>,
    pages: usize,
    /// Whoever asks for the list wants the running job to end.
    cancels: Option<PgPool>,
    /// Users that were asked for one by one.
    asked: Vec<String>,
}

type Shared = Arc<Mutex<Realm>>;

async fn token(body: String) -> Response {
    if body.contains("grant_type=client_credentials")
        && body.contains("client_id=codex")
        && body.contains("client_secret=s3cret")
    {
        return Json(json!({ "access_token": "t0ken", "expires_in": 60 })).into_response();
    }
    (StatusCode::UNAUTHORIZED, Json(json!({ "error": "unauthorized_client" }))).into_response()
}

async fn users(State(realm): State<Shared>, Query(query): Query<BTreeMap<String, usize>>) -> Response {
    let cancels = realm.lock().unwrap().cancels.clone();
    if let Some(pool) = cancels {
        sqlx::query("update sync_jobs set cancel_requested = true").execute(&pool).await.unwrap();
    }
    let mut realm = realm.lock().unwrap();
    realm.pages += 1;
    if let Some(status) = realm.refuses {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    let page = realm.users.iter().skip(query["first"]).take(query["max"].min(100));
    let page: Vec<Value> = page.cloned().collect();
    if realm.loses_one_after == Some(realm.pages) {
        realm.users.remove(0);
    }
    Json(page).into_response()
}

async fn one(State(realm): State<Shared>, Path(id): Path<String>) -> Response {
    let mut realm = realm.lock().unwrap();
    realm.asked.push(id.clone());
    if let Some(status) = realm.refuses_one {
        return StatusCode::from_u16(status).unwrap().into_response();
    }
    match realm.users.iter().find(|user| user["id"] == id.as_str()) {
        Some(user) => Json(user.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The users of a realm, as an identity provider lists them to the client `codex`, and its address.
pub async fn realm() -> (String, Shared) {
    let realm = Shared::default();
    let router = Router::new()
        .route("/realms/hivematrix/protocol/openid-connect/token", post(token))
        .route("/admin/realms/hivematrix/users", get(users))
        .route("/admin/realms/hivematrix/users/{id}", get(one))
        .with_state(realm.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, realm)
}

async fn world(pool: PgPool, secret: &str) -> (Instance, Shared) {
    let (url, realm) = realm().await;
    let arguments = [
        "--keycloak-backend-url",
        &url,
        "--keycloak-admin-client-id",
        "codex",
        "--keycloak-admin-client-secret",
        secret,
    ];
    (Instance::new(pool, "", &arguments), realm)
}

fn user(id: &str, name: &str, email: &str) -> Value {
    json!({ "id": id, "username": name, "email": email, "firstName": "F", "lastName": "L", "enabled": true })
}

async fn agent(here: &Instance, id: &str) -> Value {
    here.admin("GET", &format!("/api/agents/{id}"), Value::Null).await.1
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn users_are_read_in_pages_and_keep_their_preferences(pool: PgPool) {
    let (here, realm) = world(pool.clone(), "s3cret").await;
    sqlx::raw_sql(
        "insert into agents (keycloak_id, username, email, theme_preference) values \
         ('1', 'ada', 'old@x.example', 'dark'), ('before', 'BO', null, 'dark'), ('gone', 'cy', 'cy@x.example', 'dark')",
    )
    .execute(&pool)
    .await
    .unwrap();
    {
        let mut realm = realm.lock().unwrap();
        realm.users = vec![user("1", "ada", "ada@x.example"), user("2", "bo", "bo@x.example")];
        // Two without an address are two.
        realm.users.push(json!({ "id": "3", "username": "dee", "enabled": false }));
        realm.users.push(json!({ "id": "4", "username": "eve", "enabled": true, "email": "" }));
        realm
            .users
            .extend((5..=205).map(|n| user(&n.to_string(), &format!("n{n}"), &format!("n{n}@x.example"))));
    }
    let (status, synced) = here.admin("POST", "/api/agents/sync", Value::Null).await;
    assert_eq!(status, 200, "{synced}");
    assert_eq!(realm.lock().unwrap().pages, 3);
    assert_eq!(
        (
            &synced["success"],
            &synced["synced"],
            &synced["created"],
            &synced["updated"],
            &synced["disabled"],
            &synced["total_keycloak_users"],
            &synced["errors"]
        ),
        (&json!(true), &json!(205), &json!(203), &json!(2), &json!(1), &json!(205), &Value::Null)
    );
    let ada = agent(&here, "1").await;
    assert_eq!((&ada["email"], &ada["theme_preference"]), (&json!("ada@x.example"), &json!("dark")));
    let bo = agent(&here, "2").await;
    assert_eq!(
        (&bo["username"], &bo["theme_preference"]),
        (&json!("bo"), &json!("dark")),
        "known by the name"
    );
    assert_eq!(agent(&here, "gone").await["enabled"], false);
    assert_eq!(agent(&here, "3").await["enabled"], false);
    assert_eq!(agent(&here, "4").await["email"], Value::Null);

    let job = here.admin("GET", "/sync/last/keycloak_agents", Value::Null).await.1;
    assert_eq!(
        (&job["status"], &job["success"], &job["id"]),
        (&json!("completed"), &json!(true), &synced["job_id"])
    );
    // Once more changes nothing.
    let again = here.admin("POST", "/api/agents/sync", Value::Null).await.1;
    assert_eq!(
        (&again["created"], &again["updated"], &again["disabled"]),
        (&json!(0), &json!(205), &json!(0))
    );
    assert_eq!(agent(&here, "1").await["updated_at"], ada["updated_at"]);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_user_who_cannot_be_stored_is_told_and_the_others_are(pool: PgPool) {
    let (here, realm) = world(pool, "s3cret").await;
    realm.lock().unwrap().users = vec![
        user("1", "ada", "same@x.example"),
        user("2", "bo", "Same@x.example"),
        user("3", "cy", "cy@x.example"),
    ];
    let (status, synced) = here.admin("POST", "/api/agents/sync", Value::Null).await;
    assert_eq!((status, &synced["success"], &synced["synced"]), (200, &json!(false), &json!(2)), "{synced}");
    assert_eq!(synced["errors"], json!(["bo: another user has the same e-mail address"]));
    let job = here.admin("GET", "/sync/last/keycloak_agents", Value::Null).await.1;
    assert_eq!((&job["status"], &job["success"]), (&json!("completed"), &json!(false)));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_realm_that_does_not_deliver_disables_nobody(pool: PgPool) {
    let (here, realm) = world(pool.clone(), "s3cret").await;
    sqlx::raw_sql("insert into agents (keycloak_id, username) values ('1', 'ada')")
        .execute(&pool)
        .await
        .unwrap();
    let (status, refused) = here.admin("POST", "/api/agents/sync", Value::Null).await;
    assert_eq!((status, &refused["success"]), (502, &json!(false)), "an empty realm is a fault: {refused}");
    for answered in [429, 404, 403, 401, 500] {
        realm.lock().unwrap().refuses = Some(answered);
        let (status, refused) = here.admin("POST", "/api/agents/sync", Value::Null).await;
        assert_eq!((status, &refused["success"]), (answered, &json!(false)), "its own status is passed on");
        assert!(refused["error"].is_string());
    }
    assert_eq!(agent(&here, "1").await["enabled"], true);
    let job = here.admin("GET", "/sync/last/keycloak_agents", Value::Null).await.1;
    assert_eq!((&job["status"], &job["success"]), (&json!("failed"), &json!(false)));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn somebody_whom_a_moving_list_skipped_is_asked_for_and_stays(pool: PgPool) {
    let (here, realm) = world(pool.clone(), "s3cret").await;
    let everybody = || (0..150).map(|n| user(&n.to_string(), &format!("n{n}"), &format!("n{n}@x.example")));
    realm.lock().unwrap().users = everybody().collect();
    here.admin("POST", "/api/agents/sync", Value::Null).await;
    sqlx::raw_sql("update agents set first_name = 'Old' where keycloak_id = '100'; \
         insert into agents (keycloak_id, username, enabled) values ('long/gone', 'l', false), ('gone/../too', 'g', true)")
        .execute(&pool)
        .await
        .unwrap();
    {
        // The first one is deleted after the first page: number 100 is then on none.
        let mut realm = realm.lock().unwrap();
        (realm.pages, realm.loses_one_after) = (0, Some(1));
    }
    let (status, synced) = here.admin("POST", "/api/agents/sync", Value::Null).await;
    assert_eq!((status, &synced["disabled"]), (200, &json!(1)), "only the one that nobody has: {synced}");
    let skipped = agent(&here, "100").await;
    assert_eq!((&skipped["enabled"], &skipped["first_name"]), (&json!(true), &json!("F")));
    assert_eq!(realm.lock().unwrap().asked, ["gone/../too", "100"], "who is disabled is not asked for");

    // Who cannot be asked for stays, and the run says that it failed.
    sqlx::raw_sql("update agents set enabled = true").execute(&pool).await.unwrap();
    realm.lock().unwrap().refuses_one = Some(500);
    let (status, refused) = here.admin("POST", "/api/agents/sync", Value::Null).await;
    assert_eq!((status, &refused["success"]), (500, &json!(false)), "{refused}");
    let disabled: i64 =
        sqlx::query_scalar("select count(*) from agents where not enabled").fetch_one(&pool).await.unwrap();
    assert_eq!(disabled, 0);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_wrong_secret_and_a_missing_one_are_told_apart_and_never_shown(pool: PgPool) {
    let (here, _realm) = world(pool.clone(), "wr0ng").await;
    let (status, refused) = here.admin("POST", "/api/agents/sync", Value::Null).await;
    assert_eq!(
        (status, refused["error"].as_str().unwrap()),
        (500, "the identity provider does not let Codex in (HTTP 401)")
    );
    let bare = Instance::new(pool, "", &[]);
    let (status, refused) = bare.admin("POST", "/api/agents/sync", Value::Null).await;
    assert_eq!((status, &refused["success"]), (500, &json!(false)));
    assert!(refused["error"].as_str().unwrap().contains("not configured"), "{refused}");
    let (_, tested) =
        here.admin("POST", "/api/admin/test-connection", json!({ "provider": "keycloak" })).await;
    assert_eq!(tested["success"], false);
    assert!(!tested.to_string().contains("wr0ng"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_sync_page_starts_the_same_job(pool: PgPool) {
    let (here, realm) = world(pool, "s3cret").await;
    realm.lock().unwrap().users = vec![user("1", "ada", "a@x.example")];
    assert_eq!(
        here.send("POST", "/sync/agents", Value::Null, Technician).await.status,
        StatusCode::FORBIDDEN
    );
    let started = here.send("POST", "/sync/agents", Value::Null, Admin).await.json();
    let path = format!("/sync/status/{}", started["job_id"].as_str().unwrap());
    let mut job = here.admin("GET", &path, Value::Null).await.1;
    while job["status"] == "running" {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        job = here.admin("GET", &path, Value::Null).await.1;
    }
    assert_eq!((&job["script"], &job["status"]), (&json!("keycloak_agents"), &json!("completed")));
    assert_eq!(agent(&here, "1").await["username"], "ada");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_sync_that_somebody_ends_is_no_fault(pool: PgPool) {
    let (here, realm) = world(pool.clone(), "s3cret").await;
    {
        let mut realm = realm.lock().unwrap();
        realm.users = vec![user("1", "ada", "a@x.example")];
        realm.cancels = Some(pool);
    }
    let (status, ended) = here.admin("POST", "/api/agents/sync", Value::Null).await;
    assert_eq!(
        (status, &ended["success"], &ended["error"]),
        (409, &json!(false), &json!("cancelled")),
        "{ended}"
    );
    let job = here.admin("GET", "/sync/last/keycloak_agents", Value::Null).await.1;
    assert_eq!((&job["status"], &job["error"]), (&json!("failed"), &json!("cancelled")));
    assert!(!job["output"].as_str().unwrap().contains("ERROR"), "{job}");
}
