//! What the gateway remembers of a signed-in browser and of a sign-in under way.

use hivematrix_shared::auth::UserClaims;
use serde::{Deserialize, Serialize};

/// Seconds before the end of a token in which the next page renews the sign-in silently (nexus.md weak point 11).
pub const RENEW_WITHIN: i64 = 300;
/// Seconds a sign-in may take.
pub const LOGIN_LIFETIME: u32 = 600;

/// State of a session; sealed in the cookie or in Redis.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SessionState {
    /// Core's user JWT.
    pub token: String,
    /// The identity provider's ID token, a hint for its logout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// A silent renewal failed: do not try again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_renewal: bool,
}

/// A sign-in under way; sealed in its own cookie, so that it counts only in the browser that began it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LoginState {
    /// Comes back from the identity provider.
    pub state: String,
    /// Comes back inside the ID token.
    pub nonce: String,
    /// PKCE code verifier.
    pub verifier: String,
    /// Local path to go to afterwards.
    pub next: String,
    /// Public origin the sign-in began at.
    pub origin: String,
    /// Unix seconds after which it no longer counts.
    pub expires_at: i64,
    /// Subject whose session is renewed without asking, if it is a renewal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renews: Option<String>,
}

/// Whether this page should renew the sign-in before it is shown.
pub fn should_renew(state: &SessionState, claims: &UserClaims, now: i64) -> bool {
    !state.no_renewal && claims.exp - now <= RENEW_WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_in_is_renewed_once_in_its_last_minutes() {
        let claims: UserClaims =
            serde_json::from_str(r#"{"iss":"hivematrix-core","sub":"u","jti":"j","iat":0,"exp":3600}"#)
                .unwrap();
        let state = |no_renewal| SessionState { token: String::new(), id_token: None, no_renewal };
        for (now, no_renewal, expected) in [(3299, false, false), (3300, false, true), (3500, true, false)] {
            assert_eq!(should_renew(&state(no_renewal), &claims, now), expected, "{now}");
        }
    }
}
