//! axum's extractors with problem documents as rejections, and query values that never refuse.

use axum::{
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{FormRejection, JsonRejection, PathRejection, QueryRejection},
    },
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};
use serde::{Serialize, de::DeserializeOwned};

use crate::problem::Problem;

/// JSON body or answer; a body that does not fit is 400, a missing content type 415.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub T);

/// Fields of a form; one that does not fit, or comes twice, is 400, another content type 415.
#[derive(Clone, Copy, Debug, Default)]
pub struct Form<T>(pub T);

/// Query parameters; a parameter that does not fit is 400.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<T>(pub T);

/// Query parameters of which every field is optional; one of the wrong type counts as absent (codex-api.md §1).
#[derive(Clone, Copy, Debug, Default)]
pub struct LenientQuery<T>(pub T);

/// Path parameters; a part that does not fit names no resource: 404.
#[derive(Clone, Copy, Debug, Default)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(JsonRejection::JsonDataError(error)) => Err(Problem::bad_request(error.body_text())),
            Err(JsonRejection::JsonSyntaxError(error)) => Err(Problem::bad_request(error.body_text())),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                    .detail("Send the body as application/json."))
            }
            Err(error) => Err(Problem::new(error.status()).detail(error.body_text())),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Form::<T>::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(
                error @ (FormRejection::FailedToDeserializeForm(_)
                | FormRejection::FailedToDeserializeFormBody(_)),
            ) => Err(Problem::bad_request(error.body_text())),
            Err(FormRejection::InvalidFormContentType(_)) => {
                Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                    .detail("Send the fields as application/x-www-form-urlencoded."))
            }
            Err(error) => Err(Problem::new(error.status()).detail(error.body_text())),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::<T>::from_request_parts(parts, state)
            .await
            .map(|query| Self(query.0))
            .map_err(|error: QueryRejection| Problem::bad_request(error.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::<T>::from_request_parts(parts, state)
            .await
            .map(|path| Self(path.0))
            .map_err(|_: PathRejection| Problem::no_such_resource())
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequestParts<S> for LenientQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        Ok(Self(lenient(parts.uri.query().unwrap_or_default())))
    }
}

/// Parameters of a query that are looked at: far more than any route has, and few enough to try one by one.
const MAX_PARAMETERS: usize = 64;

/// Reads what fits: parameters are tried one by one on top of those that fitted before; a repeated one counts once, the
/// first time, as upstream reads them.
fn lenient<T: DeserializeOwned + Default>(query: &str) -> T {
    let mut good: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()).take(MAX_PARAMETERS) {
        if good.iter().any(|(seen, _)| *seen == name) {
            continue;
        }
        good.push((name.into_owned(), value.into_owned()));
        if decode::<T>(&good).is_none() {
            good.pop();
        }
    }
    decode(&good).unwrap_or_default()
}

fn decode<T: DeserializeOwned>(pairs: &[(String, String)]) -> Option<T> {
    let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let uri = http::Uri::builder().path_and_query(format!("/?{encoded}")).build().ok()?;
    axum::extract::Query::<T>::try_from_uri(&uri).ok().map(|query| query.0)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct Filter {
        agent_id: Option<i64>,
        status: Option<String>,
    }

    #[test]
    fn a_value_of_the_wrong_type_takes_its_default_and_the_others_stay() {
        let filter: Filter = lenient("agent_id=abc&status=open");
        assert_eq!(filter, Filter { agent_id: None, status: Some("open".into()) });
        let filter: Filter = lenient("agent_id=7&agent_id=8&status=a%26b");
        assert_eq!(filter, Filter { agent_id: Some(7), status: Some("a&b".into()) });
        assert_eq!(lenient::<Filter>("agent_id="), Filter::default());
    }

    #[tokio::test]
    async fn a_form_that_does_not_fit_is_a_problem_and_400() {
        let sent = async |media_type: &str, body: &'static str| {
            let request = Request::post("/").header("content-type", media_type).body(body.into()).unwrap();
            Form::<Filter>::from_request(request, &()).await.map(|form| form.0)
        };
        let form = "application/x-www-form-urlencoded";
        let read = sent(form, "agent_id=7&status=a+b").await.unwrap();
        assert_eq!(read, Filter { agent_id: Some(7), status: Some("a b".into()) });
        for body in ["status=open&status=closed", "agent_id=x"] {
            let problem = sent(form, body).await.unwrap_err();
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST, "{body}");
            assert!(problem.detail_text().is_some(), "{body}");
        }
        let problem = sent("application/json", "{}").await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    #[test]
    fn a_flood_of_parameters_is_not_read_to_its_end() {
        let flood = |before: usize| format!("{}agent_id=7", "x=1&".repeat(before));
        assert_eq!(lenient::<Filter>(&flood(MAX_PARAMETERS - 1)).agent_id, Some(7));
        assert_eq!(lenient::<Filter>(&flood(MAX_PARAMETERS)).agent_id, None);
    }
}
