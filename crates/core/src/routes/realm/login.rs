//! The sign-in form's way: name and password, a forced new password, and on to where the browser wanted to go.

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    response::{IntoResponse, Redirect, Response},
};
use hivematrix_shared::{
    pages::Page,
    problem::{Problem, Result},
};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    authorize::{check, redirect_error, redirect_with_code, untrusted_page},
    browser::{PublicOrigin, form_mark, is_our_form, page_path, session_cookie, signed_on},
    oauth::Form,
    password,
    views::{NewPasswordPage, SignInPage, problem_page, show_form},
};
use crate::{
    domain::{oidc::AuthorizationRequest, origins::Origin, password_policy, user::User},
    realm::{
        Realm,
        sign_in::{Refusal, Verdict},
    },
    store::realm::{
        sign_on::{self, Browser},
        users,
    },
};

/// Query of the forms that lead to the account page instead of a client.
const ACCOUNT_QUERY: &str = "flow=account";
/// Purpose of the sealed proof that the old password was given.
const TICKET: &str = "new-password";
/// Seconds to choose a new password.
const TICKET_LIFETIME: i64 = 600;

/// Where a browser goes once it is signed in.
#[derive(Clone, Debug)]
pub enum Target {
    /// Back to the client that sent it.
    Client(Box<AuthorizationRequest>),
    /// To the account page.
    Account,
}

impl Target {
    /// Address of a form that leads there; the request travels along in it.
    pub fn action(&self, realm: &Realm, page: &Page, step: &str) -> String {
        let query = match self {
            Self::Account => ACCOUNT_QUERY.to_owned(),
            Self::Client(request) => query_of(request),
        };
        page_path(realm, page, &format!("login-actions/{step}?{query}"))
    }
}

fn query_of(request: &AuthorizationRequest) -> String {
    let fields = [
        ("client_id", &request.client_id),
        ("redirect_uri", &request.redirect_uri),
        ("response_type", &request.response_type),
        ("response_mode", &request.response_mode),
        ("scope", &request.scope),
        ("state", &request.state),
        ("nonce", &request.nonce),
        ("code_challenge", &request.code_challenge),
        ("code_challenge_method", &request.code_challenge_method),
    ];
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// Proof that an account's password was given; worth nothing once that password is changed.
#[derive(Deserialize, Serialize)]
struct Ticket {
    user: Uuid,
    expires: i64,
    /// Hash the password had, so that the ticket counts once.
    hash: Option<String>,
}

/// A request through one of the forms.
struct Submission {
    realm: Realm,
    origin: Origin,
    page: Page,
    browser: Browser,
    headers: HeaderMap,
    form: Form,
    target: Target,
}

impl Submission {
    /// Checks where the form leads and that it is ours; the answer is ready when it is not.
    async fn read(
        realm: Realm,
        origin: Origin,
        page: Page,
        browser: Browser,
        headers: HeaderMap,
        query: Option<String>,
        body: Bytes,
    ) -> Result<Self, Response> {
        let target = if query.as_deref() == Some(ACCOUNT_QUERY) {
            Target::Account
        } else {
            match check(&realm, query.as_deref()) {
                Ok((request, Ok(_))) => Target::Client(Box::new(request)),
                Ok((request, Err(error))) => return Err(redirect_error(&request, &origin, &realm, error)),
                Err(untrusted) => return Err(untrusted_page(&page, untrusted)),
            }
        };
        let form = Form::read(&headers, &body).unwrap_or_default();
        let submission = Self { realm, origin, page, browser, headers, form, target };
        if is_our_form(
            &submission.realm,
            &submission.headers,
            submission.form.get("form_mark").unwrap_or_default(),
        ) {
            Ok(submission)
        } else {
            // Cookies may be blocked, or the browser was closed in between: a fresh form sorts it out.
            Err(submission.sign_in_form(
                StatusCode::BAD_REQUEST,
                "The form was open for too long. Please sign in again.",
            ))
        }
    }

    fn sign_in_form(&self, status: StatusCode, error: impl Into<String>) -> Response {
        let mark = form_mark(&self.realm, &self.page, &self.headers);
        let view = SignInPage {
            page: &self.page,
            action: self.target.action(&self.realm, &self.page, "authenticate"),
            username: self.form.get("username").unwrap_or_default(),
            error: Some(error.into()),
            mark: &mark.mark,
        };
        show_form(status, &view, &mark)
    }

    async fn new_password_form(&self, user: &User, error: Option<String>) -> Result<Response> {
        let ticket = Ticket {
            user: user.id,
            expires: self.realm.clock.unix() + TICKET_LIFETIME,
            hash: users::password_hash(&self.realm.pool, user.id).await?,
        };
        let ticket = self
            .realm
            .sealer
            .seal(TICKET, &ticket)
            .ok_or_else(|| Problem::internal("a ticket could not be sealed"))?;
        let mark = form_mark(&self.realm, &self.page, &self.headers);
        let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        let view = NewPasswordPage {
            page: &self.page,
            action: self.target.action(&self.realm, &self.page, "required-action"),
            username: &user.username,
            error,
            mark: &mark.mark,
            ticket: &ticket,
            shortest: password_policy::SHORTEST,
        };
        Ok(show_form(status, &view, &mark))
    }

    /// Name and password.
    async fn authenticate(&self) -> Result<Response> {
        let client = match &self.target {
            Target::Client(request) => request.client_id.as_deref(),
            Target::Account => None,
        };
        let name = self.form.get("username").unwrap_or_default();
        let password = self.form.get("password").unwrap_or_default();
        if name.trim().is_empty() || password.is_empty() {
            return Ok(self.sign_in_form(StatusCode::BAD_REQUEST, "Enter your user name and password."));
        }
        match self.realm.sign_in(name, password, client, &self.browser).await? {
            Verdict::Welcome(user) => self.welcome(&user).await,
            Verdict::ChangeFirst(user) => self.new_password_form(&user, None).await,
            Verdict::Refused(refusal) => {
                let (status, text) = refusal_text(refusal);
                Ok(self.sign_in_form(status, text))
            }
        }
    }

    /// The new password after a forced change.
    async fn required_action(&self) -> Result<Response> {
        let late = || self.sign_in_form(StatusCode::BAD_REQUEST, "That took too long. Please sign in again.");
        let sealed = self.form.get("ticket").unwrap_or_default();
        let Some(ticket) = self.realm.sealer.open::<Ticket>(TICKET, sealed) else { return Ok(late()) };
        let user = users::find(&self.realm.pool, ticket.user).await?.filter(|user| user.enabled);
        let Some(user) = user.filter(|user| user.update_password) else { return Ok(late()) };
        let unchanged = users::password_hash(&self.realm.pool, user.id).await? == ticket.hash;
        if ticket.expires <= self.realm.clock.unix() || !unchanged {
            return Ok(late());
        }
        match password::choose(&self.realm, &user, &self.form, None, &self.browser).await? {
            // Where sessions end only later, this browser has none that matters to it.
            Ok(_) => self.welcome(&user).await,
            Err(why) => self.new_password_form(&user, Some(why)).await,
        }
    }

    /// Signs the browser in and sends it where it wanted to go.
    async fn welcome(&self, user: &User) -> Result<Response> {
        // The browser's former session is over; its cookie is about to be replaced.
        if let Some(former) = signed_on(&self.realm, &self.headers).await? {
            sign_on::delete(&self.realm.pool, former.id).await?;
        }
        let (session, secret) = self.realm.start_sign_on(user, &self.browser).await?;
        let mut response = match &self.target {
            Target::Account => Redirect::to(&page_path(&self.realm, &self.page, "account")).into_response(),
            Target::Client(request) => {
                let client = request.client_id.as_deref().and_then(|id| self.realm.client(id));
                match client.map(|client| request.check(client)) {
                    Some(Ok(authorization)) => {
                        redirect_with_code(&self.realm, &self.origin, session, &authorization).await?
                    }
                    Some(Err(error)) => redirect_error(request, &self.origin, &self.realm, error),
                    None => return Err(Problem::internal("the client of a checked request is gone")),
                }
            }
        };
        response.headers_mut().append(header::SET_COOKIE, session_cookie(&self.page, &secret));
        Ok(response)
    }
}

fn refusal_text(refusal: Refusal) -> (StatusCode, String) {
    match refusal {
        Refusal::Wrong => (StatusCode::UNAUTHORIZED, "The user name or the password is wrong.".to_owned()),
        Refusal::Disabled => {
            (StatusCode::FORBIDDEN, "This account is disabled. Ask an administrator to enable it.".to_owned())
        }
        Refusal::Locked(seconds) => {
            let wait = if seconds < 90 {
                format!("{seconds} seconds")
            } else {
                format!("{} minutes", (seconds + 59) / 60)
            };
            (
                StatusCode::TOO_MANY_REQUESTS,
                format!("There were too many failed attempts. Try again in {wait}."),
            )
        }
    }
}

/// `POST …/login-actions/authenticate`.
pub async fn authenticate(
    State(realm): State<Realm>,
    PublicOrigin(origin): PublicOrigin,
    page: Page,
    browser: Browser,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    match Submission::read(realm, origin, page, browser, headers, query, body).await {
        Ok(submission) => {
            let done = submission.authenticate().await;
            done.unwrap_or_else(|problem| problem_page(&submission.page, &problem))
        }
        Err(answer) => answer,
    }
}

/// `POST …/login-actions/required-action`.
pub async fn required_action(
    State(realm): State<Realm>,
    PublicOrigin(origin): PublicOrigin,
    page: Page,
    browser: Browser,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    match Submission::read(realm, origin, page, browser, headers, query, body).await {
        Ok(submission) => {
            let done = submission.required_action().await;
            done.unwrap_or_else(|problem| problem_page(&submission.page, &problem))
        }
        Err(answer) => answer,
    }
}
