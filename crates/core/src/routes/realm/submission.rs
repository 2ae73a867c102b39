//! A request through one of the sign-in forms: where it leads, whether it is ours, and what follows a right answer.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
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
    browser::{FormMark, PublicOrigin, form_mark, is_our_form, page_path, session_cookie, signed_on},
    oauth::Form,
    views::{SignInPage, show_form},
};
use crate::{
    domain::{oidc::AuthorizationRequest, origins::Origin, user::User},
    realm::{
        Realm,
        sign_in::{Action, Refusal, Verdict},
    },
    store::realm::{sign_on::Browser, users},
};

/// Query of the forms that lead to the account page instead of a client.
const ACCOUNT_QUERY: &str = "flow=account";

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

    /// Address that a signed-in browser goes on to by a link.
    pub fn onward(&self, realm: &Realm, page: &Page) -> String {
        match self {
            Self::Account => page_path(realm, page, "account"),
            Self::Client(request) => {
                page_path(realm, page, &format!("protocol/openid-connect/auth?{}", query_of(request)))
            }
        }
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

/// How far somebody got: what a form's sealed field `ticket` proves. Worth nothing in another browser, after its time, or
/// once the password is another.
#[derive(Deserialize, Serialize)]
struct Ticket {
    user: Uuid,
    expires: i64,
    /// Hash the password had.
    hash: Option<String>,
    /// Mark of the form it stands in.
    mark: String,
}

/// What a ticket proves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// The password was right; the code is still to come.
    Password,
    /// Password and, where there is an app, code were right.
    Everything,
}

impl Proof {
    /// Purpose of its seal, so that one kind is never taken for the other.
    const fn purpose(self) -> &'static str {
        match self {
            Self::Password => "ticket-password",
            Self::Everything => "ticket-everything",
        }
    }
}

/// A request through one of the forms.
pub struct Submission {
    /// The realm.
    pub realm: Realm,
    /// Public address the browser uses.
    pub origin: Origin,
    /// Frame of the pages.
    pub page: Page,
    /// Who asks.
    pub browser: Browser,
    /// All headers.
    pub headers: HeaderMap,
    /// The form's fields.
    pub form: Form,
    /// Where it leads.
    pub target: Target,
}

impl FromRequest<Realm> for Submission {
    type Rejection = Response;

    /// Checks where the form leads and that it is ours; the answer is ready when it is not.
    async fn from_request(request: Request, realm: &Realm) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let PublicOrigin(origin) =
            PublicOrigin::from_request_parts(&mut parts, realm).await.map_err(IntoResponse::into_response)?;
        let page = Page::of(&parts);
        let Ok(browser) = Browser::from_request_parts(&mut parts, realm).await;
        let target = if parts.uri.query() == Some(ACCOUNT_QUERY) {
            Target::Account
        } else {
            match check(realm, parts.uri.query()) {
                Ok((request, Ok(_))) => Target::Client(Box::new(request)),
                Ok((request, Err(error))) => return Err(redirect_error(&request, &origin, realm, error)),
                Err(untrusted) => return Err(untrusted_page(&page, untrusted)),
            }
        };
        let headers = parts.headers.clone();
        let request = Request::from_parts(parts, body);
        let body = Bytes::from_request(request, realm).await.map_err(IntoResponse::into_response)?;
        let form = Form::read(&headers, &body).unwrap_or_default();
        let submission = Self { realm: realm.clone(), origin, page, browser, headers, form, target };
        if is_our_form(realm, &submission.headers, submission.form.get("form_mark").unwrap_or_default()) {
            Ok(submission)
        } else {
            // Cookies may be blocked, or the browser was closed in between: a fresh form sorts it out.
            Err(submission.sign_in_form(
                StatusCode::BAD_REQUEST,
                "The form was open for too long. Please sign in again.",
            ))
        }
    }
}

impl Submission {
    /// The client that sent the browser, for the audit.
    pub fn client_id(&self) -> Option<&str> {
        match &self.target {
            Target::Client(request) => request.client_id.as_deref(),
            Target::Account => None,
        }
    }

    /// The mark of the next form.
    pub fn mark(&self) -> FormMark {
        form_mark(&self.realm, &self.page, &self.headers)
    }

    /// The sign-in form with a word about what is wrong.
    pub fn sign_in_form(&self, status: StatusCode, error: impl Into<String>) -> Response {
        let mark = self.mark();
        let view = SignInPage {
            page: &self.page,
            action: self.target.action(&self.realm, &self.page, "authenticate"),
            username: self.form.get("username").unwrap_or_default(),
            error: Some(error.into()),
            mark: &mark.mark,
        };
        show_form(status, &view, &mark)
    }

    /// Back to the start: the ticket does not count any more.
    pub fn too_late(&self) -> Response {
        self.sign_in_form(StatusCode::BAD_REQUEST, "That took too long. Please sign in again.")
    }

    /// Proof of how far this user got, for the next form of this browser.
    pub async fn ticket(&self, user: &User, proof: Proof, lifetime: i64, mark: &FormMark) -> Result<String> {
        let ticket = Ticket {
            user: user.id,
            expires: self.realm.clock.unix() + lifetime,
            hash: users::password_hash(&self.realm.pool, user.id).await?,
            mark: mark.mark.clone(),
        };
        let sealed = self.realm.sealer.seal(proof.purpose(), &ticket);
        sealed.ok_or_else(|| Problem::internal("a ticket could not be sealed"))
    }

    /// The user whom the form's ticket proves, who may still sign in.
    pub async fn proven_user(&self, proof: Proof) -> Result<Option<User>> {
        let sealed = self.form.get("ticket").unwrap_or_default();
        let Some(ticket) = self.realm.sealer.open::<Ticket>(proof.purpose(), sealed) else { return Ok(None) };
        if ticket.expires <= self.realm.clock.unix() || self.form.get("form_mark") != Some(&*ticket.mark) {
            return Ok(None);
        }
        let unchanged = users::password_hash(&self.realm.pool, ticket.user).await? == ticket.hash;
        let user = users::find(&self.realm.pool, ticket.user).await?;
        Ok(user.filter(|user| user.enabled && unchanged))
    }

    /// What follows a look at a password, a code or a finished action.
    pub async fn proceed(&self, verdict: Verdict) -> Result<Response> {
        match verdict {
            Verdict::Welcome(user) => self.welcome(&user).await,
            Verdict::Code(user) => self.code_form(&user, None).await,
            Verdict::First(Action::NewPassword, user) => self.new_password_form(&user, None).await,
            Verdict::First(Action::SecondFactor, user) => {
                let offer = self.realm.offer_app(&user)?;
                self.set_up_form(&user, &offer, None).await
            }
            Verdict::Refused(refusal) => {
                let (status, text) = refusal_text(refusal, "The user name or the password is wrong.");
                Ok(self.sign_in_form(status, text))
            }
        }
    }

    /// Signs the browser in and sends it where it wanted to go.
    async fn welcome(&self, user: &User) -> Result<Response> {
        let (session, cookie) = self.sign_on(user).await?;
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
        response.headers_mut().append(header::SET_COOKIE, cookie);
        Ok(response)
    }

    /// Signs the browser in; returns the session's id and its cookie.
    pub async fn sign_on(&self, user: &User) -> Result<(Uuid, http::HeaderValue)> {
        // The browser's former session is over, with the HiveMatrix sessions made from it: its cookie is about to be
        // replaced, and a later sign-out would not find them. Nobody has to be told: what the store does not end now, it
        // ends later.
        if let Some(former) = signed_on(&self.realm, &self.headers).await? {
            let _ended = self.realm.end_browser(former.id).await?;
        }
        let (session, secret) = self.realm.start_sign_on(user, &self.browser).await?;
        Ok((session, session_cookie(&self.page, &secret)))
    }
}

/// Status and words of a refusal; `wrong` says what does not fit.
pub fn refusal_text(refusal: Refusal, wrong: &str) -> (StatusCode, String) {
    match refusal {
        Refusal::Wrong => (StatusCode::UNAUTHORIZED, wrong.to_owned()),
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
