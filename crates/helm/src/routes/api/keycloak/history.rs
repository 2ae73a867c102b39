//! Who changed which user: every change is kept, in the table and in the log.

use axum::extract::State;
use hivematrix_shared::{
    audit, audit_warning, correlation,
    extract::{Json, LenientQuery},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    ServeState,
    domain::user_change::{Action, Outcome},
    realm_admin::Lockout,
    routes::{
        access::{AdminUser, Author},
        paging,
    },
    store::user_changes::{self, NewChange, UserChange},
};

/// Said where a change was made and the table could not be written; the line of the log waits on disk for the database.
const NOT_KEPT: &str = "The history of users could not be written; the change stands in the log.";

const PER_PAGE: i64 = 50;
const MOST: i64 = 500;

/// A change as a handler describes it.
pub(super) struct Change<'a> {
    pub action: Action,
    pub outcome: Outcome,
    pub id: Option<Uuid>,
    pub username: &'a str,
    pub details: Value,
}

/// Keeps a change that was made; a warning when the table does not take it.
pub(super) async fn keep(state: &ServeState, by: &Author, change: Change<'_>) -> Option<&'static str> {
    let user = change.id.map(|id| id.to_string()).unwrap_or_default();
    let (action, outcome) = (change.action.as_str(), change.outcome.as_str());
    audit!(
        action,
        outcome,
        user,
        username = change.username,
        details = %change.details,
        by = by.name,
        "{}",
        Action::words(action)
    );
    store(state, by, &change).await
}

async fn store(state: &ServeState, by: &Author, change: &Change<'_>) -> Option<&'static str> {
    let row = NewChange {
        at: state.context.clock.now(),
        action: change.action,
        outcome: change.outcome,
        by_id: &by.user.sub,
        by_name: &by.name,
        user_id: change.id,
        username: change.username,
        details: &change.details,
        correlation_id: &correlation::current(),
    };
    match user_changes::insert(&state.pool, &row).await {
        Ok(()) => None,
        Err(error) => {
            tracing::error!(error = %error, "a change of a user is in the log only");
            Some(NOT_KEPT)
        }
    }
}

/// The refusal of a change that would have locked somebody out, which is kept as well.
pub(super) async fn locked_out(
    state: &ServeState,
    by: &Author,
    lockout: Lockout,
    change: Change<'_>,
) -> Problem {
    let reason = lockout.to_string();
    let user = change.id.map(|id| id.to_string()).unwrap_or_default();
    audit_warning!(
        action = change.action.as_str(),
        user,
        username = change.username,
        by = by.name,
        reason,
        "a change would have locked somebody out"
    );
    let details = json!({ "reason": reason });
    let change = Change { outcome: Outcome::Refused, details, ..change };
    store(state, by, &change).await;
    Problem::new(StatusCode::CONFLICT).error(reason)
}

/// Which changes are wanted.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Only those of this user.
    user_id: Option<Uuid>,
    /// Only those before this id: `next_before` of the page before.
    before: Option<i64>,
    /// How many, at most 500; default 50.
    limit: Option<i64>,
}

/// A page of changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// The newest first.
    changes: Vec<UserChange>,
    /// How many there are in all.
    total: i64,
    /// What to ask for next; null on the last page.
    next_before: Option<i64>,
}

/// Who changed which user, the newest first.
#[utoipa::path(get, path = "/api/keycloak/audit", tag = "keycloak", params(HistoryQuery), responses(
    (status = 200, body = History), (status = 403, description = "Not an administrator"),
    (status = 503, description = "The database is away")
))]
pub async fn history(
    State(state): State<ServeState>,
    _: AdminUser,
    LenientQuery(query): LenientQuery<HistoryQuery>,
) -> Result<Json<History>> {
    let limit = query.limit.unwrap_or(PER_PAGE).clamp(1, MOST);
    let (changes, next_before) = page(&state, query.user_id, query.before, limit).await?;
    let total = user_changes::count(&state.pool, query.user_id).await?;
    Ok(Json(History { changes, total, next_before }))
}

/// A page of changes, and where the next one begins.
pub(crate) async fn page(
    state: &ServeState,
    user: Option<Uuid>,
    before: Option<i64>,
    limit: i64,
) -> Result<(Vec<UserChange>, Option<i64>)> {
    let read = async |most| user_changes::page(&state.pool, user, before, most).await;
    paging::page(limit, |change: &UserChange| change.id, read).await
}
