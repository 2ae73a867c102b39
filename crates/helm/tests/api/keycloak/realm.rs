//! A stand-in that speaks Keycloak's paths, with the least that Helm asks for.

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
use serde_json::{Value, json};
use uuid::Uuid;

pub const GROUPS: [&str; 3] = ["admins", "technicians", "billing"];

/// A realm with users by id.
#[derive(Default)]
pub struct Realm {
    pub users: BTreeMap<String, Value>,
    pub members: BTreeSet<(String, String)>,
    /// A group that nobody can join.
    pub closed: Option<&'static str>,
    /// Whether tokens are refused.
    pub shut: bool,
}

pub type Shared = Arc<Mutex<Realm>>;

pub fn router(realm: Shared) -> Router {
    Router::new()
        .route("/realms/hivematrix/protocol/openid-connect/token", post(token))
        .route("/realms/master/protocol/openid-connect/token", post(token_of_a_person))
        .route("/admin/realms/hivematrix/users", get(list).post(create))
        .route("/admin/realms/hivematrix/users/count", get(count))
        .route("/admin/realms/hivematrix/users/{id}", get(show).put(update).delete(remove))
        .route("/admin/realms/hivematrix/users/{id}/reset-password", put(password))
        .route("/admin/realms/hivematrix/groups", get(|| async { Json(GROUPS.map(group)) }))
        .route("/admin/realms/hivematrix/users/{id}/groups", get(groups))
        .route("/admin/realms/hivematrix/users/{id}/groups/{group}", put(join).delete(leave))
        .with_state(realm)
}

pub fn group(name: &str) -> Value {
    json!({ "id": group_id(name), "name": name })
}

/// The id of a user of this name.
pub fn id(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes()).to_string()
}

/// The id of a group of this name.
pub fn group_id(name: &str) -> String {
    id(&format!("group {name}"))
}

/// The name of a group of this id.
fn group_name(id: &str) -> String {
    GROUPS.into_iter().find(|name| group_id(name) == id).unwrap_or("?").to_owned()
}

/// What the users are narrowed to, as a realm reads it: each word with stars, and the state.
fn fits(user: &Value, query: &BTreeMap<String, String>) -> bool {
    let text: String =
        ["username", "email", "firstName", "lastName"].map(|name| format!("{} ", user[name])).concat();
    let words = query.get("search").map(String::as_str).unwrap_or_default();
    words.split(' ').all(|word| text.to_lowercase().contains(&word.trim_matches('*').to_lowercase()))
        && query.get("enabled").is_none_or(|enabled| user["enabled"] == (enabled == "true"))
}

async fn token(State(realm): State<Shared>, body: String) -> Response {
    let right = body.contains("grant_type=client_credentials") && body.contains("client_secret=s3cret");
    if realm.lock().unwrap().shut || !right {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "unauthorized_client" }))).into_response();
    }
    Json(json!({ "access_token": "t0ken" })).into_response()
}

/// Upstream's way in (platform.md §13).
async fn token_of_a_person(body: String) -> Response {
    let right = ["grant_type=password", "client_id=admin-cli", "username=kc", "password=pw"];
    if !right.iter().all(|part| body.split('&').any(|given| given == *part)) {
        return (StatusCode::UNAUTHORIZED, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    Json(json!({ "access_token": "t0ken" })).into_response()
}

async fn list(
    State(realm): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Json<Vec<Value>> {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer t0ken");
    let number = |name: &str| query[name].parse().unwrap();
    let realm = realm.lock().unwrap();
    let mut users: Vec<_> = realm.users.values().filter(|user| fits(user, &query)).cloned().collect();
    users.sort_by_key(|user| user["username"].to_string());
    Json(users.into_iter().skip(number("first")).take(number("max")).collect())
}

async fn count(State(realm): State<Shared>, Query(query): Query<BTreeMap<String, String>>) -> Json<usize> {
    Json(realm.lock().unwrap().users.values().filter(|user| fits(user, &query)).count())
}

async fn create(State(realm): State<Shared>, Json(mut body): Json<Value>) -> Response {
    let mut realm = realm.lock().unwrap();
    if realm.users.values().any(|user| user["username"] == body["username"]) {
        return (StatusCode::CONFLICT, Json(json!({ "errorMessage": "User exists with same username" })))
            .into_response();
    }
    let id = id(body["username"].as_str().unwrap());
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
    let name = group_name(&group);
    if realm.closed == Some(name.as_str()) {
        return StatusCode::INTERNAL_SERVER_ERROR;
    }
    realm.members.insert((id, name));
    StatusCode::NO_CONTENT
}

async fn leave(State(realm): State<Shared>, Path((id, group)): Path<(String, String)>) -> StatusCode {
    realm.lock().unwrap().members.remove(&(id, group_name(&group)));
    StatusCode::NO_CONTENT
}
