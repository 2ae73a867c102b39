//! `POST …/protocol/openid-connect/token`.

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::extract::Json;
use http::HeaderMap;

use super::oauth::{Failure, Form, OAuthError, authenticate};
use crate::{
    crypto::random,
    domain::oidc::{self, Client},
    realm::{
        ADMIN_CLI, Realm,
        sign_in::{Refusal, Verdict},
        tokens::TokenSet,
    },
    routes::request::DirectLocal,
    store::realm::{grants, groups, sign_on::Browser},
};

/// Tokens for a code, a refresh token, or a client itself.
#[utoipa::path(post, path = "/realms/{realm}/protocol/openid-connect/token", tag = "local realm", security(()), request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    params(("realm" = String, Path, description = "Realm name")),
    responses((status = 200, description = "Tokens"), (status = 400, description = "An OAuth error"), (status = 401, description = "Unknown client, or wrong secret")))]
pub async fn token(State(realm): State<Realm>, headers: HeaderMap, body: Bytes) -> Result<Response, Failure> {
    let form = Form::read(&headers, &body)?;
    let grant_type = form.need("grant_type")?;
    let client = authenticate(&realm, &headers, &form)?;
    let tokens = match grant_type {
        "authorization_code" => for_code(&realm, client, &form).await?,
        "refresh_token" => for_refresh(&realm, client, &form).await?,
        "client_credentials" if client.service_account => realm.token_for_client(&client.id).await?,
        "client_credentials" | "password" => {
            return Err(
                OAuthError::bad("unauthorized_client", "Client not enabled for this grant type").into()
            );
        }
        _ => return Err(OAuthError::bad("unsupported_grant_type", "Unsupported grant_type").into()),
    };
    Ok(Json(tokens).into_response())
}

async fn for_code(realm: &Realm, client: &Client, form: &Form) -> Result<TokenSet, Failure> {
    let code = random::stored_form(form.need("code")?);
    let redeemed =
        grants::redeem_code(&realm.pool, &code, realm.clock.now()).await?.ok_or(OAuthError::INVALID_GRANT)?;
    // The code is spent by now, whatever is wrong with the rest: whoever holds a stolen one gets a single try.
    let verified = match (&redeemed.code_challenge, form.get("code_verifier")) {
        (Some(challenge), Some(verifier)) => oidc::verifier_fits(verifier, challenge),
        (None, None) => true,
        _ => false,
    };
    let fits =
        redeemed.client_id == client.id && form.get("redirect_uri") == Some(redeemed.redirect_uri.as_str());
    if !verified || !fits {
        grants::delete(&realm.pool, redeemed.grant.id).await?;
        return Err(OAuthError::INVALID_GRANT.into());
    }
    let tokens = realm.tokens_for(&redeemed.grant, redeemed.nonce.as_deref()).await?;
    Ok(tokens.ok_or(OAuthError::INVALID_GRANT)?)
}

async fn for_refresh(realm: &Realm, client: &Client, form: &Form) -> Result<TokenSet, Failure> {
    let token = random::stored_form(form.need("refresh_token")?);
    let grant = grants::use_refresh(&realm.pool, &token, &client.id, realm.clock.now()).await?;
    let grant = grant.ok_or(OAuthError::INVALID_GRANT)?;
    Ok(realm.tokens_for(&grant, None).await?.ok_or(OAuthError::INVALID_GRANT)?)
}

/// The token endpoint of the realm `master`: only `admin-cli` with an administrator's password (and, in `totp`, the code of
/// the authenticator app, where there is one), only for services on this machine, as upstream's Helm and Codex do it.
#[utoipa::path(post, path = "/realms/master/protocol/openid-connect/token", tag = "local realm", security(()), request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Tokens"), (status = 400, description = "An OAuth error"), (status = 401, description = "Unknown client, or wrong secret"), (status = 403, description = "From elsewhere or through the gateway")))]
pub async fn master_token(
    State(realm): State<Realm>,
    _: DirectLocal,
    browser: Browser,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = Form::read(&headers, &body)?;
    if form.need("grant_type")? != "password" {
        return Err(OAuthError::bad("unsupported_grant_type", "Unsupported grant_type").into());
    }
    if form.get("client_id") != Some(ADMIN_CLI) {
        return Err(OAuthError::INVALID_CLIENT.into());
    }
    let (name, password) = (form.need("username")?, form.need("password")?);
    let mut verdict = realm.sign_in(name, password, Some(ADMIN_CLI), &browser).await?;
    if let Verdict::Code(user) = verdict {
        let code = form.get("totp").ok_or(OAuthError::INVALID_USER)?;
        verdict = realm.sign_in_with_code(user, code, Some(ADMIN_CLI), &browser).await?;
    }
    let user = match verdict {
        Verdict::Welcome(user) => user,
        Verdict::First(..) => {
            return Err(OAuthError::bad("invalid_grant", "Account is not fully set up").into());
        }
        Verdict::Refused(Refusal::Disabled) => {
            return Err(OAuthError::bad("invalid_grant", "Account disabled").into());
        }
        Verdict::Code(_) | Verdict::Refused(_) => return Err(OAuthError::INVALID_USER.into()),
    };
    if !groups::names_of_user(&realm.pool, user.id).await?.iter().any(|group| group == "admins") {
        return Err(OAuthError::INVALID_USER.into());
    }
    Ok(Json(realm.token_for_admin(&user).await?).into_response())
}
