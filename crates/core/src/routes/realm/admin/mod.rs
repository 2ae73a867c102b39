//! The part of Keycloak's Admin REST interface that Helm and Codex use (helm.md §4.4, codex-api.md §13.4): only for callers
//! on this machine, never through the gateway.

mod bodies;
mod credentials;
mod groups;
mod users;

use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use hivematrix_shared::{auth::bearer, extract::Json, problem::Problem};
use http::{StatusCode, request::Parts};
use serde_json::json;
use uuid::Uuid;

use crate::{
    domain::user::User,
    realm::{Realm, ending::Ended},
    routes::request::DirectLocal,
    store::realm::users as store,
};

/// All routes of the interface.
pub fn router(realm: &str) -> Router<Realm> {
    let base = format!("/admin/realms/{realm}");
    Router::new()
        .route(&format!("{base}/users"), get(users::list).post(users::create))
        .route(&format!("{base}/users/count"), get(users::count))
        .route(&format!("{base}/users/{{id}}"), get(users::show).put(users::update).delete(users::delete))
        .route(&format!("{base}/users/{{id}}/reset-password"), put(users::reset_password))
        .route(&format!("{base}/users/{{id}}/credentials"), get(credentials::list))
        .route(&format!("{base}/users/{{id}}/credentials/{{credential}}"), delete(credentials::remove))
        .route(&format!("{base}/users/{{id}}/disable-credential-types"), put(credentials::disable))
        .route(&format!("{base}/users/{{id}}/logout"), post(users::logout))
        .route(&format!("{base}/users/{{id}}/groups"), get(groups::of_user))
        .route(&format!("{base}/users/{{id}}/groups/{{group}}"), put(groups::join).delete(groups::leave))
        .route(&format!("{base}/groups"), get(groups::list))
}

/// Describes the interface; bearers are tokens of the realm's own token endpoint.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    users::list,
    users::count,
    users::show,
    users::create,
    users::update,
    users::delete,
    users::reset_password,
    users::logout,
    credentials::list,
    credentials::remove,
    credentials::disable,
    groups::list,
    groups::of_user,
    groups::join,
    groups::leave
))]
pub(super) struct Document;

/// Someone who may administer users; the name is for the audit.
#[derive(Clone, Debug)]
struct Administrator(String);

impl FromRequestParts<Realm> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, realm: &Realm) -> Result<Self, Response> {
        DirectLocal::from_request_parts(parts, realm).await.map_err(IntoResponse::into_response)?;
        let unauthorized = || error(StatusCode::UNAUTHORIZED, "HTTP 401 Unauthorized");
        let token = bearer(&parts.headers).ok_or_else(unauthorized)?;
        match realm.administrator(&token).await.map_err(IntoResponse::into_response)? {
            Ok(Some(name)) => Ok(Self(name)),
            Ok(None) => Err(error(StatusCode::FORBIDDEN, "HTTP 403 Forbidden")),
            Err(_) => Err(unauthorized()),
        }
    }
}

/// An answer in Keycloak's words, or a problem of ours.
#[derive(Debug)]
enum Failure {
    /// `{"error": …}`.
    Error(StatusCode, &'static str),
    /// `{"errorMessage": …}`.
    Message(StatusCode, String),
    /// A password that is too weak: `{"error": <code>, "error_description": …}`.
    Policy(&'static str, String),
    /// Something here is away or broken.
    Problem(Problem),
}

impl Failure {
    const NO_USER: Self = Self::Error(StatusCode::NOT_FOUND, "User not found");
    const NO_CREDENTIAL: Self = Self::Error(StatusCode::NOT_FOUND, "Credential not found");
    const NO_GROUP: Self = Self::Error(StatusCode::NOT_FOUND, "Group not found");
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Problem(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Error(status, text) => error(status, text),
            Self::Message(status, text) => (status, Json(json!({ "errorMessage": text }))).into_response(),
            Self::Policy(code, text) => {
                (StatusCode::BAD_REQUEST, Json(json!({ "error": code, "error_description": text })))
                    .into_response()
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

fn error(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "error": text }))).into_response()
}

/// Keycloak's answer to a change that ends sessions; 202 tells that those that are open go on until the store answers.
const fn finished(ended: Ended) -> StatusCode {
    match ended {
        Ended::Now(_) => StatusCode::NO_CONTENT,
        Ended::Later => StatusCode::ACCEPTED,
    }
}

/// The account of an id; anything that is no id names no account.
async fn user(realm: &Realm, id: &str) -> Result<User, Failure> {
    let id: Uuid = id.parse().map_err(|_| Failure::NO_USER)?;
    store::find(&realm.pool, id).await?.ok_or(Failure::NO_USER)
}
