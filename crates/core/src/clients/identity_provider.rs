//! Keycloak or the local realm, spoken to in the same way (core.md §7).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hivematrix_shared::{
    auth::{PROVIDER_ALGORITHMS, PermissionLevel, ProviderKeys},
    clock::Clock,
    config::Secret,
    correlation,
};
use jsonwebtoken::Validation;
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::{
    config::Settings,
    domain::{
        origins::{Origin, Origins, PUBLIC_PREFIX},
        session::{Identity, UserData},
    },
};

/// Longest wait for an answer (core.md §2.1).
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for a revocation at logout.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long addresses are remembered.
const REMEMBERED: Duration = Duration::from_secs(300);

/// Why the identity provider does not vouch for someone.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The token or code does not count.
    #[error("refused: {0}")]
    Refused(String),
    /// The answer makes no sense.
    #[error("unusable answer: {0}")]
    Nonsense(String),
    /// There is no answer.
    #[error("not reachable: {0}")]
    Unreachable(String),
}

/// Addresses from the provider's discovery document.
#[derive(Clone, Debug, Deserialize)]
pub struct Discovery {
    /// Where browsers log in.
    pub authorization_endpoint: String,
    /// Where browsers log out.
    pub end_session_endpoint: String,
}

/// What a redeemed code brings.
#[derive(Debug, Deserialize)]
pub struct Tokens {
    /// For userinfo.
    pub access_token: String,
    /// Who logged in, signed.
    pub id_token: Option<String>,
    /// Not used; revoked at once.
    pub refresh_token: Option<String>,
}

/// The identity provider as a client sees it. Cheap to clone.
#[derive(Clone)]
pub struct IdentityProvider(Arc<Inner>);

struct Inner {
    http: reqwest::Client,
    /// `<backend>/realms/<realm>`.
    backend: String,
    /// Issuers that count beside those of the public origins: the provider's own addresses.
    own_issuers: [String; 2],
    realm: String,
    client_id: String,
    client_secret: Option<Secret>,
    origins: Origins,
    clock: Clock,
    keys: ProviderKeys,
    discovery: Mutex<Option<(Discovery, Instant)>>,
}

impl IdentityProvider {
    /// The provider that the settings name.
    pub fn new(settings: &Settings, origins: Origins, http: reqwest::Client, clock: Clock) -> Self {
        let realm = settings.keycloak_realm.clone();
        Self(Arc::new(Inner {
            http,
            backend: format!("{}/realms/{realm}", settings.provider_backend_url()),
            own_issuers: [settings.provider_url(), settings.provider_backend_url()]
                .map(|base| format!("{base}/realms/{realm}")),
            client_id: settings.keycloak_client_id.clone(),
            client_secret: settings.keycloak_client_secret.clone().filter(|secret| !secret.is_empty()),
            realm,
            origins,
            clock,
            keys: ProviderKeys::default(),
            discovery: Mutex::default(),
        }))
    }

    /// The suite's client id.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// The user behind an access token that was issued to the suite's own client (weak point 14).
    pub async fn user(&self, access_token: &str) -> Result<Identity, ProviderError> {
        let claims = self.verify(access_token).await?;
        // An ID token or a refresh token has another one; other providers than Keycloak have none.
        if claims.get("typ").is_some_and(|kind| kind != "Bearer") {
            return Err(ProviderError::Refused("not an access token".into()));
        }
        if !self.is_ours(&claims) {
            return Err(ProviderError::Refused("issued to another client".into()));
        }
        let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let request = self.0.http.get(self.endpoint("userinfo")).bearer_auth(access_token).timeout(TIMEOUT);
        let answer =
            self.send(self.forwarded(request, self.0.origins.of_issuer(issuer, &self.0.realm))).await?;
        match answer.status() {
            StatusCode::OK => {}
            status if status.is_server_error() => {
                return Err(ProviderError::Unreachable(format!("userinfo answers {status}")));
            }
            status => return Err(ProviderError::Refused(format!("userinfo answers {status}"))),
        }
        let userinfo: Value = answer.json().await.map_err(nonsense)?;
        let user = user_data(&userinfo)
            .filter(|user| Some(user.sub.as_str()) == claims.get("sub").and_then(Value::as_str))
            .ok_or_else(|| ProviderError::Nonsense("userinfo is not about the token's user".into()))?;
        let sid = claims.get("sid").and_then(Value::as_str).map(str::to_owned);
        Ok(Identity { user, sid })
    }

    /// Addresses for browsers, as seen from the main public origin.
    pub async fn discovery(&self) -> Result<Discovery, ProviderError> {
        let mut cached = self.0.discovery.lock().await;
        if let Some((found, at)) = &*cached
            && at.elapsed() < REMEMBERED
        {
            return Ok(found.clone());
        }
        let url = format!("{}/.well-known/openid-configuration", self.0.backend);
        let request = self.forwarded(self.0.http.get(url).timeout(TIMEOUT), Some(self.0.origins.main()));
        let found: Discovery = self.ok(request).await?.json().await.map_err(nonsense)?;
        *cached = Some((found.clone(), Instant::now()));
        Ok(found)
    }

    /// Redeems a code; the ID token is verified, its `nonce` included.
    pub async fn redeem(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        nonce: &str,
    ) -> Result<Tokens, ProviderError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let request = self.authenticated_form("token", &form).timeout(TIMEOUT);
        let tokens: Tokens = self.ok(request).await?.json().await.map_err(nonsense)?;
        let id_token =
            tokens.id_token.as_deref().ok_or_else(|| ProviderError::Nonsense("no ID token".into()))?;
        let claims = self.verify(id_token).await?;
        if !self.is_ours(&claims) || claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
            return Err(ProviderError::Refused("the ID token is for another login".into()));
        }
        Ok(tokens)
    }

    /// Gives a token back; a failure is only logged, it expires anyway.
    pub async fn revoke(&self, token: &str, hint: &str) {
        let form = [("token", token), ("token_type_hint", hint)];
        if let Err(error) = self.ok(self.authenticated_form("revoke", &form).timeout(REVOKE_TIMEOUT)).await {
            tracing::info!(error = %error, hint, "a token could not be given back");
        }
    }

    fn endpoint(&self, name: &str) -> String {
        format!("{}/protocol/openid-connect/{name}", self.0.backend)
    }

    fn authenticated_form(&self, endpoint: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let mut form = form.to_vec();
        form.push(("client_id", &self.0.client_id));
        if let Some(secret) = &self.0.client_secret {
            form.push(("client_secret", secret.expose()));
        }
        self.forwarded(self.0.http.post(self.endpoint(endpoint)).form(&form), Some(self.0.origins.main()))
    }

    /// Names the public address, so that the provider sees the issuer of its own tokens (weak point 13).
    fn forwarded(&self, request: RequestBuilder, origin: Option<&Origin>) -> RequestBuilder {
        let request = request.header(correlation::HEADER, correlation::current());
        let Some(origin) = origin else { return request };
        let default_port = if origin.scheme() == "https" { "443" } else { "80" };
        let port = origin.host().rsplit_once(':').map_or(default_port, |(_, port)| port);
        request
            .header("x-forwarded-proto", origin.scheme())
            .header("x-forwarded-host", origin.host())
            .header("x-forwarded-port", port)
            .header("x-forwarded-prefix", PUBLIC_PREFIX)
    }

    async fn send(&self, request: RequestBuilder) -> Result<reqwest::Response, ProviderError> {
        request.send().await.map_err(|error| ProviderError::Unreachable(error.without_url().to_string()))
    }

    async fn ok(&self, request: RequestBuilder) -> Result<reqwest::Response, ProviderError> {
        let answer = self.send(request).await?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status if status.is_server_error() => {
                Err(ProviderError::Unreachable(format!("it answers {status}")))
            }
            status => Err(ProviderError::Refused(format!("it answers {status}"))),
        }
    }

    /// Claims of a token that the provider signed for one of our issuers and that has not expired.
    async fn verify(&self, token: &str) -> Result<Value, ProviderError> {
        let refused = |what: &str| ProviderError::Refused(what.to_owned());
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("not a signed token"))?;
        if !PROVIDER_ALGORITHMS.contains(&header.alg) {
            return Err(refused("its algorithm is not allowed"));
        }
        let key_id = header.kid.ok_or_else(|| refused("no key id"))?;
        let key = self.key(&key_id).await?.ok_or_else(|| refused("unknown key"))?;
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = jsonwebtoken::decode::<Value>(token, &key, &validation)
            .map_err(|_| refused("bad signature"))?
            .claims;
        let now = self.0.clock.unix();
        let time = |name: &str| claims.get(name).and_then(Value::as_i64);
        if time("exp").is_none_or(|exp| exp <= now) || time("nbf").is_some_and(|nbf| nbf > now) {
            return Err(refused("expired or not yet valid"));
        }
        let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let is_own = self.0.own_issuers.iter().any(|own| own == issuer);
        if !is_own && self.0.origins.of_issuer(issuer, &self.0.realm).is_none() {
            return Err(refused("another issuer"));
        }
        Ok(claims)
    }

    fn is_ours(&self, claims: &Value) -> bool {
        let ours = Some(self.0.client_id.as_str());
        let audience = claims.get("aud");
        match claims.get("azp") {
            Some(party) => party.as_str() == ours,
            None => match audience {
                Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == ours),
                Some(one) => one.as_str() == ours,
                None => false,
            },
        }
    }

    async fn key(&self, id: &str) -> Result<Option<jsonwebtoken::DecodingKey>, ProviderError> {
        let fetch = async {
            let answer = self.ok(self.0.http.get(self.endpoint("certs")).timeout(TIMEOUT)).await?;
            answer.json().await.map_err(nonsense)
        };
        self.0.keys.get(Some(id), fetch).await
    }
}

/// The user of a userinfo answer; names that are missing are empty (weak point 19), groups that are no texts are left out,
/// the address of a client only when it is confirmed.
fn user_data(userinfo: &Value) -> Option<UserData> {
    let text = |name: &str| userinfo.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let sub = text("sub");
    let groups: Vec<String> = userinfo
        .get("groups")
        .and_then(Value::as_array)
        .map(|groups| groups.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        .unwrap_or_default();
    if sub.is_empty() {
        return None;
    }
    let mut user = UserData {
        sub,
        name: text("name"),
        email: text("email"),
        email_verified: None,
        preferred_username: text("preferred_username"),
        permission_level: PermissionLevel::from_groups(&groups),
        groups,
    };
    if user.withhold_unconfirmed(userinfo.get("email_verified").and_then(Value::as_bool)) {
        tracing::warn!(
            sub = user.sub,
            user = user.preferred_username,
            "a client's e-mail address is not confirmed at the identity provider: the session is made without it"
        );
    }
    Some(user)
}

fn nonsense(error: reqwest::Error) -> ProviderError {
    ProviderError::Nonsense(error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn missing_names_are_empty_and_odd_groups_are_left_out() {
        let user = user_data(&json!({"sub": "u", "groups": ["/admins", 5, null]})).unwrap();
        assert_eq!(
            (user.name.as_str(), user.email.as_str(), user.permission_level),
            ("", "", PermissionLevel::Admin)
        );
        assert_eq!(user.groups, ["/admins"]);
        assert_eq!(
            user_data(&json!({"sub": "u", "groups": "admins"})).unwrap().permission_level,
            PermissionLevel::Client
        );
        for nobody in [json!({}), json!([]), json!("x"), json!({"sub": ""}), json!({"sub": 5})] {
            assert!(user_data(&nobody).is_none(), "{nobody}");
        }
    }
}
