//! A gateway with its peers: a backend that tells what it got, Core with its realm, Codex.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Form, Request, State},
    response::{IntoResponse, Response},
    routing::{any, get, post},
};
use chrono::{DateTime, Utc};
use clap::Parser;
use hivematrix_nexus::{Gateway, config::Settings, tls::listener::CurrentCertificate};
use hivematrix_shared::{
    auth::{Authenticator, PermissionLevel, Revocations},
    clock::Clock,
    config::Secret,
    context::ServiceContext,
    registry::{Registry, RegistryHandle},
    service_client::ServiceClient,
    testing::{Client, TestIdentity, TestRequest, TestResponse, settings},
};
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The public origin of the gateway under test.
pub const ORIGIN: &str = "https://gw.test";
/// What a browser asks for when it opens a page.
pub const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// Serves a router on a free port and returns its base URL.
pub async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}")
}

/// A port on which nobody listens.
pub async fn dead_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Answers with what it was asked, as JSON.
pub fn echo() -> Router {
    Router::new().fallback(any(|request: Request| async move {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let mut headers: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in &parts.headers {
            headers.entry(name.to_string()).or_default().push(value.to_str().unwrap().to_owned());
        }
        Json(json!({
            "method": parts.method.as_str(), "target": parts.uri.to_string(), "headers": headers,
            "body": String::from_utf8_lossy(&body),
        }))
    }))
}

/// Core and its realm as far as the gateway uses them, and Codex's two preference routes.
pub struct Peer {
    pub identity: TestIdentity,
    /// Nonce for the next ID token; taken from the authorization request by [`World::sign_in`].
    pub nonce: Mutex<String>,
    /// Replaces claims of the next ID token.
    pub id_claims: Mutex<Value>,
    /// The PKCE challenge of the authorization request; the token endpoint checks the verifier against it.
    pub challenge: Mutex<String>,
    pub level: Mutex<PermissionLevel>,
    pub sub: Mutex<Option<String>>,
    pub revoked: Mutex<Vec<String>>,
    pub exchanges: Mutex<Vec<HeaderMap>>,
    pub look: Mutex<(StatusCode, Value)>,
    pub home: Mutex<(StatusCode, Value)>,
    pub look_calls: AtomicUsize,
    pub validations: AtomicUsize,
    pub session_ended: AtomicBool,
}

impl Peer {
    fn new(identity: TestIdentity) -> Arc<Self> {
        Arc::new(Self {
            identity,
            nonce: Mutex::default(),
            id_claims: Mutex::new(json!({})),
            challenge: Mutex::default(),
            level: Mutex::new(PermissionLevel::Technician),
            sub: Mutex::default(),
            revoked: Mutex::default(),
            exchanges: Mutex::default(),
            look: Mutex::new((StatusCode::OK, json!({"theme": "dark", "color_theme": "bee"}))),
            home: Mutex::new((StatusCode::NOT_FOUND, json!({}))),
            look_calls: AtomicUsize::new(0),
            validations: AtomicUsize::new(0),
            session_ended: AtomicBool::new(false),
        })
    }

    fn router(self: &Arc<Self>) -> Router {
        let realm = "/realms/hivematrix/protocol/openid-connect";
        Router::new()
            .route(
                "/service-token",
                post(|State(peer): State<Arc<Self>>| async move {
                    Json(json!({"token": peer.identity.service_token("nexus", "codex")}))
                }),
            )
            .route("/api/token/exchange", post(exchange))
            .route(
                "/api/token/revoke",
                post(|State(peer): State<Arc<Self>>, Json(body): Json<Value>| async move {
                    peer.revoked.lock().unwrap().push(body["token"].as_str().unwrap().to_owned());
                    Json(json!({"message": "Session revoked successfully"}))
                }),
            )
            .route(
                "/api/token/validate",
                post(|State(peer): State<Arc<Self>>| async move {
                    peer.validations.fetch_add(1, Ordering::Relaxed);
                    if peer.session_ended.load(Ordering::Relaxed) {
                        (StatusCode::UNAUTHORIZED, Json(json!({"valid": false}))).into_response()
                    } else {
                        Json(json!({"valid": true})).into_response()
                    }
                }),
            )
            .route(
                "/api/public/user/theme",
                get(|State(peer): State<Arc<Self>>| async move {
                    peer.look_calls.fetch_add(1, Ordering::Relaxed);
                    let (status, body) = peer.look.lock().unwrap().clone();
                    (status, Json(body))
                }),
            )
            .route(
                "/api/public/user/home-page",
                get(|State(peer): State<Arc<Self>>| async move {
                    let (status, body) = peer.home.lock().unwrap().clone();
                    (status, Json(body))
                }),
            )
            .route(&format!("{realm}/token"), post(token))
            .route(
                &format!("{realm}/certs"),
                get(|State(peer): State<Arc<Self>>| async move { Json(peer.identity.jwks()) }),
            )
            .fallback(realm_page)
            .with_state(self.clone())
    }
}

async fn exchange(State(peer): State<Arc<Peer>>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    assert_eq!(body["access_token"], "access");
    peer.exchanges.lock().unwrap().push(headers);
    let mut claims = peer.identity.user(*peer.level.lock().unwrap());
    if let Some(sub) = &*peer.sub.lock().unwrap() {
        claims.sub.clone_from(sub);
    }
    claims.jti = Some(format!("session-{}", claims.iat));
    Json(json!({"token": peer.identity.sign(&claims)})).into_response()
}

async fn token(State(peer): State<Arc<Peer>>, Form(form): Form<HashMap<String, String>>) -> Response {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, form["code_verifier"].as_bytes());
    let fits = BASE64_URL_SAFE_NO_PAD.encode(digest) == *peer.challenge.lock().unwrap();
    if form["code"] != "ok" || !fits || form["redirect_uri"] != format!("{ORIGIN}/keycloak-callback") {
        return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    let now = peer.identity.clock.unix();
    let mut claims = json!({
        "iss": format!("{ORIGIN}/keycloak/realms/hivematrix"), "aud": "core-client", "sub": "u",
        "iat": now, "exp": now + 300, "nonce": *peer.nonce.lock().unwrap(),
    });
    for (name, value) in peer.id_claims.lock().unwrap().as_object().unwrap() {
        claims[name] = value.clone();
    }
    let id_token = peer.identity.sign(&claims);
    Json(json!({"access_token": "access", "id_token": id_token, "refresh_token": "r"})).into_response()
}

/// Other pages of the realm: what was asked for is in the answer.
async fn realm_page(request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let own = format!("http://{}", request.headers()[header::HOST].to_str().unwrap());
    if path.ends_with("/openid-connect/logout") {
        return (StatusCode::FOUND, [(header::LOCATION, format!("{ORIGIN}/"))]).into_response();
    }
    if path.ends_with("/redirect") {
        return (StatusCode::FOUND, [(header::LOCATION, format!("{own}/realms/hivematrix/account"))])
            .into_response();
    }
    let headers = request.headers().clone();
    let mut response = Response::new(Body::from(format!(
        "<!doctype html><html><head><title>Sign in</title></head><body><p>{path}</p><pre>{headers:?}</pre></body></html>"
    )));
    let map = response.headers_mut();
    map.insert(header::CONTENT_TYPE, "text/html; charset=utf-8".parse().unwrap());
    map.append(
        header::SET_COOKIE,
        "REALM=1; Path=/realms/hivematrix/; Domain=gw.test; HttpOnly".parse().unwrap(),
    );
    if path.ends_with("/foreign") {
        map.insert(header::CONTENT_SECURITY_POLICY, "frame-src 'self'".parse().unwrap());
    }
    response
}

/// Everything a test needs.
pub struct World {
    pub client: Client,
    pub peer: Arc<Peer>,
    pub clock: Clock,
    pub revocations: Arc<Revocations>,
    pub gateway: Arc<Gateway>,
    pub identity: TestIdentity,
    /// Tells the gateway to stop.
    pub stop: CancellationToken,
}

/// What differs from test to test.
#[derive(Default)]
pub struct Plan {
    /// Backends by name; `core` and `codex` are the peer unless they are given.
    pub backends: Vec<(&'static str, String)>,
    /// Registry entries by name, merged into the ones made from `backends`.
    pub entries: Value,
    /// Further arguments of the gateway.
    pub arguments: Vec<String>,
    /// Follow Core's revocation feed rules instead of a list without outages.
    pub following: bool,
    /// The certificate in use, where a test is about it.
    pub certificate: Option<Arc<CurrentCertificate>>,
    /// Another instance of Core, named before the one that answers.
    pub other_core: Option<String>,
    /// Multiplies all rate limits.
    pub rate_limit_scale: Option<f64>,
}

impl World {
    /// A gateway in front of one backend `ledger` that echoes.
    pub async fn new() -> Self {
        Self::with(Plan { backends: vec![("ledger", serve(echo()).await)], ..Plan::default() }).await
    }

    /// A gateway in front of one backend `ledger`.
    pub async fn in_front_of(app: Router) -> Self {
        Self::with(Plan { backends: vec![("ledger", serve(app).await)], ..Plan::default() }).await
    }

    /// A gateway in front of two services with the same routes: `ledger` with pages of ours, `beacon` with upstream's.
    pub async fn with_compat(app: Router) -> Self {
        let backend = serve(app).await;
        let backends = vec![("ledger", backend.clone()), ("beacon", backend)];
        let entries = json!({"beacon": {"pages": "compat"}});
        Self::with(Plan { backends, entries, ..Plan::default() }).await
    }

    pub async fn with(plan: Plan) -> Self {
        let clock = Clock::manual(DateTime::<Utc>::from_timestamp(1_763_805_000, 0).unwrap());
        let identity = TestIdentity::new(clock.clone());
        let peer = Peer::new(identity.clone());
        let core = serve(peer.router()).await;
        let mut registry = serde_json::Map::new();
        for (name, url) in
            plan.backends.iter().map(|(n, u)| (*n, u)).chain([("codex", &core), ("core", &core)])
        {
            registry.entry(name).or_insert(json!({"url": url, "visible": name != "core"}));
        }
        for (name, entry) in plan.entries.as_object().into_iter().flatten() {
            let known = registry.entry(name).or_insert(json!({"url": "http://127.0.0.1:1"}));
            for (member, value) in entry.as_object().unwrap() {
                known[member] = value.clone();
            }
        }
        if let Some(other) = &plan.other_core {
            registry["core"]["urls"] = json!([other, core]);
        }
        let registry: Registry = serde_json::from_value(Value::Object(registry)).unwrap();

        let mut common = settings("nexus");
        common.secret_key = Secret::new("test secret");
        common.core_url = Some(core.clone());
        common.rate_limit_scale = plan.rate_limit_scale.unwrap_or(common.rate_limit_scale);
        let mut arguments = vec!["nexus".to_owned()];
        if !plan.arguments.iter().any(|argument| argument == "--service-url") {
            arguments.extend(["--service-url".to_owned(), ORIGIN.to_owned()]);
        }
        arguments.extend(plan.arguments);
        let mut own = Settings::parse_from(arguments);
        own.common = common.clone();

        let registry = RegistryHandle::of(registry);
        let services = ServiceClient::new(&common, registry.clone()).unwrap();
        let revocations =
            Arc::new(if plan.following { Revocations::following(&clock) } else { Revocations::local() });
        let auth = Authenticator::local("nexus", clock.clone(), identity.keys(), revocations.clone(), false);
        let context =
            ServiceContext::assemble("nexus", common, clock.clone(), registry, auth, services, None);
        let stop = context.shutdown.clone();
        let gateway = Gateway::new(context, own, plan.certificate).unwrap();
        Self { client: Client::new(gateway.router()), peer, clock, revocations, gateway, identity, stop }
    }

    /// A request to the public address.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        self.client.request(method, path).header("host", "gw.test")
    }

    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    /// A page opened by a browser.
    pub fn open(&self, path: &str) -> TestRequest {
        self.get(path)
            .header("accept", HTML)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document")
    }

    /// A call by a program with a user's token.
    pub fn call(&self, method: Method, path: &str, level: PermissionLevel) -> TestRequest {
        self.request(method, path).bearer(self.identity.user_token(level))
    }

    /// Walks through the sign-in at `/login` and returns the browser with its session.
    pub async fn sign_in(&self) -> Browser<'_> {
        let mut browser = Browser { world: self, cookies: HashMap::new() };
        let answer = browser.begin("/login?next=/ledger/").await;
        let answer = browser.finish(&answer, "ok").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::FOUND, "/ledger/"),
            "{}",
            answer.text()
        );
        browser
    }

    pub fn browser(&self) -> Browser<'_> {
        Browser { world: self, cookies: HashMap::new() }
    }
}

/// A browser as far as cookies go.
pub struct Browser<'a> {
    pub world: &'a World,
    pub cookies: HashMap<String, String>,
}

impl Browser<'_> {
    pub fn cookie_header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Opens a page and keeps the cookies that come with it.
    pub async fn open(&mut self, path: &str) -> TestResponse {
        let request = self.with_cookies(self.world.open(path));
        let answer = request.send().await;
        self.keep(&answer);
        answer
    }

    /// A request with the cookies, made by one of our pages.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        self.with_cookies(self.world.request(method, path)).header("sec-fetch-site", "same-origin")
    }

    pub fn with_cookies(&self, request: TestRequest) -> TestRequest {
        if self.cookies.is_empty() { request } else { request.header("cookie", &self.cookie_header()) }
    }

    pub fn keep(&mut self, answer: &TestResponse) {
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Opens a page that begins a sign-in; the peer learns nonce and challenge as the identity provider would.
    pub async fn begin(&mut self, path: &str) -> TestResponse {
        let answer = self.open(path).await;
        self.tell_provider(&answer);
        answer
    }

    /// Tells the peer what the redirect to it says.
    pub fn tell_provider(&self, begun: &TestResponse) {
        let query = authorization_query(begun);
        self.world.peer.nonce.lock().unwrap().clone_from(&query["nonce"]);
        self.world.peer.challenge.lock().unwrap().clone_from(&query["code_challenge"]);
    }

    /// Comes back from the identity provider with a code.
    pub async fn finish(&mut self, begun: &TestResponse, code: &str) -> TestResponse {
        let state = authorization_query(begun)["state"].clone();
        self.open(&format!("/keycloak-callback?code={code}&state={state}")).await
    }
}

/// The parameters of the redirect to the identity provider.
pub fn authorization_query(answer: &TestResponse) -> HashMap<String, String> {
    let location = answer.header("location");
    let start = format!("{ORIGIN}/keycloak/realms/hivematrix/protocol/openid-connect/auth?");
    let query = location.strip_prefix(&start).unwrap_or_else(|| panic!("{} {location}", answer.status));
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}
