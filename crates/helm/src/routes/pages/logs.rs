//! The log page: filters in a plain form, newest lines first.

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{extract::LenientQuery, pages::Page, problem::Result};

use super::{line::Line, render};
use crate::{
    ServeState,
    domain::{
        log_entry::LEVELS,
        log_filter::{BadFilter, LogFilter, RawFilter},
    },
    routes::access::AdminUser,
    store::logs::{self, LogRow},
};

/// Lines of a page; the API takes more.
const MOST: i64 = 500;

#[derive(Template)]
#[template(path = "logs.html")]
struct Logs {
    page: Page,
    services: Vec<Choice>,
    levels: Vec<Choice>,
    raw: RawFilter,
    problem: Option<String>,
    lines: Vec<Line>,
    blank: Line,
    older: Option<String>,
    /// Whether lines that come in belong to this page: it is the newest one, and its time is open.
    live: bool,
    live_query: String,
    tail_start: i64,
    export_query: String,
}

struct Choice {
    value: String,
    chosen: bool,
}

/// `GET /logs`
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUser,
    page: Page,
    LenientQuery(mut raw): LenientQuery<RawFilter>,
) -> Result<Html<String>> {
    // One name for it in the form, the tail and every link.
    let is_blank = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
    if let Some(trace_id) = raw.trace_id.take().filter(|_| is_blank(&raw.correlation_id)) {
        raw.correlation_id = Some(trace_id);
    }
    let (filter, problem) = understood(&mut raw);
    let filter = LogFilter { limit: filter.limit.min(MOST), ..filter };
    let live = filter.cursor.is_none() && filter.offset == 0 && filter.end.is_none();
    // Asked first: a line that comes between the two questions is then told twice, never missed.
    let tail_start = if live { logs::settled(&state.pool).await? } else { 0 };
    let rows = logs::search(&state.pool, &filter).await?;
    let next = filter.next_cursor(rows.last().map(LogRow::cursor), rows.len());
    let registry = state.board.registry();
    let choice = |value: &str, chosen: Option<&str>| Choice {
        value: value.to_owned(),
        chosen: chosen.is_some_and(|chosen| chosen.eq_ignore_ascii_case(value)),
    };
    let lines = rows.into_iter().map(Line::from).collect();
    render(&Logs {
        page,
        services: registry.names().map(|name| choice(name, raw.service.as_deref())).collect(),
        levels: LEVELS.iter().map(|level| choice(level, raw.level.as_deref())).collect(),
        older: next.map(|cursor| query_string(&raw, &older_page(&raw, &cursor.to_string()))),
        live,
        live_query: query_string(&raw, &[("order", "asc"), ("limit", "500")]),
        tail_start,
        export_query: query_string(&raw, &[]),
        raw,
        problem,
        lines,
        blank: Line::blank(),
    })
}

/// The filter, and what of it could not be understood; that is left out, here and in every link of the page.
fn understood(raw: &mut RawFilter) -> (LogFilter, Option<String>) {
    let mut problems = Vec::new();
    loop {
        let error = match LogFilter::try_from(raw.clone()) {
            Ok(filter) => return (filter, (!problems.is_empty()).then(|| problems.join(" "))),
            Err(error) => error,
        };
        match error {
            BadFilter::StartTime => raw.start_time = None,
            BadFilter::EndTime => raw.end_time = None,
            BadFilter::Cursor => raw.cursor = None,
        }
        problems.push(format!("{error}: it was left out."));
    }
}

/// What the link to the next page adds: it is as long as this one, in the same order.
fn older_page<'a>(raw: &'a RawFilter, cursor: &'a str) -> Vec<(&'static str, &'a str)> {
    let kept = [("limit", raw.limit.as_deref()), ("order", raw.order.as_deref())];
    let kept = kept.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| !v.is_empty())?)));
    kept.chain([("cursor", cursor)]).collect()
}

/// The same filters, and what is added.
fn query_string(raw: &RawFilter, added: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let values = [
        ("service", &raw.service),
        ("level", &raw.level),
        ("correlation_id", &raw.correlation_id),
        ("user", &raw.user),
        ("search", &raw.search),
        ("words", &raw.words),
        ("start_time", &raw.start_time),
        ("end_time", &raw.end_time),
    ];
    for (name, value) in values {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    query.extend_pairs(added).finish()
}
