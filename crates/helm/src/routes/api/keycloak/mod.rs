//! Users and groups of the realm (helm.md §4.4), and who changed them.

mod answers;
mod groups;
mod history;
mod password;
mod refusals;
mod users;

use hivematrix_shared::problem::Result;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use self::refusals::{not_authenticated, not_found};
pub(crate) use self::{history::page as history_page, refusals::failed};
use crate::{ServeState, clients::core, realm_admin::RealmAdmin};

/// The routes with their documents.
pub fn router() -> OpenApiRouter<ServeState> {
    OpenApiRouter::new()
        .routes(routes!(users::users, users::create))
        .routes(routes!(users::user, users::update, users::delete))
        .routes(routes!(password::reset_password))
        .routes(routes!(groups::groups))
        .routes(routes!(groups::groups_of_user, groups::replace_groups))
        .routes(routes!(groups::join, groups::leave))
        .routes(routes!(history::history))
}

/// Said where a change was made, and the user's sessions go on as they were.
const SESSIONS_GO_ON: &str =
    "The user's open sessions could not be ended. They go on as before, for an hour at most.";

/// Ends the user's sessions after a change of what they hold; a warning when they go on.
async fn end_sessions(state: &ServeState, id: Uuid) -> Option<&'static str> {
    (!core::end_sessions(&state.context, &id.to_string()).await).then_some(SESSIONS_GO_ON)
}

/// The realm, or the refusal where Helm knows none.
pub(crate) fn realm(state: &ServeState) -> Result<RealmAdmin> {
    state.realm.get().ok_or_else(not_authenticated)
}

/// The login name of a user, or 404 with these words.
async fn username_of(realm: &RealmAdmin, id: Uuid, words: &'static str) -> Result<String> {
    let user = realm.user(id).await.map_err(failed(words))?.ok_or_else(|| not_found(words))?;
    Ok(user["username"].as_str().unwrap_or_default().to_owned())
}

const fn yes() -> bool {
    true
}
