//! The identity provider: Keycloak or Core's local realm, on Keycloak's paths (nexus.md §4.3, §10).

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hivematrix_shared::{
    auth::{PROVIDER_ALGORITHMS, ProviderKeys},
    clock::Clock,
    config::Secret,
    correlation,
    registry::RegistryHandle,
};
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use crate::{
    config::Settings,
    domain::{
        origin::{PublicOrigin, PublicOrigins},
        session::LoginState,
    },
};

/// Path under which the browser reaches the identity provider.
pub const PUBLIC_PREFIX: &str = "/keycloak";
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a sign-in waits to learn where it has to take place.
const PLACE_TIMEOUT: Duration = Duration::from_secs(3);
const PLACE_FRESH_FOR: Duration = Duration::from_secs(300);
/// Seconds the clocks of two machines may differ.
const LEEWAY: i64 = 30;
/// The realm as OpenID Connect client.
pub struct Realm {
    http: reqwest::Client,
    registry: RegistryHandle,
    clock: Clock,
    backend: Option<String>,
    name: String,
    client_id: String,
    client_secret: Secret,
    origins: Arc<PublicOrigins>,
    issuers: Vec<String>,
    keys: ProviderKeys,
    /// By public origin: the one whose pages the provider shows, and when it said so.
    places: Mutex<HashMap<String, (PublicOrigin, Instant)>>,
}

/// What a sign-in brings.
#[derive(Debug, Deserialize)]
pub struct Tokens {
    /// For Core, which reads the user's data with it.
    pub access_token: String,
    /// Says who signed in, and for which request.
    #[serde(default)]
    pub id_token: Option<String>,
}

/// Why a sign-in fails at the identity provider.
#[derive(Debug, thiserror::Error)]
pub enum RealmError {
    /// It does not answer, or with nonsense.
    #[error("the identity provider does not answer: {0}")]
    Unreachable(String),
    /// It refuses the code.
    #[error("the identity provider refused the code: status {0}")]
    Refused(u16),
    /// The ID token is missing, forged, for somebody else, too old or for another sign-in.
    #[error("the ID token does not count: {0}")]
    IdToken(&'static str),
}

/// What the provider says about itself to one public origin.
#[derive(Deserialize)]
struct Discovery {
    authorization_endpoint: Url,
}

#[derive(Deserialize)]
struct IdClaims {
    iss: String,
    aud: Audience,
    #[serde(default)]
    azp: Option<String>,
    exp: i64,
    #[serde(default)]
    nonce: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Realm {
    /// The realm of the settings; without a backend address it is Core's own.
    pub fn new(
        settings: &Settings,
        origins: Arc<PublicOrigins>,
        http: reqwest::Client,
        registry: RegistryHandle,
        clock: Clock,
    ) -> Self {
        let name = settings.keycloak_realm.clone();
        let of_realm = |base: &str| format!("{}/realms/{name}", without_realm(base, &name));
        let given = |url: &Option<String>| url.clone().filter(|url| !url.trim().is_empty());
        let (public, backend) = (given(&settings.keycloak_server_url), given(&settings.keycloak_backend_url));
        let mut issuers: Vec<String> =
            origins.iter().map(|o| of_realm(&format!("{}{PUBLIC_PREFIX}", o.as_str()))).collect();
        issuers.extend(public.iter().chain(&backend).map(|base| of_realm(base)));
        Self {
            http,
            registry,
            clock,
            backend: backend.or(public).map(|base| without_realm(&base, &name)),
            client_id: settings.keycloak_client_id.clone(),
            client_secret: settings.keycloak_client_secret.clone(),
            origins,
            issuers,
            keys: ProviderKeys::default(),
            places: Mutex::default(),
            name,
        }
    }

    /// Name of the realm.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Local path of a user's own page.
    pub fn account_path(&self) -> String {
        format!("{PUBLIC_PREFIX}/realms/{}/account", self.name)
    }

    /// Base URLs for calls from here, without the realm: several where it is Core's own realm and there are several Cores.
    pub fn instances(&self) -> Vec<String> {
        let registry = self.registry.load();
        let cores = registry.get("core").map(|core| core.instances()).unwrap_or_default();
        let cores = cores.iter().map(|url| url.trim_end_matches('/').to_owned());
        match &self.backend {
            None => cores.collect(),
            Some(backend) if cores.clone().any(|core| core == *backend) => cores.collect(),
            Some(backend) => vec![backend.clone()],
        }
    }

    /// Asks one of the instances; the next one where nobody listens.
    async fn ask(
        &self,
        endpoint: &str,
        request: impl Fn(String) -> reqwest::RequestBuilder,
    ) -> Result<reqwest::Response, RealmError> {
        let mut failure = RealmError::Unreachable("it has no address".to_owned());
        for base in self.instances() {
            match request(format!("{base}{endpoint}")).send().await {
                Ok(answer) => return Ok(answer),
                Err(error) if error.is_connect() => failure = unreachable(error),
                Err(error) => return Err(unreachable(error)),
            }
        }
        Err(failure)
    }

    /// The public origin that a sign-in has to begin at: the provider's forms and cookies belong to the one its pages name.
    /// A Keycloak with a fixed `frontendUrl` knows one origin, the local realm each of them. `None` means this one.
    pub async fn sign_in_elsewhere(&self, origin: &PublicOrigin) -> Option<PublicOrigin> {
        // With one origin there is nothing to choose.
        self.origins.iter().nth(1)?;
        let known = self.places.lock().await.get(origin.as_str()).cloned();
        let place = match known {
            Some((place, since)) if since.elapsed() < PLACE_FRESH_FOR => place,
            _ => {
                // Without an answer the sign-in goes on here, and the provider's own page says what is wrong.
                let place = self.ask_place(origin).await?;
                let mut places = self.places.lock().await;
                places.insert(origin.as_str().to_owned(), (place.clone(), Instant::now()));
                place
            }
        };
        (place != *origin).then_some(place)
    }

    async fn ask_place(&self, origin: &PublicOrigin) -> Option<PublicOrigin> {
        let request = |url| seen_from(self.http.get(url).timeout(PLACE_TIMEOUT), origin);
        let answer = self.ask(&self.discovery_path(), request).await.ok()?.error_for_status().ok()?;
        let found: Discovery = answer.json().await.ok()?;
        let place = found.authorization_endpoint.origin().ascii_serialization();
        self.origins.iter().find(|own| own.as_str() == place).cloned()
    }

    /// Where the browser signs in. `silent` asks for an answer without any page.
    pub fn authorization_url(&self, origin: &PublicOrigin, login: &LoginState, silent: bool) -> String {
        let challenge =
            BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, login.verifier.as_bytes()));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &redirect_uri(origin))
            .append_pair("scope", "openid email profile")
            .append_pair("state", &login.state)
            .append_pair("nonce", &login.nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if silent {
            query.append_pair("prompt", "none");
        }
        format!("{}{PUBLIC_PREFIX}{}?{}", origin.as_str(), self.path("auth"), query.finish())
    }

    /// Where the browser ends the identity provider's own session.
    pub fn logout_url(&self, origin: &PublicOrigin, id_token: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(id_token) = id_token {
            query.append_pair("id_token_hint", id_token);
        }
        query
            .append_pair("client_id", &self.client_id)
            .append_pair("post_logout_redirect_uri", &format!("{}/", origin.as_str()));
        format!("{}{PUBLIC_PREFIX}{}?{}", origin.as_str(), self.path("logout"), query.finish())
    }

    /// Exchanges a code for tokens.
    pub async fn exchange_code(
        &self,
        origin: &PublicOrigin,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, RealmError> {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", redirect_uri(origin)),
            ("client_id", self.client_id.clone()),
            ("code_verifier", verifier.to_owned()),
        ];
        if !self.client_secret.is_empty() {
            form.push(("client_secret", self.client_secret.expose().to_owned()));
        }
        let request = |url| seen_from(self.http.post(url).timeout(TIMEOUT).form(&form), origin);
        let response = self.ask(&self.path("token"), request).await?;
        match response.status().as_u16() {
            200 => response.json().await.map_err(unreachable),
            status @ 500.. => Err(RealmError::Unreachable(format!("status {status}"))),
            status => Err(RealmError::Refused(status)),
        }
    }

    /// Checks signature, issuer, audience, expiry and nonce of an ID token.
    pub async fn verify_id_token(&self, id_token: &str, nonce: &str) -> Result<(), RealmError> {
        let header = decode_header(id_token).map_err(|_| RealmError::IdToken("it is no JWT"))?;
        if !PROVIDER_ALGORITHMS.contains(&header.alg) {
            return Err(RealmError::IdToken("its algorithm is not allowed"));
        }
        let key = self.key(header.kid.as_deref()).await?.ok_or(RealmError::IdToken("its key is unknown"))?;
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = decode::<IdClaims>(id_token, &key, &validation)
            .map_err(|_| RealmError::IdToken("its signature or its form is wrong"))?
            .claims;
        let (is_for_us, several) = match &claims.aud {
            Audience::One(one) => (*one == self.client_id, false),
            Audience::Many(many) => (many.contains(&self.client_id), many.len() > 1),
        };
        if !self.issuers.contains(&claims.iss) {
            Err(RealmError::IdToken("it has another issuer"))
        } else if !is_for_us
            || (several || claims.azp.is_some()) && claims.azp.as_ref() != Some(&self.client_id)
        {
            Err(RealmError::IdToken("it is meant for another client"))
        } else if claims.exp + LEEWAY <= self.clock.unix() {
            Err(RealmError::IdToken("it has expired"))
        } else if claims.nonce.as_deref() != Some(nonce) {
            Err(RealmError::IdToken("it belongs to another sign-in"))
        } else {
            Ok(())
        }
    }

    /// Whether the identity provider answers, for the health check: its discovery document.
    pub fn discovery_url(&self) -> Option<String> {
        Some(format!("{}{}", self.instances().first()?, self.discovery_path()))
    }

    fn discovery_path(&self) -> String {
        format!("/realms/{}/.well-known/openid-configuration", self.name)
    }

    async fn key(&self, id: Option<&str>) -> Result<Option<jsonwebtoken::DecodingKey>, RealmError> {
        let fetch = async {
            let answer = self.ask(&self.path("certs"), |url| self.http.get(url).timeout(TIMEOUT)).await?;
            answer.error_for_status().map_err(unreachable)?.json().await.map_err(unreachable)
        };
        self.keys.get(id, fetch).await
    }

    /// Path of one of the realm's endpoints below the provider's address.
    pub fn path(&self, endpoint: &str) -> String {
        format!("/realms/{}/protocol/openid-connect/{endpoint}", self.name)
    }
}

/// Names the public address, so that the provider puts it into tokens and documents whichever way it derives it.
fn seen_from(request: reqwest::RequestBuilder, origin: &PublicOrigin) -> reqwest::RequestBuilder {
    request
        .header("x-forwarded-host", origin.host())
        .header("x-forwarded-proto", origin.scheme())
        .header("x-forwarded-port", origin.port_value())
        .header(correlation::HEADER, correlation::current())
}

/// Where the identity provider sends the browser back to.
fn redirect_uri(origin: &PublicOrigin) -> String {
    format!("{}/keycloak-callback", origin.as_str())
}

/// The base URL; upstream's configuration sometimes has the realm in it (platform.md §4).
fn without_realm(base: &str, realm: &str) -> String {
    let base = base.trim_end_matches('/');
    base.strip_suffix(&format!("/realms/{realm}")).unwrap_or(base).to_owned()
}

fn unreachable(error: reqwest::Error) -> RealmError {
    RealmError::Unreachable(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_realm_may_stand_in_the_configured_address() {
        for base in
            ["http://localhost:8080", "http://localhost:8080/", "http://localhost:8080/realms/hivematrix"]
        {
            assert_eq!(without_realm(base, "hivematrix"), "http://localhost:8080", "{base}");
        }
    }
}
