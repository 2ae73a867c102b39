//! Which link a request of a screen came by: the key in its address, else the cookie that opening the link left.

use axum::{
    RequestExt,
    extract::{FromRequestParts, MatchedPath, Path, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{auth::cookie, contracts::codex::Display, problem::Problem, rate_limit::RateKey};
use http::{HeaderMap, request::Parts};
use uuid::Uuid;

use super::{not_valid, wall};
use crate::{Beacon, domain::link_key::LinkKey};

/// The link that was shown; handlers get it by [`OpenLink`].
#[derive(Clone)]
struct Outcome(Result<Display, Problem>);

/// The living link of the view that is asked for.
pub struct OpenLink(pub Display);

impl<S: Send + Sync> FromRequestParts<S> for OpenLink {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<Outcome>() {
            Some(Outcome(outcome)) => outcome.clone().map(Self),
            None => Err(not_valid()),
        }
    }
}

/// Hides everything while displays are off; else finds out which link counts, so that requests are counted for it.
pub async fn check(State(beacon): State<Beacon>, mut request: Request, next: Next) -> Response {
    if beacon.0.signer.is_none() {
        return Problem::no_such_resource().into_response();
    }
    let view = request.extract_parts::<Path<String>>().await.map(|Path(view)| view).unwrap_or_default();
    // Only the page takes a key from its address, to leave it there no longer than it must.
    let is_page = request.extensions().get::<MatchedPath>().is_some_and(|path| path.as_str() == wall::PATH);
    let shown = key_in_query(request.uri().query()).filter(|_| is_page);
    let key = shown.or_else(|| cookie(request.headers(), &cookie_name(&view)));
    let outcome = match key {
        Some(key) => link_of(&beacon, &view, &key).await,
        None => Err(not_valid()),
    };
    if let Ok(link) = &outcome {
        request.extensions_mut().insert(RateKey(rate_key(link).into()));
    }
    request.extensions_mut().insert(Outcome(outcome));
    next.run(request).await
}

/// What requests and streams of a link are counted by.
pub fn rate_key(link: &Display) -> String {
    format!("display:{}", link.id)
}

/// The living link of `view` with this key.
pub async fn link_of(beacon: &Beacon, view: &str, key: &str) -> Result<Display, Problem> {
    let signer = beacon.0.signer.as_ref().ok_or_else(not_valid)?;
    let key: LinkKey = key.parse().map_err(|_| not_valid())?;
    let link = living(beacon, key.id).await?;
    if signer.fits(&key, &link) && link.view == view { Ok(link) } else { Err(not_valid()) }
}

/// The link with this id, if it was neither taken back nor has ended.
pub async fn living(beacon: &Beacon, id: Uuid) -> Result<Display, Problem> {
    let links = beacon.0.links.current().await;
    let links =
        links.ok_or_else(|| Problem::unavailable("Display links cannot be checked at the moment.", 5))?;
    let now = beacon.0.context.clock.now();
    let link = links.iter().find(|link| link.id == id && link.expires_at.is_none_or(|end| end > now));
    link.cloned().ok_or_else(not_valid)
}

/// The key in an address.
pub fn key_in_query(query: Option<&str>) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find_map(|(name, value)| (name == "key").then(|| value.into_owned()))
}

/// The cookie of a view's link: a screen that shows several views in turn has one for each.
pub fn cookie_name(view: &str) -> String {
    format!("beacon-display-{view}")
}

/// The views of which a screen has living links, in tab order.
pub async fn open_views<'b>(beacon: &'b Beacon, headers: &HeaderMap) -> Vec<&'b crate::domain::views::View> {
    let mut open = Vec::new();
    for view in beacon.0.views.iter() {
        if let Some(key) = cookie(headers, &cookie_name(&view.slug))
            && link_of(beacon, &view.slug, &key).await.is_ok()
        {
            open.push(view);
        }
    }
    open
}
