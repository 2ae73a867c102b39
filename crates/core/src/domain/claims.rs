//! Claims of the tokens that Core signs (core.md §3).

use hivematrix_shared::auth::{ActingUser, ISSUER, ServiceClaims, UserClaims};

use super::session::Session;

/// Seconds a service token lasts.
pub const SERVICE_TOKEN_LIFETIME: i64 = 300;

/// Claims of the user token for a session.
pub fn user(session_id: &str, session: &Session) -> UserClaims {
    let user = &session.user;
    UserClaims {
        iss: ISSUER.to_owned(),
        sub: user.sub.clone(),
        jti: Some(session_id.to_owned()),
        name: user.name.clone(),
        email: user.email.clone(),
        email_verified: user.email_verified,
        preferred_username: user.preferred_username.clone(),
        permission_level: user.permission_level,
        groups: user.groups.clone(),
        iat: session.created_at,
        exp: session.expires_at,
    }
}

/// Claims of a service token issued now.
pub fn service(calling: &str, target: &str, on_behalf_of: Option<ActingUser>, now: i64) -> ServiceClaims {
    ServiceClaims {
        iss: ISSUER.to_owned(),
        sub: format!("service:{calling}"),
        token_type: "service".to_owned(),
        calling_service: calling.to_owned(),
        target_service: target.to_owned(),
        on_behalf_of,
        iat: now,
        exp: now + SERVICE_TOKEN_LIFETIME,
    }
}
