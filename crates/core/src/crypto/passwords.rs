//! Password hashing: argon2id, off the async threads, a few at a time.

use std::{sync::Arc, time::Duration};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

/// Hashes at one time: each takes about 19 MB and a core for some 30 ms.
const AT_ONCE: usize = 2;
/// Longest wait for a turn; whoever cannot be served in time is told to come back.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// Verified for unknown users, so that they take as long as known ones.
    decoy: Arc<str>,
}

/// A password could not be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many at once.
    #[error("too many sign-ins at once")]
    Busy,
    /// The library refused.
    #[error("password hashing failed: {0}")]
    Failed(String),
}

impl Passwords {
    /// Prepares the decoy.
    pub fn new() -> Result<Self, PasswordError> {
        let decoy = hash(&super::random::token())?;
        Ok(Self { turns: Arc::new(Semaphore::new(AT_ONCE)), decoy: decoy.into() })
    }

    /// The PHC string of a new password.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let password = password.to_owned();
        self.in_turn(move || hash(&password)).await
    }

    /// Whether the password fits. Without a stored hash (unknown user, no password set) it fits nothing, but takes as long.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool, PasswordError> {
        let password = password.to_owned();
        let known = stored.is_some();
        let stored = stored.map_or_else(|| self.decoy.to_string(), str::to_owned);
        self.in_turn(move || {
            let stored = PasswordHash::new(&stored).map_err(failed)?;
            Ok(Argon2::default().verify_password(password.as_bytes(), &stored).is_ok() && known)
        })
        .await
    }

    async fn in_turn<T, F>(&self, work: F) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, PasswordError> + Send + 'static,
    {
        let turn = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| PasswordError::Busy)?
            .map_err(failed)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        })
        .await
        .map_err(failed)?
    }
}

fn hash(password: &str) -> Result<String, PasswordError> {
    let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes()).map_err(failed)?;
    Ok(hash.to_string())
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_argon2id_hash_and_nothing_fits_without_one() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("correct horse").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$"), "{stored}");
        assert!(passwords.verify("correct horse", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("wrong horse", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
    }
}
