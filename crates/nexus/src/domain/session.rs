//! What the gateway remembers of a signed-in browser and of a sign-in under way.

use hivematrix_shared::auth::UserClaims;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Seconds before the end of a token in which the next page renews the sign-in silently (nexus.md weak point 11).
pub const RENEW_WITHIN: i64 = 300;
/// Seconds after which a renewal is tried again that failed for a reason that passes.
pub const RENEW_AGAIN_AFTER: i64 = 60;
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
    /// Unix seconds before which a renewal is not tried again, since the last one failed for a reason that passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_from: Option<i64>,
}

impl SessionState {
    /// A session that is just beginning.
    pub fn new(token: String, id_token: String) -> Self {
        Self { token, id_token: Some(id_token), no_renewal: false, renew_from: None }
    }

    /// The state of a bearer token, which nobody but its owner can renew.
    pub fn of_bearer(token: String) -> Self {
        Self { token, id_token: None, no_renewal: true, renew_from: None }
    }
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

/// What is left of a session, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Remaining {
    /// Until the session ends.
    pub expires_in: i64,
    /// Until it should be renewed; `null` when it cannot be.
    pub renews_in: Option<i64>,
}

impl Remaining {
    /// What is left at `now`.
    pub fn of(state: &SessionState, claims: &UserClaims, now: i64) -> Self {
        let due = (claims.exp - RENEW_WITHIN).max(state.renew_from.unwrap_or(i64::MIN));
        let possible = !state.no_renewal && due < claims.exp;
        Self { expires_in: (claims.exp - now).max(0), renews_in: possible.then(|| (due - now).max(0)) }
    }

    /// Whether the sign-in should be renewed now.
    pub fn is_due(&self) -> bool {
        self.renews_in == Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_in_is_renewed_in_its_last_minutes_once_or_after_a_pause() {
        let claims: UserClaims =
            serde_json::from_str(r#"{"iss":"hivematrix-core","sub":"u","jti":"j","iat":0,"exp":3600}"#)
                .unwrap();
        for (now, no_renewal, renew_from, expires_in, renews_in) in [
            (0, false, None, 3600, Some(3300)),
            (3299, false, None, 301, Some(1)),
            (3300, false, None, 300, Some(0)),
            (3599, false, None, 1, Some(0)),
            (3500, true, None, 100, None),
            (3310, false, Some(3370), 290, Some(60)),
            (3370, false, Some(3370), 230, Some(0)),
            (3590, false, Some(3650), 10, None),
            (4000, false, None, 0, Some(0)),
        ] {
            let state =
                SessionState { no_renewal, renew_from, ..SessionState::new(String::new(), String::new()) };
            let remaining = Remaining::of(&state, &claims, now);
            assert_eq!(remaining, Remaining { expires_in, renews_in }, "{now}");
            assert_eq!(remaining.is_due(), renews_in == Some(0), "{now}");
        }
    }
}
