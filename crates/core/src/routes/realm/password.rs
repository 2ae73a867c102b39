//! The two fields of a new password.

use hivematrix_shared::problem::{Problem, Result};
use uuid::Uuid;

use super::oauth::Form;
use crate::{
    domain::user::User,
    realm::{Realm, ending::Ended, sign_in::NewPasswordError},
    store::realm::sign_on::Browser,
};

/// Sets the password of the fields `password-new` and `password-confirm`; the inner error is for the person, as is
/// whether other sessions have ended.
pub async fn choose(
    realm: &Realm,
    user: &User,
    form: &Form,
    keep: Option<Uuid>,
    browser: &Browser,
) -> Result<std::result::Result<Ended, String>> {
    let new = form.get("password-new").unwrap_or_default();
    if form.get("password-confirm").unwrap_or_default() != new {
        return Ok(Err("The two passwords are not the same.".to_owned()));
    }
    match realm.choose_password(user, new, keep, browser).await {
        Ok(ended) => Ok(Ok(ended)),
        Err(error @ (NewPasswordError::Weak(_) | NewPasswordError::Same)) => Ok(Err(error.to_string())),
        Err(NewPasswordError::Hashing(error)) => Err(error.into()),
        Err(NewPasswordError::Database(error)) => Err(Problem::from(error)),
    }
}
