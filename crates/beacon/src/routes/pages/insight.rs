//! The insight strip of the board, and `GET /insight/{view_slug}`, by which an open page refreshes it (beacon.md §9).

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::StaffOnly,
    contracts::codex::BoardHistory,
    extract::Path,
    problem::{Problem, Result},
};
use http::{HeaderValue, StatusCode, header};

use crate::{
    Beacon,
    domain::{
        agents::Agents,
        chart::{TOTAL_HEIGHT, WIDTH},
        insight::Insight,
        views::View,
    },
    routes::answer::find_view,
};

/// Tells histories of a view apart: when the newest point is from, and how many there are.
pub type Stamp = (DateTime<Utc>, usize);

/// What `insight.html` shows. Without an insight there is no history yet.
pub struct Strip {
    /// The charts.
    pub insight: Option<Insight>,
}

impl Strip {
    /// The strip of a history as seen at `now`.
    pub fn new(history: &BoardHistory, agents: &Agents, now: DateTime<Utc>) -> Self {
        Self { insight: Insight::of(history, agents, now) }
    }

    /// Width of a chart.
    pub fn width(&self) -> i64 {
        WIDTH
    }

    /// Height of a chart with its labels.
    pub fn total_height(&self) -> i64 {
        TOTAL_HEIGHT
    }
}

/// The strip by itself.
#[derive(Template)]
#[template(path = "insight.html")]
struct Fragment {
    insight: Strip,
}

/// The last 24 hours of a view, for the page that is open
///
/// HTML to put in place of the strip. Empty with 204 where the view has no history: Codex counts by group, so that views by
/// tags or with a date window have none, and Codex may be away.
#[utoipa::path(
    get, path = "/insight/{view_slug}", tag = "pages",
    params(("view_slug" = String, Path, description = "View, such as `helpdesk`")),
    responses(
        (status = 200, description = "The strip", content_type = "text/html", body = String),
        (status = 204, description = "There is no history"),
        (status = 401, description = "No valid token"),
        (status = 403, description = "The permission level is `client`"),
        (status = 404, description = "No such view"),
        (status = 429, description = "More than 60 in a minute")
    )
)]
pub async fn fragment(
    State(beacon): State<Beacon>,
    _: StaffOnly,
    Path(slug): Path<String>,
) -> Result<Response> {
    let view = find_view(&beacon, &slug)?;
    let cache = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let Some(history) = history(&beacon, view).await else {
        return Ok((StatusCode::NO_CONTENT, cache).into_response());
    };
    let agents = beacon.0.reference.current().await.agents;
    let insight = Strip::new(&history, &agents, beacon.0.context.clock.now());
    let html = Fragment { insight }.render().map_err(Problem::internal)?;
    Ok((cache, Html(html)).into_response())
}

/// The history of a view; none where groups do not say what the view shows, or Codex has never told it.
pub async fn history(beacon: &Beacon, view: &View) -> Option<Arc<BoardHistory>> {
    let reference = beacon.0.reference.current().await;
    let groups = view.history_groups(&reference.professional_services)?;
    beacon.0.histories.current(&view.slug, groups).await
}

/// Which history this is; none without points.
pub fn stamp(history: &BoardHistory) -> Option<Stamp> {
    history.points.last().map(|point| (point.at, history.points.len()))
}
