//! Ending sessions from the account page: one browser's, or all.

use axum::response::Response;
use hivematrix_shared::problem::Result;
use http::{StatusCode, header};
use uuid::Uuid;

use super::{
    owner::Owner,
    page::{Word, account},
};
use crate::{
    domain::session::Whose,
    realm::ending::Ended,
    routes::realm::{
        browser::no_session_cookie,
        views::{NoticePage, show},
    },
    store::realm::{sign_ins::Outcome, sign_on},
};

/// `POST …/account/sessions/end`: the browser `id` of this account has to sign in again.
pub async fn end(owner: Owner) -> Response {
    owner.answer(try_end(&owner).await)
}

async fn try_end(owner: &Owner) -> Result<Response> {
    let (realm, user) = (&owner.realm, owner.user());
    let ended = match owner.field("id").parse::<Uuid>() {
        Ok(id) => sign_on::delete_own(&realm.pool, user.id, id).await?.then_some(id),
        Err(_) => None,
    };
    let Some(id) = ended else {
        return account(owner, Some(Word::Notice("That browser was signed out already."))).await;
    };
    let ended = realm.end_sessions(Whose::Browser(id.to_string())).await?;
    if id == owner.session.id {
        realm.record_act(user, Outcome::SignedOut, &owner.browser).await?;
        return Ok(match ended {
            Ended::Now(_) => signed_out(owner, "You are signed out", "You can close this window."),
            Ended::Later => signed_out(owner, "You are being signed out", Ended::LATER),
        });
    }
    realm.record_act(user, Outcome::BrowserSignedOut, &owner.browser).await?;
    let word = match ended {
        Ended::Now(_) => "The browser was signed out.",
        Ended::Later => {
            "The browser has to sign in again, but what is open there goes on until the session store answers."
        }
    };
    account(owner, Some(Word::Notice(word))).await
}

/// `POST …/account/sign-out-everywhere`: ends all sessions of the account, this one included.
pub async fn sign_out_everywhere(owner: Owner) -> Response {
    owner.answer(try_sign_out_everywhere(&owner).await)
}

async fn try_sign_out_everywhere(owner: &Owner) -> Result<Response> {
    let user = owner.user();
    let ended = owner.realm.end_all_sessions(user.id).await?;
    owner.realm.record_act(user, Outcome::SignedOutEverywhere, &owner.browser).await?;
    Ok(match ended {
        Ended::Now(_) => {
            let text = "Every browser and device has to sign in again.";
            signed_out(owner, "You are signed out everywhere", text)
        }
        Ended::Later => signed_out(owner, "You are being signed out everywhere", Ended::LATER),
    })
}

fn signed_out(owner: &Owner, title: &str, text: &str) -> Response {
    let view = NoticePage { page: &owner.page, title, text, is_error: false, correlation_id: String::new() };
    let mut response = show(StatusCode::OK, &view);
    response.headers_mut().append(header::SET_COOKIE, no_session_cookie(&owner.page));
    response
}
