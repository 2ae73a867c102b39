//! Display links, for Beacon (codex-api.md §4.3, beacon.md §4.1).

use axum::{extract::State, response::IntoResponse};
use hivematrix_shared::{
    audit,
    auth::{AdminEvenInOutage, AdminOnly},
    contracts::codex::{Display, Displays, wire::parse_time},
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::refusals::ForAdmins;
use crate::{Codex, store::displays};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list_displays, add_display)).routes(routes!(revoke_display))
}

/// Links that were not taken back; a service that acts for nobody sees only those that live, to check what is shown to it.
#[utoipa::path(get, path = "/api/displays", tag = "displays", responses(
    (status = 200, body = Displays), ForAdmins
))]
async fn list_displays(
    State(codex): State<Codex>,
    // Screens go on while Core is away.
    AdminEvenInOutage(caller): AdminEvenInOutage,
) -> Result<Json<Displays>> {
    let living_at = caller.acting_user().is_none().then(|| codex.context.clock.now());
    Ok(Json(Displays { displays: displays::list(&codex.pool, living_at).await? }))
}

/// A new link.
#[derive(Deserialize, ToSchema)]
struct NewDisplay {
    /// Up to 150 characters.
    name: String,
    /// Name of a view of the board.
    view: String,
    /// Whether it shows subjects.
    #[serde(default)]
    subjects: bool,
    /// When it ends (ISO 8601); never without it.
    #[serde(default)]
    expires_at: Option<String>,
}

/// Makes a link.
#[utoipa::path(post, path = "/api/displays", tag = "displays", request_body = NewDisplay, responses(
    (status = 201, body = Display), (status = 400, description = "A value that cannot be"), ForAdmins
))]
async fn add_display(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Json(body): Json<NewDisplay>,
) -> Result<impl IntoResponse> {
    let refused = |text: &str| Problem::new(StatusCode::BAD_REQUEST).error(text);
    let now = codex.context.clock.now();
    let name = body.name.replace('\0', "").trim().to_owned();
    if name.is_empty() || name.chars().count() > 150 {
        return Err(refused("name must have 1 to 150 characters"));
    }
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if body.view.is_empty() || body.view.len() > 50 || !body.view.bytes().all(letter) {
        return Err(refused("view must be the name of a view, such as helpdesk"));
    }
    let expires_at = match body.expires_at.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => Some(
            parse_time(text)
                .filter(|time| *time > now)
                .ok_or_else(|| refused("expires_at must be a time in the future"))?,
        ),
        None => None,
    };
    let actor = caller.label();
    let link = Display {
        id: Uuid::new_v4(),
        name,
        view: body.view,
        subjects: body.subjects,
        created_by: Some(actor.chars().take(150).collect()),
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    displays::add(&codex.pool, &actor, &link).await?;
    audit!(link = %link.id, name = link.name, view = link.view, caller = actor, "display link made");
    Ok((StatusCode::CREATED, Json(link)))
}

/// Takes a link back.
#[utoipa::path(delete, path = "/api/displays/{id}", tag = "displays", params(("id" = String, Path, description = "Id of the link")), responses(
    (status = 204, description = "It is taken back"), (status = 404, description = "No such link"),
    ForAdmins
))]
async fn revoke_display(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    let missing = || Problem::new(StatusCode::NOT_FOUND).error("Display not found");
    let id = Uuid::parse_str(&id).map_err(|_| missing())?;
    let actor = caller.label();
    let name = displays::revoke(&codex.pool, &actor, id, codex.context.clock.now()).await?;
    let name = name.ok_or_else(missing)?;
    audit!(link = %id, name, caller = actor, "display link taken back");
    Ok(StatusCode::NO_CONTENT)
}
