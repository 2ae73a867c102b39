//! Discovery document and public keys.

use axum::extract::State;
use hivematrix_shared::extract::Json;
use http::HeaderMap;
use serde_json::{Value, json};

use super::browser::{PublicOrigin, endpoint_base};
use crate::realm::Realm;

/// `GET …/.well-known/openid-configuration`: what browsers use stands at the public address, what services call at the
/// address they came to.
#[utoipa::path(get, path = "/realms/{realm}/.well-known/openid-configuration", tag = "local realm", security(()),
    params(("realm" = String, Path, description = "Realm name")),
    responses((status = 200, description = "OpenID Connect discovery")))]
pub async fn configuration(
    State(realm): State<Realm>,
    PublicOrigin(origin): PublicOrigin,
    headers: HeaderMap,
) -> Json<Value> {
    let issuer = origin.issuer(&realm.name);
    let front = |endpoint: &str| format!("{issuer}/protocol/openid-connect/{endpoint}");
    let base = endpoint_base(&realm, &headers, &origin);
    let back = |endpoint: &str| format!("{base}/protocol/openid-connect/{endpoint}");
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": front("auth"),
        "end_session_endpoint": front("logout"),
        "token_endpoint": back("token"),
        "userinfo_endpoint": back("userinfo"),
        "revocation_endpoint": back("revoke"),
        "jwks_uri": back("certs"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login"],
        "scopes_supported": ["openid", "profile", "email"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "sid", "at_hash", "name", "given_name",
            "family_name", "preferred_username", "email", "email_verified", "groups"
        ],
        "authorization_response_iss_parameter_supported": true,
    }))
}

/// `GET …/protocol/openid-connect/certs`.
#[utoipa::path(get, path = "/realms/{realm}/protocol/openid-connect/certs", tag = "local realm", security(()),
    params(("realm" = String, Path, description = "Realm name")),
    responses((status = 200, description = "The realm's keys as a JSON Web Key Set")))]
pub async fn certs(State(realm): State<Realm>) -> Json<Value> {
    Json(json!({ "keys": [realm.signer.jwk()] }))
}
