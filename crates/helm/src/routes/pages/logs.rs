//! The log page: filters in a plain form, newest lines first.

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{extract::LenientQuery, pages::Page, problem::Result};

use super::render;
use crate::{
    ServeState,
    domain::{
        log_entry::LEVELS,
        log_filter::{LogFilter, RawFilter},
    },
    routes::access::AdminUser,
    store::logs,
};

#[derive(Template)]
#[template(path = "logs.html")]
struct Logs {
    page: Page,
    services: Vec<Choice>,
    levels: Vec<Choice>,
    raw: RawFilter,
    problem: Option<String>,
    lines: Vec<Line>,
    older: Option<String>,
}

struct Choice {
    value: String,
    chosen: bool,
}

struct Line {
    id: i64,
    time: String,
    iso: String,
    service: String,
    level: String,
    message: String,
    correlation_id: String,
    correlation_short: String,
    user: String,
    extra: Option<String>,
}

/// `GET /logs`
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUser,
    page: Page,
    LenientQuery(raw): LenientQuery<RawFilter>,
) -> Result<Html<String>> {
    let (filter, problem) = match LogFilter::try_from(raw.clone()) {
        Ok(filter) => (filter, None),
        Err(error) => {
            let without = RawFilter { start_time: None, end_time: None, ..raw.clone() };
            (LogFilter::try_from(without).unwrap_or_default(), Some(error.to_string()))
        }
    };
    let rows = logs::search(&state.pool, &filter).await?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows == filter.limit);
    let registry = state.board.registry();
    let choice = |value: &str, chosen: Option<&str>| Choice {
        value: value.to_owned(),
        chosen: chosen.is_some_and(|chosen| chosen.eq_ignore_ascii_case(value)),
    };
    let lines = rows.into_iter().map(line).collect();
    render(&Logs {
        page,
        services: registry.names().map(|name| choice(name, raw.service.as_deref())).collect(),
        levels: LEVELS.iter().map(|level| choice(level, raw.level.as_deref())).collect(),
        older: is_full.then(|| query_string(&raw, filter.offset + filter.limit)),
        raw,
        problem,
        lines,
    })
}

fn line(row: logs::LogRow) -> Line {
    let correlation_id = row.correlation_id.unwrap_or_default();
    Line {
        id: row.id,
        time: row.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
        iso: row.timestamp.to_rfc3339(),
        service: row.service,
        level: row.level,
        message: row.message,
        correlation_short: correlation_id.chars().take(8).collect(),
        correlation_id,
        user: row.user_email.unwrap_or_default(),
        extra: row.extra_data.and_then(|extra| serde_json::to_string_pretty(&extra).ok()),
    }
}

/// The same filters at another offset.
fn query_string(raw: &RawFilter, offset: i64) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let values = [
        ("service", &raw.service),
        ("level", &raw.level),
        ("correlation_id", &raw.correlation_id),
        ("user", &raw.user),
        ("search", &raw.search),
        ("start_time", &raw.start_time),
        ("end_time", &raw.end_time),
        ("limit", &raw.limit),
    ];
    for (name, value) in values {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    query.append_pair("offset", &offset.to_string()).finish()
}
