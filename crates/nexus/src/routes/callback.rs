//! The end of a sign-in: the browser comes back from the identity provider (nexus.md §4.3).

use std::{fmt::Display, time::Duration};

use axum::response::{IntoResponse, Response};
use hivematrix_shared::problem::Problem;
use http::StatusCode;

use super::{Answer, HostKind, Incoming, login, no_store, query_value, redirect, set_cookies};
use crate::{
    Gateway,
    clients::{core::CoreError, realm::RealmError},
    domain::{
        cookies,
        origin::PublicOrigin,
        refusals::Reason,
        session::{LoginState, RENEW_AGAIN_AFTER, SessionState},
    },
    gate::{Identity, Visitor},
};

/// Pages that were on their way when a session was renewed may still use the old one for this long.
const OLD_SESSION_GRACE: Duration = Duration::from_secs(30);

/// `GET /keycloak-callback`
pub(super) async fn callback(incoming: &Incoming<'_>) -> Answer {
    let state = query_value(&incoming.uri, "state");
    let login = state.as_deref().and_then(|state| under_way(incoming, state));
    let outcome = match login {
        Some(login) => complete(incoming, login).await,
        None => Err(Problem::unauthorized("Invalid state parameter. Start the sign-in again.")),
    };
    if let Err(problem) = &outcome {
        incoming.refused(Reason::SignIn, None, problem.detail_text());
    }
    let mut response = no_store(outcome.unwrap_or_else(IntoResponse::into_response));
    if let Some(state) = &state {
        set_cookies(&mut response, [cookies::expire(&login::cookie_name(state))]);
    }
    Ok(response)
}

/// The sign-in that this browser began with `state`, if it still counts.
fn under_way(incoming: &Incoming<'_>, state: &str) -> Option<LoginState> {
    let gateway = incoming.gateway;
    let sealed = cookies::get(&incoming.parts.headers, &login::cookie_name(state))?;
    let login: LoginState = serde_json::from_slice(&gateway.sealer.open(login::PURPOSE, sealed)?).ok()?;
    let HostKind::Public(origin) = &incoming.host else { return None };
    let counts = login.state == state
        && login.origin == origin.as_str()
        && login.expires_at > gateway.context.clock.unix();
    counts.then_some(login)
}

async fn complete(incoming: &Incoming<'_>, login: LoginState) -> Answer {
    let gateway = incoming.gateway;
    if !gateway.sessions.use_once(&login.state).await {
        return Err(Problem::unauthorized("Invalid state parameter. Start the sign-in again."));
    }
    let outcome = match (query_value(&incoming.uri, "error"), query_value(&incoming.uri, "code")) {
        (Some(error), _) => Err(refused(&error)),
        (None, None) => {
            Err(Problem::unauthorized("No authorization code received. Start the sign-in again.").into())
        }
        (None, Some(code)) => sign_in(incoming, &login, &code).await,
    };
    match outcome {
        Err(failed) if login.renews.is_some() => Ok(keep_old_session(incoming, &login, &failed).await),
        outcome => outcome.map_err(|failed| failed.problem),
    }
}

/// A sign-in that came to nothing.
struct Failed {
    problem: Problem,
    /// The next attempt may succeed without anybody doing anything.
    passes: bool,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self { problem, passes: false }
    }
}

/// From the code to a session.
async fn sign_in(incoming: &Incoming<'_>, login: &LoginState, code: &str) -> Result<Response, Failed> {
    let gateway = incoming.gateway;
    let origin = incoming.origin()?;
    let (token, id_token) = fetch_tokens(incoming, gateway, origin, login, code).await?;
    let claims = gateway.gate.admit(&token).await.map_err(|error| {
        tracing::warn!(error = %error, "Core's token does not count");
        failed()
    })?;
    if login.renews.as_ref().is_some_and(|sub| *sub != claims.sub) {
        return Err(Problem::unauthorized("Somebody else is signed in at the sign-in service.").into());
    }
    let state = SessionState::new(token, id_token);
    let response = with_session(incoming, &state, claims.exp, &login.next).await?;
    if let Identity::User(old) = &incoming.identity
        && old.cookie.is_some()
    {
        end_later(incoming, old);
    }
    gateway.audit.signed_in(&claims, incoming.client(), login.renews.is_some());
    Ok(response)
}

async fn fetch_tokens(
    incoming: &Incoming<'_>,
    gateway: &Gateway,
    origin: &PublicOrigin,
    login: &LoginState,
    code: &str,
) -> Result<(String, String), Failed> {
    let tokens = gateway.realm.exchange_code(origin, code, &login.verifier).await.map_err(from_realm)?;
    let id_token = tokens.id_token.ok_or_else(|| from_realm(RealmError::IdToken("it is missing")))?;
    gateway.realm.verify_id_token(&id_token, &login.nonce).await.map_err(from_realm)?;
    let token =
        gateway.core.exchange(&tokens.access_token, origin, incoming.client()).await.map_err(from_core)?;
    Ok((token, id_token))
}

/// A silent renewal that failed: the session goes on until its end. It is tried again only if the reason passes by itself,
/// and after a pause, since the page that comes now would begin it once more at once.
async fn keep_old_session(incoming: &Incoming<'_>, login: &LoginState, failed: &Failed) -> Response {
    tracing::info!(reason = %failed.problem, passes = failed.passes, "a session could not be renewed");
    let to_next = || redirect(StatusCode::FOUND, &login.next).unwrap_or_else(IntoResponse::into_response);
    let Identity::User(visitor) = &incoming.identity else { return to_next() };
    let again = incoming.gateway.context.clock.unix() + RENEW_AGAIN_AFTER;
    let state = SessionState {
        no_renewal: !failed.passes,
        renew_from: failed.passes.then_some(again),
        ..visitor.state.clone()
    };
    match with_session(incoming, &state, visitor.claims.exp, &login.next).await {
        Ok(response) => {
            forget(incoming.gateway, visitor).await;
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// A redirect that carries the session.
async fn with_session(incoming: &Incoming<'_>, state: &SessionState, exp: i64, next: &str) -> Answer {
    let gateway = incoming.gateway;
    let seconds = u64::try_from(exp - gateway.context.clock.unix()).unwrap_or(0);
    let value = gateway.sessions.save(state, seconds).await.map_err(Problem::internal)?;
    let mut response = redirect(StatusCode::FOUND, next)?;
    set_cookies(&mut response, cookies::set_chunked(cookies::SESSION, &value, &incoming.parts.headers));
    Ok(response)
}

/// Ends the session that was replaced, once nothing uses it any more.
fn end_later(incoming: &Incoming<'_>, old: &std::sync::Arc<Visitor>) {
    let (gateway, old) = (incoming.gateway.clone(), old.clone());
    let stop = gateway.context.shutdown.clone();
    incoming.gateway.context.spawn_graceful(async move {
        // A stop does not wait, but ends it as well.
        let _ = stop.run_until_cancelled(tokio::time::sleep(OLD_SESSION_GRACE)).await;
        if let Err(error) = gateway.core.revoke(&old.state.token).await {
            tracing::warn!(error = %error, "a replaced session could not be ended");
        }
        forget(&gateway, &old).await;
    });
}

/// Removes the state of a session from memory and store.
pub(super) async fn forget(gateway: &Gateway, visitor: &Visitor) {
    gateway.gate.forget(visitor);
    if let Some(cookie) = &visitor.cookie
        && let Err(error) = gateway.sessions.remove(cookie).await
    {
        tracing::warn!(error = %error, "session state could not be removed");
    }
}

/// What the identity provider's error means, in our own words: its text is not ours to show.
fn refused(error: &str) -> Failed {
    tracing::info!(error, "the identity provider refused a sign-in");
    let (detail, passes) = match error {
        "access_denied" => ("The sign-in was cancelled.", false),
        "login_required" | "interaction_required" | "consent_required" => {
            ("The sign-in service asks you to sign in again.", false)
        }
        "temporarily_unavailable" | "server_error" => {
            ("The sign-in service is temporarily unavailable.", true)
        }
        _ => ("The sign-in service reported an error.", false),
    };
    Failed { problem: Problem::unauthorized(detail), passes }
}

fn failed() -> Problem {
    Problem::bad_gateway("Authentication failed - please try again")
}

fn unreachable(cause: impl Display) -> Failed {
    let problem = Problem::bad_gateway("Authentication service temporarily unavailable").cause(cause);
    Failed { problem, passes: true }
}

fn from_realm(error: RealmError) -> Failed {
    match error {
        RealmError::Unreachable(_) => unreachable(error),
        RealmError::Refused(_) | RealmError::IdToken(_) => failed().cause(error).into(),
    }
}

fn from_core(error: CoreError) -> Failed {
    match error {
        CoreError::Unreachable(_) => unreachable(error),
        CoreError::Refused(_) => failed().cause(error).into(),
    }
}
