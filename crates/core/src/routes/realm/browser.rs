//! What a browser brings along: public address, cookies, and the proof that a form is ours.

use axum::extract::FromRequestParts;
use hivematrix_shared::{auth::cookie, pages::Page, problem::Problem};
use http::{HeaderMap, HeaderValue, header, request::Parts};

use crate::{
    crypto::random,
    domain::origins::Origin,
    realm::Realm,
    routes::request::{came_through_gateway, text},
    store::realm::sign_on::{self, SignOn},
};

/// Cookie of the browser's session at the realm.
const SESSION_COOKIE: &str = "HIVEMATRIX_REALM_SESSION";
/// Cookie that a form's hidden mark has to fit.
const FORM_COOKIE: &str = "HIVEMATRIX_REALM_FORM";
/// Purpose of that mark.
const FORM_PURPOSE: &str = "form";

/// The public origin a request came to: the gateway's, which must be configured, or the main one for direct calls.
#[derive(Clone, Debug)]
pub struct PublicOrigin(pub Origin);

impl FromRequestParts<Realm> for PublicOrigin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, realm: &Realm) -> Result<Self, Problem> {
        let Some(host) = text(&parts.headers, "x-forwarded-host") else {
            return Ok(Self(realm.origins.main().clone()));
        };
        let proto = text(&parts.headers, "x-forwarded-proto").unwrap_or("https");
        realm
            .origins
            .forwarded(proto, host)
            .cloned()
            .map(Self)
            .ok_or_else(|| Problem::bad_request("This address is not one of the suite's public addresses."))
    }
}

/// Base of the realm's addresses for this caller: public through the gateway, Core's own for services.
pub fn endpoint_base(realm: &Realm, headers: &HeaderMap, origin: &Origin) -> String {
    if came_through_gateway(headers) {
        format!("{}/realms/{}", origin.provider_base(), realm.name)
    } else {
        format!("{}/realms/{}", realm.own_url, realm.name)
    }
}

/// Path of a realm page as the browser sees it.
pub fn page_path(realm: &Realm, page: &Page, rest: &str) -> String {
    format!("{}/realms/{}/{rest}", page.prefix, realm.name)
}

/// The session of the browser's cookie, if it is live.
pub async fn signed_on(realm: &Realm, headers: &HeaderMap) -> sqlx::Result<Option<SignOn>> {
    match cookie(headers, SESSION_COOKIE) {
        Some(secret) => sign_on::find(&realm.pool, &random::stored_form(&secret), realm.clock.now()).await,
        None => Ok(None),
    }
}

/// `Set-Cookie` for a session; ends with the browser or with the session, whichever is first.
pub fn session_cookie(page: &Page, secret: &str) -> HeaderValue {
    set_cookie(page, SESSION_COOKIE, secret)
}

/// `Set-Cookie` that removes the session cookie.
pub fn no_session_cookie(page: &Page) -> HeaderValue {
    let path = cookie_path(page);
    value(format!("{SESSION_COOKIE}=; Path={path}; Max-Age=0; HttpOnly; Secure; SameSite=Lax"))
}

/// A form's hidden mark, with the cookie it belongs to where the browser has none yet.
#[derive(Clone, Debug)]
pub struct FormMark {
    /// Value of the hidden field `form_mark`.
    pub mark: String,
    /// `Set-Cookie`, if needed.
    pub cookie: Option<HeaderValue>,
}

/// Makes the mark for a form on this page.
pub fn form_mark(realm: &Realm, page: &Page, headers: &HeaderMap) -> FormMark {
    let (secret, set) = match cookie(headers, FORM_COOKIE).filter(|secret| secret.len() == 43) {
        Some(secret) => (secret, None),
        None => {
            let secret = random::token();
            let set = set_cookie(page, FORM_COOKIE, &secret);
            (secret, Some(set))
        }
    };
    FormMark { mark: realm.sealer.mark(FORM_PURPOSE, &secret), cookie: set }
}

/// Whether a form was filled in on a page of ours in this browser.
pub fn is_our_form(realm: &Realm, headers: &HeaderMap, mark: &str) -> bool {
    let foreign = text(headers, header::ORIGIN.as_str()).is_some_and(|origin| {
        // `null` is sent under a strict referrer policy and says nothing.
        origin != "null"
            && Origin::parse(origin).is_none_or(|origin| {
                let direct = text(headers, header::HOST.as_str()).is_some_and(|host| origin.host() == host);
                !direct && !realm.origins.iter().any(|ours| *ours == origin)
            })
    });
    !foreign
        && cookie(headers, FORM_COOKIE)
            .is_some_and(|secret| realm.sealer.mark_fits(FORM_PURPOSE, &secret, mark))
}

fn set_cookie(page: &Page, name: &str, secret: &str) -> HeaderValue {
    let path = cookie_path(page);
    value(format!("{name}={secret}; Path={path}; HttpOnly; Secure; SameSite=Lax"))
}

fn cookie_path(page: &Page) -> &str {
    if page.prefix.is_empty() { "/realms" } else { &page.prefix }
}

/// Names, tokens and checked prefixes hold only characters that a header may carry.
fn value(text: String) -> HeaderValue {
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
