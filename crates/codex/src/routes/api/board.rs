//! `GET /api/tickets/active`: the ticket board (codex-api.md §5).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use hivematrix_shared::{
    conditional::is_unchanged,
    contracts::codex::ActiveTickets,
    extract::LenientQuery,
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{reader::Reader, refusals::ForReaders};
use crate::{
    Codex,
    store::snapshot::{Filter, Snapshot},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(active_tickets))
}

/// Optional filters; values of the wrong type are ignored.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct BoardQuery {
    /// Only tickets of this group.
    group_id: Option<i64>,
    /// Only tickets of this agent.
    responder_id: Option<i64>,
}

/// The board: all active tickets in four sections, as they stand at the current minute.
///
/// The answer changes at most once a minute unless data changes, and is never older than the last committed sync.
#[utoipa::path(
    get,
    path = "/api/tickets/active",
    tag = "tickets",
    params(BoardQuery, ("If-None-Match" = Option<String>, Header, description = "Entity tag of an earlier answer")),
    responses((status = 200, body = ActiveTickets), (status = 304, description = "Unchanged"), ForReaders)
)]
async fn active_tickets(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(query): LenientQuery<BoardQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let filter = Filter { group_id: query.group_id, responder_id: query.responder_id, scope: reader.scope };
    let snapshot = codex.board.at(codex.context.clock.now()).await?;
    if filter.is_open() {
        if is_unchanged(&headers, snapshot.etag()) {
            return Ok(not_modified(snapshot.etag()));
        }
        let etag = snapshot.etag().clone();
        return Ok(if accepts_gzip(&headers) {
            let mut response = json(gzip_of(snapshot).await?, etag);
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        } else {
            json(snapshot.body(), etag)
        });
    }
    let (body, etag) = snapshot.part(&filter);
    Ok(if is_unchanged(&headers, &etag) { not_modified(&etag) } else { json(body, etag) })
}

async fn gzip_of(snapshot: Arc<Snapshot>) -> Result<Bytes> {
    match snapshot.ready_gzip() {
        Some(ready) => Ok(ready),
        None => tokio::task::spawn_blocking(move || snapshot.gzip()).await.map_err(Problem::internal),
    }
}

fn common_headers(etag: &HeaderValue) -> [(header::HeaderName, HeaderValue); 3] {
    [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
    ]
}

fn json(body: Bytes, etag: HeaderValue) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (kind, common_headers(&etag), Body::from(body)).into_response()
}

fn not_modified(etag: &HeaderValue) -> Response {
    (StatusCode::NOT_MODIFIED, common_headers(etag)).into_response()
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            name.trim().eq_ignore_ascii_case("gzip")
                && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn gzip_is_sent_only_to_those_who_take_it() {
        for (sent, taken) in [
            ("gzip, deflate", true),
            ("GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("br", false),
            ("identity", false),
            ("", false),
        ] {
            assert_eq!(accepts_gzip(&with(header::ACCEPT_ENCODING, sent)), taken, "{sent}");
        }
    }
}
