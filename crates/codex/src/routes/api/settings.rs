//! A user's own preferences (codex-api.md §4.5).

use axum::extract::State;
use hivematrix_shared::{
    auth::{ActingUser, UserOnly},
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::refusals::ForUsers;
use crate::{
    Codex,
    domain::preferences::{Change, Preferences},
    store::users,
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(get_my_settings, put_my_settings))
}

/// A user's preferences.
#[derive(Serialize, ToSchema)]
pub struct MySettings {
    /// The four preferences.
    #[serde(flatten)]
    pub preferences: Preferences,
    /// Login name; absent for an unknown user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// E-mail address; absent for an unknown user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether Codex knows the user.
    pub synced: bool,
}

/// Your preferences; the defaults as long as you have none.
#[utoipa::path(get, path = "/api/my/settings", tag = "users", responses(
    (status = 200, body = MySettings), (status = 400, description = "The token names no e-mail address"),
    ForUsers
))]
async fn get_my_settings(State(codex): State<Codex>, UserOnly(user): UserOnly) -> Result<Json<MySettings>> {
    of(&codex, &user).await.map(Json)
}

/// The preferences of a user.
///
/// # Errors
/// 400 for a token without an e-mail address, 403 when nobody vouches for it.
pub async fn of(codex: &Codex, user: &ActingUser) -> Result<MySettings> {
    address(user)?;
    Ok(match users::find_of(&codex.pool, user).await? {
        Some(known) => MySettings {
            preferences: known.preferences(),
            username: Some(known.username),
            email: known.email,
            synced: true,
        },
        None => {
            MySettings { preferences: Preferences::default(), username: None, email: None, synced: false }
        }
    })
}

/// What was saved.
#[derive(Serialize, ToSchema)]
struct Saved {
    success: bool,
    message: &'static str,
    #[serde(flatten)]
    preferences: Preferences,
}

/// Changes some of your preferences.
#[utoipa::path(
    put,
    path = "/api/my/settings",
    tag = "users",
    request_body = Change,
    responses(
        (status = 200, body = Saved), (status = 400, description = "A value is not allowed"), ForUsers
    )
)]
async fn put_my_settings(
    State(codex): State<Codex>,
    UserOnly(user): UserOnly,
    Json(change): Json<Change>,
) -> Result<Json<Saved>> {
    address(&user)?;
    change.check().map_err(|text| Problem::new(StatusCode::BAD_REQUEST).error(text))?;
    let now = codex.context.clock.now();
    let known = users::find_or_create(&codex.pool, &user, now).await?;
    let saved = users::change(&codex.pool, &known.keycloak_id, &change, now).await?.unwrap_or(known);
    Ok(Json(Saved {
        success: true,
        message: "Settings updated successfully",
        preferences: saved.preferences(),
    }))
}

fn address(user: &ActingUser) -> Result<&str> {
    user.confirmed_email()?
        .ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST).error("User email not found in token"))
}
