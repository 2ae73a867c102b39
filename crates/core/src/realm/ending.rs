//! Ending what a user has open: browsers that are signed in at the realm, and the HiveMatrix sessions made from them.
//!
//! The browsers lie in the database, the sessions in the session store, and one may be there without the other. A sign-out
//! that the store did not do is written down and done as soon as it answers (`jobs::revocations`).

use hivematrix_shared::problem::Problem;
use uuid::Uuid;

use super::Realm;
use crate::{
    domain::{session::Whose, user::User},
    store::realm::{pending, sign_on},
};

/// What became of HiveMatrix sessions that were to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "the person has to be told"]
pub enum Ended {
    /// They have ended; how many were live.
    Now(usize),
    /// The session store does not answer. It is written down and done as soon as it does.
    Later,
}

impl Ended {
    /// What a person is told who was promised that the sessions end.
    pub const LATER: &str =
        "The session store does not answer at the moment. Sessions that are open end as soon as it does.";

    /// An error for API clients that asked for nothing else.
    pub fn problem() -> Problem {
        Problem::unavailable(Self::LATER, 5)
    }
}

impl Realm {
    /// Ends all browser sessions of a user, with every grant made from them.
    pub async fn sign_out_browsers(&self, user: Uuid) -> sqlx::Result<u64> {
        sign_on::delete_of_user(&self.pool, user, None).await
    }

    /// Ends everything a user has open: browser sessions here and HiveMatrix sessions.
    pub async fn end_all_sessions(&self, user: Uuid) -> sqlx::Result<Ended> {
        self.sign_out_browsers(user).await?;
        self.end_sessions(Whose::User(user.to_string())).await
    }

    /// Signs all browsers of a user out but perhaps one, and ends all HiveMatrix sessions: the kept browser gets a new one
    /// without a question.
    pub async fn sign_out_others(&self, user: &User, keep: Option<Uuid>) -> sqlx::Result<Ended> {
        sign_on::delete_of_user(&self.pool, user.id, keep).await?;
        self.end_sessions(Whose::User(user.id.to_string())).await
    }

    /// Ends one browser's session here and the HiveMatrix sessions made from it.
    pub async fn end_browser(&self, session: Uuid) -> sqlx::Result<Ended> {
        sign_on::delete(&self.pool, session).await?;
        self.end_sessions(Whose::Browser(session.to_string())).await
    }

    /// Ends HiveMatrix sessions now, or as soon as the session store answers.
    pub async fn end_sessions(&self, whose: Whose) -> sqlx::Result<Ended> {
        match self.sessions.revoke_all(&whose, None).await {
            Ok(ended) => Ok(Ended::Now(ended)),
            Err(error) => {
                tracing::warn!(error = %error, whose = ?whose, "sessions could not be ended yet");
                pending::insert(&self.pool, &whose, self.clock.now()).await?;
                self.owed.notify_one();
                Ok(Ended::Later)
            }
        }
    }
}
