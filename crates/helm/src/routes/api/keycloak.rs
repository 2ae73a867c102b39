//! Users and groups of the realm (helm.md §4.4). Keycloak's own status goes on to the caller, but no 401 or 403: those
//! would be about Helm's client, not about the caller.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    audit, audit_warning,
    auth::ActingUser,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    ServeState,
    clients::{core, keycloak::KeycloakError},
    realm_admin::{ADMINS, Lockout, RealmAdmin},
    routes::access::AdminUser,
};

/// Shortest password that is passed on; the realm may demand more.
const SHORTEST_PASSWORD: usize = 8;

/// Said where a change was made, and the user's sessions go on as they were.
const SESSIONS_GO_ON: &str =
    "The user's open sessions could not be ended. They go on as before, for an hour at most.";

/// A change that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    success: bool,
    message: &'static str,
    /// What did not follow from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<&'static str>,
}

const fn changed(message: &'static str) -> Json<Changed> {
    Json(Changed { success: true, message, warning: None })
}

/// A change of what a session holds: the user's sessions end.
async fn changed_for_sessions(state: &ServeState, id: &str, message: &'static str) -> Json<Changed> {
    Json(Changed { success: true, message, warning: warning_of_sessions(state, id).await })
}

/// Ends the user's sessions; a warning when they go on.
async fn warning_of_sessions(state: &ServeState, id: &str) -> Option<&'static str> {
    (!core::end_sessions(&state.context, id).await).then_some(SESSIONS_GO_ON)
}

/// The realm, or the refusal where Helm knows none.
fn realm(state: &ServeState) -> Result<&RealmAdmin> {
    state.realm.as_ref().ok_or_else(not_authenticated)
}

fn not_authenticated() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR).error("Failed to authenticate with Keycloak")
}

/// The answer for a call that failed, with upstream's text and Keycloak's reason.
fn failed(text: &str) -> impl Fn(KeycloakError) -> Problem {
    let text = text.to_owned();
    move |error| match error {
        KeycloakError::NotAdmitted { .. } => not_authenticated().cause(&error),
        KeycloakError::Unusable { .. } => {
            Problem::new(StatusCode::BAD_GATEWAY).error(text.clone()).cause(&error)
        }
        KeycloakError::Refused { status, ref reason, .. } => {
            let reason = reason.trim_start_matches([':', ' ']).to_owned();
            let status = StatusCode::from_u16(status)
                .ok()
                .filter(|status| status.is_client_error() || status.is_server_error())
                .filter(|status| !matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
                .unwrap_or(StatusCode::BAD_GATEWAY);
            let problem = Problem::new(status).cause(&error);
            let problem =
                if reason.is_empty() { problem } else { problem.detail(format!("{text}: {reason}")) };
            problem.with("details", reason).error(text.clone())
        }
    }
}

fn locked_out(lockout: Lockout, id: &str, by: &ActingUser) -> Problem {
    audit_warning!(user = id, by = by.email, reason = %lockout, "a change would have locked somebody out");
    Problem::new(StatusCode::CONFLICT).error(lockout.to_string())
}

/// All users.
#[derive(Debug, Serialize, ToSchema)]
pub struct Users {
    /// Users as Keycloak writes them.
    #[schema(value_type = Vec<Object>)]
    users: Vec<Value>,
}

/// All users of the realm.
#[utoipa::path(get, path = "/api/keycloak/users", tag = "keycloak", responses(
    (status = 200, body = Users), (status = 403, description = "Not an administrator"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn users(State(state): State<ServeState>, _: AdminUser) -> Result<Json<Users>> {
    let users = realm(&state)?.users().await.map_err(failed("Failed to fetch users"))?;
    Ok(Json(Users { users }))
}

/// A user to be made.
#[derive(Debug, Deserialize, ToSchema)]
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
    /// Whether the address is the user's. An administrator who types it vouches for it, unless he says otherwise.
    #[serde(default = "yes")]
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

const fn yes() -> bool {
    true
}

/// The user that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Created {
    success: bool,
    message: &'static str,
    /// The realm's id.
    id: Option<String>,
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
    AdminUser(by): AdminUser,
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
    if let Some(password) = new.password.as_deref().filter(|password| !password.is_empty()) {
        long_enough(password)?;
        body["credentials"] = json!([{ "type": "password", "value": password, "temporary": new.temporary }]);
    }
    if !new.groups.is_empty() {
        body["groups"] = new.groups.iter().map(|name| json!(format!("/{name}"))).collect();
    }
    let id = realm(&state)?.create(&body).await.map_err(failed("Failed to create user"))?;
    audit!(username, groups = new.groups.join(","), by = by.email, "a user was made");
    Ok((StatusCode::CREATED, Json(Created { success: true, message: "User created successfully", id })))
}

fn long_enough(password: &str) -> Result<()> {
    if password.chars().count() < SHORTEST_PASSWORD {
        let text = "The password needs at least 8 characters.";
        return Err(Problem::new(StatusCode::BAD_REQUEST)
            .detail(text)
            .with("details", text)
            .error("password is too short"));
    }
    Ok(())
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

/// Changes a user, by Keycloak's names: `username`, `email`, `emailVerified`, `firstName`, `lastName`, `enabled`,
/// `requiredActions`; what only Keycloak sets is passed over, any other member refuses the whole. A new e-mail address counts as confirmed, unless the body says
/// otherwise.
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
    AdminUser(by): AdminUser,
    Path(id): Path<String>,
    Json(mut body): Json<Map<String, Value>>,
) -> Result<Json<Changed>> {
    body.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    if body.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("No data provided"));
    }
    if let Some(other) = body.keys().find(|name| !CHANGEABLE.contains(&name.as_str())) {
        let text = format!("{other} cannot be changed here");
        return Err(Problem::new(StatusCode::BAD_REQUEST).with("details", text.clone()).error(text));
    }
    if body.get("enabled").is_some_and(|enabled| !enabled.is_boolean()) {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("enabled must be true or false"));
    }
    let realm = realm(&state)?;
    let failed = failed("Failed to update user");
    let disables = body.get("enabled") == Some(&Value::Bool(false));
    let _guard = match disables {
        true => Some(
            realm
                .may_lose_access(&id, &by.sub)
                .await
                .map_err(&failed)?
                .map_err(|lockout| locked_out(lockout, &id, &by))?,
        ),
        false => None,
    };
    if body.contains_key("email") {
        body.entry("emailVerified").or_insert(Value::Bool(true));
    }
    let matters = disables
        || ["username", "email", "emailVerified"].into_iter().any(|member| body.contains_key(member));
    let names = body.keys().cloned().collect::<Vec<_>>().join(",");
    realm.update(&id, &Value::Object(body)).await.map_err(failed)?;
    audit!(user = id, members = names, disables, by = by.email, "a user was changed");
    let message = "User updated successfully";
    Ok(if matters { changed_for_sessions(&state, &id, message).await } else { changed(message) })
}

/// Removes a user.
#[utoipa::path(delete, path = "/api/keycloak/users/{user_id}", tag = "keycloak", params(("user_id" = String, Path)), responses(
    (status = 200, body = Changed), (status = 403, description = "Not an administrator, or the user `admin`"),
    (status = 404, description = "No such user"), (status = 409, description = "Nobody removes himself or the last administrator"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn delete(
    State(state): State<ServeState>,
    AdminUser(by): AdminUser,
    Path(id): Path<String>,
) -> Result<Json<Changed>> {
    let realm = realm(&state)?;
    let failed = failed("Failed to delete user");
    let Some(user) = realm.user(&id).await.map_err(&failed)? else {
        return Err(Problem::new(StatusCode::NOT_FOUND).error("Failed to delete user"));
    };
    let username = user["username"].as_str().unwrap_or_default().to_owned();
    if username.eq_ignore_ascii_case("admin") {
        return Err(Problem::new(StatusCode::FORBIDDEN).error("Cannot delete the admin user"));
    }
    let may = realm.may_lose_access(&id, &by.sub).await.map_err(&failed)?;
    let _guard = may.map_err(|lockout| locked_out(lockout, &id, &by))?;
    realm.delete(&id).await.map_err(failed)?;
    audit!(user = id, username, by = by.email, "a user was removed");
    Ok(changed_for_sessions(&state, &id, "User deleted successfully").await)
}

/// A new password.
#[derive(Deserialize, ToSchema)]
pub struct NewPassword {
    #[serde(default)]
    password: String,
    /// Whether it has to be changed at the next sign-in.
    #[serde(default = "yes")]
    temporary: bool,
}

/// Sets a user's password; the user's sessions end.
#[utoipa::path(post, path = "/api/keycloak/users/{user_id}/reset-password", tag = "keycloak", request_body = NewPassword,
    params(("user_id" = String, Path)), responses(
    (status = 200, body = Changed), (status = 400, description = "`password is required`, or it is refused; member `details`"),
    (status = 403, description = "Not an administrator"), (status = 404, description = "No such user"), (status = 415, description = "Not JSON"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn reset_password(
    State(state): State<ServeState>,
    AdminUser(by): AdminUser,
    Path(id): Path<String>,
    Json(new): Json<NewPassword>,
) -> Result<Json<Changed>> {
    if new.password.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("password is required"));
    }
    long_enough(&new.password)?;
    let failed = failed("Failed to reset password");
    realm(&state)?.set_password(&id, &new.password, new.temporary).await.map_err(failed)?;
    audit!(user = id, temporary = new.temporary, by = by.email, "a password was set");
    Ok(changed_for_sessions(&state, &id, "Password reset successfully").await)
}

/// Groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct Groups {
    /// Groups as Keycloak writes them.
    #[schema(value_type = Vec<Object>)]
    groups: Vec<Value>,
}

/// All groups of the realm.
#[utoipa::path(get, path = "/api/keycloak/groups", tag = "keycloak", responses(
    (status = 200, body = Groups), (status = 403, description = "Not an administrator"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn groups(State(state): State<ServeState>, _: AdminUser) -> Result<Json<Groups>> {
    let groups = realm(&state)?.groups().await.map_err(failed("Failed to fetch groups"))?;
    Ok(Json(Groups { groups }))
}

/// The groups of a user.
#[utoipa::path(get, path = "/api/keycloak/users/{user_id}/groups", tag = "keycloak", params(("user_id" = String, Path)), responses(
    (status = 200, body = Groups), (status = 403, description = "Not an administrator"), (status = 404, description = "No such user"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn groups_of_user(
    State(state): State<ServeState>,
    _: AdminUser,
    Path(id): Path<String>,
) -> Result<Json<Groups>> {
    let groups = realm(&state)?.groups_of(&id).await.map_err(failed("Failed to fetch user groups"))?;
    let groups =
        groups.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND).error("Failed to fetch user groups"))?;
    Ok(Json(Groups { groups }))
}

/// The groups a user is to be in.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WantedGroups {
    /// Names; the user is taken out of all others.
    groups: Option<Vec<String>>,
}

/// Makes a user a member of exactly these groups.
#[utoipa::path(put, path = "/api/keycloak/users/{user_id}/groups", tag = "keycloak", request_body = WantedGroups,
    params(("user_id" = String, Path)), responses(
    (status = 200, description = "`added`, `removed`", body = Object), (status = 207, description = "Part of it failed: `success` false, `errors`", body = Object),
    (status = 400, description = "Missing \"groups\" in request body"), (status = 403, description = "Not an administrator"),
    (status = 404, description = "No such user"), (status = 409, description = "Nobody demotes himself or the last administrator"),
    (status = 415, description = "Not JSON"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn replace_groups(
    State(state): State<ServeState>,
    AdminUser(by): AdminUser,
    Path(id): Path<String>,
    Json(body): Json<WantedGroups>,
) -> Result<Response> {
    let Some(wanted) = body.groups else {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("Missing \"groups\" in request body"));
    };
    let realm = realm(&state)?;
    let current_failed = failed("Failed to fetch current user groups");
    let current =
        realm.groups_of(&id).await.map_err(&current_failed)?.ok_or_else(|| {
            Problem::new(StatusCode::NOT_FOUND).error("Failed to fetch current user groups")
        })?;
    let available = realm.groups().await.map_err(failed("Failed to fetch available groups"))?;
    let demotes = crate::realm_admin::administers(&current) && !wanted.iter().any(|name| name == ADMINS);
    let _guard = match demotes {
        true => {
            let may = realm.may_lose_access(&id, &by.sub).await.map_err(&current_failed)?;
            Some(may.map_err(|lockout| locked_out(lockout, &id, &by))?)
        }
        false => None,
    };
    let done = realm.replace_groups(&id, &wanted, &current, &available).await;
    audit!(
        user = id,
        added = done.added.join(","),
        removed = done.removed.join(","),
        failed = done.errors.join("; "),
        by = by.email,
        "groups of a user were changed"
    );
    let (status, mut body) = if done.errors.is_empty() {
        let message = "Groups updated successfully";
        (StatusCode::OK, json!({ "success": true, "message": message }))
    } else {
        let message = "Partial success with errors";
        (StatusCode::MULTI_STATUS, json!({ "success": false, "message": message, "errors": done.errors }))
    };
    if !(done.added.is_empty() && done.removed.is_empty())
        && let Some(warning) = warning_of_sessions(&state, &id).await
    {
        body["warning"] = json!(warning);
    }
    body["added"] = json!(done.added);
    body["removed"] = json!(done.removed);
    Ok((status, Json(body)).into_response())
}

/// Puts a user into a group.
#[utoipa::path(put, path = "/api/keycloak/users/{user_id}/groups/{group_id}", tag = "keycloak",
    params(("user_id" = String, Path), ("group_id" = String, Path)), responses(
    (status = 200, body = Changed), (status = 403, description = "Not an administrator"), (status = 404, description = "No such user or group"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn join(
    State(state): State<ServeState>,
    AdminUser(by): AdminUser,
    Path((id, group)): Path<(String, String)>,
) -> Result<Json<Changed>> {
    realm(&state)?.join(&id, &group).await.map_err(failed("Failed to add user to group"))?;
    audit!(user = id, group, by = by.email, "a user joined a group");
    Ok(changed_for_sessions(&state, &id, "User added to group").await)
}

/// Takes a user out of a group.
#[utoipa::path(delete, path = "/api/keycloak/users/{user_id}/groups/{group_id}", tag = "keycloak",
    params(("user_id" = String, Path), ("group_id" = String, Path)), responses(
    (status = 200, body = Changed), (status = 403, description = "Not an administrator"), (status = 404, description = "No such user or group"),
    (status = 409, description = "Nobody demotes himself or the last administrator"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn leave(
    State(state): State<ServeState>,
    AdminUser(by): AdminUser,
    Path((id, group)): Path<(String, String)>,
) -> Result<Json<Changed>> {
    let realm = realm(&state)?;
    let failed = failed("Failed to remove user from group");
    let available = realm.groups().await.map_err(&failed)?;
    let demotes = available.iter().any(|known| known["id"] == group.as_str() && known["name"] == ADMINS);
    let _guard = match demotes {
        true => {
            let may = realm.may_lose_access(&id, &by.sub).await.map_err(&failed)?;
            Some(may.map_err(|lockout| locked_out(lockout, &id, &by))?)
        }
        false => None,
    };
    realm.leave(&id, &group).await.map_err(failed)?;
    audit!(user = id, group, by = by.email, "a user left a group");
    Ok(changed_for_sessions(&state, &id, "User removed from group").await)
}
