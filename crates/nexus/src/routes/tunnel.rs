//! WebSockets: after the handshake both sides are copied until one of them, the session or the gateway ends.

use std::{sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use hivematrix_shared::problem::Problem;
use http::StatusCode;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{self, AsyncWriteExt};
use tracing::Instrument;

use crate::{Gateway, domain::websocket, gate::Visitor};

/// How often the session of an open WebSocket is looked at: within two seconds an ended one counts nowhere any more.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Time to say goodbye to both sides.
const GOODBYE: Duration = Duration::from_secs(1);

/// The client's side of a handshake on its way to the backend.
pub(super) struct Handshake {
    client: OnUpgrade,
}

impl Handshake {
    /// Takes what the server knows of the connection out of a request that asks for a WebSocket. `None` when the
    /// connection cannot become one.
    pub fn take(extensions: &mut http::Extensions) -> Option<Self> {
        Some(Self { client: extensions.remove()? })
    }

    /// Completes the handshake with the backend's answer. Anything but an agreement is passed on as an ordinary answer.
    pub fn complete(
        self,
        mut response: Response,
        gateway: &Arc<Gateway>,
        visitor: Arc<Visitor>,
        agreed: bool,
    ) -> Result<Response, Problem> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let backend = response.extensions_mut().remove::<OnUpgrade>().filter(|_| agreed);
        let backend = backend.ok_or_else(unexpected)?;
        websocket::mark(response.headers_mut());
        *response.body_mut() = Body::empty();
        let tunnel = run(self, backend, gateway.clone(), visitor).in_current_span();
        gateway.context.spawn_graceful(tunnel);
        Ok(response)
    }
}

/// The backend speaks another protocol than the client asked for.
pub(super) fn unexpected() -> Problem {
    Problem::bad_gateway("The service answered with a protocol that nobody asked for.")
}

async fn run(handshake: Handshake, backend: OnUpgrade, gateway: Arc<Gateway>, visitor: Arc<Visitor>) {
    let (client, backend) = match tokio::try_join!(handshake.client, backend) {
        Ok((client, backend)) => (TokioIo::new(client), TokioIo::new(backend)),
        Err(error) => return tracing::debug!(error = %error, "a WebSocket did not come about"),
    };
    let (mut from_client, mut to_client) = io::split(client);
    let (mut from_backend, mut to_backend) = io::split(backend);
    // Each way goes no faster than its reader reads, and the end of one is the end of both.
    let end = tokio::select! {
        _ = io::copy(&mut from_client, &mut to_backend) => "the client left",
        _ = io::copy(&mut from_backend, &mut to_client) => "the service left",
        () = gateway.context.shutdown.cancelled() => "the gateway stops",
        () = end_of_session(&gateway, &visitor) => "the session has ended",
    };
    let goodbye = async { tokio::join!(to_client.shutdown(), to_backend.shutdown()) };
    // Who is gone already does not hear it.
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    tracing::debug!(end, "a WebSocket was closed");
}

async fn end_of_session(gateway: &Gateway, visitor: &Visitor) {
    while gateway.gate.is_alive(visitor).await {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
