//! Who may use Helm: administrators, directly or through a service that acts for one (helm.md §2).

use axum::extract::FromRequestParts;
use hivematrix_shared::{
    auth::{ActingUser, AdminOnly, UserOnly},
    problem::Problem,
};
use http::request::Parts;

/// An administrator; services on their own get 403 `This endpoint is for users only`.
#[derive(Debug, Clone)]
pub struct AdminUser(pub ActingUser);

impl<S: Send + Sync> FromRequestParts<S> for AdminUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let UserOnly(user) = UserOnly::from_request_parts(parts, state).await?;
        AdminOnly::from_request_parts(parts, state).await?;
        Ok(Self(user))
    }
}
