//! One request through all services, drawn and told.

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{extract::Path, pages::Page, problem::Result};

use super::{line::Line, render};
use crate::{
    ServeState,
    domain::timeline::{self, Moment, Piece, in_words},
    routes::access::AdminUser,
    store::logs::{self, LogRow, SHORT_CORRELATION},
};

/// Lines of the page; longer chains are files.
const MOST: i64 = 1_000;

#[derive(Template)]
#[template(path = "chain.html")]
struct Chain {
    page: Page,
    correlation_id: String,
    short: String,
    whole: Option<Whole>,
    width: u32,
    lanes: Vec<Lane>,
    lines: Vec<Step>,
    is_cut: bool,
}

struct Whole {
    lines: String,
    services: String,
    span: String,
    began: String,
    iso: String,
}

struct Lane {
    service: String,
    after: String,
    span: String,
    lines: usize,
    pieces: Vec<Piece>,
}

struct Step {
    line: Line,
    after: String,
    took: String,
}

/// `GET /logs/correlation/{correlation_id}`
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUser,
    page: Page,
    Path(correlation_id): Path<String>,
) -> Result<Html<String>> {
    let mut rows = logs::chain(&state.pool, &correlation_id, MOST + 1).await?;
    let most = usize::try_from(MOST).unwrap_or(usize::MAX);
    let is_cut = rows.len() > most;
    rows.truncate(most);
    let moments: Vec<Moment<'_>> = rows.iter().map(moment).collect();
    let drawn = timeline::timeline(&moments);
    let took: Vec<String> =
        moments.iter().map(|moment| moment.took().map(in_words).unwrap_or_default()).collect();
    let whole = drawn.as_ref().map(|drawn| Whole {
        lines: counted(rows.len(), "line", "lines"),
        services: counted(drawn.lanes.len(), "service", "services"),
        span: in_words(drawn.span),
        began: drawn.began.format("%Y-%m-%d %H:%M:%S%.3f").to_string(),
        iso: drawn.began.to_rfc3339(),
    });
    let began = drawn.as_ref().map(|drawn| drawn.began);
    let lanes = drawn.into_iter().flat_map(|drawn| drawn.lanes).map(|lane| Lane {
        service: lane.service,
        after: in_words(lane.after),
        span: in_words(lane.span),
        lines: lane.lines,
        pieces: lane.pieces,
    });
    let lanes = lanes.collect();
    let lines = rows.into_iter().zip(took).map(|(row, took)| Step {
        after: began.map(|began| in_words(row.timestamp - began)).unwrap_or_default(),
        line: Line::from(row),
        took,
    });
    let lines = lines.collect();
    let short = correlation_id.chars().take(SHORT_CORRELATION).collect();
    render(&Chain { page, correlation_id, short, whole, width: timeline::WIDTH, lanes, lines, is_cut })
}

fn moment(row: &LogRow) -> Moment<'_> {
    Moment { service: &row.service, at: row.timestamp, level: &row.level, extra: row.extra_data.as_ref() }
}

fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
