//! `…/account`: what a person may see and change of the own account.

use axum::{body::Bytes, extract::State, response::Response};
use hivematrix_shared::{pages::Page, problem::Result};
use http::{HeaderMap, StatusCode, header};

use super::{
    browser::{form_mark, is_our_form, no_session_cookie, page_path, signed_on},
    login::Target,
    oauth::Form,
    password,
    views::{self, AccountPage, NoticePage, SignInPage, problem_page, show_form},
};
use crate::{
    domain::password_policy,
    realm::{
        Realm,
        ending::Ended,
        sign_in::{Refusal, Verdict},
    },
    store::realm::{
        groups,
        sign_ins::{self, Outcome, SignIn},
        sign_on::{Browser, SignOn},
    },
};

fn sign_in_first(realm: &Realm, page: &Page, headers: &HeaderMap) -> Response {
    let mark = form_mark(realm, page, headers);
    let view = SignInPage {
        page,
        action: Target::Account.action(realm, page, "authenticate"),
        username: "",
        error: None,
        mark: &mark.mark,
    };
    show_form(StatusCode::OK, &view, &mark)
}

async fn account(
    realm: &Realm,
    page: &Page,
    headers: &HeaderMap,
    session: &SignOn,
    notice: Option<&str>,
    error: Option<String>,
) -> Result<Response> {
    let mark = form_mark(realm, page, headers);
    let user = &session.user;
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let view = AccountPage {
        page,
        base: page_path(realm, page, "account"),
        username: &user.username,
        name: user.display_name(),
        email: user.email.as_deref().unwrap_or_default(),
        groups: groups::names_of_user(&realm.pool, user.id).await?.join(", "),
        notice,
        error,
        mark: &mark.mark,
        shortest: password_policy::SHORTEST,
    };
    Ok(show_form(status, &view, &mark))
}

/// `GET …/account`: the account, or the sign-in form in its place.
pub async fn show(State(realm): State<Realm>, page: Page, headers: HeaderMap) -> Result<Response> {
    match signed_on(&realm, &headers).await? {
        Some(session) => account(&realm, &page, &headers, &session, None, None).await,
        None => Ok(sign_in_first(&realm, &page, &headers)),
    }
}

/// `POST …/account/password`: the present password and a new one, twice.
pub async fn change_password(
    State(realm): State<Realm>,
    page: Page,
    browser: Browser,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&headers, &body).unwrap_or_default();
    let done = change(&realm, &page, &browser, &headers, &form).await;
    done.unwrap_or_else(|problem| problem_page(&page, &problem))
}

async fn change(
    realm: &Realm,
    page: &Page,
    browser: &Browser,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Response> {
    let Some(session) = signed_on(realm, headers).await? else {
        return Ok(sign_in_first(realm, page, headers));
    };
    if !is_our_form(realm, headers, form.get("form_mark").unwrap_or_default()) {
        let error = "The form was open for too long. Please try again.".to_owned();
        return account(realm, page, headers, &session, None, Some(error)).await;
    }
    // Counted like a sign-in: an open browser must not be a way to try passwords.
    let present = form.get("password").unwrap_or_default();
    let mut notice = None;
    let error = match realm.sign_in(&session.user.username, present, None, browser).await? {
        Verdict::Refused(Refusal::Locked(_)) => Some("Too many failed attempts. Try again later.".to_owned()),
        Verdict::Refused(_) => Some("The present password is wrong.".to_owned()),
        Verdict::Welcome(_) | Verdict::ChangeFirst(_) => {
            match password::choose(realm, &session.user, form, Some(session.id), browser).await? {
                Ok(Ended::Now(_)) => {
                    notice = Some("Your password was changed. Other devices were signed out.");
                    None
                }
                Ok(Ended::Later) => {
                    notice = Some(
                        "Your password was changed. Other devices have to sign in again, but what is open there goes on until the session store answers.",
                    );
                    None
                }
                Err(error) => Some(error),
            }
        }
    };
    account(realm, page, headers, &session, notice, error).await
}

/// `POST …/account/sign-out-everywhere`: ends all sessions of the account, this one included.
pub async fn sign_out_everywhere(
    State(realm): State<Realm>,
    page: Page,
    browser: Browser,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&headers, &body).unwrap_or_default();
    let done = sign_out(&realm, &page, &browser, &headers, &form).await;
    done.unwrap_or_else(|problem| problem_page(&page, &problem))
}

async fn sign_out(
    realm: &Realm,
    page: &Page,
    browser: &Browser,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Response> {
    let Some(session) = signed_on(realm, headers).await? else {
        return Ok(sign_in_first(realm, page, headers));
    };
    if !is_our_form(realm, headers, form.get("form_mark").unwrap_or_default()) {
        let error = "The form was open for too long. Please try again.".to_owned();
        return account(realm, page, headers, &session, None, Some(error)).await;
    }
    let (title, text) = match realm.end_all_sessions(session.user.id).await? {
        Ended::Now(_) => ("You are signed out everywhere", "Every browser and device has to sign in again."),
        Ended::Later => ("You are being signed out everywhere", Ended::LATER),
    };
    let audit = SignIn {
        username: &session.user.username,
        user: Some(session.user.id),
        client_id: None,
        outcome: Outcome::SignedOutEverywhere,
        browser,
    };
    sign_ins::record(&realm.pool, &audit, realm.clock.now()).await?;
    let view = NoticePage { page, title, text, is_error: false, correlation_id: String::new() };
    let mut response = views::show(StatusCode::OK, &view);
    response.headers_mut().append(header::SET_COOKIE, no_session_cookie(page));
    Ok(response)
}
