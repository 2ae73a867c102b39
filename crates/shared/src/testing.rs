//! For the tests of services: tokens that verify, a context without a network, requests through a router in process.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::{encoding::AsDer, rsa::KeySize, signature::RsaKeyPair};
use axum::{Router, body::Body, extract::ConnectInfo};
use clap::Parser;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, jwk::Jwk};
use serde::Serialize;
use tower::ServiceExt;

use crate::{
    auth::{
        ActingUser, Authenticator, DEFAULT_KEY_ID, ISSUER, KeySet, PermissionLevel, Revocations,
        ServiceClaims, UserClaims,
    },
    clock::Clock,
    config::CommonSettings,
    context::ServiceContext,
    registry::{Registry, RegistryHandle},
    service_client::ServiceClient,
};

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    common: CommonSettings,
}

/// Common settings with all defaults, the given name, and a home that does not exist.
pub fn settings(service: &str) -> CommonSettings {
    let mut common = Defaults::parse_from(["test"]).common;
    common.service_name = service.to_owned();
    common.home = std::env::temp_dir().join("hivematrix-no-such-home");
    common
}

/// A signing key as Core has one, and the clock its tokens are made by.
#[derive(Clone)]
pub struct TestIdentity {
    /// The clock of tokens and contexts.
    pub clock: Clock,
}

struct Key {
    encoding: EncodingKey,
    jwk: Jwk,
}

/// One key for all tests of a process: making one takes a moment.
fn key() -> &'static Key {
    static KEY: OnceLock<Key> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8 = pair.as_der().unwrap();
        let pem = pem_of(pkcs8.as_ref());
        let encoding = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
        let mut jwk = Jwk::from_encoding_key(&encoding, Algorithm::RS256).unwrap();
        jwk.common.key_id = Some(DEFAULT_KEY_ID.to_owned());
        Key { encoding, jwk }
    })
}

fn pem_of(pkcs8: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let lines: Vec<String> = STANDARD
        .encode(pkcs8)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

impl Default for TestIdentity {
    fn default() -> Self {
        Self::new(Clock::system())
    }
}

impl TestIdentity {
    /// Tokens made by `clock`.
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }

    /// The keys that verify this identity's tokens.
    pub fn keys(&self) -> KeySet {
        KeySet::default().with_key(DEFAULT_KEY_ID, DecodingKey::from_jwk(&key().jwk).unwrap())
    }

    /// A JWKS document with the key.
    pub fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": [key().jwk] })
    }

    /// A context of `service` that verifies this identity's tokens and has an empty registry.
    pub fn context(&self, service: &'static str) -> ServiceContext {
        self.context_with(settings(service), service, Registry::default())
    }

    /// As [`TestIdentity::context`] with given settings and registry.
    pub fn context_with(
        &self,
        settings: CommonSettings,
        service: &'static str,
        registry: Registry,
    ) -> ServiceContext {
        let registry = RegistryHandle::of(registry);
        let client = ServiceClient::new(&settings, registry.clone()).unwrap();
        let revocations = Arc::new(Revocations::local());
        let compat = settings.compat_service_writes;
        let auth = Authenticator::local(service, self.clock.clone(), self.keys(), revocations, compat);
        ServiceContext::assemble(service, settings, self.clock.clone(), registry, auth, client, None)
    }

    /// Claims of a user of a level: `sub` `user-<level>`, e-mail `<level>@example.test`, session `session-<level>`.
    pub fn user(&self, level: PermissionLevel) -> UserClaims {
        let now = self.clock.unix();
        UserClaims {
            iss: ISSUER.into(),
            sub: format!("user-{level}"),
            jti: Some(format!("session-{level}")),
            name: format!("The {level}"),
            email: format!("{level}@example.test"),
            preferred_username: level.to_string(),
            permission_level: level,
            groups: Vec::new(),
            iat: now,
            exp: now + 3600,
        }
    }

    /// A token of [`TestIdentity::user`].
    pub fn user_token(&self, level: PermissionLevel) -> String {
        self.sign(&self.user(level))
    }

    /// Claims of a service token.
    pub fn service(
        &self,
        caller: &str,
        target: &str,
        on_behalf_of: Option<PermissionLevel>,
    ) -> ServiceClaims {
        let now = self.clock.unix();
        ServiceClaims {
            iss: ISSUER.into(),
            sub: format!("service:{caller}"),
            token_type: "service".into(),
            calling_service: caller.into(),
            target_service: target.into(),
            on_behalf_of: on_behalf_of.map(|level| {
                let user = self.user(level);
                ActingUser {
                    sub: user.sub,
                    email: user.email,
                    preferred_username: user.preferred_username,
                    permission_level: level,
                }
            }),
            iat: now,
            exp: now + 300,
        }
    }

    /// A service token without an acting user.
    pub fn service_token(&self, caller: &str, target: &str) -> String {
        self.sign(&self.service(caller, target, None))
    }

    /// A service token on behalf of a user of a level.
    pub fn service_token_on_behalf(&self, caller: &str, target: &str, level: PermissionLevel) -> String {
        self.sign(&self.service(caller, target, Some(level)))
    }

    /// Signs any claims.
    pub fn sign(&self, claims: &impl Serialize) -> String {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(DEFAULT_KEY_ID.to_owned());
        jsonwebtoken::encode(&header, claims, &key().encoding).unwrap()
    }
}

/// Makes requests through a router in process, as a loopback client.
#[derive(Clone)]
pub struct Client(Router);

impl Client {
    /// A client of a router, usually one that `server::apply` has wrapped.
    pub fn new(router: Router) -> Self {
        Self(router)
    }

    /// A `GET` request.
    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    /// A `POST` request.
    pub fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }

    /// A `PUT` request.
    pub fn put(&self, path: &str) -> TestRequest {
        self.request(Method::PUT, path)
    }

    /// A `DELETE` request.
    pub fn delete(&self, path: &str) -> TestRequest {
        self.request(Method::DELETE, path)
    }

    /// Any request.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        TestRequest { router: self.0.clone(), request }
    }
}

/// A request in the making.
#[must_use = "a request does nothing until it is sent"]
pub struct TestRequest {
    router: Router,
    request: Request<Body>,
}

impl TestRequest {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.request.headers_mut().append(name, HeaderValue::from_str(value).unwrap());
        self
    }

    /// Adds a bearer token.
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.header("authorization", &format!("Bearer {}", token.as_ref()))
    }

    /// Sets a JSON body.
    pub fn json(self, body: &impl Serialize) -> Self {
        self.body("application/json", serde_json::to_vec(body).unwrap())
    }

    /// Sets a form body.
    pub fn form(self, pairs: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body("application/x-www-form-urlencoded", body.into_bytes())
    }

    /// Sets any body.
    pub fn body(mut self, content_type: &str, body: Vec<u8>) -> Self {
        self.request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        *self.request.body_mut() = Body::from(body);
        self
    }

    /// Sends the request and reads the whole answer.
    pub async fn send(mut self) -> TestResponse {
        self.request
            .extensions_mut()
            .insert(ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 40_000))));
        let response = self.router.oneshot(self.request).await.unwrap_or_else(|never| match never {});
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        TestResponse { status: parts.status, headers: parts.headers, body }
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct TestResponse {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl TestResponse {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// A header's text, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}
