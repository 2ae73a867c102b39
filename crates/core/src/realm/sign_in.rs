//! Checking a name and a password, and setting a new one.

use hivematrix_shared::problem::Problem;
use uuid::Uuid;

use super::{Realm, ending::Ended};
use crate::{
    crypto::{passwords::PasswordError, random},
    domain::{
        oidc::SIGN_ON_LIFETIME,
        password_policy::{self, WeakPassword},
        session::Whose,
        user::User,
    },
    store::realm::{
        failures::{self, Attempt},
        sign_ins::{self, Outcome, SignIn},
        sign_on::{self, Browser},
        users,
    },
};

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Name and password do not fit; nothing is said about whether the account exists.
    Wrong,
    /// Not looked at: too many failures. Seconds to wait.
    Locked(i64),
    /// The password fits, but the account is disabled.
    Disabled,
}

/// What came of a name and a password.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// They fit.
    Welcome(User),
    /// They fit, but the password has to be changed first.
    ChangeFirst(User),
    /// They do not count.
    Refused(Refusal),
}

/// A new password that was not set.
#[derive(Debug, thiserror::Error)]
pub enum NewPasswordError {
    /// It is too weak.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// It is the old one.
    #[error("The new password must differ from the old one.")]
    Same,
    /// Hashing failed.
    #[error(transparent)]
    Hashing(#[from] PasswordError),
    /// The database refused or is away.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::unavailable("Too many sign-ins at once. Try again in a moment.", 5),
            PasswordError::Failed(_) => Self::internal(error),
        }
    }
}

impl Realm {
    /// Checks a login name or e-mail and a password. Every attempt counts towards the lock-out until it succeeds, unknown
    /// names take as long as known ones, and the outcome goes into the audit.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        client_id: Option<&str>,
        browser: &Browser,
    ) -> Result<Verdict, Problem> {
        let attempt = Attempt::new(name, &browser.address);
        let audit = |user: Option<Uuid>, outcome: Outcome| SignIn {
            username: name.trim(),
            user,
            client_id,
            outcome,
            browser,
        };
        let now = self.clock.now();
        if let Err(wait) = failures::begin(&self.pool, &attempt, now).await? {
            sign_ins::record(&self.pool, &audit(None, Outcome::Locked), now).await?;
            return Ok(Verdict::Refused(Refusal::Locked(wait)));
        }
        let (user, hash) = users::find_for_sign_in(&self.pool, name).await?.unzip();
        let fits = self.passwords.verify(password, hash.flatten().as_deref()).await?;
        let (verdict, outcome) = match user {
            Some(user) if fits && !user.enabled => {
                (Verdict::Refused(Refusal::Disabled), audit(Some(user.id), Outcome::Disabled))
            }
            Some(user) if fits => {
                failures::succeeded(&self.pool, &attempt).await?;
                if user.update_password {
                    let audit = audit(Some(user.id), Outcome::PasswordChangeRequired);
                    (Verdict::ChangeFirst(user), audit)
                } else {
                    let audit = audit(Some(user.id), Outcome::Success);
                    (Verdict::Welcome(user), audit)
                }
            }
            user => {
                (Verdict::Refused(Refusal::Wrong), audit(user.map(|user| user.id), Outcome::WrongCredentials))
            }
        };
        sign_ins::record(&self.pool, &outcome, now).await?;
        Ok(verdict)
    }

    /// Sets a password its owner chose. All browsers but `keep` are signed out, and all HiveMatrix sessions end: the kept
    /// browser gets a new one without a question, whoever else had the old password does not. The answer says whether they
    /// have ended.
    pub async fn choose_password(
        &self,
        user: &User,
        new: &str,
        keep: Option<Uuid>,
        browser: &Browser,
    ) -> Result<Ended, NewPasswordError> {
        password_policy::check(new, &user.username, user.email.as_deref())?;
        let old = users::password_hash(&self.pool, user.id).await?;
        if old.is_some() && self.passwords.verify(new, old.as_deref()).await? {
            return Err(NewPasswordError::Same);
        }
        let hash = self.passwords.hash(new).await?;
        let now = self.clock.now();
        let mut transaction = self.pool.begin().await?;
        users::set_password(&mut transaction, user.id, &hash, false, now).await?;
        transaction.commit().await?;
        sign_on::delete_of_user(&self.pool, user.id, keep).await?;
        let ended = self.end_sessions(Whose::User(user.id.to_string())).await?;
        let audit = SignIn {
            username: &user.username,
            user: Some(user.id),
            client_id: None,
            outcome: Outcome::PasswordChanged,
            browser,
        };
        sign_ins::record(&self.pool, &audit, now).await?;
        Ok(ended)
    }

    /// Signs a browser in; returns the session's id and its cookie's value.
    pub async fn start_sign_on(&self, user: &User, browser: &Browser) -> sqlx::Result<(Uuid, String)> {
        let secret = random::token();
        let now = self.clock.now();
        let expires_at = now + chrono::TimeDelta::seconds(SIGN_ON_LIFETIME);
        let id =
            sign_on::insert(&self.pool, user.id, &random::stored_form(&secret), browser, now, expires_at)
                .await?;
        Ok((id, secret))
    }
}
