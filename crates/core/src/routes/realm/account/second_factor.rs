//! `…/account/totp`: setting an authenticator app up, new recovery codes, removing the app.

use axum::response::Response;
use hivematrix_shared::problem::Result;
use http::StatusCode;

use super::{
    owner::Owner,
    page::{Word, account},
    views::ManagePage,
};
use crate::{
    domain::recovery_code::RecoveryCode,
    realm::second_factor::{Offer, Wish},
    routes::realm::{
        qr,
        second_factor::set_up_notice,
        views::{self, RecoveryCodesPage, SetUpForm, SetUpPage, show_form},
    },
    store::realm::{second_factor, sign_ins::Outcome},
};

const NO_APP: &str = "Your account has no authenticator app.";

/// `GET …/account/totp`: the form for a new app, or what can be done with the one there is.
pub async fn show(owner: Owner) -> Response {
    owner.answer(try_show(&owner).await)
}

async fn try_show(owner: &Owner) -> Result<Response> {
    if second_factor::exists(&owner.realm.pool, owner.user().id).await? {
        return manage(owner, None).await;
    }
    let offer = owner.realm.offer_app(owner.user())?;
    set_up_form(owner, &offer, None)
}

/// `POST …/account/totp`: the password, and the first code of the app.
pub async fn set_up(owner: Owner) -> Response {
    owner.answer(try_set_up(&owner).await)
}

async fn try_set_up(owner: &Owner) -> Result<Response> {
    let (realm, user) = (&owner.realm, owner.user());
    let Some(offer) = realm.open_offer(user, owner.field("totpSecret")) else {
        let error = "The key was shown too long ago. Scan this new one.".to_owned();
        return set_up_form(owner, &realm.offer_app(user)?, Some(error));
    };
    if let Err(why) = realm.confirm(user, owner.field("password"), None, &owner.browser).await? {
        return set_up_form(owner, &offer, Some(why.to_string()));
    }
    let (code, label) = (owner.field("totp"), owner.field("userLabel"));
    let wish = Wish::Owner { session: owner.session.id };
    match realm.set_up_app(user, &offer, code, label, wish, &owner.browser).await? {
        Ok(done) => Ok(recovery_codes(owner, Some(set_up_notice(done.ended)), &done.codes)),
        Err(error) => set_up_form(owner, &offer, Some(error.to_string())),
    }
}

/// `POST …/account/recovery-codes`: new codes in place of the old ones, against password and code.
pub async fn renew_codes(owner: Owner) -> Response {
    owner.answer(try_renew_codes(&owner).await)
}

async fn try_renew_codes(owner: &Owner) -> Result<Response> {
    match confirmed(owner).await? {
        Err(answer) => Ok(answer),
        Ok(()) => {
            let codes = owner.realm.renew_recovery_codes(owner.user(), &owner.browser).await?;
            Ok(recovery_codes(owner, None, &codes))
        }
    }
}

/// `POST …/account/totp/remove`: removes the app, against password and code.
pub async fn remove(owner: Owner) -> Response {
    owner.answer(try_remove(&owner).await)
}

async fn try_remove(owner: &Owner) -> Result<Response> {
    if let Err(answer) = confirmed(owner).await? {
        return Ok(answer);
    }
    if owner.realm.remove_app(owner.user()).await? {
        owner.realm.record_act(owner.user(), Outcome::SecondFactorRemoved, &owner.browser).await?;
    }
    account(owner, Some(Word::Notice("The second factor was removed. Your password alone signs you in.")))
        .await
}

/// Asks for password and code of an account that has an app; the inner error is the page that says what is missing.
async fn confirmed(owner: &Owner) -> Result<Result<(), Response>> {
    let user = owner.user();
    if !second_factor::exists(&owner.realm.pool, user.id).await? {
        return Ok(Err(account(owner, Some(Word::Error(NO_APP.to_owned()))).await?));
    }
    let (password, code) = (owner.field("password"), owner.field("otp"));
    match owner.realm.confirm(user, password, Some(code), &owner.browser).await? {
        Ok(()) => Ok(Ok(())),
        Err(why) => Ok(Err(manage(owner, Some(why.to_string())).await?)),
    }
}

async fn manage(owner: &Owner, error: Option<String>) -> Result<Response> {
    let mark = owner.mark();
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let view = ManagePage {
        page: &owner.page,
        base: owner.path(""),
        username: &owner.user().username,
        codes_left: second_factor::codes_left(&owner.realm.pool, owner.user().id).await?,
        error,
        mark: &mark.mark,
    };
    Ok(show_form(status, &view, &mark))
}

fn set_up_form(owner: &Owner, offer: &Offer, error: Option<String>) -> Result<Response> {
    let mark = owner.mark();
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let view = SetUpPage {
        page: &owner.page,
        lead: "After your password you will enter a code from an app. Whoever learns your password still cannot sign in.",
        form: SetUpForm {
            action: owner.path("/totp"),
            username: &owner.user().username,
            error,
            mark: &mark.mark,
            ticket: None,
            sealed: &offer.sealed,
            key: qr::in_groups(&offer.key.base32()),
            picture: qr::picture(&offer.key.uri()?)?,
            label: owner.field("userLabel"),
        },
        cancel: Some(owner.path("")),
    };
    Ok(show_form(status, &view, &mark))
}

fn recovery_codes(owner: &Owner, notice: Option<&str>, codes: &[RecoveryCode]) -> Response {
    let codes = codes.iter().map(ToString::to_string).collect();
    let view = RecoveryCodesPage { page: &owner.page, notice, codes, onward: owner.path("") };
    views::show(StatusCode::OK, &view)
}
