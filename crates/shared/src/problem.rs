//! RFC 7807 problem documents, the one error shape of every API (platform.md §12).

use std::{fmt, sync::Arc};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// Result of a handler.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

/// Media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// An error as the client sees it: status, title, detail and extension members such as upstream's `error`.
///
/// Server errors carry their cause for the log; the client never sees it.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    status: StatusCode,
    detail: Option<String>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<str>>,
    retry_at: Option<String>,
}

impl Problem {
    /// A problem with the status' own title and no detail.
    pub fn new(status: StatusCode) -> Self {
        Self(Box::new(Inner {
            status,
            detail: None,
            members: Map::new(),
            headers: Vec::new(),
            cause: None,
            retry_at: None,
        }))
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 401 with `WWW-Authenticate: Bearer`.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED)
            .detail(detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403: known, but not allowed.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN).detail(detail)
    }

    /// 404 with a detail of its own.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND).detail(detail)
    }

    /// 404 for a path that no route serves; the seed's fixed text.
    pub fn no_such_resource() -> Self {
        Self::not_found("The requested resource does not exist.")
    }

    /// 409: the request clashes with what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT).detail(detail)
    }

    /// 429 with `Retry-After`, the seed's fixed text.
    pub fn too_many_requests(retry_after_seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS)
            .detail("Rate limit exceeded. Try again later.")
            .retry_after(retry_after_seconds)
    }

    /// 500: `cause` is logged, the client gets the seed's fixed text.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR).detail("An unexpected error occurred.").cause(cause)
    }

    /// 502: a peer answered nonsense or not at all.
    pub fn bad_gateway(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY).detail(detail)
    }

    /// 503 with `Retry-After`: something this service needs is away.
    pub fn unavailable(detail: impl Into<String>, retry_after_seconds: u64) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE).detail(detail).retry_after(retry_after_seconds)
    }

    /// Sets the human-readable explanation.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds an extension member at top level.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds upstream's member `error` with `text`, which is also the detail unless one is set.
    pub fn error(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.0.detail.get_or_insert_with(|| text.clone());
        self.with("error", text)
    }

    /// Adds a response header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Keeps the cause of a server error for the log.
    pub fn cause(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string().into());
        self
    }

    /// Where the page of this problem leads to try again: a path of this service. Without it, errors that may pass lead to
    /// the page that failed.
    pub fn retry_at(mut self, path: impl Into<String>) -> Self {
        self.0.retry_at = Some(path.into());
        self
    }

    fn retry_after(self, seconds: u64) -> Self {
        self.with("retry_after", seconds).header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The title: the status' reason.
    pub fn title_text(&self) -> &'static str {
        self.0.status.canonical_reason().unwrap_or("Error")
    }

    /// The explanation, if there is one.
    pub fn detail_text(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The logged cause, if there is one.
    pub fn cause_text(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Where to try again, if that is known.
    pub fn retry_path(&self) -> Option<&str> {
        self.0.retry_at.as_deref()
    }

    /// Seconds after which to try again, if that is known.
    pub fn retry_seconds(&self) -> Option<u64> {
        let (_, value) = self.0.headers.iter().find(|(name, _)| name == header::RETRY_AFTER)?;
        value.to_str().ok()?.parse().ok()
    }

    /// The document; `instance` is the path of the request where it is known.
    pub fn document(&self, instance: Option<&str>) -> Value {
        let mut document = self.0.members.clone();
        let status = self.0.status.as_u16();
        document.insert("type".into(), json!(format!("https://httpstatuses.com/{status}")));
        document.insert("title".into(), json!(self.title_text()));
        document.insert("status".into(), json!(status));
        if let Some(detail) = &self.0.detail {
            document.insert("detail".into(), json!(detail));
        }
        if let Some(instance) = instance {
            document.insert("instance".into(), json!(instance));
        }
        Value::Object(document)
    }

    /// The JSON response with `instance`.
    pub fn json_response(&self, instance: Option<&str>) -> Response {
        let mut response = Response::new(Body::from(self.document(instance).to_string()));
        *response.status_mut() = self.0.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        self.add_headers(&mut response);
        response
    }

    /// Adds the problem's own headers to a response that shows it in another form.
    pub fn add_headers(&self, response: &mut Response) {
        for (name, value) in &self.0.headers {
            response.headers_mut().append(name, value.clone());
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.json_response(None);
        // The server's outermost layer renders it again, with the path or as a page (shared::server).
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.title_text())?;
        if let Some(detail) = &self.0.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

impl From<sqlx::Error> for Problem {
    /// A database that is away is 503, text that no database can hold is the client's fault, all else our own error.
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_) => {
                Self::unavailable("The database is temporarily unavailable.", 5).cause(error)
            }
            sqlx::Error::Database(db)
                if db.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("53")) =>
            {
                Self::unavailable("The database is temporarily unavailable.", 5).cause(error)
            }
            // PostgreSQL has no NUL character, so nothing it stores can be named by one.
            sqlx::Error::Database(db) if db.code().as_deref() == Some("22021") => {
                Self::bad_request("Text must not contain NUL characters.")
            }
            _ => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_seeds_members_and_extensions_at_top_level() {
        let problem = Problem::not_found("Company with account number '999999' does not exist.")
            .with("account_number", "999999");
        assert_eq!(
            problem.document(Some("/api/companies/999999")),
            json!({
                "type": "https://httpstatuses.com/404", "title": "Not Found", "status": 404,
                "detail": "Company with account number '999999' does not exist.",
                "account_number": "999999", "instance": "/api/companies/999999"
            })
        );
    }

    #[test]
    fn the_cause_of_a_server_error_stays_inside() {
        let problem = Problem::internal("password authentication failed");
        assert!(!problem.document(None).to_string().contains("password"));
        assert_eq!(problem.cause_text(), Some("password authentication failed"));
    }

    #[test]
    fn a_limit_says_when_to_come_back() {
        let response = Problem::too_many_requests(7).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(Problem::too_many_requests(7).retry_seconds(), Some(7));
        assert_eq!(Problem::conflict("x").retry_seconds(), None);
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    }
}
