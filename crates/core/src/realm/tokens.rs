//! Tokens of the realm: what clients get for codes, refresh tokens and secrets.

use chrono::TimeDelta;
use hivematrix_shared::problem::Problem;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{ADMIN_CLI, MASTER, Realm};
use crate::{
    crypto::random,
    domain::{
        oidc::{self, ACCESS_TOKEN_LIFETIME, REFRESH_TOKEN_LIFETIME},
        user::User,
    },
    store::realm::{
        grants::{self, Grant},
        groups, users,
    },
};

/// Claim of an access token that names its grant.
const GRANT_CLAIM: &str = "grant";

/// Answer of the token endpoint.
#[derive(Debug, Serialize)]
pub struct TokenSet {
    access_token: String,
    expires_in: i64,
    refresh_expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    #[serde(rename = "not-before-policy")]
    not_before_policy: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_state: Option<Uuid>,
    scope: String,
}

/// An access token that does not count here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidToken;

impl Realm {
    /// Access, refresh and ID token for a grant. `None` when its user may not sign in any more.
    pub async fn tokens_for(&self, grant: &Grant, nonce: Option<&str>) -> Result<Option<TokenSet>, Problem> {
        let Some(user) = users::find(&self.pool, grant.user).await?.filter(|user| user.enabled) else {
            return Ok(None);
        };
        let groups = groups::names_of_user(&self.pool, user.id).await?;
        let profile = user.claims(&groups);
        let mut common = self.times(&grant.issuer);
        common.insert("auth_time".into(), json!(grant.authenticated_at.timestamp()));
        common.insert("azp".into(), json!(grant.client_id));
        common.insert("sid".into(), json!(grant.session));

        let mut access = common.clone();
        access.extend(profile.clone());
        access.insert("typ".into(), json!("Bearer"));
        access.insert("scope".into(), json!(grant.scope));
        access.insert(GRANT_CLAIM.into(), json!(grant.id));
        let access_token = self.signer.sign(&access).await?;

        let id_token = if oidc::has_openid(&grant.scope) {
            let mut id = common;
            id.extend(profile);
            id.insert("jti".into(), json!(Uuid::new_v4()));
            id.insert("typ".into(), json!("ID"));
            id.insert("aud".into(), json!(grant.client_id));
            id.insert("at_hash".into(), json!(oidc::access_token_hash(&access_token)));
            if let Some(nonce) = nonce {
                id.insert("nonce".into(), json!(nonce));
            }
            Some(self.signer.sign(&id).await?)
        } else {
            None
        };

        let refresh_token = random::token();
        let expires_at = self.clock.now() + TimeDelta::seconds(REFRESH_TOKEN_LIFETIME);
        grants::insert_refresh(&self.pool, &random::stored_form(&refresh_token), grant.id, expires_at)
            .await?;
        Ok(Some(TokenSet {
            access_token,
            expires_in: ACCESS_TOKEN_LIFETIME,
            refresh_expires_in: REFRESH_TOKEN_LIFETIME,
            refresh_token: Some(refresh_token),
            token_type: "Bearer",
            id_token,
            not_before_policy: 0,
            session_state: Some(grant.session),
            scope: grant.scope.clone(),
        }))
    }

    /// An access token for a client itself (`client_credentials`).
    pub async fn token_for_client(&self, client_id: &str) -> Result<TokenSet, Problem> {
        let mut claims = self.times(&self.origins.main().issuer(&self.name));
        let account = format!("service-account-{client_id}");
        claims.insert("sub".into(), json!(Uuid::new_v5(&Uuid::NAMESPACE_OID, account.as_bytes())));
        claims.insert("preferred_username".into(), json!(account));
        self.plain_token(claims, client_id).await
    }

    /// An access token of `admin-cli` for an administrator (`password` in the realm `master`).
    pub async fn token_for_admin(&self, user: &User) -> Result<TokenSet, Problem> {
        let mut claims = self.times(&self.origins.main().issuer(MASTER));
        claims.insert("sub".into(), json!(user.id));
        claims.insert("preferred_username".into(), json!(user.username));
        self.plain_token(claims, ADMIN_CLI).await
    }

    async fn plain_token(
        &self,
        mut claims: Map<String, Value>,
        client_id: &str,
    ) -> Result<TokenSet, Problem> {
        claims.insert("typ".into(), json!("Bearer"));
        claims.insert("azp".into(), json!(client_id));
        claims.insert("scope".into(), json!("email profile"));
        Ok(TokenSet {
            access_token: self.signer.sign(&claims).await?,
            expires_in: ACCESS_TOKEN_LIFETIME,
            refresh_expires_in: 0,
            refresh_token: None,
            token_type: "Bearer",
            id_token: None,
            not_before_policy: 0,
            session_state: None,
            scope: "email profile".to_owned(),
        })
    }

    fn times(&self, issuer: &str) -> Map<String, Value> {
        let now = self.clock.unix();
        let mut claims = Map::new();
        claims.insert("iss".into(), json!(issuer));
        claims.insert("iat".into(), json!(now));
        claims.insert("exp".into(), json!(now + ACCESS_TOKEN_LIFETIME));
        claims.insert("jti".into(), json!(Uuid::new_v4()));
        claims
    }

    /// Claims of an access token of ours that has not expired, issued in `realm`.
    fn open_access(&self, token: &str, realm: &str) -> Result<Value, InvalidToken> {
        let claims = self.signer.open(token).map_err(|_| InvalidToken)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let exp = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
        let good = exp > self.clock.unix()
            && text("typ") == "Bearer"
            && self.origin_of_issuer(text("iss"), realm).is_some();
        if good { Ok(claims) } else { Err(InvalidToken) }
    }

    /// The id of the grant behind an access token, without asking whether it still stands.
    pub fn grant_of_access(&self, token: &str) -> Result<Uuid, InvalidToken> {
        let claims = self.open_access(token, &self.name)?;
        claims.get(GRANT_CLAIM).and_then(Value::as_str).and_then(|id| id.parse().ok()).ok_or(InvalidToken)
    }

    /// The user of an access token whose grant and browser session still stand, with the groups of today.
    pub async fn userinfo(&self, token: &str) -> Result<Result<Map<String, Value>, InvalidToken>, Problem> {
        let Ok(id) = self.grant_of_access(token) else { return Ok(Err(InvalidToken)) };
        let Some(grant) = grants::find(&self.pool, id, self.clock.now()).await? else {
            return Ok(Err(InvalidToken));
        };
        let Some(user) = users::find(&self.pool, grant.user).await?.filter(|user| user.enabled) else {
            return Ok(Err(InvalidToken));
        };
        let groups = groups::names_of_user(&self.pool, user.id).await?;
        Ok(Ok(user.claims(&groups)))
    }

    /// Who an ID token was issued to and for: user id and client id. It may have expired (RP-initiated logout).
    pub fn open_id_token(&self, token: &str) -> Result<(Uuid, String), InvalidToken> {
        let claims = self.signer.open(token).map_err(|_| InvalidToken)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("typ") != "ID" || self.origin_of_issuer(text("iss"), &self.name).is_none() {
            return Err(InvalidToken);
        }
        Ok((text("sub").parse().map_err(|_| InvalidToken)?, text("azp").to_owned()))
    }

    /// Whether a bearer may administer users: the admin client's own token, or `admin-cli`'s for someone who still is an
    /// administrator. The name is for the audit. `Ok(None)`: the token counts, but not for this.
    pub async fn administrator(&self, token: &str) -> Result<Result<Option<String>, InvalidToken>, Problem> {
        if let Ok(claims) = self.open_access(token, &self.name) {
            let party = claims.get("azp").and_then(Value::as_str).unwrap_or_default();
            let is_service = claims.get(GRANT_CLAIM).is_none()
                && self.client(party).is_some_and(|client| client.service_account);
            return Ok(Ok(is_service.then(|| party.to_owned())));
        }
        let Ok(claims) = self.open_access(token, MASTER) else { return Ok(Err(InvalidToken)) };
        let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
        let Ok(id) = text("sub").parse() else { return Ok(Err(InvalidToken)) };
        if text("azp") != ADMIN_CLI {
            return Ok(Err(InvalidToken));
        }
        let Some(user) = users::find(&self.pool, id).await?.filter(|user| user.enabled) else {
            return Ok(Err(InvalidToken));
        };
        let is_admin = groups::names_of_user(&self.pool, id).await?.iter().any(|group| group == "admins");
        Ok(Ok(is_admin.then_some(user.username)))
    }
}
