//! `/api/displays`: links to boards on screens without a user (beacon.md §4.1). Codex keeps them, Beacon signs them.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::{AdminOnly, BearerToken, Caller},
    contracts::codex::{Display, Displays, wire},
    extract::{Json, Path},
    pages::Page,
    problem::{Problem, Result},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Beacon,
    clients::codex::Relayed,
    domain::link_key::Signer,
    routes::{answer::find_view, display},
};

/// A link to make.
#[derive(Deserialize, ToSchema)]
pub struct NewLink {
    /// Where the screen hangs, say; up to 150 characters.
    name: String,
    /// The view it shows.
    view: String,
    /// Whether it shows subjects.
    #[serde(default)]
    subjects: bool,
    /// When it ends (ISO 8601); never without it.
    #[serde(default)]
    expires_at: Option<String>,
}

/// A link that was just made: its address is told this once.
#[derive(Serialize, ToSchema)]
pub struct MadeLink {
    id: Uuid,
    name: String,
    view: String,
    subjects: bool,
    #[serde(with = "wire::time")]
    #[schema(value_type = String, format = DateTime)]
    created_at: DateTime<Utc>,
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<DateTime<Utc>>,
    /// What the screen opens, below the suite's own address.
    url: String,
}

/// A link in the list.
#[derive(Serialize, ToSchema)]
pub struct ListedLink {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The view it shows.
    pub view: String,
    /// Whether it shows subjects.
    pub subjects: bool,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    #[serde(with = "wire::time")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: DateTime<Utc>,
    /// When it ends; `null`: never.
    #[serde(with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<DateTime<Utc>>,
}

/// Links that were not taken back.
#[derive(Serialize, ToSchema)]
pub struct ListedLinks {
    /// Oldest first.
    displays: Vec<ListedLink>,
}

/// Display links that were not taken back
#[utoipa::path(
    get, path = "/api/displays", tag = "displays",
    responses(
        (status = 200, description = "The links, without their addresses", body = ListedLinks),
        (status = 401, description = "No valid token"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "Displays are switched off"),
        (status = 503, description = "Codex is away")
    )
)]
pub async fn list(
    State(beacon): State<Beacon>,
    AdminOnly(caller): AdminOnly,
    BearerToken(token): BearerToken,
) -> Result<Response> {
    signer_for_admin(&beacon, &caller)?;
    Ok(Json(ListedLinks { displays: links(&beacon, token.expose()).await? }).into_response())
}

/// Makes a display link
///
/// The answer tells the link's address, and nothing ever tells it again.
#[utoipa::path(
    post, path = "/api/displays", tag = "displays", request_body = NewLink,
    responses(
        (status = 201, description = "The link", body = MadeLink),
        (status = 400, description = "A value that cannot be, such as an unknown view"),
        (status = 401, description = "No valid token"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "Displays are switched off"),
        (status = 503, description = "Codex is away")
    )
)]
pub async fn add(
    State(beacon): State<Beacon>,
    AdminOnly(caller): AdminOnly,
    BearerToken(token): BearerToken,
    page: Page,
    Json(link): Json<NewLink>,
) -> Result<Response> {
    let signer = signer_for_admin(&beacon, &caller)?;
    let view = find_view(&beacon, &link.view).map_err(|_| {
        Problem::new(StatusCode::BAD_REQUEST).error(format!("Unsupported view: {}", link.view))
    })?;
    let wanted = json!({"name": link.name, "view": &*view.slug, "subjects": link.subjects, "expires_at": link.expires_at});
    let made: Display = understood(beacon.0.codex.add_display(&wanted, token.expose()).await?)?;
    beacon.0.links.outdate();
    tracing::info!(link = %made.id, name = made.name, view_slug = made.view, by = caller.label(), "a display link was made");
    let url = format!("{}/display/{}?key={}", page.prefix, made.view, signer.key(&made));
    let Display { id, name, view, subjects, created_at, expires_at, .. } = made;
    let made = MadeLink { id, name, view, subjects, created_at, expires_at, url };
    let cache = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, cache, Json(made)).into_response())
}

/// Takes a display link back
///
/// Its screens go dark within two seconds.
#[utoipa::path(
    delete, path = "/api/displays/{id}", tag = "displays", params(("id" = String, Path, description = "The link's id")),
    responses(
        (status = 204, description = "It is taken back"),
        (status = 401, description = "No valid token"),
        (status = 403, description = "Not an administrator"),
        (status = 404, description = "No such link, or displays are switched off"),
        (status = 503, description = "Codex is away")
    )
)]
pub async fn revoke(
    State(beacon): State<Beacon>,
    AdminOnly(caller): AdminOnly,
    BearerToken(token): BearerToken,
    Path(id): Path<String>,
) -> Result<Response> {
    signer_for_admin(&beacon, &caller)?;
    let id: Uuid = id.parse().map_err(|_| no_such_link())?;
    let answer = beacon.0.codex.revoke_display(id, token.expose()).await?;
    beacon.0.links.outdate();
    if !answer.status.is_success() {
        return Err(refusal(answer));
    }
    tracing::info!(link = %id, by = caller.label(), "a display link was taken back");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The links as Codex has them, asked on behalf of an administrator.
pub async fn links(beacon: &Beacon, token: &str) -> Result<Vec<ListedLink>> {
    let found: Displays = understood(beacon.0.codex.displays(token).await?)?;
    let listed = found.displays.into_iter().map(|link| ListedLink {
        id: link.id,
        name: link.name,
        view: link.view,
        subjects: link.subjects,
        created_by: link.created_by,
        created_at: link.created_at,
        expires_at: link.expires_at,
    });
    Ok(listed.collect())
}

/// What signs links, where displays are on and it is an administrator in person who asks, so that Codex can check the same
/// person.
pub fn signer_for_admin<'b>(beacon: &'b Beacon, caller: &Caller) -> Result<&'b Signer> {
    let signer = display::signer(beacon).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND)
            .detail("Public displays are switched off (PUBLIC_DISPLAY_ENABLED).")
    })?;
    match caller {
        Caller::User(_) => Ok(signer),
        Caller::Service(_) => {
            Err(Problem::forbidden("Display links are managed by administrators in person."))
        }
    }
}

fn understood<T: DeserializeOwned>(answer: Relayed) -> Result<T> {
    if !answer.status.is_success() {
        return Err(refusal(answer));
    }
    serde_json::from_value(answer.body)
        .map_err(|error| Problem::bad_gateway("The service codex gave an unexpected answer.").cause(error))
}

/// Codex's refusal: what the caller can mend keeps its status and text.
fn refusal(answer: Relayed) -> Problem {
    let text = answer.body["error"].as_str().map(str::to_owned);
    match answer.status {
        StatusCode::NOT_FOUND => no_such_link(),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::FORBIDDEN => {
            Problem::new(answer.status).error(text.unwrap_or_else(|| "The link was refused.".to_owned()))
        }
        StatusCode::SERVICE_UNAVAILABLE => Problem::unavailable("The service codex is not available.", 5),
        status => Problem::bad_gateway("The service codex gave an unexpected answer.")
            .cause(format!("status {status}")),
    }
}

fn no_such_link() -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error("Display not found")
}
