//! `GET /login` and `GET /auth`: Core's own code flow.

use std::net::IpAddr;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    extract::Query,
    pages::Page,
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use url::Url;

use super::cookies::{self, LoginState, OwnSession};
use crate::{
    clients::{codex, identity_provider::ProviderError},
    crypto::random,
    domain::{oidc, redirect::local_path, session::LIFETIME},
    routes::request::{ClientAddress, text},
    state::{AppState, Parts},
    tokens,
};

/// Seconds a login may take.
const LOGIN_LIFETIME: i64 = 600;

/// Parameters of `/login`.
#[derive(Debug, Deserialize)]
pub struct LoginQuery {
    next: Option<String>,
}

/// Parameters the provider sends back.
#[derive(Debug, Deserialize)]
pub struct AuthQuery {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// Sends the browser to the identity provider.
pub async fn login(
    State(core): State<AppState>,
    page: Page,
    headers: HeaderMap,
    Query(LoginQuery { next }): Query<LoginQuery>,
) -> Result<Response> {
    let discovery = core.provider.discovery().await.map_err(provider_problem)?;
    let login = LoginState {
        state: random::token(),
        nonce: random::token(),
        verifier: random::token(),
        next: next.as_deref().and_then(local_path),
        redirect_uri: format!("{}{}/auth", own_base(&core, &headers), page.prefix),
        expires: core.ctx.clock.unix() + LOGIN_LIFETIME,
    };
    let mut target = Url::parse(&discovery.authorization_endpoint)
        .map_err(|error| Problem::bad_gateway("The identity provider cannot be used.").cause(error))?;
    target.query_pairs_mut().extend_pairs([
        ("response_type", "code"),
        ("client_id", core.provider.client_id()),
        ("redirect_uri", &login.redirect_uri),
        ("scope", "openid email profile"),
        ("state", &login.state),
        ("nonce", &login.nonce),
        ("code_challenge", &oidc::challenge_of(&login.verifier)),
        ("code_challenge_method", "S256"),
    ]);
    let cookie = cookies::set(&core.sealer, &login)
        .ok_or_else(|| Problem::bad_request("The address to return to is too long."))?;
    Ok(found(target.as_str(), [cookie]))
}

/// Ends the login: code for tokens, tokens for a session, and on to the page the browser wanted, without any token in the
/// address.
pub async fn auth(
    State(core): State<AppState>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Query(query): Query<AuthQuery>,
) -> Result<Response> {
    let Some(login) = cookies::read::<LoginState>(&core.sealer, &headers) else {
        return Err(failed("This login was not started here, or its cookie is gone."));
    };
    if login.expires <= core.ctx.clock.unix() || query.state.as_deref() != Some(login.state.as_str()) {
        return Err(failed("This login took too long, or belongs to another one."));
    }
    finish(&core, login, address, &query).await
}

async fn finish(core: &Parts, login: LoginState, address: IpAddr, query: &AuthQuery) -> Result<Response> {
    let retry = start_again(login.next.as_deref());
    let failed = |why: &str| failed(why).retry_at(&retry);
    let provider_problem = |error| provider_problem(error).retry_at(&retry);
    if let Some(error) = &query.error {
        // Only the stable codes of OAuth are worth telling; the text is for the log.
        tracing::warn!(error, "the identity provider refused a login");
        return Err(failed("The identity provider refused the login."));
    }
    let code =
        query.code.as_deref().filter(|code| !code.is_empty()).ok_or_else(|| failed("No code came back."))?;
    let tokens = core
        .provider
        .redeem(code, &login.redirect_uri, &login.verifier, &login.nonce)
        .await
        .map_err(provider_problem)?;
    let user = core.provider.user(&tokens.access_token).await.map_err(provider_problem)?;
    if let Some(refresh) = &tokens.refresh_token {
        // Nothing here would ever use it. Taking it back also ends the access token, which has served its purpose.
        core.provider.revoke(refresh, "refresh_token").await;
    }
    let (jwt, claims) = tokens::start_session(core, user, &address.to_string(), LIFETIME).await?;
    let target = match login.next {
        Some(next) => next,
        None => {
            let home = codex::home_page(&core.ctx, &claims.email, &jwt).await;
            format!("{}/{home}/", core.origins.main().as_str())
        }
    };
    let session = claims.jti.unwrap_or_default();
    let own = [tokens.id_token, None]
        .into_iter()
        .find_map(|id_token| cookies::set(&core.sealer, &OwnSession { session: session.clone(), id_token }));
    Ok(found(&target, [own, cookies::clear::<LoginState>()].into_iter().flatten()))
}

/// 302 with cookies.
pub fn found(target: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = (StatusCode::FOUND, [(header::LOCATION, target)]).into_response();
    response.headers_mut().extend(cookies.into_iter().map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// Core's address as this browser sees it: a public origin through the gateway, else a name of this machine.
pub fn own_base(core: &Parts, headers: &HeaderMap) -> String {
    let forwarded = text(headers, "x-forwarded-host")
        .and_then(|host| core.origins.forwarded(text(headers, "x-forwarded-proto").unwrap_or("https"), host));
    if let Some(origin) = forwarded {
        return origin.as_str().to_owned();
    }
    let localhost = format!("localhost:{}", core.settings.port());
    match text(headers, header::HOST.as_str()) {
        Some(host) if host == localhost => format!("http://{localhost}"),
        _ => core.settings.own_url(),
    }
}

/// Address that starts a login anew, on the way to the same page.
fn start_again(next: Option<&str>) -> String {
    match next {
        Some(next) => {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            format!("/login?{query}")
        }
        None => "/login".to_owned(),
    }
}

fn failed(why: &str) -> Problem {
    Problem::bad_request(format!("{why} Start again at /login.")).retry_at("/login")
}

fn provider_problem(error: ProviderError) -> Problem {
    match error {
        ProviderError::Refused(_) => {
            Problem::unauthorized("The login was not accepted. Start again at /login.").cause(error)
        }
        ProviderError::Nonsense(_) => {
            Problem::bad_gateway("The identity provider cannot be used.").cause(error)
        }
        ProviderError::Unreachable(_) => {
            Problem::bad_gateway("The identity provider cannot be reached.").cause(error)
        }
    }
}
