//! The start of a sign-in (nexus.md §4.3).

use axum::response::IntoResponse;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hivematrix_shared::problem::Problem;
use http::StatusCode;

use super::{Answer, HostKind, Incoming, no_store, query_value, redirect, set_cookies};
use crate::domain::{
    cookies,
    next::local_target,
    origin::PublicOrigin,
    seal::sha256,
    session::{LOGIN_LIFETIME, LoginState},
};

/// Purpose of the sealed sign-in state.
pub(super) const PURPOSE: &str = "login";
/// Sign-ins that one browser may have under way; the next one drops the others.
const MAX_UNDER_WAY: usize = 5;

/// `GET /login?next=<path>`
pub(super) async fn login(incoming: &Incoming<'_>) -> Answer {
    let elsewhere = match &incoming.host {
        HostKind::Public(origin) => match incoming.gateway.realm.sign_in_elsewhere(origin).await {
            None => {
                let next = local_target(query_value(&incoming.uri, "next").as_deref());
                return begin(incoming, origin, next, None);
            }
            Some(elsewhere) => elsewhere,
        },
        // The identity provider sends the browser back to a public origin, so the sign-in has to begin there.
        HostKind::Local => incoming.origin()?.clone(),
    };
    let location = format!("{}{}", elsewhere.as_str(), incoming.path_and_query());
    redirect(StatusCode::FOUND, &location).map(no_store)
}

/// Sends the browser to the identity provider; `renews` is the subject of a session that is renewed silently.
pub(super) fn begin(
    incoming: &Incoming<'_>,
    origin: &PublicOrigin,
    next: String,
    renews: Option<&str>,
) -> Answer {
    let gateway = incoming.gateway;
    let login = LoginState {
        state: random(),
        nonce: random(),
        verifier: random(),
        next: local_target(Some(&next)),
        origin: origin.as_str().to_owned(),
        expires_at: gateway.context.clock.unix() + i64::from(LOGIN_LIFETIME),
        renews: renews.map(str::to_owned),
    };
    let plain = serde_json::to_vec(&login).map_err(Problem::internal)?;
    let sealed = gateway.sealer.seal(PURPOSE, &plain).map_err(Problem::internal)?;
    let location = gateway.realm.authorization_url(origin, &login, renews.is_some());
    let mut response =
        no_store(redirect(StatusCode::FOUND, &location).unwrap_or_else(IntoResponse::into_response));
    let under_way: Vec<_> = cookies::pairs(&incoming.parts.headers)
        .map(|(name, _)| name)
        .filter(|n| n.starts_with(cookies::LOGIN))
        .collect();
    if under_way.len() >= MAX_UNDER_WAY {
        set_cookies(&mut response, under_way.into_iter().map(cookies::expire));
    }
    set_cookies(&mut response, [cookies::set_for(&cookie_name(&login.state), &sealed, LOGIN_LIFETIME)]);
    Ok(response)
}

/// Name of the cookie that holds the sign-in with this state.
pub(super) fn cookie_name(state: &str) -> String {
    format!("{}{}", cookies::LOGIN, &sha256(state)[..12])
}

fn random() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}
