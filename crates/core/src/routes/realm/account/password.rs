//! `POST …/account/password`: the present password and a new one, twice.

use axum::response::Response;
use hivematrix_shared::problem::Result;

use super::{
    owner::Owner,
    page::{Word, account},
};
use crate::{realm::ending::Ended, routes::realm::password::choose};

/// Changes the password.
pub async fn change(owner: Owner) -> Response {
    owner.answer(try_change(&owner).await)
}

async fn try_change(owner: &Owner) -> Result<Response> {
    let (realm, user) = (&owner.realm, owner.user());
    let word = match realm.confirm(user, owner.field("password"), None, &owner.browser).await? {
        Err(why) => Word::Error(why.to_string()),
        Ok(()) => match choose(realm, user, &owner.form, Some(owner.session.id), &owner.browser).await? {
            Err(why) => Word::Error(why),
            Ok(Ended::Now(_)) => Word::Notice("Your password was changed. Other devices were signed out."),
            Ok(Ended::Later) => Word::Notice(
                "Your password was changed. Other devices have to sign in again, but what is open there goes on until the session store answers.",
            ),
        },
    };
    account(owner, Some(word)).await
}
