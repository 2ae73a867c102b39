//! Where batches of log entries go.

use std::{future::Future, time::Duration};

use http::{StatusCode, header};
use serde::Deserialize;

use crate::{
    contracts::helm::{LogBatch, LogEntry},
    service_client::{ServiceClient, ServiceError},
};

/// Takes log batches for good: `Ok` means stored, the shipper forgets the entries.
///
/// Helm implements it over its own database; everyone else ships over HTTP with [`HttpSink`].
pub trait LogSink: Send + Sync + 'static {
    /// Stores a batch, all or nothing.
    ///
    /// # Errors
    /// See [`SinkError`].
    fn send(&self, batch: &LogBatch<'_>) -> impl Future<Output = Result<(), SinkError>> + Send;
}

/// Why a batch was not stored.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SinkError {
    /// Not now; the same batch may work later.
    #[error("{reason}")]
    Unavailable {
        /// What happened, for the log.
        reason: String,
        /// When to try again, if the other side said so.
        retry_after: Option<Duration>,
    },
    /// Never in this form. The shipper sends halves, and gives up only the single entries that are at fault.
    #[error("{reason}")]
    Refused {
        /// What happened, for the log.
        reason: String,
    },
}

impl SinkError {
    /// A failure that goes away by itself.
    pub fn unavailable(reason: impl ToString) -> Self {
        Self::Unavailable { reason: reason.to_string(), retry_after: None }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Refused { .. } => None,
        }
    }
}

/// Time for one batch, well below Helm's own 30 s.
const TIMEOUT: Duration = Duration::from_secs(10);

/// `POST {helm}/api/logs/ingest` with a service token (helm.md §4.2).
pub struct HttpSink {
    client: ServiceClient,
}

impl HttpSink {
    /// Ships through `client`, which finds Helm and fetches the tokens.
    pub fn new(client: ServiceClient) -> Self {
        Self { client }
    }
}

/// The part of Helm's answer that matters.
#[derive(Deserialize)]
struct Answer {
    /// Entries that were not stored; only our own Helm names them.
    #[serde(default)]
    rejected: Vec<serde_json::Value>,
}

/// Lengths of upstream's columns (helm.md §4.2): its Helm answers a longer value with 500 for the whole batch, for good.
const UPSTREAM_TRACE_ID: usize = 36;
const UPSTREAM_USER_ID: usize = 100;

/// The entries as upstream's Helm can store them; `None` when it already could.
fn fitted_for_upstream(batch: &LogBatch<'_>) -> Option<Vec<LogEntry>> {
    let mut changed = false;
    let fitted = batch.logs.iter().map(|entry| {
        let mut entry = LogEntry::clone(entry);
        for (value, longest) in
            [(&mut entry.trace_id, UPSTREAM_TRACE_ID), (&mut entry.user_id, UPSTREAM_USER_ID)]
        {
            if let Some(text) = value.as_mut().filter(|text| text.chars().count() > longest) {
                *text = text.chars().take(longest).collect();
                changed = true;
            }
        }
        entry
    });
    let fitted = fitted.collect();
    changed.then_some(fitted)
}

impl LogSink for HttpSink {
    async fn send(&self, batch: &LogBatch<'_>) -> Result<(), SinkError> {
        match self.post(batch).await {
            Err(SendError { status: Some(StatusCode::INTERNAL_SERVER_ERROR), error }) => {
                match fitted_for_upstream(batch) {
                    Some(fitted) => {
                        let fitted = LogBatch { logs: fitted.iter().collect(), ..*batch };
                        self.post(&fitted).await.map_err(|failed| failed.error)
                    }
                    None => Err(error),
                }
            }
            outcome => outcome.map_err(|failed| failed.error),
        }
    }
}

/// Why a batch was not stored, with the status of the answer if there was one.
struct SendError {
    status: Option<StatusCode>,
    error: SinkError,
}

impl HttpSink {
    async fn post(&self, batch: &LogBatch<'_>) -> Result<(), SendError> {
        let response =
            self.client.post("helm", "/api/logs/ingest").json(batch).timeout(TIMEOUT).send().await.map_err(
                |error: ServiceError| SendError { status: None, error: SinkError::unavailable(error) },
            )?;
        let status = response.status();
        if status.is_success() {
            let answer = response.json::<Answer>().await.unwrap_or(Answer { rejected: Vec::new() });
            if !answer.rejected.is_empty() {
                tracing::warn!(rejected = answer.rejected.len(), "Helm refused single log entries");
            }
            return Ok(());
        }
        let retry_after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        Err(SendError { status: Some(status), error: judge(status, retry_after) })
    }
}

/// Which answers a later try can change.
fn judge(status: StatusCode, retry_after: Option<Duration>) -> SinkError {
    let reason = format!("Helm answered {}", status.as_u16());
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
            SinkError::Refused { reason }
        }
        _ => SinkError::Unavailable { reason, retry_after },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{Json, Router, extract::State, response::IntoResponse, routing::post};
    use http::{HeaderMap, StatusCode};
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        registry::{Registry, ServiceEntry},
        testing::{TestIdentity, settings},
    };

    #[test]
    fn only_answers_about_the_content_are_final() {
        for (status, is_final) in [
            (400, true),
            (413, true),
            (422, true),
            (401, false),
            (403, false),
            (404, false),
            (429, false),
            (500, false),
            (503, false),
        ] {
            let error = judge(StatusCode::from_u16(status).unwrap(), None);
            assert_eq!(matches!(error, SinkError::Refused { .. }), is_final, "{status}");
        }
    }

    type Seen = Arc<Mutex<Vec<(HeaderMap, Value)>>>;

    async fn listen(app: Router) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        url
    }

    /// A sink towards a Core that gives tokens and a Helm that answers `status`.
    async fn sink(status: StatusCode) -> (HttpSink, Seen) {
        let seen = Seen::default();
        let core = Router::new()
            .route("/service-token", post(|| async { Json(json!({"token": "service-token-1"})) }));
        let ingest = async move |State(seen): State<Seen>, headers: HeaderMap, Json(body): Json<Value>| {
            seen.lock().unwrap().push((headers, body));
            (status, [("retry-after", "7")], Json(json!({"success": true, "ingested": 1, "message": "ok"})))
                .into_response()
        };
        let helm = Router::new().route("/api/logs/ingest", post(ingest)).with_state(seen.clone());
        let mut registry = Registry::default();
        registry.0.insert("core".into(), ServiceEntry::at(listen(core).await));
        registry.0.insert("helm".into(), ServiceEntry::at(listen(helm).await));
        let context = TestIdentity::default().context_with(settings("ledger"), "ledger", registry);
        (HttpSink::new(context.client), seen)
    }

    fn entry() -> LogEntry {
        LogEntry {
            level: "WARNING".into(),
            message: "m".into(),
            timestamp: "2025-11-22T10:30:00.123Z".into(),
            context: Some(json!({"path": "/a", "method": "GET"})),
            trace_id: Some("c-1".into()),
            user_id: Some("tech@example.com".into()),
            hostname: Some("msp".into()),
            process_id: Some(7),
            source: None,
            seq: None,
        }
    }

    fn batch(entry: &LogEntry) -> LogBatch<'_> {
        LogBatch { service_name: "ledger", logs: vec![entry] }
    }

    #[tokio::test]
    async fn the_batch_has_upstreams_form_and_a_service_token() {
        let (sink, seen) = sink(StatusCode::OK).await;
        sink.send(&batch(&entry())).await.unwrap();
        let seen = seen.lock().unwrap();
        let (headers, body) = &seen[0];
        assert_eq!(headers["authorization"], "Bearer service-token-1");
        assert_eq!(
            *body,
            json!({"service_name": "ledger", "logs": [{
                "level": "WARNING", "message": "m", "timestamp": "2025-11-22T10:30:00.123Z",
                "context": {"path": "/a", "method": "GET"}, "trace_id": "c-1", "user_id": "tech@example.com",
                "hostname": "msp", "process_id": 7
            }]})
        );
    }

    #[tokio::test]
    async fn upstreams_helm_gets_a_second_try_without_what_its_columns_cannot_hold() {
        let (sink, seen) = sink(StatusCode::INTERNAL_SERVER_ERROR).await;
        assert!(sink.send(&batch(&entry())).await.is_err());
        assert_eq!(seen.lock().unwrap().len(), 1, "nothing to cut, nothing to try");
        let long = LogEntry { trace_id: Some("c".repeat(100)), ..entry() };
        assert!(sink.send(&batch(&long)).await.is_err());
        let seen = seen.lock().unwrap();
        let ids: Vec<_> =
            seen[1..].iter().map(|(_, body)| body["logs"][0]["trace_id"].as_str().unwrap().len()).collect();
        assert_eq!(ids, [100, UPSTREAM_TRACE_ID]);
    }

    #[tokio::test]
    async fn a_busy_helm_is_asked_again_when_it_says_so() {
        let (sink, _) = sink(StatusCode::TOO_MANY_REQUESTS).await;
        let error = sink.send(&batch(&entry())).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }

    #[tokio::test]
    async fn a_helm_that_is_away_is_not_final() {
        let context = TestIdentity::default().context("ledger");
        let error = HttpSink::new(context.client).send(&batch(&entry())).await.unwrap_err();
        assert!(matches!(error, SinkError::Unavailable { .. }));
    }
}
