//! The vendor's ways to answer: wrapped objects, pages with `Link`, errors in its own forms.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{LINK, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

/// A refusal.
#[derive(Debug, PartialEq, Eq)]
pub enum ApiError {
    /// 400: a parameter is wrong.
    Invalid {
        /// The parameter.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// 401: no or a wrong key.
    Unauthorized,
    /// 404, with an empty body.
    NotFound,
    /// 429: try again after so many seconds.
    TooMany(u64),
}

impl ApiError {
    /// 400 for a parameter.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { field, message: message.into() }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Invalid { field, message } => {
                let errors = json!([{"field": field, "message": message, "code": "invalid_value"}]);
                let body = json!({"description": "Validation failed", "errors": errors});
                (StatusCode::BAD_REQUEST, Json(body)).into_response()
            }
            Self::Unauthorized => {
                let message = "You have to be logged in to perform this action.";
                let body = json!({"code": "invalid_credentials", "message": message});
                (StatusCode::UNAUTHORIZED, Json(body)).into_response()
            }
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::TooMany(seconds) => {
                let message = "You have exceeded the limit of requests per minute";
                let body = Json(json!({"message": message}));
                (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds.to_string())], body).into_response()
            }
        }
    }
}

/// Anything unknown: 404 with an empty body.
pub async fn not_found() -> ApiError {
    ApiError::NotFound
}

/// One object under its name.
pub fn single(name: &str, value: Value) -> Response {
    Json(Value::Object(Map::from_iter([(name.to_owned(), value)]))).into_response()
}

/// What a list must do wrong for this one request.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListFault {
    /// Answer no rows and no next page.
    pub empty: bool,
    /// Begin a later page with the last row of the one before.
    pub repeat: bool,
}

/// The query of a list request, its page, and how to build the address of the next one.
#[derive(Debug)]
pub struct ListCall {
    params: Vec<(String, String)>,
    address: String,
    page: usize,
    per_page: usize,
    fault: ListFault,
}

impl<S: Sync> FromRequestParts<S> for ListCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let params: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let host =
            parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        // Nested routers see a shortened path; the vendor's links carry the whole one.
        let path = parts
            .extensions
            .get::<axum::extract::OriginalUri>()
            .map_or_else(|| parts.uri.path().to_owned(), |uri| uri.path().to_owned());
        let number = |name: &'static str, default: usize, most: usize| {
            let Some((_, text)) = params.iter().find(|(key, _)| key == name) else { return Ok(default) };
            text.parse().ok().filter(|n| (1..=most).contains(n)).ok_or_else(|| {
                let bound = if most == 100 { " less than or equal to 100" } else { "" };
                ApiError::invalid(name, format!("It should be a Positive Integer{bound}"))
            })
        };
        Ok(Self {
            page: number("page", 1, usize::MAX / 200)?,
            per_page: number("per_page", 30, 100)?,
            address: format!("http://{host}{path}"),
            fault: parts.extensions.get().copied().unwrap_or_default(),
            params,
        })
    }
}

impl ListCall {
    /// A query parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The entries of `include`; 400 for one that the endpoint does not know.
    pub fn includes(&self, known: &[&str]) -> Result<Vec<&str>, ApiError> {
        let asked: Vec<&str> = self.get("include").into_iter().flat_map(|text| text.split(',')).collect();
        match asked.iter().find(|name| !known.contains(name)) {
            Some(name) => Err(ApiError::invalid("include", format!("Unknown value '{name}'"))),
            None => Ok(asked),
        }
    }

    /// The rows of the asked page, and whether another page follows.
    pub fn take<T>(&self, rows: impl Iterator<Item = T>) -> (Vec<T>, bool) {
        if self.fault.empty {
            return (Vec::new(), false);
        }
        let start = (self.page - 1) * self.per_page;
        let shift = usize::from(self.fault.repeat && start > 0);
        let mut rows = rows.skip(start - shift);
        let taken = rows.by_ref().take(self.per_page).collect();
        (taken, rows.next().is_some())
    }

    /// A list under its name, with the address of the next page while there is one.
    pub fn page(&self, name: &str, rows: Vec<Value>, more: bool) -> Response {
        let mut headers = HeaderMap::new();
        if more && let Ok(link) = HeaderValue::try_from(format!("<{}>; rel=\"next\"", self.next_address())) {
            headers.insert(LINK, link);
        }
        (headers, single(name, Value::Array(rows))).into_response()
    }

    fn next_address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.params.iter().filter(|(key, _)| key != "page") {
            query.append_pair(key, value);
        }
        query.append_pair("page", &(self.page + 1).to_string());
        format!("{}?{}", self.address, query.finish())
    }
}
