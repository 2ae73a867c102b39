//! The realm's pages.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use hivematrix_shared::{pages::Page, problem::Problem};
use http::{StatusCode, header};

use super::{browser::FormMark, qr::Picture};

/// The sign-in form.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// Where the form goes.
    pub action: String,
    /// Name typed before, or the client's hint.
    pub username: &'a str,
    /// What went wrong.
    pub error: Option<String>,
    /// The form's mark.
    pub mark: &'a str,
}

/// The form for a forced change of the password.
#[derive(Template)]
#[template(path = "new_password.html")]
pub struct NewPasswordPage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// Where the form goes.
    pub action: String,
    /// Whose password, for password managers.
    pub username: &'a str,
    /// What went wrong.
    pub error: Option<String>,
    /// The form's mark.
    pub mark: &'a str,
    /// Proof that the old password was given.
    pub ticket: &'a str,
    /// Fewest characters.
    pub shortest: usize,
}

/// Asks for the code of an authenticator app.
#[derive(Template)]
#[template(path = "code.html")]
pub struct CodePage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// Where the forms go.
    pub action: String,
    /// What went wrong.
    pub error: Option<String>,
    /// The forms' mark.
    pub mark: &'a str,
    /// Proof that the password was given.
    pub ticket: &'a str,
}

/// The form for a new authenticator app.
pub struct SetUpForm<'a> {
    /// Where it goes.
    pub action: String,
    /// Whose, for password managers.
    pub username: &'a str,
    /// What went wrong.
    pub error: Option<String>,
    /// The form's mark.
    pub mark: &'a str,
    /// Proof that the password was given; without it the form asks for the password.
    pub ticket: Option<&'a str>,
    /// The key, sealed.
    pub sealed: &'a str,
    /// The key as people type it.
    pub key: String,
    /// The key as apps scan it.
    pub picture: Picture,
    /// Name of the device typed before.
    pub label: &'a str,
}

/// The page around [`SetUpForm`].
#[derive(Template)]
#[template(path = "totp_setup.html")]
pub struct SetUpPage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// Why one does this.
    pub lead: &'a str,
    /// The form.
    pub form: SetUpForm<'a>,
    /// Where to go instead.
    pub cancel: Option<String>,
}

/// New recovery codes, shown this once.
#[derive(Template)]
#[template(path = "recovery_codes.html")]
pub struct RecoveryCodesPage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// What was done besides.
    pub notice: Option<&'a str>,
    /// The codes as people copy them.
    pub codes: Vec<String>,
    /// Where to go afterwards.
    pub onward: String,
}

/// Asks whether to sign out.
#[derive(Template)]
#[template(path = "sign_out.html")]
pub struct SignOutPage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// Where the form goes.
    pub action: String,
    /// Who is signed in.
    pub username: &'a str,
    /// The form's mark.
    pub mark: &'a str,
    /// Where to go afterwards, as asked for.
    pub post_logout_redirect_uri: &'a str,
    /// Which client asked.
    pub client_id: &'a str,
    /// To be given back to the client.
    pub state: &'a str,
}

/// Says something and offers the way back.
#[derive(Template)]
#[template(path = "notice.html")]
pub struct NoticePage<'a> {
    /// Frame of the page.
    pub page: &'a Page,
    /// Heading.
    pub title: &'a str,
    /// One or two sentences.
    pub text: &'a str,
    /// Whether it is bad news.
    pub is_error: bool,
    /// Shown small, for support.
    pub correlation_id: String,
}

/// Renders a page.
pub fn show<T: Template>(status: StatusCode, view: &T) -> Response {
    match view.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}

/// Renders a page with a form.
pub fn show_form<T: Template>(status: StatusCode, view: &T, mark: &FormMark) -> Response {
    let mut response = show(status, view);
    if let Some(cookie) = &mark.cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    response
}

/// A page that says what is wrong; nothing was redirected.
pub fn error_page(page: &Page, status: StatusCode, title: &str, text: &str) -> Response {
    let correlation_id = hivematrix_shared::correlation::current();
    show(status, &NoticePage { page, title, text, is_error: true, correlation_id })
}

/// The page for a problem that a form ran into.
pub fn problem_page(page: &Page, problem: &Problem) -> Response {
    if problem.status().is_server_error() {
        tracing::error!(status = problem.status().as_u16(), cause = problem.cause_text(), "{problem}");
    }
    let text = problem.detail_text().unwrap_or("Try again in a moment.");
    let mut response = error_page(page, problem.status(), problem.title_text(), text);
    problem.add_headers(&mut response);
    response
}
