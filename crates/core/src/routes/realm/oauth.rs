//! What the OAuth endpoints share: error bodies, form bodies, client authentication.

use axum::response::{IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use hivematrix_shared::{extract::Json, problem::Problem};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{
    domain::oidc::Client,
    realm::Realm,
    routes::request::{media_type, text},
};

/// An OAuth error: `{"error", "error_description"}`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OAuthError {
    status: StatusCode,
    code: &'static str,
    description: &'static str,
}

impl OAuthError {
    /// 400.
    pub const fn bad(code: &'static str, description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, description }
    }

    /// 401: the client is unknown or its secret wrong, without saying which.
    pub const INVALID_CLIENT: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        code: "invalid_client",
        description: "Invalid client or Invalid client credentials",
    };

    /// 401: name, password or code are wrong, without saying which.
    pub const INVALID_USER: Self = Self {
        status: StatusCode::UNAUTHORIZED,
        code: "invalid_grant",
        description: "Invalid user credentials",
    };

    /// 400: code or refresh token unknown, used, expired, or somebody else's.
    pub const INVALID_GRANT: Self = Self::bad("invalid_grant", "Code or token not valid");
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.code, "error_description": self.description }));
        let mut response = (self.status, body).into_response();
        if self == Self::INVALID_CLIENT {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"clients\""));
        }
        response
    }
}

/// Why an endpoint gives nothing: in OAuth's words, or because something here is away.
#[derive(Debug)]
pub enum Failure {
    /// The client's fault.
    OAuth(OAuthError),
    /// Ours.
    Problem(Problem),
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(error)
    }
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::OAuth(error) => error.into_response(),
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

/// A form's fields; a repeated one is an error, as OAuth demands.
#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a form body.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, OAuthError> {
        if media_type(headers).as_deref() != Some("application/x-www-form-urlencoded") {
            return Err(OAuthError::bad(
                "invalid_request",
                "Send the body as application/x-www-form-urlencoded",
            ));
        }
        Self::parse(body)
    }

    /// Reads a query in the same way.
    pub fn of_query(query: &str) -> Result<Self, OAuthError> {
        Self::parse(query.as_bytes())
    }

    fn parse(encoded: &[u8]) -> Result<Self, OAuthError> {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            if fields.iter().any(|(seen, _)| *seen == name) {
                return Err(OAuthError::bad("invalid_request", "duplicated parameter"));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// A field that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// A field that has to be there.
    pub fn need(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or(OAuthError::bad("invalid_request", "Missing parameter"))
    }
}

/// The client that a request proves to come from: by Basic header or form fields; a public client by its id alone.
pub fn authenticate<'a>(
    realm: &'a Realm,
    headers: &HeaderMap,
    form: &Form,
) -> Result<&'a Client, OAuthError> {
    let (id, secret) = match basic(headers) {
        Some((id, secret)) => (id, Some(secret)),
        None => {
            let id = form.get("client_id").ok_or(OAuthError::INVALID_CLIENT)?.to_owned();
            (id, form.get("client_secret").map(str::to_owned))
        }
    };
    let client = realm.client(&id).ok_or(OAuthError::INVALID_CLIENT)?;
    match (&client.secret, secret) {
        (Some(own), Some(given)) if own.matches(&given) => Ok(client),
        // A service account without a secret would be open to everyone.
        (None, None) if !client.service_account => Ok(client),
        _ => Err(OAuthError::INVALID_CLIENT),
    }
}

/// Id and secret of a Basic header; both are form-encoded in it (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = text(headers, header::AUTHORIZATION.as_str())?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    let plain = |part: &str| {
        let spaced = part.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
    };
    Some((plain(id)?, plain(secret)?))
}
