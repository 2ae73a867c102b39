//! The end of a session, here and at the identity provider (nexus.md §4.4, weak point 9).

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use hivematrix_shared::{pages::Page, problem::Problem};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use super::{Answer, Incoming, callback, home, no_store, redirect, set_cookies};
use crate::{
    domain::{cookies, csrf, look::Look, refusals::Reason},
    gate::Identity,
};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage {
    page: Page,
}

/// `/logout`: a link on one of our pages or the confirmation form ends the session; anything else is asked first, so
/// that no other site can sign people out.
pub(super) async fn logout(incoming: &Incoming<'_>) -> Answer {
    let parts = &incoming.parts;
    let meant = if parts.method == Method::POST {
        csrf::may_use_cookie(&parts.method, &parts.headers, &incoming.gateway.origins)
    } else {
        parts.method == Method::GET && csrf::is_from_own_page(&parts.headers)
    };
    match &incoming.identity {
        _ if meant => end(incoming).await,
        _ if parts.method == Method::POST => {
            incoming.refused(Reason::OtherSite, None, None);
            Err(Problem::forbidden("This change was not made from a page of HiveMatrix."))
        }
        // Nobody to ask, and another site's picture or frame must not clear what this browser keeps of ours.
        Identity::Nobody | Identity::Ended(_) if csrf::is_from_another_site(&parts.headers) => {
            redirect(StatusCode::FOUND, "/").map(no_store)
        }
        // Nobody to ask: what is left of a session is removed.
        Identity::Nobody | Identity::Ended(_) => end(incoming).await,
        _ => {
            let page = SignOutPage { page: Page::of(parts) }.render().map_err(Problem::internal)?;
            Ok(no_store(Html(page).into_response()))
        }
    }
}

async fn end(incoming: &Incoming<'_>) -> Answer {
    let gateway = incoming.gateway;
    let mut id_token = None;
    if let Identity::User(visitor) = &incoming.identity {
        if let Err(error) = gateway.core.revoke(&visitor.state.token).await {
            tracing::warn!(error = %error, "the session could not be ended at Core");
        }
        callback::forget(gateway, visitor).await;
        id_token = visitor.state.id_token.as_deref();
        gateway.audit.signed_out(&visitor.claims, incoming.client());
    }
    let location = gateway.realm.logout_url(incoming.origin()?, id_token);
    let mut response = redirect(StatusCode::FOUND, &location)?;
    set_cookies(&mut response, cookies::expire_chunked(cookies::SESSION, &incoming.parts.headers));
    leave_nothing(&mut response);
    Ok(response)
}

/// Neither the history nor the storage of the browser may show anything private afterwards.
fn leave_nothing(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-store, must-revalidate, max-age=0, private"),
    );
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::EXPIRES, HeaderValue::from_static("0"));
    // The identity provider still needs its own cookie to end its session; cookies go with its answer.
    headers.insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\""));
}

/// For the identity provider's answer that leads back here: its session has ended, so that no cookie is needed any more.
/// Only the look is given again, so that the sign-in that follows does not change its theme.
pub(super) fn leave_no_cookies(response: &mut Response, look: Option<Look>) {
    let everything = HeaderValue::from_static("\"cache\", \"cookies\", \"storage\"");
    let headers = response.headers_mut();
    headers.insert(CLEAR_SITE_DATA, everything);
    if let Some(home) = look.and_then(|look| HeaderValue::from_str(&home::address_with(look)).ok()) {
        headers.insert(header::LOCATION, home);
    }
}
