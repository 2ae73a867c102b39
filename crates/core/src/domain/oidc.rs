//! Rules of the OpenID Connect code flow as the local realm offers it (core.md §7.5).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hivematrix_shared::config::Secret;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

/// Seconds an authorization code may wait to be redeemed.
pub const CODE_LIFETIME: i64 = 60;
/// Seconds an access or ID token of the realm lasts.
pub const ACCESS_TOKEN_LIFETIME: i64 = 300;
/// Seconds a refresh token may wait to be used.
pub const REFRESH_TOKEN_LIFETIME: i64 = 1800;
/// Seconds a browser stays signed in at the realm.
pub const SIGN_ON_LIFETIME: i64 = 12 * 3600;
/// Longest value of a parameter that is carried through (state, nonce).
const LONGEST_PARAMETER: usize = 2048;

/// A client of the realm.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret; without one the client is public and has to use PKCE.
    pub secret: Option<Secret>,
    /// Where codes may be sent, compared exactly. Empty: the client has no browser flow.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout, compared exactly.
    pub post_logout_uris: Vec<String>,
    /// May get a token for itself (`client_credentials`).
    pub service_account: bool,
}

/// Parameters of an authorization request, as they come and as the login form carries them on.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct AuthorizationRequest {
    /// Which client asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Where the answer goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// Only `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_type: Option<String>,
    /// Only `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_mode: Option<String>,
    /// Space-separated; with `openid` an ID token is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Returned unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Put into the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// `none`: no page may be shown; `login`: ask for the password again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// PKCE challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// Only `S256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge_method: Option<String>,
    /// Name to put into the login form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
}

/// An error that goes back to the client by redirect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FlowError {
    /// OAuth error code.
    pub code: &'static str,
    /// What is wrong, for the client's developer.
    pub description: &'static str,
}

const fn flow_error(code: &'static str, description: &'static str) -> FlowError {
    FlowError { code, description }
}

/// What the user may be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// A page only where there is no session.
    IfNeeded,
    /// No page at all.
    None,
    /// The password in any case.
    Login,
}

/// A checked authorization request.
#[derive(Clone, Debug, PartialEq)]
pub struct Authorization {
    /// Which client asks.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// Granted scope.
    pub scope: String,
    /// Returned unchanged.
    pub state: Option<String>,
    /// For the ID token.
    pub nonce: Option<String>,
    /// PKCE challenge (S256).
    pub code_challenge: Option<String>,
    /// What the user may be asked.
    pub prompt: Prompt,
}

impl AuthorizationRequest {
    /// The client's exact redirect URI, or nothing: then no redirect may happen at all.
    pub fn redirect_target<'a>(&'a self, client: &Client) -> Option<&'a str> {
        let wanted = self.redirect_uri.as_deref()?;
        client.redirect_uris.iter().any(|uri| uri == wanted).then_some(wanted)
    }

    /// Checks everything behind client and redirect URI.
    pub fn check(&self, client: &Client) -> Result<Authorization, FlowError> {
        let redirect_uri =
            self.redirect_target(client).ok_or(flow_error("invalid_request", "Invalid redirect_uri"))?;
        match self.response_type.as_deref() {
            Some("code") => {}
            None => return Err(flow_error("invalid_request", "Missing parameter: response_type")),
            Some(_) => {
                return Err(flow_error("unsupported_response_type", "Only response_type=code is supported"));
            }
        }
        if self.response_mode.as_deref().is_some_and(|mode| mode != "query") {
            return Err(flow_error("invalid_request", "Only response_mode=query is supported"));
        }
        let prompt = match self.prompt.as_deref() {
            None | Some("" | "consent" | "select_account") => Prompt::IfNeeded,
            Some("none") => Prompt::None,
            Some("login") => Prompt::Login,
            Some(_) => return Err(flow_error("invalid_request", "Unknown prompt")),
        };
        match (self.code_challenge.as_deref(), self.code_challenge_method.as_deref()) {
            (None, None) if client.secret.is_none() => {
                return Err(flow_error("invalid_request", "Missing parameter: code_challenge_method"));
            }
            (None, None) => {}
            (Some(challenge), Some("S256")) if is_challenge(challenge) => {}
            (Some(_), Some("S256")) => {
                return Err(flow_error("invalid_request", "Invalid parameter: code_challenge"));
            }
            _ => return Err(flow_error("invalid_request", "Only code_challenge_method=S256 is supported")),
        }
        if [&self.state, &self.nonce, &self.scope]
            .into_iter()
            .flatten()
            .any(|value| value.len() > LONGEST_PARAMETER)
        {
            return Err(flow_error("invalid_request", "A parameter is too long"));
        }
        Ok(Authorization {
            client_id: client.id.clone(),
            redirect_uri: redirect_uri.to_owned(),
            scope: granted_scope(self.scope.as_deref().unwrap_or_default()),
            state: self.state.clone(),
            nonce: self.nonce.clone(),
            code_challenge: self.code_challenge.clone(),
            prompt,
        })
    }
}

/// The part of a wanted scope that the realm knows, each word once.
fn granted_scope(wanted: &str) -> String {
    let mut granted: Vec<&str> = Vec::new();
    for word in wanted.split_ascii_whitespace() {
        if matches!(word, "openid" | "email" | "profile") && !granted.contains(&word) {
            granted.push(word);
        }
    }
    granted.join(" ")
}

/// Whether a scope asks for an ID token.
pub fn has_openid(scope: &str) -> bool {
    scope.split(' ').any(|word| word == "openid")
}

fn is_challenge(challenge: &str) -> bool {
    challenge.len() == 43 && challenge.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Whether a PKCE verifier is well-formed and fits the stored challenge (RFC 7636).
pub fn verifier_fits(verifier: &str, challenge: &str) -> bool {
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
    well_formed && bool::from(challenge_of(verifier).as_bytes().ct_eq(challenge.as_bytes()))
}

/// The S256 challenge of a verifier.
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// `at_hash` of an ID token: the left half of the access token's SHA-256.
pub fn access_token_hash(access_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(secret: bool) -> Client {
        Client {
            id: "core-client".into(),
            secret: secret.then(|| Secret::new("s3cret")),
            redirect_uris: vec!["https://localhost:8443/keycloak-callback".into()],
            post_logout_uris: vec![],
            service_account: false,
        }
    }

    fn request() -> AuthorizationRequest {
        AuthorizationRequest {
            client_id: Some("core-client".into()),
            redirect_uri: Some("https://localhost:8443/keycloak-callback".into()),
            response_type: Some("code".into()),
            scope: Some("openid email profile openid offline_access".into()),
            state: Some("st".into()),
            nonce: Some("no".into()),
            code_challenge: Some(challenge_of(&"v".repeat(43))),
            code_challenge_method: Some("S256".into()),
            ..AuthorizationRequest::default()
        }
    }

    #[test]
    fn a_good_request_is_granted_the_known_part_of_its_scope() {
        let granted = request().check(&client(true)).unwrap();
        assert_eq!(granted.scope, "openid email profile");
        assert_eq!((granted.state.as_deref(), granted.nonce.as_deref()), (Some("st"), Some("no")));
    }

    #[test]
    fn requests_are_refused_with_the_oauth_code_of_their_fault() {
        type Change = fn(&mut AuthorizationRequest);
        let cases: [(Change, &str); 9] = [
            (|r| r.response_type = None, "invalid_request"),
            (|r| r.response_type = Some("token".into()), "unsupported_response_type"),
            (|r| r.response_mode = Some("fragment".into()), "invalid_request"),
            (|r| r.code_challenge_method = Some("plain".into()), "invalid_request"),
            (|r| r.code_challenge_method = None, "invalid_request"),
            (|r| r.code_challenge = Some("short".into()), "invalid_request"),
            (|r| r.code_challenge = None, "invalid_request"),
            (|r| r.prompt = Some("create".into()), "invalid_request"),
            (|r| r.state = Some("x".repeat(3000)), "invalid_request"),
        ];
        for (index, (change, code)) in cases.into_iter().enumerate() {
            let mut changed = request();
            change(&mut changed);
            assert_eq!(changed.check(&client(true)).unwrap_err().code, code, "case {index}");
        }
    }

    #[test]
    fn only_a_client_with_a_secret_may_leave_out_pkce() {
        let without = AuthorizationRequest { code_challenge: None, code_challenge_method: None, ..request() };
        assert!(without.check(&client(true)).is_ok());
        assert_eq!(without.check(&client(false)).unwrap_err().code, "invalid_request");
    }

    #[test]
    fn a_redirect_uri_is_compared_exactly() {
        for bad in [
            "https://localhost:8443/keycloak-callback/",
            "https://localhost:8443/keycloak-callback?x=1",
            "https://localhost:8443/keycloak-callback#",
            "https://LOCALHOST:8443/keycloak-callback",
            "https://localhost/keycloak-callback",
            "https://localhost:8443/../keycloak-callback",
        ] {
            let changed = AuthorizationRequest { redirect_uri: Some(bad.into()), ..request() };
            assert_eq!(changed.redirect_target(&client(true)), None, "{bad}");
        }
    }

    #[test]
    fn a_pkce_verifier_fits_only_its_own_challenge() {
        // The example of RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(verifier_fits(verifier, challenge));
        assert!(!verifier_fits(&verifier.to_lowercase(), challenge));
        assert!(!verifier_fits("short", &challenge_of("short")));
    }
}
