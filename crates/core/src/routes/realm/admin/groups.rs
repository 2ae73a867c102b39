//! `/admin/realms/<realm>/groups` and who is in them.

use axum::extract::{Path, State};
use hivematrix_shared::extract::{Json, LenientQuery};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Administrator, Failure, bodies, finished, user};
use crate::{
    domain::{
        session::Whose,
        user::{Group, User},
    },
    realm::Realm,
    store::realm::groups,
};

/// Keycloak's parameters of a listing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListQuery {
    first: Option<i64>,
    max: Option<i64>,
    search: Option<String>,
}

/// All groups.
#[utoipa::path(get, path = "/admin/realms/{realm}/groups", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("first" = Option<i64>, Query), ("max" = Option<i64>, Query), ("search" = Option<String>, Query)),
    responses((status = 200, description = "Groups as Keycloak writes them"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway")))]
pub async fn list(
    State(realm): State<Realm>,
    _: Administrator,
    LenientQuery(query): LenientQuery<ListQuery>,
) -> Result<Json<Vec<Value>>, Failure> {
    let pattern = query.search.map(|text| {
        let escaped =
            text.trim().to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("%{escaped}%")
    });
    let max = query.max.filter(|max| *max >= 0).unwrap_or(i64::MAX);
    let found = groups::list(&realm.pool, pattern.as_deref(), query.first.unwrap_or(0).max(0), max).await?;
    Ok(Json(found.iter().map(bodies::group).collect()))
}

/// The groups of a user.
#[utoipa::path(get, path = "/admin/realms/{realm}/users/{id}/groups", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id")),
    responses((status = 200, description = "The user's groups"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user or group")))]
pub async fn of_user(
    State(realm): State<Realm>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, Failure> {
    let user = user(&realm, &id).await?;
    Ok(Json(groups::of_user(&realm.pool, user.id).await?.iter().map(bodies::group).collect()))
}

/// Puts a user into a group. The level of live sessions was frozen at login, so they end.
#[utoipa::path(put, path = "/admin/realms/{realm}/users/{id}/groups/{group}", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id"), ("group" = String, Path, description = "Group id")),
    responses((status = 202, description = "In the group; open sessions end as soon as the session store answers"), (status = 204, description = "In the group"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user or group")))]
pub async fn join(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Path((id, group)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let (user, group) = both(&realm, &id, &group).await?;
    groups::add(&realm.pool, user.id, group.id).await?;
    let done = changed(&realm, &user).await?;
    hivematrix_shared::audit!(username = user.username, group = group.name, by, "A user joined a group");
    Ok(done)
}

/// Takes a user out of a group. The level of live sessions was frozen at login, so they end.
#[utoipa::path(delete, path = "/admin/realms/{realm}/users/{id}/groups/{group}", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id"), ("group" = String, Path, description = "Group id")),
    responses((status = 202, description = "Not in the group; open sessions end as soon as the session store answers"), (status = 204, description = "Not in the group"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user or group")))]
pub async fn leave(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Path((id, group)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let (user, group) = both(&realm, &id, &group).await?;
    groups::remove(&realm.pool, user.id, group.id).await?;
    let done = changed(&realm, &user).await?;
    hivematrix_shared::audit!(username = user.username, group = group.name, by, "A user left a group");
    Ok(done)
}

async fn both(realm: &Realm, id: &str, group: &str) -> Result<(User, Group), Failure> {
    let user = user(realm, id).await?;
    let group: Uuid = group.parse().map_err(|_| Failure::NO_GROUP)?;
    let group = groups::find(&realm.pool, group).await?.ok_or(Failure::NO_GROUP)?;
    Ok((user, group))
}

/// Ends the HiveMatrix sessions; browsers stay signed in at the realm and get a session with the new level unasked.
async fn changed(realm: &Realm, user: &User) -> Result<StatusCode, Failure> {
    Ok(finished(realm.end_sessions(Whose::User(user.id.to_string())).await?))
}
