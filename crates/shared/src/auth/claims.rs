//! The claims of user and service tokens (core.md §3) and who is calling.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PermissionLevel;
use crate::problem::Problem;

/// The issuer of every token.
pub const ISSUER: &str = "hivematrix-core";
/// The default name of the signing key.
pub const DEFAULT_KEY_ID: &str = "hivematrix-signing-key-1";

/// Claims of a user token.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct UserClaims {
    /// Always [`ISSUER`].
    pub iss: String,
    /// The identity provider's user id.
    pub sub: String,
    /// Session id; absent only in upstream's offline test tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Display name, empty when unknown.
    #[serde(default)]
    pub name: String,
    /// E-mail, empty when unknown.
    #[serde(default)]
    pub email: String,
    /// `false` for a `client` whose e-mail address the identity provider does not vouch for: `email` is then empty, and no
    /// company can be found by it. Absent for everybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Login name, empty when unknown.
    #[serde(default)]
    pub preferred_username: String,
    /// The user's level at login.
    #[serde(default)]
    pub permission_level: PermissionLevel,
    /// The identity provider's group list as it came.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Expires at, Unix seconds.
    pub exp: i64,
}

/// Claims of a service token.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ServiceClaims {
    /// Always [`ISSUER`].
    pub iss: String,
    /// `service:<caller>`.
    pub sub: String,
    /// Always `service`.
    #[serde(rename = "type")]
    pub token_type: String,
    /// The service that calls.
    pub calling_service: String,
    /// The service that is called; nobody else may accept the token.
    pub target_service: String,
    /// The user for whom the call is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<ActingUser>,
    /// Issued at, Unix seconds.
    pub iat: i64,
    /// Expires at, Unix seconds.
    pub exp: i64,
}

/// The claims of any token of ours, read in one go.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub iss: String,
    pub iat: i64,
    #[serde(default)]
    pub nbf: Option<i64>,
    exp: i64,
    sub: String,
    #[serde(default, rename = "type")]
    token_type: Option<String>,
    #[serde(default)]
    jti: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    email_verified: Option<bool>,
    #[serde(default)]
    preferred_username: String,
    #[serde(default)]
    permission_level: PermissionLevel,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    calling_service: Option<String>,
    #[serde(default)]
    target_service: Option<String>,
    #[serde(default)]
    on_behalf_of: Option<ActingUser>,
}

impl Claims {
    /// Whose token it is: without `type` a user's, with `service` a service's, with any other nobody's.
    pub fn into_caller(self) -> Option<Caller> {
        match self.token_type {
            None => Some(Caller::User(UserClaims {
                iss: self.iss,
                sub: self.sub,
                jti: self.jti,
                name: self.name,
                email: self.email,
                email_verified: self.email_verified,
                preferred_username: self.preferred_username,
                permission_level: self.permission_level,
                groups: self.groups,
                iat: self.iat,
                exp: self.exp,
            })),
            Some(token_type) if token_type == "service" => Some(Caller::Service(ServiceClaims {
                iss: self.iss,
                sub: self.sub,
                token_type,
                calling_service: self.calling_service?,
                target_service: self.target_service?,
                on_behalf_of: self.on_behalf_of,
                iat: self.iat,
                exp: self.exp,
            })),
            Some(_) => None,
        }
    }
}

/// A user as far as rights go: the caller of a user token, or the one a service acts for.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct ActingUser {
    /// The identity provider's user id.
    pub sub: String,
    /// E-mail, empty when unknown.
    #[serde(default)]
    pub email: String,
    /// `false` for a `client` whose e-mail address the identity provider does not vouch for: `email` is then empty, and no
    /// company can be found by it. Absent for everybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// Login name, empty when unknown.
    #[serde(default)]
    pub preferred_username: String,
    /// The user's level.
    #[serde(default)]
    pub permission_level: PermissionLevel,
}

impl ActingUser {
    /// The address by which a service finds what belongs to somebody, such as the companies of a `client` (platform.md §7);
    /// none when it is unknown, and then nothing does. Every service asks here rather than reading [`ActingUser::email`].
    ///
    /// # Errors
    /// 403 when nobody vouches for the address of a client: who types the own address would choose the company with it.
    pub fn confirmed_email(&self) -> Result<Option<&str>, Problem> {
        if self.email_verified == Some(false) {
            return Err(Problem::forbidden(
                "Your e-mail address is not confirmed, so that nothing can be shown for it. Ask your administrator to \
                 confirm it, then sign in again.",
            )
            .with("error", "Email address not verified"));
        }
        Ok(Some(self.email.as_str()).filter(|email| !email.is_empty()))
    }
}

/// Who makes a request, proven by a valid token.
#[derive(Clone, Debug, PartialEq)]
pub enum Caller {
    /// A person.
    User(UserClaims),
    /// A service, perhaps on behalf of a person.
    Service(ServiceClaims),
}

impl Caller {
    /// The person whose rights count: the user, or the one a service acts for.
    pub fn acting_user(&self) -> Option<ActingUser> {
        match self {
            Self::User(user) => Some(ActingUser {
                sub: user.sub.clone(),
                email: user.email.clone(),
                email_verified: user.email_verified,
                preferred_username: user.preferred_username.clone(),
                permission_level: user.permission_level,
            }),
            Self::Service(service) => service.on_behalf_of.clone(),
        }
    }

    /// The level that counts; none for a service on its own.
    pub fn level(&self) -> Option<PermissionLevel> {
        match self {
            Self::User(user) => Some(user.permission_level),
            Self::Service(service) => service.on_behalf_of.as_ref().map(|user| user.permission_level),
        }
    }

    /// The calling service, if it is one.
    pub fn service_name(&self) -> Option<&str> {
        match self {
            Self::User(_) => None,
            Self::Service(service) => Some(&service.calling_service),
        }
    }

    /// Key of the per-user rate limit: `user:<sub>` or `service:<name>` (platform.md §11).
    pub fn rate_key(&self) -> String {
        match self {
            Self::User(user) => format!("user:{}", user.sub),
            Self::Service(service) => match &service.on_behalf_of {
                Some(user) => format!("user:{}", user.sub),
                None => format!("service:{}", service.calling_service),
            },
        }
    }

    /// Short name for logs and audit lines: e-mail, else login name, else subject; services by name.
    pub fn label(&self) -> String {
        let person = |user: &ActingUser| {
            [&user.email, &user.preferred_username, &user.sub]
                .into_iter()
                .find(|name| !name.is_empty())
                .cloned()
                .unwrap_or_default()
        };
        match (self.acting_user(), self.service_name()) {
            (Some(user), _) => person(&user),
            (None, Some(service)) => format!("service:{service}"),
            (None, None) => String::new(),
        }
    }
}
