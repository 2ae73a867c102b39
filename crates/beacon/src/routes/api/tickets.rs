//! `GET /api/tickets/{view_slug}`: the data of the open page's refresh (beacon.md §6).

use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::StaffOnly,
    extract::{LenientQuery, Path},
    problem::Result,
};
use http::HeaderMap;

use crate::{
    Beacon,
    routes::answer::{Asked, BoardAnswer, BoardQuery, Detail, Shown, find_view},
};

/// The tickets of a view in four sections
///
/// While Codex does not answer, the last good lists are sent with `stale` and `error`. The answer has an `ETag`; with
/// `If-None-Match` unchanged lists cost a 304.
#[utoipa::path(
    get, path = "/api/tickets/{view_slug}", tag = "tickets",
    params(
        ("view_slug" = String, Path, description = "View, such as `helpdesk`"),
        ("agent_id" = Option<i64>, Query, description = "Only tickets of the agent with this PSA id; a value that is no integer is ignored"),
        ("priority" = Option<i64>, Query, description = "Only tickets of this priority, 1 low to 4 urgent; any other value is ignored")
    ),
    responses(
        (status = 200, description = "The tickets", body = BoardAnswer),
        (status = 304, description = "As at the entity tag sent"),
        (status = 401, description = "No valid token"),
        (status = 403, description = "The permission level is `client`"),
        (status = 404, description = "No such view"),
        (status = 429, description = "More than 60 in a minute")
    )
)]
pub async fn tickets(
    State(beacon): State<Beacon>,
    _: StaffOnly,
    Path(slug): Path<String>,
    LenientQuery(query): LenientQuery<BoardQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let view = find_view(&beacon, &slug)?;
    let shown = Shown::load(&beacon).await;
    let answer = shown.answer(&beacon, &Asked::new(view, query, Detail::Whole)).await?;
    tracing::debug!(
        view_slug = slug,
        agent_id = query.agent_id,
        ticket_count = answer.total,
        "tickets of a view"
    );
    Ok(answer.response(&headers, beacon.0.context.clock.now()))
}
