//! The log as a file (helm.md §4.2): the rows of a filter, all of them, streamed.

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use hivematrix_shared::{
    contracts::helm::LogObject,
    csv,
    extract::Query,
    problem::{Problem, Result},
};
use http::{StatusCode, header};
use serde::Deserialize;
use sqlx::PgPool;

use crate::{
    ServeState,
    domain::log_filter::{LogFilter, RawFilter},
    routes::access::AdminUser,
    store::logs::{self, LogRow},
};

/// Rows read at a time: the answer grows by as many, however large the log is.
const PAGE: i64 = 1_000;

const HEADINGS: [&str; 10] = [
    "id",
    "timestamp",
    "service",
    "level",
    "message",
    "correlation_id",
    "user_email",
    "extra_data",
    "hostname",
    "process_id",
];

/// Kind of file.
#[derive(Debug, Default, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    format: Option<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Json,
}

/// What is still to be written.
struct Export {
    pool: PgPool,
    filter: LogFilter,
    format: Format,
    rows: Vec<LogRow>,
    is_first: bool,
    is_over: bool,
}

/// All entries of a filter as a file: CSV (RFC 4180, formulas made harmless) or a JSON array of log objects.
#[utoipa::path(
    get, path = "/api/logs/export", tag = "logs",
    params(
        ("format" = Option<String>, Query, description = "`csv` (default) or `json`"),
        ("service" = Option<String>, Query, description = "This and the following as in `GET /api/logs`; `limit`, `offset`, `cursor` and `after_id` are ignored"),
        ("level" = Option<String>, Query), ("correlation_id" = Option<String>, Query), ("user" = Option<String>, Query),
        ("search" = Option<String>, Query), ("words" = Option<String>, Query), ("start_time" = Option<String>, Query),
        ("end_time" = Option<String>, Query), ("order" = Option<String>, Query),
    ),
    responses(
        (status = 200, description = "An attachment; an answer that breaks off is not complete", body = String, content_type = "text/csv"),
        (status = 400, description = "A time or the format is wrong"),
    )
)]
pub async fn export(
    State(state): State<ServeState>,
    _: AdminUser,
    Query(wanted): Query<Wanted>,
    Query(raw): Query<RawFilter>,
) -> Result<Response> {
    let refused = |error: &str| Problem::new(StatusCode::BAD_REQUEST).error(error);
    let (format, media_type, ending) = match wanted.format.as_deref() {
        None | Some("" | "csv") => (Format::Csv, "text/csv; charset=utf-8", "csv"),
        Some("json") => (Format::Json, "application/json", "json"),
        Some(_) => return Err(refused("format must be csv or json")),
    };
    let raw = RawFilter { limit: None, offset: None, cursor: None, after_id: None, ..raw };
    let filter = LogFilter::try_from(raw).map_err(|error| refused(&error.to_string()))?;
    let filter = LogFilter { limit: PAGE, ..filter };
    // The first rows are read before the answer begins, so that a database that is away has a status of its own.
    let rows = logs::search(&state.pool, &filter).await?;
    let export = Export { pool: state.pool.clone(), filter, format, rows, is_first: true, is_over: false };
    let name = state.context.clock.now().format("hivematrix-logs-%Y%m%d-%H%M%S");
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, &disposition)];
    Ok((headers, Body::from_stream(stream::try_unfold(export, Export::step))).into_response())
}

impl Export {
    /// Writes the rows at hand and reads the next ones.
    async fn step(mut self) -> sqlx::Result<Option<(Bytes, Self)>> {
        if self.is_over {
            return Ok(None);
        }
        let next = self.filter.next_cursor(self.rows.last().map(LogRow::cursor), self.rows.len());
        let mut text = String::new();
        match self.format {
            Format::Csv => self.push_csv(&mut text),
            Format::Json => self.push_json(&mut text),
        }
        self.is_first = false;
        self.rows = Vec::new();
        match next {
            Some(cursor) => {
                self.filter.cursor = Some(cursor);
                self.rows = logs::search(&self.pool, &self.filter).await?;
            }
            None => {
                self.is_over = true;
                if matches!(self.format, Format::Json) {
                    text.push_str("]\n");
                }
            }
        }
        Ok(Some((text.into(), self)))
    }

    fn push_csv(&self, text: &mut String) {
        if self.is_first {
            text.push(csv::BYTE_ORDER_MARK);
            csv::push_line(text, HEADINGS);
        }
        for row in &self.rows {
            let optional = |value: &Option<String>| value.clone().unwrap_or_default();
            let extra = row.extra_data.as_ref().map(ToString::to_string).unwrap_or_default();
            let cells = [
                row.id.to_string(),
                row.timestamp.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
                row.service.clone(),
                row.level.clone(),
                row.message.clone(),
                optional(&row.correlation_id),
                optional(&row.user_email),
                extra,
                optional(&row.hostname),
                row.process_id.map(|id| id.to_string()).unwrap_or_default(),
            ];
            csv::push_line(text, cells.iter().map(String::as_str));
        }
    }

    fn push_json(&mut self, text: &mut String) {
        text.push_str(if self.is_first { "[" } else { "" });
        for (index, row) in std::mem::take(&mut self.rows).into_iter().enumerate() {
            text.push_str(if self.is_first && index == 0 { "\n" } else { ",\n" });
            // A log object has no map with keys that are no strings, so that this cannot fail.
            text.push_str(&serde_json::to_string(&LogObject::from(row)).unwrap_or_default());
        }
    }
}
