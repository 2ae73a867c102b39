//! Checking who somebody is: name and password, then a code where the account has an authenticator app; and setting a new
//! password.

use hivematrix_shared::problem::Problem;
use uuid::Uuid;

use super::{Realm, ending::Ended, second_factor::Accepted};
use crate::{
    crypto::{passwords::PasswordError, random},
    domain::{
        oidc::SIGN_ON_LIFETIME,
        password_policy::{self, WeakPassword},
        typed_name,
        user::User,
    },
    store::realm::{
        failures::{self, Attempt, Barred},
        second_factor,
        sign_ins::{self, Outcome, SignIn},
        sign_on::{self, Browser},
        users,
    },
};

/// Why nobody is signed in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Name and password, or the code, do not fit; nothing is said about whether the account exists.
    Wrong,
    /// Not looked at: too many failures. Seconds to wait.
    Locked(i64),
    /// The password fits, but the account is disabled.
    Disabled,
}

/// What somebody has to do before anything else, once it is clear who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Choose a new password.
    NewPassword,
    /// Set up an authenticator app.
    SecondFactor,
}

/// How far somebody got.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Everything asked for was given.
    Welcome(User),
    /// Everything fits, but something has to be done first.
    First(Action, User),
    /// The password fits; a code is asked for.
    Code(User),
    /// It does not count.
    Refused(Refusal),
}

impl Verdict {
    /// What follows once password and, where there is one, code were given.
    pub fn proven(user: User) -> Self {
        match user.first_action() {
            Some(action) => Self::First(action, user),
            None => Self::Welcome(user),
        }
    }
}

impl User {
    /// The next thing an administrator wants done. The app comes last: setting it up ends with a page that is read at
    /// leisure, and nothing may be left to do then.
    fn first_action(&self) -> Option<Action> {
        if self.update_password {
            Some(Action::NewPassword)
        } else if self.configure_totp {
            Some(Action::SecondFactor)
        } else {
            None
        }
    }
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

/// Somebody who is signed in did not prove it once more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unconfirmed {
    /// The password is wrong.
    #[error("The present password is wrong.")]
    WrongPassword,
    /// The password is right, the code is not.
    #[error("The code is wrong, or was used before.")]
    WrongCode,
    /// Not looked at.
    #[error("There were too many failed attempts. Try again later.")]
    Locked,
}

impl From<Barred> for Refusal {
    fn from(barred: Barred) -> Self {
        let (Barred::Known(wait) | Barred::Account(wait)) = barred;
        Self::Locked(wait)
    }
}

impl From<Refusal> for Unconfirmed {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Locked(_) => Self::Locked,
            Refusal::Wrong | Refusal::Disabled => Self::WrongPassword,
        }
    }
}

/// One look at what somebody gave, counted towards the lock-out.
struct Look<'a> {
    realm: &'a Realm,
    attempt: Attempt,
    /// What is written down of the name.
    name: &'a str,
    user: Option<Uuid>,
    client_id: Option<&'a str>,
    browser: &'a Browser,
}

impl<'a> Look<'a> {
    /// `name` is what was typed; where it is an account's, failures count for that account too, by whichever of its names.
    fn new(
        realm: &'a Realm,
        name: &'a str,
        user: Option<&User>,
        client_id: Option<&'a str>,
        browser: &'a Browser,
    ) -> Self {
        let attempt = Attempt::new(name, user.map(|user| user.id), &browser.address);
        let shown = if user.is_some() { name.trim() } else { typed_name::shown(name) };
        Self { realm, attempt, name: shown, user: user.map(|user| user.id), client_id, browser }
    }

    /// Counts the attempt; `Some` when it must not be looked at.
    async fn begin(&self) -> sqlx::Result<Option<Barred>> {
        let begun = failures::begin(&self.realm.pool, &self.attempt, self.realm.clock.now()).await?;
        if begun.is_err() {
            self.record(Outcome::Locked).await?;
        }
        Ok(begun.err())
    }

    /// Everything asked for was right.
    async fn succeeded(&self) -> sqlx::Result<()> {
        failures::succeeded(&self.realm.pool, &self.attempt).await
    }

    /// It was right, but does not sign in by itself.
    async fn take_back(&self) -> sqlx::Result<()> {
        failures::take_back(&self.realm.pool, &self.attempt).await
    }

    async fn record(&self, outcome: Outcome) -> sqlx::Result<()> {
        let (username, user, client_id, browser) = (self.name, self.user, self.client_id, self.browser);
        let line = SignIn { username, user, client_id, outcome, browser };
        sign_ins::record(&self.realm.pool, &line, self.realm.clock.now()).await
    }

    /// Ends a sign-in whose last factor was right.
    async fn proven(&self, user: User) -> sqlx::Result<Verdict> {
        self.succeeded().await?;
        let verdict = Verdict::proven(user);
        self.record(match verdict {
            Verdict::First(Action::NewPassword, _) => Outcome::PasswordChangeRequired,
            Verdict::First(Action::SecondFactor, _) => Outcome::SecondFactorRequired,
            _ => Outcome::Success,
        })
        .await?;
        Ok(verdict)
    }
}

impl Realm {
    /// Checks a login name or e-mail and a password. Every attempt counts towards the lock-out until somebody is signed
    /// in, unknown names take as long as known ones, and the outcome goes into the audit.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        client_id: Option<&str>,
        browser: &Browser,
    ) -> Result<Verdict, Problem> {
        let (user, hash) = users::find_for_sign_in(&self.pool, name).await?.unzip();
        let look = Look::new(self, name, user.as_ref(), client_id, browser);
        match look.begin().await? {
            None => {}
            Some(Barred::Known(wait)) => return Ok(Verdict::Refused(Refusal::Locked(wait))),
            Some(Barred::Account(_)) => {
                // As for a wrong password, in answer and time.
                self.passwords.verify(password, None).await?;
                return Ok(Verdict::Refused(Refusal::Wrong));
            }
        }
        let fits = self.passwords.verify(password, hash.flatten().as_deref()).await?;
        let Some(user) = user.filter(|_| fits) else {
            look.record(Outcome::WrongCredentials).await?;
            return Ok(Verdict::Refused(Refusal::Wrong));
        };
        if !user.enabled {
            look.record(Outcome::Disabled).await?;
            return Ok(Verdict::Refused(Refusal::Disabled));
        }
        if second_factor::exists(&self.pool, user.id).await? {
            look.take_back().await?;
            look.record(Outcome::CodeRequired).await?;
            return Ok(Verdict::Code(user));
        }
        Ok(look.proven(user).await?)
    }

    /// Checks the code of somebody whose password was right: of the authenticator app, or a recovery code. Each counts
    /// as an attempt like a password.
    pub async fn sign_in_with_code(
        &self,
        user: User,
        code: &str,
        client_id: Option<&str>,
        browser: &Browser,
    ) -> Result<Verdict, Problem> {
        let name = user.username.clone();
        let look = Look::new(self, &name, Some(&user), client_id, browser);
        // The password was right: nothing about the account is to be hidden any more.
        if let Some(barred) = look.begin().await? {
            return Ok(Verdict::Refused(barred.into()));
        }
        match self.accept_code(&user, code).await? {
            None => {
                look.record(Outcome::WrongCode).await?;
                return Ok(Verdict::Refused(Refusal::Wrong));
            }
            Some(Accepted::App) => {}
            Some(Accepted::RecoveryCode) => look.record(Outcome::RecoveryCodeUsed).await?,
        }
        Ok(look.proven(user).await?)
    }

    /// Asks somebody who is signed in for the password again, and for a code too where `code` is given and the account has
    /// an app. Counted like a sign-in: an open browser must not be a way to try either.
    pub async fn confirm(
        &self,
        user: &User,
        password: &str,
        code: Option<&str>,
        browser: &Browser,
    ) -> Result<Result<(), Unconfirmed>, Problem> {
        let look = Look::new(self, &user.username, Some(user), None, browser);
        if let Some(barred) = look.begin().await? {
            return Ok(Err(Refusal::from(barred).into()));
        }
        let hash = users::password_hash(&self.pool, user.id).await?;
        if !self.passwords.verify(password, hash.as_deref()).await? {
            look.record(Outcome::WrongCredentials).await?;
            return Ok(Err(Unconfirmed::WrongPassword));
        }
        if let Some(code) = code
            && second_factor::exists(&self.pool, user.id).await?
            && self.accept_code(user, code).await?.is_none()
        {
            look.record(Outcome::WrongCode).await?;
            return Ok(Err(Unconfirmed::WrongCode));
        }
        look.take_back().await?;
        Ok(Ok(()))
    }

    /// Writes an act of the account's owner into the audit.
    pub async fn record_act(&self, user: &User, outcome: Outcome, browser: &Browser) -> sqlx::Result<()> {
        let line =
            SignIn { username: &user.username, user: Some(user.id), client_id: None, outcome, browser };
        sign_ins::record(&self.pool, &line, self.clock.now()).await
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
        let ended = self.sign_out_others(user, keep).await?;
        self.record_act(user, Outcome::PasswordChanged, browser).await?;
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
