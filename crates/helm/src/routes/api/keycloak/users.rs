//! Users of the realm: listed, made, changed, removed.

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{
    answers::{Changed, Created, OneUser, Users, Warnings, changed},
    end_sessions,
    history::{Change, keep, locked_out},
    realm,
    refusals::{failed, long_enough, not_found, uuid},
    yes,
};
use crate::{
    ServeState,
    domain::{
        user_change::{Action, Outcome, differences},
        user_list::UserFilter,
    },
    realm_admin::RealmAdmin,
    routes::access::{AdminUser, Author},
};

/// Most users of one page.
const MOST: usize = 500;

/// Which users are wanted; without `first` and `max` all that fit.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Words, each of which stands somewhere in the login name, the e-mail address or the name.
    search: String,
    /// Only those who can sign in, or who cannot.
    enabled: Option<bool>,
    /// Users that are passed over.
    first: Option<usize>,
    /// How many at most, up to 500.
    max: Option<usize>,
}

/// The users of the realm, in the order of their login names.
#[utoipa::path(get, path = "/api/keycloak/users", tag = "keycloak", params(UsersQuery), responses(
    (status = 200, body = Users), (status = 403, description = "Not an administrator"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn users(
    State(state): State<ServeState>,
    _: AdminUser,
    LenientQuery(query): LenientQuery<UsersQuery>,
) -> Result<Json<Users>> {
    let failed = failed("Failed to fetch users");
    let realm = realm(&state)?;
    let filter = UserFilter { search: query.search, enabled: query.enabled };
    if query.first.is_none() && query.max.is_none() {
        let users = realm.users(&filter).await.map_err(failed)?;
        return Ok(Json(Users { total: users.len(), users }));
    }
    let max = query.max.unwrap_or(MOST).clamp(1, MOST);
    let users = realm.page(&filter, query.first.unwrap_or(0), max).await.map_err(&failed)?;
    let total = realm.count(&filter).await.map_err(failed)?;
    Ok(Json(Users { users, total }))
}

/// One user.
#[utoipa::path(get, path = "/api/keycloak/users/{user_id}", tag = "keycloak", params(("user_id" = String, Path)), responses(
    (status = 200, body = OneUser), (status = 403, description = "Not an administrator"), (status = 404, description = "No such user"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn user(
    State(state): State<ServeState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Json<OneUser>> {
    const FAILED: &str = "Failed to fetch user";
    let user = realm(&state)?.user(uuid(&id, FAILED)?).await.map_err(failed(FAILED))?;
    Ok(Json(OneUser { user: user.ok_or_else(|| not_found(FAILED))? }))
}

/// A user to be made.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    #[serde(default)]
    username: String,
    #[serde(default)]
    email: String,
    first_name: Option<String>,
    last_name: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    /// Whether somebody vouches that the address is the user's.
    #[serde(default)]
    email_verified: bool,
    /// First password.
    password: Option<String>,
    /// Whether the password has to be changed at the first sign-in.
    #[serde(default = "yes")]
    temporary: bool,
    /// Names of groups.
    #[serde(default)]
    groups: Vec<String>,
}

/// Makes a user, at once with password and groups, or not at all.
#[utoipa::path(post, path = "/api/keycloak/users", tag = "keycloak", request_body = NewUser, responses(
    (status = 201, body = Created),
    (status = 400, description = "`username and email are required`, or a value is refused; member `details`"),
    (status = 403, description = "Not an administrator"), (status = 404, description = "No such group"),
    (status = 409, description = "Name or e-mail is taken"), (status = 415, description = "Not JSON"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn create(
    State(state): State<ServeState>,
    by: Author,
    Json(new): Json<NewUser>,
) -> Result<(StatusCode, Json<Created>)> {
    let (username, email) = (new.username.trim(), new.email.trim());
    if username.is_empty() || email.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("username and email are required"));
    }
    let mut body = json!({
        "username": username, "email": email, "enabled": new.enabled, "emailVerified": new.email_verified,
    });
    for (name, value) in [("firstName", &new.first_name), ("lastName", &new.last_name)] {
        if let Some(value) = value.as_deref().map(str::trim).filter(|value| !value.is_empty()) {
            body[name] = json!(value);
        }
    }
    let mut details = body.clone();
    if let Some(details) = details.as_object_mut() {
        // It has a column of its own.
        details.remove("username");
    }
    if let Some(password) = new.password.as_deref().filter(|password| !password.is_empty()) {
        long_enough(password)?;
        body["credentials"] = json!([{ "type": "password", "value": password, "temporary": new.temporary }]);
        details["temporary"] = json!(new.temporary);
    }
    if !new.groups.is_empty() {
        body["groups"] = new.groups.iter().map(|name| json!(format!("/{name}"))).collect();
        details["groups"] = json!(new.groups);
    }
    let id = realm(&state)?.create(&body).await.map_err(failed("Failed to create user"))?;
    let change = Change { action: Action::Create, outcome: Outcome::Done, id, username, details };
    let mut warnings = Warnings::default();
    warnings.add(keep(&state, &by, change).await);
    let message = "User created successfully";
    Ok((StatusCode::CREATED, Json(Created { success: true, message, id, warning: warnings.text() })))
}

/// Members of Keycloak's user that may be changed here. Passwords and groups have routes of their own with guards of their own;
/// roles and attributes are for Keycloak's console.
const CHANGEABLE: [&str; 7] =
    ["username", "email", "emailVerified", "firstName", "lastName", "enabled", "requiredActions"];

/// What Keycloak tells of a user and nobody can set: whoever sends back what he has read may leave it in.
const READ_ONLY: [&str; 9] = [
    "id",
    "createdTimestamp",
    "totp",
    "access",
    "disableableCredentialTypes",
    "notBefore",
    "self",
    "origin",
    "userProfileMetadata",
];

/// The members of a change that are passed on.
fn wanted(mut body: Map<String, Value>) -> Result<Map<String, Value>> {
    let bad = |text: String| Problem::new(StatusCode::BAD_REQUEST).with("details", text.clone()).error(text);
    body.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    if body.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("No data provided"));
    }
    if let Some(other) = body.keys().find(|name| !CHANGEABLE.contains(&name.as_str())) {
        return Err(bad(format!("{other} cannot be changed here")));
    }
    if body.get("enabled").is_some_and(|enabled| !enabled.is_boolean()) {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("enabled must be true or false"));
    }
    Ok(body)
}

/// Changes a user, by Keycloak's names: `username`, `email`, `emailVerified`, `firstName`, `lastName`, `enabled`,
/// `requiredActions`; what only Keycloak sets is passed over, any other member refuses the whole. They are passed on as they are: whoever vouches for a new
/// e-mail address sends `emailVerified` with it.
#[utoipa::path(put, path = "/api/keycloak/users/{user_id}", tag = "keycloak", request_body = Object,
    params(("user_id" = String, Path)), responses(
    (status = 200, body = Changed), (status = 400, description = "No data provided, or a value is refused"),
    (status = 403, description = "Not an administrator"), (status = 404, description = "No such user"),
    (status = 409, description = "Nobody disables himself or the last administrator; the e-mail is taken"),
    (status = 415, description = "Not JSON"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn update(
    State(state): State<ServeState>,
    by: Author,
    Path(id): Path<String>,
    Json(body): Json<Map<String, Value>>,
) -> Result<Json<Changed>> {
    const FAILED: &str = "Failed to update user";
    let id = uuid(&id, FAILED)?;
    let body = wanted(body)?;
    let realm = realm(&state)?;
    let before = realm.user(id).await.map_err(failed(FAILED))?.ok_or_else(|| not_found(FAILED))?;
    let username = before["username"].as_str().unwrap_or_default();
    let disables = body.get("enabled") == Some(&Value::Bool(false));
    let details = differences(&before, &body);
    let change = Change { action: Action::Update, outcome: Outcome::Done, id: Some(id), username, details };
    let _guard = match disables {
        false => None,
        true => match realm.may_lose_access(id, &by.user.sub).await.map_err(failed(FAILED))? {
            Ok(guard) => Some(guard),
            Err(lockout) => return Err(locked_out(&state, &by, lockout, change).await),
        },
    };
    let matters = disables
        || ["username", "email", "emailVerified"].into_iter().any(|member| body.contains_key(member));
    realm.update(id, &Value::Object(body)).await.map_err(failed(FAILED))?;
    let mut warnings = Warnings::default();
    if matters {
        warnings.add(end_sessions(&state, id).await);
    }
    if change.details != json!({}) {
        warnings.add(keep(&state, &by, change).await);
    }
    Ok(changed("User updated successfully", warnings))
}

/// Removes a user.
#[utoipa::path(delete, path = "/api/keycloak/users/{user_id}", tag = "keycloak", params(("user_id" = String, Path)), responses(
    (status = 200, body = Changed), (status = 403, description = "Not an administrator, or the user `admin`"),
    (status = 404, description = "No such user"), (status = 409, description = "Nobody removes himself or the last administrator"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn delete(
    State(state): State<ServeState>,
    by: Author,
    Path(id): Path<String>,
) -> Result<Json<Changed>> {
    const FAILED: &str = "Failed to delete user";
    let id = uuid(&id, FAILED)?;
    let realm = realm(&state)?;
    let user = realm.user(id).await.map_err(failed(FAILED))?.ok_or_else(|| not_found(FAILED))?;
    let username = user["username"].as_str().unwrap_or_default();
    if username.eq_ignore_ascii_case("admin") {
        return Err(Problem::new(StatusCode::FORBIDDEN).error("Cannot delete the admin user"));
    }
    let details = json!({ "email": user["email"], "groups": group_names(&realm, id).await? });
    let change = Change { action: Action::Delete, outcome: Outcome::Done, id: Some(id), username, details };
    let may = realm.may_lose_access(id, &by.user.sub).await.map_err(failed(FAILED))?;
    let _guard = match may {
        Ok(guard) => guard,
        Err(lockout) => return Err(locked_out(&state, &by, lockout, change).await),
    };
    realm.delete(id).await.map_err(failed(FAILED))?;
    let mut warnings = Warnings::default();
    warnings.add(end_sessions(&state, id).await);
    warnings.add(keep(&state, &by, change).await);
    Ok(changed("User deleted successfully", warnings))
}

/// The groups of somebody who is about to go.
async fn group_names(realm: &RealmAdmin, id: uuid::Uuid) -> Result<Vec<String>> {
    let groups = realm.groups_of(id).await.map_err(failed("Failed to delete user"))?.unwrap_or_default();
    Ok(groups.iter().filter_map(crate::realm_admin::name_of).map(str::to_owned).collect())
}
