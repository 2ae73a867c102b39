//! `GET` and `POST …/protocol/openid-connect/logout`: the end of the browser's session, asked for by a client.

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
use url::Url;

use super::{
    browser::{form_mark, is_our_form, no_session_cookie, page_path, signed_on},
    oauth::{Failure, Form, authenticate},
    views::{NoticePage, SignOutPage, error_page, problem_page, show, show_form},
};
use crate::{
    crypto::random,
    domain::user::User,
    realm::{Realm, ending::Ended},
    store::realm::{
        grants,
        sign_ins::{self, Outcome, SignIn},
        sign_on::{Browser, SignOn},
        users,
    },
};

/// What the client asks for.
struct Wish {
    form: Form,
    /// Who the ID token hint is about, if it is genuine.
    hinted: Option<uuid::Uuid>,
    client_id: String,
    /// Where to go afterwards; checked.
    destination: Option<Url>,
}

impl Wish {
    /// Reads the parameters; an address to return to that is not the client's is refused.
    fn read(realm: &Realm, form: Form) -> Option<Self> {
        let hint = form.get("id_token_hint").and_then(|hint| realm.open_id_token(hint).ok());
        let client_id = form
            .get("client_id")
            .map(str::to_owned)
            .or_else(|| hint.as_ref().map(|(_, client)| client.clone()));
        let client_id = client_id.unwrap_or_default();
        let destination = match form.get("post_logout_redirect_uri") {
            None => None,
            Some(uri) => {
                let client = realm.client(&client_id)?;
                let known = client.post_logout_uris.iter().any(|allowed| allowed == uri);
                let mut url = Url::parse(uri).ok().filter(|_| known)?;
                if let Some(state) = form.get("state") {
                    url.query_pairs_mut().append_pair("state", state);
                }
                Some(url)
            }
        };
        Some(Self { hinted: hint.map(|(user, _)| user), client_id, destination, form })
    }

    /// Ends the session, with the HiveMatrix session made from it, and sends the browser on.
    async fn end(
        &self,
        realm: &Realm,
        page: &Page,
        browser: &Browser,
        session: Option<SignOn>,
    ) -> Result<Response> {
        let mut ended = Ended::Now(0);
        let had_session = session.is_some();
        if let Some(session) = session {
            ended = realm.end_browser(session.id).await?;
            record(realm, &session.user, &self.client_id, browser).await?;
        }
        let notice = |title, text| {
            let view = NoticePage { page, title, text, is_error: false, correlation_id: String::new() };
            show(StatusCode::OK, &view)
        };
        let mut response = match (ended, &self.destination) {
            // Where the browser wants to go nobody would say it.
            (Ended::Later, _) => notice("You are being signed out", Ended::LATER),
            (Ended::Now(_), Some(url)) => Redirect::to(url.as_str()).into_response(),
            (Ended::Now(_), None) => notice("You are signed out", "You can close this window."),
        };
        // Without one the cookie may only have been withheld, as from a form of another site: then it must stay.
        if had_session {
            response.headers_mut().append(header::SET_COOKIE, no_session_cookie(page));
        }
        Ok(response)
    }

    /// The page that asks, for requests that anyone could have sent the browser to.
    fn question(&self, realm: &Realm, page: &Page, headers: &HeaderMap, session: &SignOn) -> Response {
        let mark = form_mark(realm, page, headers);
        let field = |name: &str| self.form.get(name).unwrap_or_default();
        let view = SignOutPage {
            page,
            action: page_path(realm, page, "protocol/openid-connect/logout"),
            username: &session.user.username,
            mark: &mark.mark,
            post_logout_redirect_uri: field("post_logout_redirect_uri"),
            client_id: &self.client_id,
            state: field("state"),
        };
        show_form(StatusCode::OK, &view, &mark)
    }

    async fn answer(
        self,
        realm: &Realm,
        page: &Page,
        browser: &Browser,
        headers: &HeaderMap,
        sure: bool,
    ) -> Result<Response> {
        match signed_on(realm, headers).await? {
            Some(session) if !sure && self.hinted != Some(session.user.id) => {
                Ok(self.question(realm, page, headers, &session))
            }
            session => self.end(realm, page, browser, session).await,
        }
    }
}

async fn record(realm: &Realm, user: &User, client_id: &str, browser: &Browser) -> sqlx::Result<()> {
    let audit = SignIn {
        username: &user.username,
        user: Some(user.id),
        client_id: Some(client_id),
        outcome: Outcome::SignedOut,
        browser,
    };
    sign_ins::record(&realm.pool, &audit, realm.clock.now()).await
}

fn bad_destination(page: &Page) -> Response {
    let text = "The address to return to is not one of the application's. You are still signed in.";
    error_page(page, StatusCode::BAD_REQUEST, "Signing out did not work", text)
}

/// Signs out at once with a genuine ID token of the signed-in user, else asks.
#[utoipa::path(get, path = "/realms/{realm}/protocol/openid-connect/logout", tag = "local realm", security(()),
    params(("realm" = String, Path, description = "Realm name"), ("id_token_hint" = Option<String>, Query), ("client_id" = Option<String>, Query), ("post_logout_redirect_uri" = Option<String>, Query), ("state" = Option<String>, Query)),
    responses((status = 200, description = "The question, or the notice of the end"), (status = 303, description = "Signed out, to the address to return to"), (status = 400, description = "The address to return to is not the client's")))]
pub async fn ask(
    State(realm): State<Realm>,
    page: Page,
    browser: Browser,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let form = Form::of_query(query.as_deref().unwrap_or_default())
        .map_err(|_| Problem::bad_request("A parameter stands twice."))?;
    match Wish::read(&realm, form) {
        Some(wish) => wish.answer(&realm, &page, &browser, &headers, false).await,
        None => Ok(bad_destination(&page)),
    }
}

/// The answer to the question; also a client's own request, by ID token hint or, from a service, by refresh token.
#[utoipa::path(post, path = "/realms/{realm}/protocol/openid-connect/logout", tag = "local realm", security(()), request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    params(("realm" = String, Path, description = "Realm name")),
    responses((status = 200, description = "The notice of the end"), (status = 202, description = "As 204, but tokens of the session count until the session store answers"), (status = 204, description = "A client ended the session of a refresh token"), (status = 303, description = "Signed out, to the address to return to")))]
pub async fn act(
    State(realm): State<Realm>,
    page: Page,
    browser: Browser,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = Form::read(&headers, &body)?;
    if let Some(token) = form.get("refresh_token") {
        let client = authenticate(&realm, &headers, &form)?;
        if let Some((grant, owner)) = grants::of_refresh(&realm.pool, &random::stored_form(token)).await?
            && owner == client.id
            && let Some(grant) = grants::find(&realm.pool, grant, realm.clock.now()).await?
        {
            let ended = realm.end_browser(grant.session).await?;
            if let Some(user) = users::find(&realm.pool, grant.user).await? {
                record(&realm, &user, &client.id, &browser).await?;
            }
            return Ok(match ended {
                Ended::Now(_) => StatusCode::NO_CONTENT,
                Ended::Later => StatusCode::ACCEPTED,
            }
            .into_response());
        }
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let sure = is_our_form(&realm, &headers, form.get("form_mark").unwrap_or_default());
    Ok(match Wish::read(&realm, form) {
        Some(wish) => wish
            .answer(&realm, &page, &browser, &headers, sure)
            .await
            .unwrap_or_else(|problem| problem_page(&page, &problem)),
        None => bad_destination(&page),
    })
}
