//! Passing requests on: pooled connections, several instances, silence limits (nexus.md §8).

use std::{
    collections::HashMap,
    error::Error as _,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::body::Body;
use http::{Method, Request, Response, Uri, Version, header, request::Parts};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio_util::sync::CancellationToken;

use super::idle::{IdleLimited, Progress, TooLarge, UntilStop, Upload};
use crate::{config::Settings, domain::security};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Shorter than the time our own services keep an idle connection.
const POOL_IDLE: Duration = Duration::from_secs(20);
const POOL_SIZE: usize = 256;
/// How long an instance that could not be reached is left out while others are there.
const DEAD_FOR: Duration = Duration::from_secs(5);

/// Sends requests to backends.
pub struct Backends {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    next: AtomicUsize,
    dead: Mutex<HashMap<String, Instant>>,
    silence: Duration,
    max_body: u64,
    stop: CancellationToken,
}

/// Why a backend gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// No instance can be reached, or it hung up.
    #[error("no instance answers: {0}")]
    Unreachable(String),
    /// It was silent for too long.
    #[error("no answer in time")]
    Timeout,
    /// The client sent too much.
    #[error("the request body is too large")]
    TooLarge,
    /// Its address in the registry is wrong.
    #[error("the address is wrong: {0}")]
    Address(String),
}

impl Backends {
    /// A client with an empty pool. Event streams end at `stop`.
    pub fn new(settings: &Settings, stop: CancellationToken) -> Result<Self, rustls::Error> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        http.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(super::tls::client_config(&settings.common)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .build(connector);
        Ok(Self {
            client,
            next: AtomicUsize::new(0),
            dead: Mutex::default(),
            silence: settings.backend_timeout(),
            max_body: settings.max_body_bytes,
            stop,
        })
    }

    /// Sends a request to one of `instances` (base URLs), `path_and_query` appended as it is. A safe request without a
    /// body is sent once more when the connection could not be made.
    pub async fn send(
        &self,
        instances: &[String],
        path_and_query: &str,
        mut parts: Parts,
        body: Body,
    ) -> Result<Response<Body>, BackendError> {
        parts.version = Version::HTTP_11;
        let empty = body.is_end_stream();
        if parts.headers.get(header::CONTENT_LENGTH).is_some_and(|length| self.is_too_long(length)) {
            return Err(BackendError::TooLarge);
        }
        let may_retry = empty && matches!(parts.method, Method::GET | Method::HEAD);
        let again = may_retry.then(|| parts.clone());
        let (base, first) = (self.choose(instances)?, parts);
        match self.attempt(base, path_and_query, first, body, empty).await {
            Err((error, true)) => {
                self.dead
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(base.to_owned(), Instant::now());
                let Some(parts) = again else { return Err(error) };
                let base = self.choose(instances)?;
                self.attempt(base, path_and_query, parts, Body::empty(), true)
                    .await
                    .map_err(|(error, _)| error)
            }
            outcome => outcome.map_err(|(error, _)| error),
        }
    }

    /// One try; the flag of an error says whether the connection itself could not be made.
    async fn attempt(
        &self,
        base: &str,
        path_and_query: &str,
        mut parts: Parts,
        body: Body,
        empty: bool,
    ) -> Result<Response<Body>, (BackendError, bool)> {
        let address = format!("{}{path_and_query}", base.trim_end_matches('/'));
        parts.uri =
            Uri::try_from(address).map_err(|error| (BackendError::Address(error.to_string()), false))?;
        let progress = Progress::begin();
        let body = if empty { body } else { Body::new(Upload::new(body, self.max_body, progress.clone())) };
        let answer = self.client.request(Request::from_parts(parts, body));
        let response =
            self.wait(answer, &progress).await.ok_or((BackendError::Timeout, false))?.map_err(|error| {
                let connect = error.is_connect();
                (
                    if caused_by_size(&error) {
                        BackendError::TooLarge
                    } else {
                        BackendError::Unreachable(chain(&error))
                    },
                    connect,
                )
            })?;
        Ok(self.limit_silence(response))
    }

    /// Waits for the head of the answer; `None` when neither request nor answer moved for the time of silence.
    async fn wait<F: Future>(&self, answer: F, progress: &Progress) -> Option<F::Output> {
        tokio::pin!(answer);
        let mut deadline = progress.last() + self.silence;
        loop {
            match tokio::time::timeout_at(deadline, &mut answer).await {
                Ok(output) => return Some(output),
                Err(_) if progress.last() + self.silence > deadline => {
                    deadline = progress.last() + self.silence
                }
                Err(_) => return None,
            }
        }
    }

    /// Event streams may be silent for as long as they like.
    fn limit_silence(&self, response: Response<Incoming>) -> Response<Body> {
        let is_event_stream =
            security::media_type(response.headers()).eq_ignore_ascii_case("text/event-stream");
        response.map(|body| {
            if body.is_end_stream() {
                Body::new(body)
            } else if is_event_stream {
                Body::new(UntilStop::new(body, self.stop.clone()))
            } else {
                Body::new(IdleLimited::new(body, self.silence))
            }
        })
    }

    /// The next instance in turn that is not known to be dead; all dead, the next anyway.
    fn choose<'a>(&self, instances: &'a [String]) -> Result<&'a str, BackendError> {
        if let [only] = instances {
            return Ok(only);
        }
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        let dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
        let mut in_turn = (0..instances.len()).map(|i| &instances[(start + i) % instances.len()]);
        let first = in_turn.clone().next();
        let alive = in_turn.find(|url| dead.get(*url).is_none_or(|since| since.elapsed() > DEAD_FOR));
        alive.or(first).map(String::as_str).ok_or_else(|| BackendError::Address("there is none".to_owned()))
    }

    fn is_too_long(&self, length: &http::HeaderValue) -> bool {
        length
            .to_str()
            .ok()
            .and_then(|length| length.parse::<u64>().ok())
            .is_some_and(|length| length > self.max_body)
    }
}

fn caused_by_size(error: &hyper_util::client::legacy::Error) -> bool {
    causes(error).any(|cause| cause.is::<TooLarge>())
}

fn chain(error: &hyper_util::client::legacy::Error) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn causes(
    error: &hyper_util::client::legacy::Error,
) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}
