//! `GET` and `POST …/protocol/openid-connect/userinfo`.

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{auth::bearer, extract::Json, problem::Result};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::json;

use super::oauth::Form;
use crate::realm::Realm;

/// The user of an access token.
#[utoipa::path(get, path = "/realms/{realm}/protocol/openid-connect/userinfo", tag = "local realm",
    params(("realm" = String, Path, description = "Realm name")),
    responses((status = 200, description = "Claims of the user"), (status = 401, description = "The token does not count")))]
pub async fn get(State(realm): State<Realm>, headers: HeaderMap) -> Result<Response> {
    answer(&realm, bearer(&headers)).await
}

/// As [`get`]; the token may also stand in the form.
#[utoipa::path(post, path = "/realms/{realm}/protocol/openid-connect/userinfo", tag = "local realm", request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    params(("realm" = String, Path, description = "Realm name")),
    responses((status = 200, description = "Claims of the user"), (status = 401, description = "The token does not count")))]
pub async fn post(State(realm): State<Realm>, headers: HeaderMap, body: Bytes) -> Result<Response> {
    let in_form = || Form::read(&headers, &body).ok()?.get("access_token").map(str::to_owned);
    answer(&realm, bearer(&headers).or_else(in_form)).await
}

async fn answer(realm: &Realm, token: Option<String>) -> Result<Response> {
    let Some(token) = token else { return Ok(refusal("invalid_request", "Token not provided")) };
    Ok(match realm.userinfo(&token).await? {
        Ok(claims) => Json(claims).into_response(),
        Err(_) => refusal("invalid_token", "Token verification failed"),
    })
}

fn refusal(error: &'static str, description: &'static str) -> Response {
    let body = Json(json!({ "error": error, "error_description": description }));
    let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
}
