//! Platform users for administrators, and the look and start page of one user for the gateway (codex-api.md §4.5).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, Authenticated, Caller, PermissionLevel},
    extract::{Json, LenientQuery, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{refusals::ForAdmins, sync};
use crate::{
    Codex,
    clients::keycloak::KeycloakError,
    domain::preferences::{Change, Preferences},
    jobs::agents::{self, Ended, Summary},
    store::users::{self, User},
    sync::SyncError,
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(list_agents))
        .routes(routes!(sync_agents))
        .routes(routes!(get_agent))
        .routes(routes!(put_agent_settings))
        .routes(routes!(get_theme))
        .routes(routes!(get_home_page))
}

/// All platform users.
#[derive(Serialize, ToSchema)]
struct Agents {
    agents: Vec<User>,
    total: usize,
}

/// Platform users by login name.
#[utoipa::path(get, path = "/api/agents", tag = "users", responses((status = 200, body = Agents), ForAdmins))]
async fn list_agents(State(codex): State<Codex>, _: AdminOnly) -> Result<Json<Agents>> {
    let agents = users::list(&codex.pool).await?;
    Ok(Json(Agents { total: agents.len(), agents }))
}

/// How reading the realm went.
#[derive(Serialize, ToSchema)]
struct AgentsSynced {
    success: bool,
    #[serde(flatten)]
    summary: Summary,
    /// The run in the history of syncs.
    job_id: Uuid,
}

/// Reads the platform users of the identity provider, and waits for the end. Preferences stay; users who are gone from
/// the realm are disabled.
#[utoipa::path(post, path = "/api/agents/sync", tag = "users", responses(
    (status = 200, body = AgentsSynced), (status = 409, description = "One runs already, or this one was cancelled; member `job_id`"),
    (status = 500, description = "The identity provider is away, not configured, or gives no token"),
    (status = 502, description = "The identity provider answers something else than users"),
    (status = "default", description = "The identity provider refuses the list; this is its own status"),
    ForAdmins
))]
async fn sync_agents(State(codex): State<Codex>, AdminOnly(caller): AdminOnly) -> Result<Json<AgentsSynced>> {
    let running = agents::start(&codex, &caller.label()).await.map_err(sync::refusal)?;
    let job_id = running.job_id;
    audit!(job_id = %job_id, caller = caller.label(), "Keycloak agent sync started");
    match running.wait().await {
        (Ended { summary: Some(summary), .. }, None) => {
            Ok(Json(AgentsSynced { success: summary.errors.is_none(), summary, job_id }))
        }
        (ended, error) => {
            let text = error.unwrap_or_else(|| "the job has ended without a result".to_owned());
            Err(not_synced(ended.refusal.as_ref(), text).with("job_id", job_id.to_string()))
        }
    }
}

/// The refusal of the identity provider: its own status when it refuses the list, whichever that is, and 500 when there is
/// nothing to ask it with (codex-api.md §4.5).
fn not_synced(refusal: Option<&KeycloakError>, text: String) -> Problem {
    let status = match refusal {
        Some(KeycloakError::Refused(status)) => StatusCode::from_u16(*status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::BAD_GATEWAY),
        Some(KeycloakError::Nonsense(_)) => StatusCode::BAD_GATEWAY,
        // Somebody wanted that: no fault of the service, and none to be logged as one.
        None if text == SyncError::Cancelled.to_string() => StatusCode::CONFLICT,
        Some(_) | None => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Problem::new(status).with("success", false).error(text)
}

/// One platform user.
#[utoipa::path(
    get,
    path = "/api/agents/{keycloak_id}",
    tag = "users",
    params(("keycloak_id" = String, Path, description = "The identity provider's id of the user")),
    responses((status = 200, body = User), (status = 404, description = "No such user"), ForAdmins)
)]
async fn get_agent(
    State(codex): State<Codex>,
    _: AdminOnly,
    Path(keycloak_id): Path<String>,
) -> Result<Json<User>> {
    users::find(&codex.pool, &keycloak_id).await?.map(Json).ok_or_else(no_such_agent)
}

/// The changed user.
#[derive(Serialize, ToSchema)]
struct AgentChanged {
    success: bool,
    message: &'static str,
    agent: User,
}

/// Changes another user's preferences.
#[utoipa::path(
    put,
    path = "/api/agents/{keycloak_id}/settings",
    tag = "users",
    params(("keycloak_id" = String, Path, description = "The identity provider's id of the user")),
    request_body = Change,
    responses(
        (status = 200, body = AgentChanged), (status = 400, description = "A value is not allowed"),
        (status = 404, description = "No such user"), ForAdmins
    )
)]
async fn put_agent_settings(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(keycloak_id): Path<String>,
    Json(change): Json<Change>,
) -> Result<Json<AgentChanged>> {
    change.check().map_err(|text| Problem::new(StatusCode::BAD_REQUEST).error(text))?;
    let agent = users::change(&codex.pool, &keycloak_id, &change, codex.context.clock.now())
        .await?
        .ok_or_else(no_such_agent)?;
    tracing::info!(target: "audit", by = caller.label(), user = keycloak_id, "a user's preferences were changed");
    Ok(Json(AgentChanged { success: true, message: "Agent settings updated", agent }))
}

fn no_such_agent() -> Problem {
    Problem::not_found("This user does not exist.").with("error", "Agent not found")
}

/// Whose preferences.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct EmailQuery {
    /// E-mail address of the user.
    email: Option<String>,
}

/// A user's look.
#[derive(Serialize, ToSchema)]
struct Theme {
    /// `light` or `dark`.
    theme: String,
    /// One of nine colours.
    color_theme: String,
    /// `codex`, or `default` for an unknown user.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// The look a user has chosen, the default one for unknown users.
#[utoipa::path(get, path = "/api/public/user/theme", tag = "users", params(EmailQuery), responses(
    (status = 200, body = Theme)
))]
async fn get_theme(
    State(codex): State<Codex>,
    Authenticated(caller): Authenticated,
    LenientQuery(query): LenientQuery<EmailQuery>,
) -> Result<Json<Theme>> {
    let (preferences, email) = preferences_of(&codex, &caller, query.email).await?;
    Ok(Json(Theme {
        theme: preferences.theme_preference,
        color_theme: preferences.preferred_color_theme,
        source: source(&email),
        email,
    }))
}

/// A user's start page.
#[derive(Serialize, ToSchema)]
struct HomePage {
    /// Service to open after login.
    home_page: String,
    /// `codex`, or `default` for an unknown user.
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

/// The start page a user has chosen, the default one for unknown users.
#[utoipa::path(get, path = "/api/public/user/home-page", tag = "users", params(EmailQuery), responses(
    (status = 200, body = HomePage)
))]
async fn get_home_page(
    State(codex): State<Codex>,
    Authenticated(caller): Authenticated,
    LenientQuery(query): LenientQuery<EmailQuery>,
) -> Result<Json<HomePage>> {
    let (preferences, email) = preferences_of(&codex, &caller, query.email).await?;
    Ok(Json(HomePage { home_page: preferences.home_page_preference, source: source(&email), email }))
}

/// Preferences and the address when the user is known. A `client` may ask only for itself.
async fn preferences_of(
    codex: &Codex,
    caller: &Caller,
    email: Option<String>,
) -> Result<(Preferences, Option<String>)> {
    let Some(email) = email.filter(|email| !email.is_empty()) else {
        return Ok((Preferences::default(), None));
    };
    let user = caller.acting_user();
    let own = user.filter(|user| user.email.eq_ignore_ascii_case(&email));
    if own.is_none() && caller.level() == Some(PermissionLevel::Client) {
        return Err(Problem::forbidden("You may read only your own preferences.")
            .with("error", "Insufficient permissions"));
    }
    // Whoever asks for the own ones gets those of the settings page, also before the address is known.
    let known = match own {
        Some(user) => users::find_of(&codex.pool, &user).await?,
        None => users::find_by_email(&codex.pool, &email).await?,
    };
    Ok(match known {
        Some(user) => (user.preferences(), Some(email)),
        None => (Preferences::default(), None),
    })
}

const fn source(email: &Option<String>) -> &'static str {
    if email.is_some() { "codex" } else { "default" }
}
