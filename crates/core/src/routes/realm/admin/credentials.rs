//! `/admin/realms/<realm>/users/<id>/credentials…`: what somebody proves the own identity with, and removing a lost one.

use axum::extract::{Path, State};
use hivematrix_shared::extract::Json;
use http::StatusCode;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Administrator, Failure, finished, user};
use crate::{
    domain::user::User,
    realm::Realm,
    store::realm::{second_factor, users},
};

/// Keycloak's name of an authenticator app among the credential types.
const OTP: &str = "otp";

/// Password and authenticator app of a user, without anything secret.
#[utoipa::path(get, path = "/admin/realms/{realm}/users/{id}/credentials", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id")),
    responses((status = 200, description = "Credentials as Keycloak writes them, without secrets"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user")))]
pub async fn list(
    State(realm): State<Realm>,
    _: Administrator,
    Path(id): Path<String>,
) -> Result<Json<Vec<Value>>, Failure> {
    let user = user(&realm, &id).await?;
    let mut credentials = Vec::new();
    if let Some(changed_at) = users::password_changed_at(&realm.pool, user.id).await? {
        credentials.push(json!({
            "id": password_id(&user),
            "type": "password",
            "createdDate": changed_at.timestamp_millis(),
            "credentialData": json!({ "algorithm": "argon2", "additionalParameters": { "type": ["id"] } }).to_string(),
        }));
    }
    if let Some(app) = second_factor::find(&realm.pool, user.id).await? {
        let data =
            json!({ "subType": "totp", "digits": 6, "counter": 0, "period": 30, "algorithm": "HmacSHA1" });
        let mut credential = Map::new();
        credential.insert("id".into(), json!(app.id));
        credential.insert("type".into(), json!(OTP));
        if !app.label.is_empty() {
            credential.insert("userLabel".into(), json!(app.label));
        }
        credential.insert("createdDate".into(), json!(app.created_at.timestamp_millis()));
        credential.insert("credentialData".into(), json!(data.to_string()));
        credentials.push(Value::Object(credential));
    }
    Ok(Json(credentials))
}

/// Removes a credential: a lost authenticator app with its recovery codes, or the password, after which nobody can sign in
/// until a new one is set.
#[utoipa::path(delete, path = "/admin/realms/{realm}/users/{id}/credentials/{credential}", tag = "administration of users",
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id"), ("credential" = String, Path, description = "Credential id")),
    responses((status = 202, description = "A password was removed; open sessions end as soon as the session store answers"), (status = 204, description = "Removed"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user or credential")))]
pub async fn remove(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Path((id, credential)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let user = user(&realm, &id).await?;
    let credential: Uuid = credential.parse().map_err(|_| Failure::NO_CREDENTIAL)?;
    let app = second_factor::find(&realm.pool, user.id).await?;
    if app.is_some_and(|app| app.id == credential) {
        remove_app(&realm, &user, &by).await?;
        Ok(StatusCode::NO_CONTENT)
    } else if credential == password_id(&user) && users::delete_password(&realm.pool, user.id).await? {
        let done = finished(realm.end_all_sessions(user.id).await?);
        hivematrix_shared::audit!(username = user.username, by, "A password was removed");
        Ok(done)
    } else {
        Err(Failure::NO_CREDENTIAL)
    }
}

/// Takes credentials of these types from a user; only `otp` can be taken so, others are ignored, as Keycloak does.
#[utoipa::path(put, path = "/admin/realms/{realm}/users/{id}/disable-credential-types", tag = "administration of users", request_body = Vec<String>,
    params(("realm" = String, Path, description = "Realm name"), ("id" = String, Path, description = "User id")),
    responses((status = 204, description = "Done"), (status = 401, description = "No token of an administrator"), (status = 403, description = "Not an administrator, from elsewhere, or through the gateway"), (status = 404, description = "No such user")))]
pub async fn disable(
    State(realm): State<Realm>,
    Administrator(by): Administrator,
    Path(id): Path<String>,
    Json(types): Json<Vec<String>>,
) -> Result<StatusCode, Failure> {
    let user = user(&realm, &id).await?;
    if types.iter().any(|kind| kind == OTP) {
        remove_app(&realm, &user, &by).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_app(realm: &Realm, user: &User, by: &str) -> Result<(), Failure> {
    if realm.remove_app(user).await? {
        hivematrix_shared::audit!(username = user.username, by, "An authenticator app was removed");
    }
    Ok(())
}

/// A password's id is made from its account's: there is never more than one.
fn password_id(user: &User) -> Uuid {
    Uuid::new_v5(&user.id, b"password")
}
