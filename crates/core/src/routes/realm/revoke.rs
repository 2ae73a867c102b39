//! `POST …/protocol/openid-connect/revoke` (RFC 7009).

use axum::{body::Bytes, extract::State};
use http::{HeaderMap, StatusCode};

use super::oauth::{Failure, Form, authenticate};
use crate::{crypto::random, realm::Realm, store::realm::grants};

/// Takes back the grant behind a refresh or access token of the client; unknown tokens are fine.
#[utoipa::path(post, path = "/realms/{realm}/protocol/openid-connect/revoke", tag = "local realm", security(()), request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    params(("realm" = String, Path, description = "Realm name")),
    responses((status = 200, description = "The grant is gone, or never was"), (status = 401, description = "Unknown client, or wrong secret")))]
pub async fn revoke(
    State(realm): State<Realm>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Failure> {
    let form = Form::read(&headers, &body)?;
    let client = authenticate(&realm, &headers, &form)?;
    let token = form.need("token")?;
    let grant = match grants::of_refresh(&realm.pool, &random::stored_form(token)).await? {
        Some(found) => Some(found),
        None => match realm.grant_of_access(token) {
            Ok(id) => grants::find(&realm.pool, id, realm.clock.now())
                .await?
                .map(|grant| (grant.id, grant.client_id)),
            Err(_) => None,
        },
    };
    if let Some((id, owner)) = grant
        && owner == client.id
    {
        grants::delete(&realm.pool, id).await?;
    }
    Ok(StatusCode::OK)
}
