//! A page that stays open keeps its session (nexus.md weak point 11): its script asks here, and the identity provider
//! renews the sign-in without any page, as it does for pages that are opened in a session's last minutes.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use super::{Answer, HostKind, Incoming, login, no_store};
use crate::gate::Visitor;

/// Where a renewal leads back to.
const BACK: &str = "/api/session";

/// `GET /api/session`
pub(super) fn session(incoming: &Incoming<'_>) -> Answer {
    match incoming.visitor() {
        Ok(visitor) => Ok(remaining(incoming, &visitor)),
        Err(response) => Ok(*response),
    }
}

/// `POST /api/session/renew`: 303 to the identity provider when the session is about to end, else what is left of it.
pub(super) fn renew(incoming: &Incoming<'_>) -> Answer {
    let visitor = match incoming.visitor() {
        Ok(visitor) => visitor,
        Err(response) => return Ok(*response),
    };
    incoming.refuse_forgery(&visitor)?;
    let HostKind::Public(origin) = &incoming.host else { return Ok(remaining(incoming, &visitor)) };
    if visitor.cookie.is_none() || !incoming.remaining(&visitor).is_due() {
        return Ok(remaining(incoming, &visitor));
    }
    let mut answer = login::begin(incoming, origin, BACK.to_owned(), Some(&visitor.claims.sub))?;
    *answer.status_mut() = StatusCode::SEE_OTHER;
    Ok(answer)
}

fn remaining(incoming: &Incoming<'_>, visitor: &Visitor) -> Response {
    no_store(Json(incoming.remaining(visitor)).into_response())
}
