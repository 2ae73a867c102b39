//! Sessions of users: list, end one, sign out everywhere (core.md §2.7).

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    auth::{Authentication, Caller, PermissionLevel},
    extract::{Json, Path, Query},
    problem::{Problem, Result},
};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{answer, body};
use crate::{
    domain::session::{Session, Whose},
    realm::ending::Ended,
    state::AppState,
};

/// One session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionItem {
    /// Session id, the token's `jti`.
    id: String,
    /// The identity provider's user id.
    sub: String,
    /// Login name.
    preferred_username: String,
    /// Level at login.
    permission_level: PermissionLevel,
    /// Unix seconds.
    created_at: i64,
    /// Unix seconds.
    expires_at: i64,
    /// Address of the browser or client that signed in, empty when unknown.
    client_address: String,
    /// Whether it is the session of this request.
    current: bool,
}

/// All listed sessions, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionList {
    sessions: Vec<SessionItem>,
}

/// Whose sessions are listed.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ListQuery {
    /// A user id; without it an admin sees all sessions, everyone else the own ones.
    sub: Option<String>,
}

/// Whose sessions are to end.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RevokeUser {
    /// The user id.
    sub: String,
}

/// The caller's user id, session and whether it may act for everyone.
struct Me {
    sub: String,
    session: Option<String>,
    admin: bool,
}

fn me(authentication: &Authentication) -> Result<Me> {
    let caller = authentication.caller.clone()?;
    let session = match &caller {
        Caller::User(user) => user.jti.clone(),
        Caller::Service(_) => None,
    };
    let user = caller
        .acting_user()
        .ok_or_else(|| Problem::new(StatusCode::FORBIDDEN).error("This endpoint is for users only"))?;
    Ok(Me { sub: user.sub, session, admin: user.permission_level == PermissionLevel::Admin })
}

/// Live sessions: the caller's own, or for `admin` all or those of `?sub=`.
#[utoipa::path(get, path = "/api/sessions", tag = "sessions",
    responses(
        (status = 200, description = "The sessions", body = SessionList),
        (status = 401, description = "No valid token"),
        (status = 403, description = "Another user's sessions, or not a user"),
        (status = 503, description = "Sessions cannot be read at the moment")))]
pub async fn list(
    State(core): State<AppState>,
    Extension(authentication): Extension<Authentication>,
    Query(ListQuery { sub }): Query<ListQuery>,
) -> Result<Json<SessionList>> {
    let me = me(&authentication)?;
    let wanted = match sub {
        Some(sub) if sub != me.sub && !me.admin => {
            return Err(Problem::forbidden("Only an admin may see other users' sessions."));
        }
        Some(sub) => Some(sub),
        None if me.admin => None,
        None => Some(me.sub.clone()),
    };
    let sessions = core.sessions.list().await?;
    let shown = sessions
        .into_iter()
        .filter(|(_, session)| wanted.as_ref().is_none_or(|sub| session.user.sub == *sub));
    Ok(Json(SessionList {
        sessions: shown.map(|(id, session)| item(id, session, me.session.as_deref())).collect(),
    }))
}

fn item(id: String, session: Session, current: Option<&str>) -> SessionItem {
    SessionItem {
        current: current == Some(id.as_str()),
        id,
        sub: session.user.sub,
        preferred_username: session.user.preferred_username,
        permission_level: session.user.permission_level,
        created_at: session.created_at,
        expires_at: session.expires_at,
        client_address: session.client_address,
    }
}

/// Ends one session of the caller, or for `admin` any.
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "sessions", params(("id" = String, Path, description = "Session id")),
    responses(
        (status = 200, description = "The session is over", body = Object),
        (status = 401, description = "No valid token"),
        (status = 404, description = "No such session of the caller"),
        (status = 503, description = "Sessions cannot be changed at the moment")))]
pub async fn delete(
    State(core): State<AppState>,
    Extension(authentication): Extension<Authentication>,
    Path(id): Path<String>,
) -> Result<Response> {
    let me = me(&authentication)?;
    let caller = authentication.caller.clone()?.label();
    let missing = || Problem::not_found("There is no such session.");
    let session = core.sessions.live(&id).await?.ok_or_else(missing)?;
    // Others' sessions are not even admitted to exist.
    if session.user.sub != me.sub && !me.admin {
        return Err(missing());
    }
    if !core.sessions.revoke(&id).await? {
        return Err(missing());
    }
    hivematrix_shared::audit!(
        sub = session.user.sub,
        user = session.user.preferred_username,
        session = id,
        by = caller,
        "A session was ended"
    );
    Ok(answer(StatusCode::OK, json!({ "message": "Session revoked successfully" })))
}

/// Signs a user out everywhere. For the user, an `admin`, and the service `helm`, which calls it when a user is disabled,
/// deleted, or changes groups or password.
///
/// A user or admin means the browsers too: they are signed out at the identity provider, else one that is still signed in
/// there would come straight back. Whatever could not be done is told, after everything else was.
#[utoipa::path(post, path = "/api/sessions/revoke", tag = "sessions", request_body = RevokeUser,
    responses(
        (status = 200, description = "How many sessions were ended, as `revoked`", body = Object),
        (status = 400, description = "No JSON object with the text `sub`"),
        (status = 401, description = "No valid token"),
        (status = 403, description = "Another user, and not an admin"),
        (status = 502, description = "The sessions were ended, as many as `revoked`, but the identity provider did not sign the browsers out"),
        (status = 503, description = "Sessions cannot be changed at the moment; with the local realm they end as soon as they can")))]
pub async fn revoke(
    State(core): State<AppState>,
    Extension(authentication): Extension<Authentication>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response> {
    let caller = authentication.caller.clone()?;
    let RevokeUser { sub } = body::typed(&headers, &body)?;
    let is_helm_itself = caller.service_name() == Some("helm") && caller.acting_user().is_none();
    if !is_helm_itself {
        let me = me(&authentication)?;
        if sub != me.sub && !me.admin {
            return Err(Problem::forbidden("Only an admin may sign other users out."));
        }
    }
    let whose = Whose::User(sub.clone());
    let mut provider = Ok(());
    let ended = match &core.realm {
        Some(realm) => {
            if let (false, Ok(user)) = (is_helm_itself, sub.parse::<Uuid>()) {
                realm.sign_out_browsers(user).await?;
            }
            realm.end_sessions(whose).await?
        }
        None => {
            // There first: else a browser would have a new session before the old ones have ended.
            if !is_helm_itself {
                provider = core.provider_admin.sign_out(&sub).await;
            }
            Ended::Now(core.sessions.revoke_all(&whose, None).await?)
        }
    };
    let browsers_are_out = provider.is_ok();
    hivematrix_shared::audit!(
        sub,
        by = caller.label(),
        ?ended,
        browsers_are_out,
        "A user was signed out everywhere"
    );
    let Ended::Now(revoked) = ended else { return Err(Ended::problem()) };
    provider.map_err(|error| {
        let text = "The sessions were ended, but the identity provider did not sign the user's browsers out: one that is \
                    signed in there gets a new session without a question.";
        Problem::bad_gateway(text).with("revoked", revoked).cause(error)
    })?;
    Ok(answer(StatusCode::OK, json!({ "revoked": revoked })).into_response())
}
