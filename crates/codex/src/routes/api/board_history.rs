//! `GET /api/tickets/active/history`: how the board looked (codex-api.md §4.3).

use axum::extract::State;
use chrono::TimeDelta;
use hivematrix_shared::{
    contracts::codex::BoardHistory,
    extract::{Json, LenientQuery},
    problem::Result,
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{reader::Reader, refusals::ForStaff};
use crate::{
    Codex,
    store::board_samples::{self, Groups},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(history))
}

/// How far back, and which groups; values of the wrong type are ignored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct HistoryQuery {
    /// Hours back from now: 24 unless given, at most 720.
    hours: Option<i64>,
    /// The PSA's ids of groups, separated by commas; 0 stands for tickets without a group.
    group_ids: Option<String>,
    /// `true`: all groups but those.
    exclude: Option<String>,
}

impl HistoryQuery {
    fn reach(&self) -> TimeDelta {
        TimeDelta::hours(self.hours.filter(|hours| *hours > 0).unwrap_or(24).min(720))
    }

    fn groups(&self) -> Groups {
        let list = self.group_ids.as_deref().unwrap_or_default();
        let ids: Vec<i64> = list.split(',').filter_map(|id| id.trim().parse().ok()).collect();
        let exclude = self.exclude.as_deref().is_some_and(|value| value.eq_ignore_ascii_case("true"));
        match (ids.is_empty(), exclude) {
            (true, _) => Groups::All,
            (false, true) => Groups::Without(ids),
            (false, false) => Groups::Only(ids),
        }
    }
}

/// Numbers of the board, every five minutes, kept for 30 days.
#[utoipa::path(get, path = "/api/tickets/active/history", tag = "tickets", params(HistoryQuery), responses(
    (status = 200, body = BoardHistory), ForStaff
))]
async fn history(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<HistoryQuery>,
) -> Result<Json<BoardHistory>> {
    reader.is_staff()?;
    let since = codex.context.clock.now() - query.reach();
    Ok(Json(BoardHistory { points: board_samples::history(&codex.pool, since, &query.groups()).await? }))
}
