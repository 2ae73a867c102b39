//! Groups, and who is in them.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    answers::{Changed, Groups, Warnings, changed},
    end_sessions,
    history::{Change, keep, locked_out},
    realm,
    refusals::{failed, not_found, uuid},
    username_of,
};
use crate::{
    ServeState,
    domain::user_change::{Action, Outcome},
    realm_admin::{ADMINS, name_of},
    routes::access::{AdminUser, Author},
};

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
    const FAILED: &str = "Failed to fetch user groups";
    let id = uuid(&id, FAILED)?;
    let groups = realm(&state)?.groups_of(id).await.map_err(failed(FAILED))?;
    let groups = groups.ok_or_else(|| not_found(FAILED))?;
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
    by: Author,
    Path(id): Path<String>,
    Json(body): Json<WantedGroups>,
) -> Result<Response> {
    const FAILED: &str = "Failed to fetch current user groups";
    let Some(wanted) = body.groups else {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("Missing \"groups\" in request body"));
    };
    let id = uuid(&id, FAILED)?;
    let realm = realm(&state)?;
    let username = username_of(&realm, id, FAILED).await?;
    let change = |outcome, details| Change {
        action: Action::Groups,
        outcome,
        id: Some(id),
        username: &username,
        details,
    };
    // Before the groups are read: whoever becomes an administrator meanwhile is one.
    let _guard = match wanted.iter().any(|name| name == ADMINS) {
        true => None,
        false => match realm.may_lose_access(id, &by.user.sub).await.map_err(failed(FAILED))? {
            Ok(guard) => Some(guard),
            Err(lockout) => {
                let refused = change(Outcome::Refused, json!({}));
                return Err(locked_out(&state, &by, lockout, refused).await);
            }
        },
    };
    let current = realm.groups_of(id).await.map_err(failed(FAILED))?.ok_or_else(|| not_found(FAILED))?;
    let available = realm.groups().await.map_err(failed("Failed to fetch available groups"))?;
    let done = realm.replace_groups(id, &wanted, &current, &available).await;
    let mut warnings = Warnings::default();
    if !(done.added.is_empty() && done.removed.is_empty()) {
        warnings.add(end_sessions(&state, id).await);
    }
    if done != Default::default() {
        let outcome = if done.errors.is_empty() { Outcome::Done } else { Outcome::Partial };
        warnings.add(keep(&state, &by, change(outcome, json!(done))).await);
    }
    let (status, mut body) = if done.errors.is_empty() {
        let message = "Groups updated successfully";
        (StatusCode::OK, json!({ "success": true, "message": message }))
    } else {
        let message = "Partial success with errors";
        (StatusCode::MULTI_STATUS, json!({ "success": false, "message": message, "errors": done.errors }))
    };
    if let Some(warning) = warnings.text() {
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
    by: Author,
    Path((id, group)): Path<(String, String)>,
) -> Result<Json<Changed>> {
    const FAILED: &str = "Failed to add user to group";
    let (id, group) = (uuid(&id, FAILED)?, uuid(&group, FAILED)?);
    let realm = realm(&state)?;
    let username = username_of(&realm, id, FAILED).await?;
    let known = realm.group(group).await.map_err(failed(FAILED))?;
    realm.join(id, group).await.map_err(failed(FAILED))?;
    let name = known.as_ref().and_then(name_of).map_or_else(|| group.to_string(), str::to_owned);
    let mut warnings = Warnings::default();
    warnings.add(end_sessions(&state, id).await);
    let details = json!({ "group": name });
    let change =
        Change { action: Action::Join, outcome: Outcome::Done, id: Some(id), username: &username, details };
    warnings.add(keep(&state, &by, change).await);
    Ok(changed("User added to group", warnings))
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
    by: Author,
    Path((id, group)): Path<(String, String)>,
) -> Result<Json<Changed>> {
    const FAILED: &str = "Failed to remove user from group";
    let (id, group) = (uuid(&id, FAILED)?, uuid(&group, FAILED)?);
    let realm = realm(&state)?;
    let username = username_of(&realm, id, FAILED).await?;
    let known = realm.group(group).await.map_err(failed(FAILED))?;
    let name = known.as_ref().and_then(name_of).map_or_else(|| group.to_string(), str::to_owned);
    let details = json!({ "group": name });
    let change =
        Change { action: Action::Leave, outcome: Outcome::Done, id: Some(id), username: &username, details };
    let _guard = match name == ADMINS {
        false => None,
        true => match realm.may_lose_access(id, &by.user.sub).await.map_err(failed(FAILED))? {
            Ok(guard) => Some(guard),
            Err(lockout) => return Err(locked_out(&state, &by, lockout, change).await),
        },
    };
    realm.leave(id, group).await.map_err(failed(FAILED))?;
    let mut warnings = Warnings::default();
    warnings.add(end_sessions(&state, id).await);
    warnings.add(keep(&state, &by, change).await);
    Ok(changed("User removed from group", warnings))
}
