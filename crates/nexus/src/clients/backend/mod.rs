//! Passing requests on to the backends (nexus.md §8): kept connections, several instances, another try where it does no harm,
//! limits to silence.

mod balance;
mod body;
mod connect;
mod instance;
mod probe;

use std::{collections::HashSet, error::Error as _, sync::Arc, time::Duration};

use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header, request::Parts};
use http_body::Body as _;
use tokio_util::sync::CancellationToken;

use self::{
    balance::Instances,
    body::{Lease, Leased, Outgoing},
    connect::Connector,
    instance::Instance,
};
use super::idle::{IdleLimited, Progress, TooLarge, UntilStop, Upload};
use crate::{config::Settings, domain::security};

/// Connections a request is tried on at most.
const MOST_TRIES: usize = 4;

/// Sends requests to backends.
pub struct Backends {
    instances: Instances,
    connector: Connector,
    silence: Duration,
    max_body: u64,
    stop: CancellationToken,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Base URLs of the instances, at least one.
    pub instances: &'a [String],
    /// Appended to the base URL as it is.
    pub path_and_query: &'a str,
    /// How long the backend may take to begin its answer, and be silent within it; `None` for the usual time.
    pub silence: Option<Duration>,
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

/// One try that failed: why, and what is left of the request if it can be sent again.
struct Failed {
    error: BackendError,
    again: Option<Request<Outgoing>>,
    fault: Fault,
}

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The connection had waited for too long, and its other side closed it.
    Connection,
    /// The instance: it cannot be reached, or hangs up.
    Instance,
    /// Anybody's: another try would not help.
    Unknown,
}

impl Backends {
    /// Without any connection yet. Event streams end at `stop`.
    pub fn new(settings: &Settings, stop: CancellationToken) -> Result<Self, rustls::Error> {
        Ok(Self {
            instances: Instances::default(),
            connector: Connector::new(settings)?,
            silence: settings.backend_timeout(),
            max_body: settings.max_body_bytes,
            stop,
        })
    }

    /// Sends a request to one of the instances. It is sent again, elsewhere if possible, when nothing of it had left; a
    /// request without a body that may be repeated also when the connection ended before the answer began.
    pub async fn send(
        &self,
        target: Target<'_>,
        mut parts: Parts,
        body: Body,
    ) -> Result<Response<Body>, BackendError> {
        parts.version = Version::HTTP_11;
        if parts.headers.get(header::CONTENT_LENGTH).is_some_and(|length| self.is_too_long(length)) {
            return Err(BackendError::TooLarge);
        }
        let silence = target.silence.unwrap_or(self.silence);
        let (body, progress) = if body.is_end_stream() {
            (Outgoing::Empty, None)
        } else {
            let progress = Progress::begin();
            (Outgoing::Upload(Upload::new(body, self.max_body, progress.clone())), Some(progress))
        };
        let repeatable = progress.is_none() && is_idempotent(&parts.method);
        let mut request = Request::from_parts(parts, body);
        let mut left = self.instances.at(target.instances)?;
        let mut instance = self.instances.choose(&mut left).ok_or_else(nowhere)?;
        let mut may_wait = true;
        let mut tries = 1;
        loop {
            *request.uri_mut() = instance.target(target.path_and_query)?;
            request.headers_mut().insert(header::HOST, instance.host().clone());
            let kept = if may_wait { instance.take(repeatable) } else { None };
            let outcome =
                self.attempt(&instance, kept, request, repeatable, silence, progress.as_ref()).await;
            let failed = match outcome {
                Ok(response) => {
                    if instance.mark_up() {
                        tracing::info!(base = instance.base(), "an instance answers again");
                    }
                    return Ok(self.limit_silence(response, silence));
                }
                Err(failed) => failed,
            };
            if failed.fault == Fault::Instance {
                self.note_failure(&instance, &failed.error);
                let Some(next) = self.instances.choose(&mut left) else { return Err(failed.error) };
                instance = next;
            }
            let Some(again) = failed.again.filter(|_| tries < MOST_TRIES) else { return Err(failed.error) };
            request = again;
            // The same instance gets its second try on a connection of its own.
            may_wait = failed.fault == Fault::Instance;
            tries += 1;
        }
    }

    /// One try, on a connection that waited or on a new one.
    async fn attempt(
        &self,
        instance: &Arc<Instance>,
        kept: Option<instance::Connection>,
        request: Request<Outgoing>,
        repeatable: bool,
        silence: Duration,
        progress: Option<&Progress>,
    ) -> Result<Response<Leased>, Box<Failed>> {
        let failed = |error, again, fault| Box::new(Failed { error, again, fault });
        let load = instance.load();
        let fault = if kept.is_some() { Fault::Connection } else { Fault::Instance };
        let mut connection = match kept {
            Some(connection) => connection,
            // Rare and large: in a box of its own.
            None => match Box::pin(self.connector.connect(instance)).await {
                Ok(connection) => connection,
                Err(error) => {
                    return Err(failed(BackendError::Unreachable(error.to_string()), Some(request), fault));
                }
            },
        };
        let copy = repeatable.then(|| copy_of(&request));
        let sent = connection.try_send_request(request);
        let Some(outcome) = wait(sent, silence, progress).await else {
            return Err(failed(BackendError::Timeout, None, Fault::Unknown));
        };
        let lease = Lease { connection, instance: instance.clone(), load };
        match outcome {
            // The connection is no HTTP any more, there is nothing to give back.
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                Ok(response.map(Leased::ended))
            }
            Ok(response) => Ok(response.map(|body| Leased::new(body, lease))),
            Err(mut unanswered) => {
                let unsent = unanswered.take_message();
                let error = unanswered.into_error();
                // Nonsense from the backend, or a request body that broke off, are no lost connections.
                let is_lost = !error.is_parse() && !error.is_user();
                let fault = if is_lost { fault } else { Fault::Unknown };
                Err(failed(reason(&error), unsent.or_else(|| copy.filter(|_| is_lost)), fault))
            }
        }
    }

    /// An instance that cannot be reached is left out while there are others, and asked whether it is ready again.
    fn note_failure(&self, instance: &Arc<Instance>, error: &BackendError) {
        if instance.mark_down() {
            tracing::warn!(base = instance.base(), error = %error, "an instance does not answer");
            probe::begin(instance, self.connector.clone(), self.stop.clone());
        }
    }

    /// Event streams may be silent for as long as they like.
    fn limit_silence(&self, response: Response<Leased>, silence: Duration) -> Response<Body> {
        let is_event_stream =
            security::media_type(response.headers()).eq_ignore_ascii_case("text/event-stream");
        response.map(|body| {
            if body.is_end_stream() {
                Body::empty()
            } else if is_event_stream {
                Body::new(UntilStop::new(body, self.stop.clone()))
            } else {
                Body::new(IdleLimited::new(body, silence))
            }
        })
    }

    /// Forgets instances whose base URL is not `wanted` any more, and closes connections that waited long enough.
    pub fn tidy(&self, wanted: &HashSet<String>) {
        self.instances.tidy(wanted);
    }

    fn is_too_long(&self, length: &HeaderValue) -> bool {
        length
            .to_str()
            .ok()
            .and_then(|length| length.parse::<u64>().ok())
            .is_some_and(|length| length > self.max_body)
    }
}

/// Waits for the head of the answer; `None` when neither request nor answer moved for the time of silence.
async fn wait<F: Future>(answer: F, silence: Duration, progress: Option<&Progress>) -> Option<F::Output> {
    let Some(progress) = progress else { return tokio::time::timeout(silence, answer).await.ok() };
    tokio::pin!(answer);
    let mut deadline = progress.last() + silence;
    loop {
        match tokio::time::timeout_at(deadline, &mut answer).await {
            Ok(output) => return Some(output),
            Err(_) if progress.last() + silence > deadline => deadline = progress.last() + silence,
            Err(_) => return None,
        }
    }
}

/// Methods whose repetition changes nothing more (RFC 9110 §9.2.2).
fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE)
}

/// A request without a body once more.
fn copy_of(request: &Request<Outgoing>) -> Request<Outgoing> {
    let mut copy = Request::new(Outgoing::Empty);
    *copy.method_mut() = request.method().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn nowhere() -> BackendError {
    BackendError::Address("there is none".to_owned())
}

fn reason(error: &hyper::Error) -> BackendError {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        if cause.is::<TooLarge>() {
            return BackendError::TooLarge;
        }
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    BackendError::Unreachable(text)
}
