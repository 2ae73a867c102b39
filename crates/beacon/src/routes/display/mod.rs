//! Boards on screens without a user: only through a signed link, with its own limits and reduced fields (beacon.md §4.1).

mod gate;
mod row;
mod wall;

use axum::{
    extract::State,
    middleware,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    contracts::codex::Display,
    extract::Path,
    pages::Page,
    problem::{Problem, Result},
    rate_limit::{Limits, Methods, Per, RateLimits},
};
use http::{HeaderMap, StatusCode, header};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use self::gate::OpenLink;
use crate::{
    Beacon,
    domain::link_key::Signer,
    routes::{
        answer::{Asked, Detail, Shown, find_view},
        stream::{self, OPENINGS, Reader},
    },
};

/// The routes for screens, behind the check of their link.
pub fn router(beacon: &Beacon) -> OpenApiRouter<Beacon> {
    OpenApiRouter::new()
        .routes(routes!(start))
        .routes(routes!(wall::wall))
        .routes(routes!(tickets))
        .routes(routes!(board_stream))
        .layer(beacon.0.link_limits.per_caller_layer())
        .layer(middleware::from_fn_with_state(beacon.clone(), gate::check))
}

/// Requests are counted for the link whose key came with them, else for the address.
pub fn limits(scale: f64) -> RateLimits {
    let limits = Limits::platform_default()
        .route(Methods::Any, "/display/{view_slug}", &[(60, Per::Minute)])
        .route(Methods::Any, "/display/{view_slug}/tickets", &[(60, Per::Minute)])
        .route(Methods::Any, "/display/{view_slug}/stream", &[(OPENINGS, Per::Minute)]);
    RateLimits::new(limits, scale)
}

/// What checks the keys; none where displays are switched off.
pub fn signer(beacon: &Beacon) -> Option<&Signer> {
    beacon.0.signer.as_ref()
}

/// Redirects to the default view's screen
#[utoipa::path(get, path = "/display", tag = "displays", security(()), responses(
    (status = 302, description = "To the default view"),
    (status = 404, description = "Displays are switched off")
))]
async fn start(State(beacon): State<Beacon>, page: Page) -> Response {
    let target = format!("{}/display/{}", page.prefix, beacon.0.views.default_slug());
    (StatusCode::FOUND, [(header::LOCATION, target)]).into_response()
}

/// The tickets of a screen
///
/// As `/api/tickets/{view_slug}`, without customers and descriptions; subjects only where the link allows them.
#[utoipa::path(
    get, path = "/display/{view_slug}/tickets", tag = "displays", security(()),
    params(("view_slug" = String, Path, description = "View, such as `helpdesk`")),
    responses(
        (status = 200, description = "The tickets, each a `ReducedTicket`", body = crate::routes::answer::BoardAnswer),
        (status = 304, description = "As at the entity tag sent"),
        (status = 403, description = "No link of this view was opened here, or it has ended"),
        (status = 404, description = "No such view, or displays are switched off"),
        (status = 429, description = "More than 60 in a minute through one link")
    )
)]
async fn tickets(
    State(beacon): State<Beacon>,
    OpenLink(link): OpenLink,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let asked = asked(&beacon, &slug, &link)?;
    let answer = Shown::load(&beacon).await.answer(&beacon, &asked).await?;
    Ok(answer.response(&headers, beacon.0.context.clock.now()))
}

/// The tickets of a screen whenever they change
///
/// Server-sent events as of `/api/stream/{view_slug}`, until the link ends or is taken back.
#[utoipa::path(
    get, path = "/display/{view_slug}/stream", tag = "displays", security(()),
    params(("view_slug" = String, Path, description = "View, such as `helpdesk`")),
    responses(
        (status = 200, description = "Events without end", content_type = "text/event-stream", body = String),
        (status = 403, description = "No link of this view was opened here, or it has ended"),
        (status = 404, description = "No such view, or displays are switched off"),
        (status = 429, description = "20 streams of the link are open, or it opens them too often")
    )
)]
async fn board_stream(
    State(beacon): State<Beacon>,
    OpenLink(link): OpenLink,
    Path(slug): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let asked = asked(&beacon, &slug, &link)?;
    let place = beacon.0.places.take(&gate::rate_key(&link))?;
    let reader = Screen { beacon: beacon.clone(), link: link.id };
    Ok(stream::response(&beacon, asked, reader, &headers, place))
}

fn asked(beacon: &Beacon, slug: &str, link: &Display) -> Result<Asked> {
    let view = find_view(beacon, slug)?;
    Ok(Asked::new(view, Default::default(), Detail::Reduced { subjects: link.subjects }))
}

/// A screen may read while its link lives.
struct Screen {
    beacon: Beacon,
    link: Uuid,
}

impl Reader for Screen {
    async fn may_read(&self) -> bool {
        gate::living(&self.beacon, self.link).await.is_ok()
    }
}

/// What a screen is told whose link does not count, whatever the reason.
fn not_valid() -> Problem {
    Problem::forbidden("This display link is not valid, or not any more. Ask an administrator for a new one.")
}
