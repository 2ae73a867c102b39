//! The second factor: an authenticator app and recovery codes.

use hivematrix_shared::problem::Problem;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Realm, ending::Ended};
use crate::{
    crypto::{
        random,
        totp::{KeyError, TotpKey},
    },
    domain::{
        recovery_code::{self, RecoveryCode},
        user::User,
    },
    store::realm::{
        second_factor::{self, NewApp},
        sign_ins::Outcome,
        sign_on::Browser,
    },
};

/// Purpose of the sealed key while its owner sets the app up.
const OFFER: &str = "totp-offer";
/// Seconds to set an app up, with time to install one.
pub const OFFER_LIFETIME: i64 = 1800;
/// Longest name of a device.
const LONGEST_LABEL: usize = 60;

/// What counted as the second factor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Accepted {
    /// A code of the authenticator app.
    App,
    /// A recovery code, which is spent now.
    RecoveryCode,
}

/// A key on its way to its owner's app. Nothing is stored before a code proves that it arrived.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The key.
    pub key: TotpKey,
    /// The same for the form's hidden field, sealed for this account.
    pub sealed: String,
}

/// The sealed form of an [`Offer`].
#[derive(Deserialize, Serialize)]
struct Sealed {
    user: Uuid,
    key: String,
    expires: i64,
}

/// Why an app was not set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SetUpError {
    /// The code does not come from the key.
    #[error(
        "That code does not fit. Check that the clock of your device is right, and enter the code it shows now."
    )]
    WrongCode,
    /// Meanwhile another one was set up.
    #[error("This account has an authenticator app already.")]
    AlreadyThere,
}

/// An app that was set up.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The recovery codes, which are never shown again.
    pub codes: Vec<RecoveryCode>,
    /// What became of the other sessions.
    pub ended: Ended,
}

/// Who wants an app to be set up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    /// Its owner, on the account page; the browser stays signed in.
    Owner {
        /// The browser's session.
        session: Uuid,
    },
    /// An administrator, at sign-in; an app that is there is replaced.
    Administrator,
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        Self::internal(error)
    }
}

/// Purpose of a stored key: it opens only for its own account.
fn at_rest(user: Uuid) -> String {
    format!("totp:{user}")
}

impl Realm {
    /// A new key for the account's owner.
    pub fn offer_app(&self, user: &User) -> Result<Offer, Problem> {
        let key = TotpKey::random(&user.username)?;
        let expires = self.clock.unix() + OFFER_LIFETIME;
        let sealed = Sealed { user: user.id, key: key.base32(), expires };
        let sealed = self.sealer.seal(OFFER, &sealed).ok_or_else(unsealable)?;
        Ok(Offer { key, sealed })
    }

    /// The key of a form; `None` when it is not this account's, or too old.
    pub fn open_offer(&self, user: &User, sealed: &str) -> Option<Offer> {
        let open: Sealed = self.sealer.open(OFFER, sealed)?;
        if open.user != user.id || open.expires <= self.clock.unix() {
            return None;
        }
        let key = TotpKey::from_base32(&open.key, &user.username).ok()?;
        Some(Offer { key, sealed: sealed.to_owned() })
    }

    /// Sets an app up with the first code it shows. All other browsers are signed out: they got in without a second factor.
    pub async fn set_up_app(
        &self,
        user: &User,
        offer: &Offer,
        code: &str,
        label: &str,
        wish: Wish,
        browser: &Browser,
    ) -> Result<Result<SetUp, SetUpError>, Problem> {
        let Some(step) = offer.key.step_of(&plain(code), self.clock.unix()) else {
            return Ok(Err(SetUpError::WrongCode));
        };
        let secret = self.sealer.seal(&at_rest(user.id), &offer.key.base32()).ok_or_else(unsealable)?;
        let label: String = label.trim().chars().filter(|c| !c.is_control()).take(LONGEST_LABEL).collect();
        let codes = new_codes();
        let mut transaction = self.pool.begin().await?;
        let wished = second_factor::fulfil_wish(&mut transaction, user.id).await?;
        if wish == Wish::Administrator {
            if !wished {
                return Ok(Err(SetUpError::AlreadyThere));
            }
            second_factor::delete(&mut transaction, user.id).await?;
        }
        let app = NewApp { user: user.id, secret: &secret, label: &label, step };
        if !second_factor::insert(&mut transaction, &app, self.clock.now()).await? {
            return Ok(Err(SetUpError::AlreadyThere));
        }
        second_factor::replace_codes(&mut transaction, user.id, &stored(&codes)).await?;
        transaction.commit().await?;
        let keep = match wish {
            Wish::Owner { session } => Some(session),
            Wish::Administrator => None,
        };
        let ended = self.sign_out_others(user, keep).await?;
        self.record_act(user, Outcome::SecondFactorSetUp, browser).await?;
        Ok(Ok(SetUp { codes, ended }))
    }

    /// New recovery codes in place of the old ones.
    pub async fn renew_recovery_codes(
        &self,
        user: &User,
        browser: &Browser,
    ) -> Result<Vec<RecoveryCode>, Problem> {
        let codes = new_codes();
        let mut transaction = self.pool.begin().await?;
        second_factor::replace_codes(&mut transaction, user.id, &stored(&codes)).await?;
        transaction.commit().await?;
        self.record_act(user, Outcome::RecoveryCodesMade, browser).await?;
        Ok(codes)
    }

    /// Removes the app and the recovery codes; `false` when there is no app.
    pub async fn remove_app(&self, user: &User) -> sqlx::Result<bool> {
        let mut transaction = self.pool.begin().await?;
        let removed = second_factor::delete(&mut transaction, user.id).await?;
        transaction.commit().await?;
        Ok(removed)
    }

    /// Spends a code of the app or a recovery code. `None`: it is neither, or was spent before.
    pub async fn accept_code(&self, user: &User, typed: &str) -> Result<Option<Accepted>, Problem> {
        if let Some(code) = RecoveryCode::read(typed) {
            let stored = random::stored_form(code.plain());
            let used = second_factor::use_code(&self.pool, user.id, &stored, self.clock.now()).await?;
            return Ok(used.then_some(Accepted::RecoveryCode));
        }
        let Some(app) = second_factor::find(&self.pool, user.id).await? else { return Ok(None) };
        let key = self.sealer.open::<String>(&at_rest(user.id), &app.secret).ok_or_else(|| {
            Problem::internal("the key of an authenticator app was sealed with another SECRET_KEY")
        })?;
        let key = TotpKey::from_base32(&key, &user.username)?;
        let Some(step) = key.step_of(&plain(typed), self.clock.unix()) else { return Ok(None) };
        Ok(second_factor::use_step(&self.pool, app.id, step).await?.then_some(Accepted::App))
    }
}

/// Apps show codes in two groups; people type them so.
fn plain(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_whitespace()).collect()
}

fn new_codes() -> Vec<RecoveryCode> {
    (0..recovery_code::COUNT).map(|_| RecoveryCode::of(rand::random())).collect()
}

fn stored(codes: &[RecoveryCode]) -> Vec<Vec<u8>> {
    codes.iter().map(|code| random::stored_form(code.plain())).collect()
}

fn unsealable() -> Problem {
    Problem::internal("a key could not be sealed")
}
