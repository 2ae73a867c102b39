//! WebSockets through the gateway: who may open one, and what ends it.

use std::time::Duration;

use axum::{
    Router,
    extract::{WebSocketUpgrade, ws},
    response::Response,
    routing::{any, get},
};
use futures::{SinkExt, StreamExt};
use hivematrix_shared::auth::PermissionLevel::Billing;
use http::{HeaderName, StatusCode};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

use crate::{
    door::open_door,
    support::{ORIGIN, World, serve},
};

/// Long enough for anything that is going to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A backend that says everything again, until it is told to leave.
fn echo() -> Router {
    Router::new().route("/socket", any(upgrade)).route("/page", get(|| async { "no socket" }))
}

async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols(["b"]).on_upgrade(talk)
}

async fn talk(mut socket: ws::WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if message == ws::Message::text("leave") || socket.send(message).await.is_err() {
            return;
        }
    }
}

type Headers<'a> = [(&'a str, &'a str)];

/// Opens a WebSocket over a connection to the gateway; the error is the status of another answer.
async fn open<S>(connection: S, path: &str, headers: &Headers<'_>) -> Result<WebSocketStream<S>, StatusCode>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = format!("ws://gw.test{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
    }
    match client_async(request, connection).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status()),
        Err(error) => panic!("{error}"),
    }
}

/// A connection to the gateway without TLS.
async fn connect(world: &World) -> TcpStream {
    let url = serve(world.gateway.router()).await;
    TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// An open WebSocket of a user with a token.
async fn opened(world: &World) -> WebSocketStream<TcpStream> {
    let bearer = format!("Bearer {}", world.identity.user_token(Billing));
    open(connect(world).await, "/ledger/socket", &[("authorization", &bearer)]).await.unwrap()
}

async fn says<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, message: Message) {
    socket.send(message.clone()).await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(answer, message);
}

/// Waits for the end of a WebSocket.
async fn ends(mut socket: WebSocketStream<TcpStream>) {
    let end = tokio::time::timeout(PATIENCE, async { while let Some(Ok(_)) = socket.next().await {} });
    end.await.unwrap();
}

#[tokio::test]
async fn messages_of_all_kinds_pass_both_ways() {
    let world = World::in_front_of(echo()).await;
    let mut socket = opened(&world).await;
    for message in [
        Message::text("hello"),
        Message::binary(vec![7; 1_000_000]),
        Message::text(""),
        Message::text("more"),
    ] {
        says(&mut socket, message).await;
    }
    socket.close(None).await.unwrap();
    ends(socket).await;
}

#[tokio::test]
async fn the_real_door_passes_websockets_on() {
    let world = World::in_front_of(echo()).await;
    let door = open_door(&world).await;
    let bearer = format!("Bearer {}", world.identity.user_token(Billing));
    let headers = [("authorization", &*bearer), ("sec-websocket-protocol", "a, b")];
    let connection = door.connection("http/1.1").await;
    let mut socket = open(connection, "/ledger/socket", &headers).await.unwrap();
    says(&mut socket, Message::text("through TLS")).await;
}

#[tokio::test]
async fn a_cookie_opens_a_websocket_only_for_our_own_pages_and_a_token_for_any_program() {
    let world = World::in_front_of(echo()).await;
    let browser = world.sign_in().await;
    let cookie = ("cookie", browser.cookie_header());
    let bearer = ("authorization", format!("Bearer {}", world.identity.user_token(Billing)));
    let nothing = ("x-none", String::new());
    for (proof, origin, refused) in [
        (&cookie, ORIGIN, None),
        (&cookie, "https://evil.example", Some(StatusCode::FORBIDDEN)),
        (&cookie, "https://gw.test.evil.example", Some(StatusCode::FORBIDDEN)),
        (&cookie, "null", Some(StatusCode::FORBIDDEN)),
        (&cookie, "", Some(StatusCode::FORBIDDEN)),
        (&bearer, "https://anywhere.example", None),
        (&bearer, "", None),
        (&nothing, ORIGIN, Some(StatusCode::UNAUTHORIZED)),
        (&("authorization", "Bearer nonsense".to_owned()), ORIGIN, Some(StatusCode::UNAUTHORIZED)),
    ] {
        let mut headers = vec![(proof.0, proof.1.as_str())];
        if !origin.is_empty() {
            headers.push(("origin", origin));
        }
        let outcome = open(connect(&world).await, "/ledger/socket", &headers).await;
        assert_eq!(outcome.err(), refused, "{} from {origin:?}", proof.0);
    }
}

#[tokio::test]
async fn an_ended_session_ends_its_websockets() {
    let world = World::in_front_of(echo()).await;
    let mut socket = opened(&world).await;
    says(&mut socket, Message::text("hello")).await;
    world.revocations.insert(world.identity.user(Billing).jti.unwrap(), i64::MAX);
    ends(socket).await;
}

#[tokio::test]
async fn a_service_that_leaves_ends_its_websockets() {
    let world = World::in_front_of(echo()).await;
    let mut socket = opened(&world).await;
    socket.send(Message::text("leave")).await.unwrap();
    ends(socket).await;
}

#[tokio::test]
async fn a_stop_of_the_gateway_ends_all_websockets() {
    let world = World::in_front_of(echo()).await;
    let mut socket = opened(&world).await;
    says(&mut socket, Message::text("hello")).await;
    world.stop.cancel();
    ends(socket).await;
}

#[tokio::test]
async fn a_service_may_decline_and_only_the_asked_for_protocol_counts() {
    let switches = Router::new().fallback(any(|| async {
        (StatusCode::SWITCHING_PROTOCOLS, [("connection", "upgrade"), ("upgrade", "raw")], "")
    }));
    for (app, path, status) in
        [(echo(), "/ledger/page", StatusCode::OK), (switches, "/ledger/x", StatusCode::BAD_GATEWAY)]
    {
        let world = World::in_front_of(app).await;
        let bearer = format!("Bearer {}", world.identity.user_token(Billing));
        let declined = open(connect(&world).await, path, &[("authorization", &bearer)]).await;
        assert_eq!(declined.err(), Some(status), "{path}");
    }
}
