//! The account page itself.

use axum::response::Response;
use hivematrix_shared::{pages::format::iso_z, problem::Result};
use http::StatusCode;

use super::{
    owner::Owner,
    views::{AccountPage, BrowserRow, Moment, SecondFactorFacts, SignInRow},
};
use crate::{
    domain::{
        agent,
        ago::{ago, exact},
        password_policy,
    },
    routes::realm::views::show_form,
    store::realm::{
        groups, second_factor,
        sign_ins::{self, Outcome},
        sign_on,
    },
};

/// Lines of the list of past sign-ins.
const PAST_SIGN_INS: i64 = 10;

/// What the page says first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Word {
    /// Something was done.
    Notice(&'static str),
    /// Something was not.
    Error(String),
}

/// `GET …/account`: the account, or the sign-in form in its place.
pub async fn show(owner: Owner) -> Response {
    owner.answer(account(&owner, None).await)
}

/// The page, with a word about what was just done.
pub async fn account(owner: &Owner, word: Option<Word>) -> Result<Response> {
    let (realm, user) = (&owner.realm, owner.user());
    let now = realm.clock.now();
    let moment = |time| Moment { iso: iso_z(time), exact: exact(time), text: ago(time, now) };
    let browsers = sign_on::list_of_user(&realm.pool, user.id, now).await?.into_iter();
    let browsers = browsers.map(|listed| BrowserRow {
        is_this: listed.id == owner.session.id,
        id: listed.id.to_string(),
        name: agent::describe(&listed.user_agent),
        address: listed.client_address,
        since: moment(listed.since),
    });
    let past = sign_ins::last_of_user(&realm.pool, user.id, PAST_SIGN_INS).await?.into_iter();
    let past = past.map(|line| SignInRow {
        at: moment(line.at),
        what: Outcome::parse(&line.outcome).map_or("Something else", Outcome::words),
        name: agent::describe(&line.user_agent),
        address: line.client_address,
    });
    let second_factor = match second_factor::find(&realm.pool, user.id).await? {
        Some(app) => Some(SecondFactorFacts {
            label: app.label,
            since: moment(app.created_at),
            codes_left: second_factor::codes_left(&realm.pool, user.id).await?,
        }),
        None => None,
    };
    let (notice, error) = match word {
        None => (None, None),
        Some(Word::Notice(text)) => (Some(text), None),
        Some(Word::Error(text)) => (None, Some(text)),
    };
    let mark = owner.mark();
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let view = AccountPage {
        page: &owner.page,
        base: owner.path(""),
        username: &user.username,
        name: user.display_name(),
        email: user.email.as_deref().unwrap_or_default(),
        groups: groups::names_of_user(&realm.pool, user.id).await?.join(", "),
        notice,
        error,
        mark: &mark.mark,
        shortest: password_policy::SHORTEST,
        second_factor,
        browsers: browsers.collect(),
        past: past.collect(),
    };
    Ok(show_form(status, &view, &mark))
}
