//! The insight strip of the board, and `GET /insight/{view_slug}`, by which an open page refreshes it (beacon.md §9).

use std::{sync::Arc, time::Duration};

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
        chart::{TOTAL_HEIGHT, WIDTH},
        insight::{Insight, Now},
        views::{NoHistory, View},
    },
    routes::answer::{BoardQuery, Shown, find_view},
};

/// How long the page waits for a history that it has never had: it can ask for the strip later.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// What is known of a view's last day.
pub enum History {
    /// Codex has told it.
    Told(Arc<BoardHistory>),
    /// Codex has not told it yet, or is away.
    Untold,
    /// There is none for this view.
    Nowhere(NoHistory),
}

/// Tells what strips show apart, as far as it does not follow from the tickets.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Stamp {
    /// When the newest point is from, and how many there are.
    Points(Option<DateTime<Utc>>, usize),
    /// Nothing is known yet.
    Untold,
    /// There is no history.
    Nowhere(NoHistory),
}

/// What `insight.html` shows.
pub enum Strip {
    /// The last 24 hours.
    Day(Box<Insight>),
    /// Nothing was counted yet.
    Empty,
    /// Nothing is known yet: the page's script asks again soon.
    Untold,
    /// The board as it is, and why not more.
    Now(Box<Now>, &'static str),
}

impl History {
    /// The history of a view. With a `patience` nobody waits longer for a first one.
    pub async fn of(beacon: &Beacon, view: &View, patience: Option<Duration>) -> Self {
        let reference = beacon.0.reference.current().await;
        match view.history_groups(&reference.professional_services) {
            Ok(groups) => {
                let told = beacon.0.histories.current(view, groups, patience).await;
                told.map_or(Self::Untold, Self::Told)
            }
            Err(why) => Self::Nowhere(why),
        }
    }

    /// Which history this is.
    pub fn stamp(&self) -> Stamp {
        match self {
            Self::Told(history) => {
                Stamp::Points(history.points.last().map(|point| point.at), history.points.len())
            }
            Self::Untold => Stamp::Untold,
            Self::Nowhere(why) => Stamp::Nowhere(*why),
        }
    }

    /// The strip as seen at `now`, beside what is `shown` of the view.
    pub fn strip(&self, view: &View, shown: &Shown, now: DateTime<Utc>) -> Strip {
        let agents = &shown.reference.agents;
        match self {
            Self::Told(history) => Insight::of(history, agents, now)
                .map_or(Strip::Empty, |insight| Strip::Day(Box::new(insight))),
            Self::Untold => Strip::Untold,
            Self::Nowhere(why) => {
                let board = shown.board(view, BoardQuery::default(), now);
                let counts = board.sections.each_ref().map(Vec::len);
                Strip::Now(Box::new(Now::of(counts, &board.loads, agents)), reason(*why))
            }
        }
    }
}

impl Strip {
    /// Width of a chart.
    pub fn width(&self) -> i64 {
        WIDTH
    }

    /// Height of a chart with its labels.
    pub fn total_height(&self) -> i64 {
        TOTAL_HEIGHT
    }

    /// Whether its colours are those of the sections.
    pub fn has_section_colours(&self) -> bool {
        !matches!(self, Self::Now(..))
    }
}

const fn reason(why: NoHistory) -> &'static str {
    match why {
        NoHistory::Tags => {
            "The day is counted by group, and this view goes by tags: this is the board as it is now."
        }
        NoHistory::Window => {
            "The day is counted by group, and this view has a date window: this is the board as it is now."
        }
        NoHistory::NoGroup => "No group of this view is known, so that nothing can be counted for it.",
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
/// HTML to put in place of the strip. Codex counts by group, so that views by tags or with a date window have no history:
/// their strip shows the board as it is. Empty with 204 while Codex does not tell.
#[utoipa::path(
    get, path = "/insight/{view_slug}", tag = "pages",
    params(("view_slug" = String, Path, description = "View, such as `helpdesk`")),
    responses(
        (status = 200, description = "The strip", content_type = "text/html", body = String),
        (status = 204, description = "Codex does not tell it"),
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
    let (shown, history) = tokio::join!(Shown::load(&beacon), History::of(&beacon, view, None));
    if matches!(history, History::Untold) {
        return Ok((StatusCode::NO_CONTENT, cache).into_response());
    }
    let insight = history.strip(view, &shown, beacon.0.context.clock.now());
    let html = Fragment { insight }.render().map_err(Problem::internal)?;
    Ok((cache, Html(html)).into_response())
}
