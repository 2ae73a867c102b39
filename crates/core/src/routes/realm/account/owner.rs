//! The account's owner with a form of the account pages.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use hivematrix_shared::{pages::Page, problem::Result};
use http::{HeaderMap, StatusCode};

use super::page::{self, Word};
use crate::{
    domain::user::User,
    realm::Realm,
    routes::realm::{
        browser::{FormMark, form_mark, is_our_form, page_path, signed_on},
        oauth::Form,
        submission::Target,
        views::{SignInPage, problem_page, show_form},
    },
    store::realm::sign_on::{Browser, SignOn},
};

/// A signed-in browser on the account pages.
pub struct Owner {
    /// The realm.
    pub realm: Realm,
    /// Frame of the pages.
    pub page: Page,
    /// The browser's facts.
    pub browser: Browser,
    /// All headers.
    pub headers: HeaderMap,
    /// The browser's session.
    pub session: SignOn,
    /// The posted form; empty for a get.
    pub form: Form,
}

impl FromRequest<Realm> for Owner {
    type Rejection = Response;

    /// Finds the browser's session and checks that a posted form is ours; the answer is ready when something is missing.
    async fn from_request(request: Request, realm: &Realm) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let page = Page::of(&parts);
        let Ok(browser) = Browser::from_request_parts(&mut parts, realm).await;
        let (headers, is_post) = (parts.headers.clone(), parts.method == http::Method::POST);
        let body = Bytes::from_request(Request::from_parts(parts, body), realm)
            .await
            .map_err(IntoResponse::into_response)?;
        let found = signed_on(realm, &headers).await.map_err(|error| problem_page(&page, &error.into()))?;
        let Some(session) = found else { return Err(sign_in_first(realm, &page, &headers)) };
        let form = Form::read(&headers, &body).unwrap_or_default();
        let owner = Self { realm: realm.clone(), page, browser, headers, session, form };
        if is_post && !is_our_form(realm, &owner.headers, owner.field("form_mark")) {
            let word = Word::Error("The form was open for too long. Please try again.".to_owned());
            return Err(owner.answer(page::account(&owner, Some(word)).await));
        }
        Ok(owner)
    }
}

/// The sign-in form in place of the account page, which it leads back to.
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

impl Owner {
    /// The account.
    pub fn user(&self) -> &User {
        &self.session.user
    }

    /// A field of the form, empty when it is missing.
    pub fn field(&self, name: &str) -> &str {
        self.form.get(name).unwrap_or_default()
    }

    /// The mark of the next form.
    pub fn mark(&self) -> FormMark {
        form_mark(&self.realm, &self.page, &self.headers)
    }

    /// Path of a page of the account.
    pub fn path(&self, rest: &str) -> String {
        page_path(&self.realm, &self.page, &format!("account{rest}"))
    }

    /// A page, or the page that says why there is none.
    pub fn answer(&self, done: Result<Response>) -> Response {
        done.unwrap_or_else(|problem| problem_page(&self.page, &problem))
    }
}
