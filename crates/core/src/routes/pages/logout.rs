//! `/logout`: `GET` asks, `POST` acts (weak point 16).

use askama::Template;
use axum::{
    body::Bytes,
    extract::State,
    response::{Html, IntoResponse, Response},
};
use hivematrix_shared::{
    auth::is_same_origin,
    extract::Query,
    pages::Page,
    problem::{Problem, Result},
};
use http::HeaderMap;
use serde::Deserialize;
use url::Url;

use super::{
    cookies::{self, LoginState, OwnSession},
    home::never_cached,
    login::{found, own_base},
};
use crate::{
    domain::redirect::local_path,
    routes::request::media_type,
    state::{AppState, Parts},
};

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub struct LogoutQuery {
    redirect: Option<String>,
}

#[derive(Template)]
#[template(path = "logout.html")]
struct LogoutPage<'a> {
    page: &'a Page,
    redirect: String,
}

/// Asks; without a login there is nothing to end.
pub async fn ask(
    State(core): State<AppState>,
    page: Page,
    headers: HeaderMap,
    Query(query): Query<LogoutQuery>,
) -> Result<Response> {
    let redirect = allowed(&core, &page, query.redirect.as_deref());
    if cookies::read::<OwnSession>(&core.sealer, &headers).is_none() {
        return Ok(ended(&redirect));
    }
    let html = LogoutPage { page: &page, redirect }.render().map_err(Problem::internal)?;
    let mut response = Html(html).into_response();
    never_cached(&mut response);
    Ok(response)
}

/// Ends the HiveMatrix session and sends the browser to the provider's logout.
pub async fn act(
    State(core): State<AppState>,
    page: Page,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    if !is_same_origin(&headers)
        || media_type(&headers).as_deref() != Some("application/x-www-form-urlencoded")
    {
        return Err(Problem::forbidden("Log out by the button on this page."));
    }
    let wanted = url::form_urlencoded::parse(&body)
        .find(|(name, _)| name == "redirect")
        .map(|(_, value)| value.into_owned());
    let redirect = allowed(&core, &page, wanted.as_deref());
    let Some(own) = cookies::read::<OwnSession>(&core.sealer, &headers) else { return Ok(ended(&redirect)) };
    core.sessions.revoke(&own.session).await?;
    let Some(id_token) = &own.id_token else { return Ok(ended(&redirect)) };
    let Ok(discovery) = core.provider.discovery().await else { return Ok(ended(&redirect)) };
    let Ok(mut target) = Url::parse(&discovery.end_session_endpoint) else { return Ok(ended(&redirect)) };
    target.query_pairs_mut().extend_pairs([
        ("id_token_hint", id_token.as_str()),
        ("client_id", core.provider.client_id()),
        // The provider knows only the home page; a local path would be refused there.
        ("post_logout_redirect_uri", &format!("{}/", own_base(&core, &headers))),
    ]);
    Ok(ended(target.as_str()))
}

/// A local path or a public address of the suite; everything else becomes the home page.
fn allowed(core: &Parts, page: &Page, wanted: Option<&str>) -> String {
    let home = || format!("{}/", page.prefix);
    let Some(wanted) = wanted else { return home() };
    if let Some(path) = local_path(wanted) {
        return path;
    }
    let is_ours = Url::parse(wanted).is_ok_and(|url| {
        let origin = url.origin().ascii_serialization();
        url.username().is_empty()
            && url.password().is_none()
            && core.origins.iter().any(|ours| ours.as_str() == origin)
    });
    if is_ours { wanted.to_owned() } else { home() }
}

fn ended(target: &str) -> Response {
    let cleared = [cookies::clear::<OwnSession>(), cookies::clear::<LoginState>()];
    let mut response = found(target, cleared.into_iter().flatten());
    never_cached(&mut response);
    response
}
