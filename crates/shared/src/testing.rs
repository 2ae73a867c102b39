//! For the tests of services: tokens that verify, a context without a network, requests through a router in process.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding},
};
use axum::{Router, body::Body, extract::ConnectInfo};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use clap::Parser;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::json;
use tower::ServiceExt;

use crate::{
    auth::{
        ActingUser, Authenticator, DEFAULT_KEY_ID, ISSUER, PermissionLevel, Revocations, ServiceClaims,
        TokenKeys, UserClaims, VerifyingKey,
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

/// An RSA key and what it signs.
pub struct TestKey {
    id: String,
    pair: RsaKeyPair,
}

impl TestKey {
    /// A new key.
    pub fn generate(id: &str) -> Self {
        Self { id: id.into(), pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    /// A key from a PEM file, under the default name.
    pub fn from_pem(pem: &[u8]) -> Self {
        let text = std::str::from_utf8(pem).unwrap();
        let lines: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(lines).unwrap()).unwrap();
        Self { id: DEFAULT_KEY_ID.into(), pair }
    }

    /// The verifying half.
    pub fn verifying(&self) -> VerifyingKey {
        let (modulus, exponent) = self.components();
        VerifyingKey::new(&self.id, &modulus, &exponent).unwrap()
    }

    /// The published form.
    pub fn jwk(&self) -> serde_json::Value {
        let (modulus, exponent) = self.components();
        let text = |bytes| URL_SAFE_NO_PAD.encode::<Vec<u8>>(bytes);
        json!({"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id, "n": text(modulus), "e": text(exponent)})
    }

    /// The public key as a PEM file holds it.
    pub fn public_pem(&self) -> String {
        let text = STANDARD.encode(self.verifying().der());
        let lines: Vec<_> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// A token with the usual header.
    pub fn sign(&self, claims: &impl Serialize) -> String {
        let header = json!({"alg": "RS256", "kid": self.id, "typ": "JWT"});
        self.sign_raw(&header.to_string(), &serde_json::to_string(claims).unwrap())
    }

    /// A token of any two texts, signed with RS256 whatever they say.
    pub fn sign_raw(&self, header: &str, claims: &str) -> String {
        self.sign_with(&RSA_PKCS1_SHA256, header, claims)
    }

    /// A token of any two texts, signed in any way, whatever they say.
    pub fn sign_with(&self, encoding: &'static dyn RsaEncoding, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn components(&self) -> (Vec<u8>, Vec<u8>) {
        let public = self.pair.public_key();
        let (modulus, exponent) = (public.modulus(), public.exponent());
        (
            modulus.big_endian_without_leading_zero().to_vec(),
            exponent.big_endian_without_leading_zero().to_vec(),
        )
    }
}

/// One key for all tests of a process: making one takes a moment.
fn key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::generate(DEFAULT_KEY_ID))
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

    /// The signing key.
    pub fn key(&self) -> &'static TestKey {
        key()
    }

    /// The keys that verify this identity's tokens.
    pub fn keys(&self) -> TokenKeys {
        TokenKeys::default().with_key(key().verifying(), None)
    }

    /// A JWKS document with the key.
    pub fn jwks(&self) -> serde_json::Value {
        json!({ "keys": [key().jwk()] })
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
            email_verified: None,
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
                    email_verified: user.email_verified,
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
        key().sign(claims)
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
