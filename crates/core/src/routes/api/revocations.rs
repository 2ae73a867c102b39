//! `GET /api/revocations`: ended sessions, as a page or as an event stream (core.md §2.7).

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures::{Stream, StreamExt, stream};
use hivematrix_shared::{
    auth::ServiceOnly,
    contracts::core::{RevocationPage, RevokedSession},
    extract::{Json, Query},
    problem::{Problem, Result},
};
use http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    domain::revocation::{Position, Revocation},
    routes::request::text,
    state::AppState,
    store::sessions::Sessions,
};

/// How often an idle stream says that Core is there.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Where to continue.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Continue {
    /// The `cursor` of the last answer; without it, all live revocations are sent.
    since: Option<String>,
}

/// Sessions that were ended before their tokens expire. With `Accept: text/event-stream` the answer stays open and brings
/// each one as an event `revoked` whose id is the cursor (`Last-Event-ID` resumes), and a comment every 5 s. An event `keys`
/// says that the signing keys are others from now on. An instance that has lost Redis ends its streams and answers 503, so
/// that its readers go to another one.
#[utoipa::path(get, path = "/api/revocations", tag = "sessions",
    responses(
        (status = 200, description = "Revocations after the cursor", body = RevocationPage),
        (status = 400, description = "Not a cursor"),
        (status = 401, description = "No valid service token for core"),
        (status = 403, description = "Not a service"),
        (status = 503, description = "This instance does not learn of sessions ended elsewhere at the moment")))]
pub async fn revocations(
    State(core): State<AppState>,
    _: ServiceOnly,
    Query(Continue { since }): Query<Continue>,
    headers: HeaderMap,
) -> Result<Response> {
    let resumed = text(&headers, "last-event-id").map(str::to_owned);
    let since = match resumed.or(since).filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => Some(cursor.parse().map_err(|error| Problem::bad_request(format!("{error}.")))?),
        None => None,
    };
    if core.sessions.is_stale().await {
        return Err(Problem::unavailable("This instance cannot read the log of ended sessions.", 1));
    }
    if text(&headers, header::ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/event-stream")) {
        let sessions = core.sessions.clone();
        let stale = async move { sessions.until_stale().await };
        let events = stream::select(events(core.sessions.clone(), since), key_changes(&core))
            .take_until(core.ctx.shutdown.clone().cancelled_owned())
            .take_until(Box::pin(stale));
        return Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(SIGN_OF_LIFE)).into_response());
    }
    let (cursor, revoked) = core.sessions.revocations(since);
    let revoked = revoked.into_iter().map(session).collect();
    Ok(Json(RevocationPage { cursor: cursor.to_string(), revoked }).into_response())
}

/// All revocations from a position on, waiting for more without end.
fn events(
    sessions: Sessions,
    since: Option<Position>,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    // Subscribed before the first read, so that nothing falls between.
    let tip = sessions.watch();
    let batches =
        stream::unfold((sessions, tip, since, true), |(sessions, mut tip, since, first)| async move {
            if !first && tip.changed().await.is_err() {
                return None;
            }
            let (position, revoked) = sessions.revocations(since);
            let batch = stream::iter(revoked.into_iter().map(move |entry| (position.log, entry)));
            Some((batch, (sessions, tip, Some(position), false)))
        });
    batches.flatten().map(|(log, entry)| {
        let id = Position { log, cursor: entry.cursor }.to_string();
        let event = Event::default().event("revoked").id(id);
        // A session id and a number always make JSON; should they ever not, the stream goes on without data.
        Ok(event.clone().json_data(session(entry)).unwrap_or(event))
    })
}

/// An event for each change of the signing keys. It has no id: whoever was not connected fetches the keys anyway.
fn key_changes(core: &AppState) -> impl Stream<Item = Result<Event, Infallible>> + Send + use<> {
    let mut changes = core.keys.changes();
    changes.mark_unchanged();
    stream::unfold(changes, |mut changes| async move {
        changes.changed().await.ok()?;
        let kids = changes.borrow_and_update().clone();
        let event = Event::default().event("keys");
        let event = event.clone().json_data(serde_json::json!({ "kids": kids })).unwrap_or(event);
        Some((Ok(event), changes))
    })
}

fn session(entry: Revocation) -> RevokedSession {
    RevokedSession { jti: entry.jti, exp: entry.exp }
}
