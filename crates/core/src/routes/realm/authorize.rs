//! `GET …/protocol/openid-connect/auth`: the start of the code flow.

use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::TimeDelta;
use hivematrix_shared::{pages::Page, problem::Result};
use http::{HeaderMap, StatusCode};
use url::Url;
use uuid::Uuid;

use super::{
    browser::{PublicOrigin, form_mark, signed_on},
    submission::Target,
    views::{SignInPage, error_page, show_form},
};
use crate::{
    crypto::random,
    domain::{
        oidc::{Authorization, AuthorizationRequest, CODE_LIFETIME, FlowError, Prompt},
        origins::Origin,
    },
    realm::Realm,
    store::realm::grants::{self, NewCode},
};

/// A request that must not lead to any redirect: client or redirect URI is not known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Untrusted(pub &'static str);

/// Reads and checks a request. The outer error is shown here, the inner one goes to the client.
pub fn check(
    realm: &Realm,
    query: Option<&str>,
) -> Result<(AuthorizationRequest, Result<Authorization, FlowError>), Untrusted> {
    let request = read(query.unwrap_or_default()).ok_or(Untrusted("The request is malformed."))?;
    let client = request
        .client_id
        .as_deref()
        .and_then(|id| realm.client(id))
        .filter(|client| !client.redirect_uris.is_empty())
        .ok_or(Untrusted("The application that sent you here is not known."))?;
    if request.redirect_target(client).is_none() {
        return Err(Untrusted("The address to return to is not one of the application's."));
    }
    let checked = request.check(client);
    Ok((request, checked))
}

/// A query in which no parameter stands twice.
fn read(query: &str) -> Option<AuthorizationRequest> {
    let uri = format!("/?{query}").parse::<http::Uri>().ok()?;
    axum::extract::Query::<AuthorizationRequest>::try_from_uri(&uri).ok().map(|query| query.0)
}

/// The page for a request that leads nowhere.
pub fn untrusted_page(page: &Page, Untrusted(why): Untrusted) -> Response {
    let text = format!("{why} Start again from the address you use for HiveMatrix.");
    error_page(page, StatusCode::BAD_REQUEST, "This sign-in cannot go on", &text)
}

/// Sends the browser back with an error for the client.
pub fn redirect_error(
    request: &AuthorizationRequest,
    origin: &Origin,
    realm: &Realm,
    error: FlowError,
) -> Response {
    let mut pairs = vec![("error", error.code), ("error_description", error.description)];
    if let Some(state) = &request.state {
        pairs.push(("state", state));
    }
    let issuer = origin.issuer(&realm.name);
    pairs.push(("iss", &issuer));
    redirect(request.redirect_uri.as_deref().unwrap_or_default(), &pairs)
}

/// Issues a code for a signed-in browser and sends it to the client.
pub async fn redirect_with_code(
    realm: &Realm,
    origin: &Origin,
    session: Uuid,
    authorization: &Authorization,
) -> Result<Response> {
    let code = random::token();
    let issuer = origin.issuer(&realm.name);
    let new = NewCode {
        hash: &random::stored_form(&code),
        session,
        client_id: &authorization.client_id,
        redirect_uri: &authorization.redirect_uri,
        issuer: &issuer,
        scope: &authorization.scope,
        nonce: authorization.nonce.as_deref(),
        code_challenge: authorization.code_challenge.as_deref(),
        expires_at: realm.clock.now() + TimeDelta::seconds(CODE_LIFETIME),
    };
    grants::insert_code(&realm.pool, &new).await?;
    let session = session.to_string();
    let mut pairs = vec![("session_state", session.as_str()), ("iss", &issuer), ("code", &code)];
    if let Some(state) = &authorization.state {
        pairs.push(("state", state));
    }
    Ok(redirect(&authorization.redirect_uri, &pairs))
}

/// 303, so that a form's post becomes a get.
fn redirect(uri: &str, pairs: &[(&str, &str)]) -> Response {
    match Url::parse(uri) {
        Ok(mut url) => {
            url.query_pairs_mut().extend_pairs(pairs);
            Redirect::to(url.as_str()).into_response()
        }
        // Redirect URIs come from our own configuration.
        Err(error) => hivematrix_shared::problem::Problem::internal(error).into_response(),
    }
}

/// Signs a browser in for a client: silently where it is signed in at the realm, else by the form.
#[utoipa::path(get, path = "/realms/{realm}/protocol/openid-connect/auth", tag = "local realm", security(()),
    params(("realm" = String, Path, description = "Realm name"), ("client_id" = String, Query), ("redirect_uri" = String, Query), ("response_type" = String, Query, description = "`code`"), ("scope" = Option<String>, Query), ("state" = Option<String>, Query), ("nonce" = Option<String>, Query), ("prompt" = Option<String>, Query, description = "`none` or `login`"), ("code_challenge" = Option<String>, Query), ("code_challenge_method" = Option<String>, Query, description = "`S256`")),
    responses((status = 200, description = "The sign-in page"), (status = 303, description = "To the client, with a code or an error"), (status = 400, description = "Unknown client or address to return to")))]
pub async fn authorize(
    State(realm): State<Realm>,
    PublicOrigin(origin): PublicOrigin,
    page: Page,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let (request, checked) = match check(&realm, query.as_deref()) {
        Ok(found) => found,
        Err(untrusted) => return Ok(untrusted_page(&page, untrusted)),
    };
    let authorization = match checked {
        Ok(authorization) => authorization,
        Err(error) => return Ok(redirect_error(&request, &origin, &realm, error)),
    };
    if authorization.prompt != Prompt::Login
        && let Some(session) = signed_on(&realm, &headers).await?
    {
        return redirect_with_code(&realm, &origin, session.id, &authorization).await;
    }
    if authorization.prompt == Prompt::None {
        let error = FlowError { code: "login_required", description: "The user is not signed in" };
        return Ok(redirect_error(&request, &origin, &realm, error));
    }
    let mark = form_mark(&realm, &page, &headers);
    let view = SignInPage {
        page: &page,
        action: Target::Client(Box::new(request.clone())).action(&realm, &page, "authenticate"),
        username: request.login_hint.as_deref().unwrap_or_default(),
        error: None,
        mark: &mark.mark,
    };
    Ok(show_form(StatusCode::OK, &view, &mark))
}
