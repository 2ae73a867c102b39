//! A person's authenticator app: codes by the clock (RFC 6238) with the values that all apps have.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use totp_rs::{Builder, Secret, Totp};

/// Seconds that a code is shown.
const STEP: u64 = 30;

/// An app that was given a key.
#[derive(Clone)]
pub struct Authenticator(Totp);

impl Authenticator {
    /// An app whose key was typed, in base32 with or without spaces.
    ///
    /// # Errors
    ///
    /// When it is no key.
    pub fn typed(key: &str) -> Result<Self> {
        let key: String = key.split_whitespace().collect();
        Self::of(Secret::try_from_base32(&key).map_err(|_| anyhow!("{key} is not base32"))?)
    }

    /// An app whose key are these bytes.
    ///
    /// # Errors
    ///
    /// When they are no key.
    pub fn scanned(key: &[u8]) -> Result<Self> {
        Self::of(Secret::from(key))
    }

    fn of(secret: Secret) -> Result<Self> {
        let builder = Builder::new().with_secret(secret).with_account_name("someone");
        Ok(Self(builder.build().map_err(|error| anyhow!("the key is not usable: {error}"))?))
    }

    /// The code that the app shows some steps of 30 seconds from now. Servers take the next one already.
    ///
    /// # Errors
    ///
    /// When the clock stands before 1970.
    pub fn code(&self, steps: u64) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_secs();
        Ok(self.0.generate(now + STEP * steps).to_string())
    }

    /// A code that the app shows neither now nor soon, nor did a moment ago.
    ///
    /// # Errors
    ///
    /// When the clock stands before 1970.
    pub fn wrong_code(&self) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock")?.as_secs();
        let near: Vec<String> =
            (0..8).map(|step| self.0.generate(now + STEP * step - STEP * 3).to_string()).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).context("no wrong code")
    }
}
