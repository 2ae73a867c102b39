//! Cookies of Core's own login: encrypted, `Secure`, under names of their own (weak point 17).

use hivematrix_shared::auth::cookie;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::crypto::sealed::Sealer;

/// Browsers keep cookies up to about this size.
const LARGEST: usize = 3800;

/// A login on its way to the identity provider and back.
#[derive(Debug, Deserialize, Serialize)]
pub struct LoginState {
    /// Returned by the provider.
    pub state: String,
    /// Stands in the ID token.
    pub nonce: String,
    /// PKCE verifier.
    pub verifier: String,
    /// Local path to go to afterwards.
    pub next: Option<String>,
    /// Address the provider sends the browser back to.
    pub redirect_uri: String,
    /// Unix seconds after which it no longer counts.
    pub expires: i64,
}

/// A browser that is logged in at Core itself.
#[derive(Debug, Deserialize, Serialize)]
pub struct OwnSession {
    /// HiveMatrix session id.
    pub session: String,
    /// For the provider's logout; left out when it is too large.
    pub id_token: Option<String>,
}

/// A cookie and what it holds.
pub trait Sealed: Serialize + DeserializeOwned {
    /// Name of the cookie; also keeps one from being used as the other.
    const NAME: &'static str;
}

impl Sealed for LoginState {
    const NAME: &'static str = "__Host-core-login";
}

impl Sealed for OwnSession {
    const NAME: &'static str = "__Host-core-session";
}

/// Reads a cookie.
pub fn read<T: Sealed>(sealer: &Sealer, headers: &HeaderMap) -> Option<T> {
    sealer.open(T::NAME, &cookie(headers, T::NAME)?)
}

/// `Set-Cookie` with a value; `None` when it does not fit into a cookie.
pub fn set<T: Sealed>(sealer: &Sealer, value: &T) -> Option<HeaderValue> {
    let sealed = sealer.seal(T::NAME, value).filter(|sealed| sealed.len() <= LARGEST)?;
    HeaderValue::from_str(&format!("{}={sealed}; Path=/; HttpOnly; Secure; SameSite=Lax", T::NAME)).ok()
}

/// `Set-Cookie` that removes it.
pub fn clear<T: Sealed>() -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("{}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", T::NAME)).ok()
}
