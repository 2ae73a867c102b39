//! Passwords of users.

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    answers::{Changed, Warnings, changed},
    end_sessions,
    history::{Change, keep},
    realm,
    refusals::{failed, long_enough, uuid},
    username_of, yes,
};
use crate::{
    ServeState,
    domain::user_change::{Action, Outcome},
    routes::access::Author,
};

/// A new password.
#[derive(Deserialize, ToSchema)]
pub struct NewPassword {
    #[serde(default)]
    password: String,
    /// Whether it has to be changed at the next sign-in.
    #[serde(default = "yes")]
    temporary: bool,
}

/// Sets a user's password; the user's sessions end.
#[utoipa::path(post, path = "/api/keycloak/users/{user_id}/reset-password", tag = "keycloak", request_body = NewPassword,
    params(("user_id" = String, Path)), responses(
    (status = 200, body = Changed), (status = 400, description = "`password is required`, or it is refused; member `details`"),
    (status = 403, description = "Not an administrator"), (status = 404, description = "No such user"), (status = 415, description = "Not JSON"),
    (status = 500, description = "Keycloak does not let Helm in"), (status = 502, description = "Keycloak does not answer")
))]
pub async fn reset_password(
    State(state): State<ServeState>,
    by: Author,
    Path(id): Path<String>,
    Json(new): Json<NewPassword>,
) -> Result<Json<Changed>> {
    const FAILED: &str = "Failed to reset password";
    if new.password.is_empty() {
        return Err(Problem::new(StatusCode::BAD_REQUEST).error("password is required"));
    }
    long_enough(&new.password)?;
    let id = uuid(&id, FAILED)?;
    let realm = realm(&state)?;
    let username = username_of(&realm, id, FAILED).await?;
    realm.set_password(id, &new.password, new.temporary).await.map_err(failed(FAILED))?;
    let mut warnings = Warnings::default();
    warnings.add(end_sessions(&state, id).await);
    let change = Change {
        action: Action::ResetPassword,
        outcome: Outcome::Done,
        id: Some(id),
        username: &username,
        details: json!({ "temporary": new.temporary }),
    };
    warnings.add(keep(&state, &by, change).await);
    Ok(changed("Password reset successfully", warnings))
}
