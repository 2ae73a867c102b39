//! Users and groups of the realm through the router, over a stand-in that speaks Keycloak's paths (helm.md §4.4).

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use hivematrix_helm::{
    ServeState, app,
    domain::registry::{Addressing, Registry},
    instance::{Layout, registry},
    realm_admin::RealmAdmin,
    service_control::ServiceControl,
    status_board::StatusBoard,
    supervisor::{Supervisor, probe::local_client},
};
use hivematrix_shared::{
    auth::PermissionLevel::{self, Admin, Technician},
    clock::Clock,
    server,
    testing::{Client, TestIdentity, TestResponse},
};
use serde_json::{Value, json};

const GROUPS: [&str; 3] = ["admins", "technicians", "billing"];

/// A realm with users by id.
#[derive(Default)]
struct Realm {
    users: BTreeMap<String, Value>,
    members: BTreeSet<(String, String)>,
    /// A group that nobody can join.
    closed: Option<&'static str>,
    /// Whether tokens are refused.
    shut: bool,
}

type Shared = Arc<Mutex<Realm>>;

fn router(realm: Shared) -> Router {
    Router::new()
        .route("/realms/hivematrix/protocol/openid-connect/token", post(token))
        .route("/admin/realms/hivematrix/users", get(list).post(create))
        .route("/admin/realms/hivematrix/users/{id}", get(show).put(update).delete(remove))
        .route("/admin/realms/hivematrix/users/{id}/reset-password", put(password))
        .route("/admin/realms/hivematrix/groups", get(|| async { Json(GROUPS.map(group)) }))
        .route("/admin/realms/hivematrix/users/{id}/groups", get(groups))
        .route("/admin/realms/hivematrix/users/{id}/groups/{group}", put(join).delete(leave))
        .with_state(realm)
}

fn group(name: &str) -> Value {
    json!({ "id": format!("g-{name}"), "name": name })
}

async fn token(State(realm): State<Shared>, body: String) -> Response {
    let right = body.contains("grant_type=client_credentials") && body.contains("client_secret=s3cret");
    if realm.lock().unwrap().shut || !right {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "unauthorized_client" }))).into_response();
    }
    Json(json!({ "access_token": "t0ken" })).into_response()
}

async fn list(
    State(realm): State<Shared>,
    Query(query): Query<BTreeMap<String, usize>>,
    headers: HeaderMap,
) -> Json<Vec<Value>> {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer t0ken");
    Json(realm.lock().unwrap().users.values().skip(query["first"]).take(query["max"]).cloned().collect())
}

async fn create(State(realm): State<Shared>, Json(mut body): Json<Value>) -> Response {
    let mut realm = realm.lock().unwrap();
    if realm.users.values().any(|user| user["username"] == body["username"]) {
        return (StatusCode::CONFLICT, Json(json!({ "errorMessage": "User exists with same username" })))
            .into_response();
    }
    let id = format!("u{}", realm.users.len());
    body["id"] = json!(id);
    for name in body["groups"].as_array().into_iter().flatten() {
        realm.members.insert((id.clone(), name.as_str().unwrap().trim_start_matches('/').to_owned()));
    }
    realm.users.insert(id.clone(), body);
    (StatusCode::CREATED, [(header::LOCATION, format!("http://kc/admin/realms/hivematrix/users/{id}"))])
        .into_response()
}

async fn show(State(realm): State<Shared>, Path(id): Path<String>) -> Response {
    match realm.lock().unwrap().users.get(&id) {
        Some(user) => Json(user.clone()).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "error": "User not found" }))).into_response(),
    }
}

async fn update(State(realm): State<Shared>, Path(id): Path<String>, Json(body): Json<Value>) -> StatusCode {
    let mut realm = realm.lock().unwrap();
    let Some(user) = realm.users.get_mut(&id) else { return StatusCode::NOT_FOUND };
    for (name, value) in body.as_object().unwrap() {
        user[name] = value.clone();
    }
    StatusCode::NO_CONTENT
}

async fn remove(State(realm): State<Shared>, Path(id): Path<String>) -> StatusCode {
    match realm.lock().unwrap().users.remove(&id) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

async fn password(State(realm): State<Shared>, Path(id): Path<String>, Json(body): Json<Value>) -> Response {
    let mut realm = realm.lock().unwrap();
    let Some(user) = realm.users.get_mut(&id) else { return StatusCode::NOT_FOUND.into_response() };
    if body["value"] == "password" {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "invalidPasswordBlacklistedMessage", "error_description": "too common" })),
        )
            .into_response();
    }
    user["credentials"] = json!([body]);
    StatusCode::NO_CONTENT.into_response()
}

async fn groups(State(realm): State<Shared>, Path(id): Path<String>) -> Response {
    let realm = realm.lock().unwrap();
    if !realm.users.contains_key(&id) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let names = realm.members.iter().filter(|(user, _)| *user == id).map(|(_, name)| group(name));
    Json(names.collect::<Vec<_>>()).into_response()
}

async fn join(State(realm): State<Shared>, Path((id, group)): Path<(String, String)>) -> StatusCode {
    let mut realm = realm.lock().unwrap();
    let name = group.trim_start_matches("g-").to_owned();
    if realm.closed == Some(name.as_str()) {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    realm.members.insert((id, name));
    StatusCode::NO_CONTENT
}

async fn leave(State(realm): State<Shared>, Path((id, group)): Path<(String, String)>) -> StatusCode {
    realm.lock().unwrap().members.remove(&(id, group.trim_start_matches("g-").to_owned()));
    StatusCode::NO_CONTENT
}

struct World {
    client: Client,
    identity: TestIdentity,
    realm: Shared,
    _home: tempfile::TempDir,
}

impl World {
    /// Helm over a realm in which `root` alone administers. The caller of the tests is `user-admin`.
    async fn new() -> Self {
        let realm = Shared::default();
        for (id, name) in [("root", "root"), ("bo", "bo")] {
            let user = json!({ "id": id, "username": name, "enabled": true });
            realm.lock().unwrap().users.insert(id.to_owned(), user);
        }
        realm.lock().unwrap().members.insert(("root".to_owned(), "admins".to_owned()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router(realm.clone())).into_future());
        let environment = [
            ("KEYCLOAK_REALM", "hivematrix"),
            ("KEYCLOAK_BACKEND_URL", &url),
            ("KEYCLOAK_ADMIN_CLIENT_ID", "hivematrix-admin"),
            ("KEYCLOAK_ADMIN_CLIENT_SECRET", "s3cret"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self::over(realm, RealmAdmin::from_environment(local_client().unwrap(), &environment))
    }

    fn over(realm: Shared, admin: Option<RealmAdmin>) -> Self {
        let clock = Clock::fixed("2025-11-22T10:30:00Z".parse().unwrap());
        let identity = TestIdentity::new(clock.clone());
        let context = identity.context("helm");
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        let supervisor = Supervisor::new(&layout, clock.clone()).unwrap();
        let registry = Registry::generate(&registry::built_in().unwrap(), Addressing::default()).unwrap();
        let board = StatusBoard::new(supervisor.clone(), registry, local_client().unwrap(), clock);
        let control = ServiceControl::new(supervisor, board.clone());
        // Nothing here asks the database.
        let pool = sqlx::PgPool::connect_lazy("postgres://127.0.0.1:1/none").unwrap();
        let (router, options) =
            app(ServeState { context: context.clone(), pool, board, control, realm: admin });
        Self { client: Client::new(server::apply(&context, router, options)), identity, realm, _home: home }
    }

    async fn send(&self, method: &str, path: &str, body: Value, level: PermissionLevel) -> TestResponse {
        let path = format!("/api/keycloak{path}");
        let request =
            self.client.request(method.parse().unwrap(), &path).bearer(self.identity.user_token(level));
        if body.is_null() { request.send().await } else { request.json(&body).send().await }
    }

    async fn admin(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let answer = self.send(method, path, body, Admin).await;
        (answer.status.as_u16(), answer.json())
    }

    fn is_member(&self, id: &str, name: &str) -> bool {
        self.realm.lock().unwrap().members.contains(&(id.to_owned(), name.to_owned()))
    }
}

#[tokio::test]
async fn a_new_user_has_password_and_groups_at_once() {
    let world = World::new().await;
    let body = json!({ "username": "ada", "email": "ada@x.example", "firstName": "Ada", "lastName": " ",
        "password": "long-enough-1", "groups": ["technicians"] });
    let (status, made) = world.admin("POST", "/users", body.clone()).await;
    assert_eq!((status, &made["success"], &made["id"]), (201, &json!(true), &json!("u2")), "{made}");
    let user = world.realm.lock().unwrap().users["u2"].clone();
    assert_eq!(
        user["credentials"],
        json!([{ "type": "password", "value": "long-enough-1", "temporary": true }])
    );
    assert_eq!(
        (&user["enabled"], &user["firstName"], &user["lastName"]),
        (&json!(true), &json!("Ada"), &json!(null))
    );
    assert!(world.is_member("u2", "technicians"));

    let (status, refused) = world.admin("POST", "/users", body).await;
    assert_eq!((status, &refused["error"]), (409, &json!("Failed to create user")));
    assert_eq!(refused["details"], "User exists with same username");
    let (status, refused) = world.admin("POST", "/users", json!({ "username": "x" })).await;
    assert_eq!((status, &refused["error"]), (400, &json!("username and email are required")));
    let short = json!({ "username": "x", "email": "x@x.example", "password": "1234567" });
    assert_eq!(world.admin("POST", "/users", short).await.0, 400);
    assert_eq!(
        world.realm.lock().unwrap().users.len(),
        3,
        "nobody is made without a password that was wanted"
    );
}

#[tokio::test]
async fn an_administrator_vouches_for_the_address_unless_he_says_otherwise() {
    let world = World::new().await;
    let confirmed = |id: &str| world.realm.lock().unwrap().users[id]["emailVerified"].clone();
    let ada = json!({ "username": "ada", "email": "ada@x.example" });
    assert_eq!(world.admin("POST", "/users", ada).await.0, 201);
    let eve = json!({ "username": "eve", "email": "eve@x.example", "emailVerified": false });
    assert_eq!(world.admin("POST", "/users", eve).await.0, 201);
    assert_eq!((confirmed("u2"), confirmed("u3")), (json!(true), json!(false)));
    for (change, expected) in [
        (json!({ "lastName": "Smith" }), false),
        (json!({ "email": "eve@y.example" }), true),
        (json!({ "email": "eve@z.example", "emailVerified": false }), false),
        (json!({ "emailVerified": true }), true),
    ] {
        assert_eq!(world.admin("PUT", "/users/u3", change.clone()).await.0, 200, "{change}");
        assert_eq!(confirmed("u3"), expected, "{change}");
    }
}

#[tokio::test]
async fn only_a_users_own_members_are_changed_and_others_are_named() {
    let world = World::new().await;
    let before = world.realm.lock().unwrap().users["bo"].clone();
    for (member, value) in [
        ("credentials", json!([{ "type": "password", "value": "smuggled-in-1" }])),
        ("attributes", json!({ "permission_level": ["admin"] })),
        ("realmRoles", json!(["admin"])),
        ("groups", json!(["/admins"])),
    ] {
        let body = json!({ "firstName": "Bo", member: value });
        let (status, refused) = world.admin("PUT", "/users/bo", body).await;
        let words = format!("{member} cannot be changed here");
        assert_eq!((status, &refused["error"], &refused["details"]), (400, &json!(words), &json!(words)));
    }
    assert_eq!(world.realm.lock().unwrap().users["bo"], before);
    let all = json!({ "id": "root", "createdTimestamp": 1, "username": "bo", "email": "bo@x.example", "firstName": "Bo", "lastName": "B",
        "emailVerified": true, "enabled": true, "requiredActions": ["UPDATE_PASSWORD"] });
    assert_eq!(world.admin("PUT", "/users/bo", all).await.0, 200);
    assert_eq!(
        world.realm.lock().unwrap().users["bo"]["id"],
        before["id"],
        "what only Keycloak sets is passed over"
    );
}

#[tokio::test]
async fn all_pages_of_users_are_listed() {
    let world = World::new().await;
    for n in 0..250 {
        let user = json!({ "id": format!("n{n}"), "username": format!("n{n}"), "enabled": true });
        world.realm.lock().unwrap().users.insert(format!("n{n}"), user);
    }
    let (_, all) = world.admin("GET", "/users", Value::Null).await;
    assert_eq!(all["users"].as_array().unwrap().len(), 252);
}

#[tokio::test]
async fn nobody_locks_out_himself_or_the_last_administrator() {
    let world = World::new().await;
    {
        let mut realm = world.realm.lock().unwrap();
        let me = json!({ "id": "user-admin", "username": "me", "enabled": true });
        realm.users.insert("user-admin".to_owned(), me);
        realm.users.insert("off".to_owned(), json!({ "id": "off", "username": "off", "enabled": false }));
        // Somebody who cannot sign in does not count.
        realm.members.insert(("off".to_owned(), "admins".to_owned()));
    }
    let groups = json!({ "groups": ["billing"] });
    let disable = json!({ "enabled": false });
    for (method, path, body) in [
        ("PUT", "/users/root/groups", groups.clone()),
        ("PUT", "/users/root", disable.clone()),
        ("DELETE", "/users/root", Value::Null),
        ("DELETE", "/users/root/groups/g-admins", Value::Null),
        ("PUT", "/users/user-admin", disable.clone()),
        ("DELETE", "/users/user-admin", Value::Null),
    ] {
        let (status, refused) = world.admin(method, path, body).await;
        assert_eq!(status, 409, "{method} {path}: {refused}");
    }
    assert!(world.is_member("root", "admins"));
    // With another one who can sign in, root may go.
    world.realm.lock().unwrap().members.insert(("bo".to_owned(), "admins".to_owned()));
    assert_eq!(world.admin("PUT", "/users/root/groups", groups).await.0, 200);
    assert_eq!(world.admin("PUT", "/users/root", disable).await.0, 200);
    assert_eq!(world.admin("DELETE", "/users/root", Value::Null).await.0, 200);
    // Others lose nothing that matters.
    assert_eq!(world.admin("DELETE", "/users/off", Value::Null).await.0, 200);
}

#[tokio::test]
async fn the_user_admin_stays() {
    let world = World::new().await;
    world.realm.lock().unwrap().users.insert("a".to_owned(), json!({ "id": "a", "username": "Admin" }));
    let (status, refused) = world.admin("DELETE", "/users/a", Value::Null).await;
    assert_eq!((status, &refused["error"]), (403, &json!("Cannot delete the admin user")));
    assert_eq!(world.admin("DELETE", "/users/none", Value::Null).await.0, 404);
}

#[tokio::test]
async fn groups_are_replaced_and_a_part_that_fails_is_told() {
    let world = World::new().await;
    let (status, done) =
        world.admin("PUT", "/users/bo/groups", json!({ "groups": ["technicians", "billing"] })).await;
    assert_eq!((status, &done["success"]), (200, &json!(true)));
    assert_eq!((&done["added"], &done["removed"]), (&json!(["technicians", "billing"]), &json!([])));
    world.realm.lock().unwrap().closed = Some("admins");
    let wanted = json!({ "groups": ["admins", "billing", "nobody"] });
    let (status, done) = world.admin("PUT", "/users/bo/groups", wanted).await;
    assert_eq!((status, &done["success"]), (207, &json!(false)));
    assert_eq!(done["errors"], json!(["Failed to add to group admins", "Group nobody does not exist"]));
    assert_eq!(done["removed"], json!(["technicians"]));
    assert_eq!(
        world.admin("PUT", "/users/bo/groups", json!({})).await.1["error"],
        "Missing \"groups\" in request body"
    );
    assert_eq!(
        world.admin("GET", "/users/bo/groups", Value::Null).await.1["groups"],
        json!([group("billing")])
    );
    assert_eq!(world.admin("GET", "/users/none/groups", Value::Null).await.0, 404);
    assert_eq!(world.admin("PUT", "/users/bo/groups/g-technicians", Value::Null).await.0, 200);
    assert_eq!(world.admin("DELETE", "/users/bo/groups/g-billing", Value::Null).await.0, 200);
    assert!(world.is_member("bo", "technicians") && !world.is_member("bo", "billing"));
}

#[tokio::test]
async fn a_password_is_set_or_refused_with_the_reason() {
    let world = World::new().await;
    let path = "/users/bo/reset-password";
    assert_eq!(
        world.admin("POST", path, json!({ "password": "new-password-1", "temporary": false })).await.0,
        200
    );
    let kept = world.realm.lock().unwrap().users["bo"]["credentials"][0].clone();
    assert_eq!(kept, json!({ "type": "password", "value": "new-password-1", "temporary": false }));
    let (status, refused) = world.admin("POST", path, json!({ "password": "password" })).await;
    assert_eq!((status, &refused["details"]), (400, &json!("too common")));
    assert_eq!(world.admin("POST", path, json!({})).await.1["error"], "password is required");
    assert_eq!(
        world.admin("POST", "/users/none/reset-password", json!({ "password": "new-password-1" })).await.0,
        404
    );
}

#[tokio::test]
async fn only_administrators_get_in_and_an_outage_is_told() {
    let world = World::new().await;
    for path in ["/users", "/groups", "/users/bo/groups"] {
        assert_eq!(
            world.send("GET", path, Value::Null, Technician).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    let service = world.identity.service_token("codex", "helm");
    let alone = world.client.get("/api/keycloak/users").bearer(service).send().await;
    assert_eq!(alone.json()["error"], "This endpoint is for users only");
    world.realm.lock().unwrap().shut = true;
    let (status, refused) = world.admin("GET", "/users", Value::Null).await;
    assert_eq!((status, &refused["error"]), (500, &json!("Failed to authenticate with Keycloak")));
    let without = World::over(Shared::default(), None);
    assert_eq!(
        without.admin("GET", "/users", Value::Null).await.1["error"],
        "Failed to authenticate with Keycloak"
    );
}
