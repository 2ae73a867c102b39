//! Pages are for people.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{auth::Caller, problem::Problem};

/// Closes the routes below it to services, also to one that acts for a person: its rights are for JSON (platform.md §8).
pub async fn only_people(request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(Caller::Service(_)) => {
            Problem::new(StatusCode::FORBIDDEN).error("This endpoint is for users only").into_response()
        }
        _ => next.run(request).await,
    }
}
