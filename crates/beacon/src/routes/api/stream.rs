//! `GET /api/stream/{view_slug}`: the board of an open page, whenever it changes (beacon.md §4).

use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::{Authenticator, BearerToken, StaffOnly},
    config::Secret,
    extract::{LenientQuery, Path},
    problem::Result,
};
use http::HeaderMap;

use crate::{
    Beacon,
    routes::{
        answer::{Asked, BoardQuery, Detail, find_view},
        stream::{self, Reader},
    },
};

/// The tickets of a view whenever they change
///
/// Server-sent events. Event `tickets`, data: the JSON of `/api/tickets/{view_slug}`, id: its entity tag as in the header
/// `ETag`. A comment every 15 s. With `Last-Event-ID` the board comes at once only if it is another one. The stream ends
/// with the session. An open stream does not count as a poll; one caller may hold 20 of them.
#[utoipa::path(
    get, path = "/api/stream/{view_slug}", tag = "tickets",
    params(
        ("view_slug" = String, Path, description = "View, such as `helpdesk`"),
        ("agent_id" = Option<i64>, Query, description = "Only tickets of the agent with this PSA id; a value that is no integer is ignored"),
        ("priority" = Option<i64>, Query, description = "Only tickets of this priority, 1 low to 4 urgent; any other value is ignored"),
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that arrived")
    ),
    responses(
        (status = 200, description = "Events without end", content_type = "text/event-stream", body = String),
        (status = 401, description = "No valid token"),
        (status = 403, description = "The permission level is `client`"),
        (status = 404, description = "No such view"),
        (status = 429, description = "20 streams of the caller are open, or it opens them too often")
    )
)]
pub async fn stream(
    State(beacon): State<Beacon>,
    StaffOnly(caller): StaffOnly,
    BearerToken(token): BearerToken,
    Path(slug): Path<String>,
    LenientQuery(query): LenientQuery<BoardQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let view = find_view(&beacon, &slug)?;
    let reader = SessionReader { auth: beacon.0.context.auth.clone(), token };
    let place = beacon.0.places.take(&caller.rate_key())?;
    Ok(stream::response(&beacon, Asked::new(view, query, Detail::Whole), reader, &headers, place))
}

/// Whoever holds a token may read while it counts: it has not expired, and its session was not ended.
struct SessionReader {
    auth: Authenticator,
    token: Secret,
}

impl Reader for SessionReader {
    async fn may_read(&self) -> bool {
        self.auth.verify(self.token.expose()).await.is_ok()
    }
}
