//! Bodies that may be left out.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use hivematrix_shared::{extract::Json, problem::Problem};
use http::header;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// A JSON body, or its default where there is none. A body must say what it is, as everywhere: a form of another site cannot.
#[derive(Clone, Copy, Debug, Default)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.headers().contains_key(header::CONTENT_TYPE) {
            return Json::from_request(request, state).await.map(|Json(body)| Self(body));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::new(error.status()).detail(error.body_text()))?;
        if body.is_empty() {
            return Ok(Self(T::default()));
        }
        Err(Problem::new(http::StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .detail("Send the body as application/json."))
    }
}

/// A member that may be `null`, which is something else than being left out.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
