//! Time-based one-time codes (RFC 6238) with the values every authenticator app understands: SHA-1, six digits, 30
//! seconds, one step early or late.

use std::fmt;

use totp_rs::{Builder, Secret, Totp, TotpError};

/// Name of the suite as apps show it.
const ISSUER: &str = "HiveMatrix";
/// Bytes of a key, as RFC 4226 recommends.
const KEY_LENGTH: usize = 20;

/// The key that an account shares with an authenticator app.
#[derive(Clone)]
pub struct TotpKey(Totp);

/// A stored key that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the key of an authenticator app cannot be used: {0}")]
pub struct KeyError(String);

impl From<TotpError> for KeyError {
    fn from(error: TotpError) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Debug for TotpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpKey(…)")
    }
}

impl TotpKey {
    /// A new random key for the account of this name.
    pub fn random(account: &str) -> Result<Self, KeyError> {
        Self::new(Secret::new_stack(rand::random::<[u8; KEY_LENGTH]>()), account)
    }

    /// A key from its base32 form.
    pub fn from_base32(base32: &str, account: &str) -> Result<Self, KeyError> {
        let secret = Secret::try_from_base32(base32).map_err(|_| KeyError("no base32".to_owned()))?;
        Self::new(secret, account)
    }

    fn new(secret: Secret, account: &str) -> Result<Self, KeyError> {
        // The colon separates issuer and account in the app's address.
        let account = account.replace(':', "_");
        let builder = Builder::new().with_secret(secret).with_account_name(account);
        Ok(Self(builder.with_issuer(Some(ISSUER)).build()?))
    }

    /// The key as people type it into an app.
    pub fn base32(&self) -> String {
        self.0.secret().to_base32()
    }

    /// The address that the QR picture holds.
    pub fn uri(&self) -> Result<String, KeyError> {
        Ok(self.0.to_url()?)
    }

    /// The code of a moment (Unix seconds).
    pub fn code_at(&self, unix: i64) -> String {
        self.0.generate(seconds(unix)).to_string()
    }

    /// The time step whose code this is, around a moment (Unix seconds). `None`: no code of that time.
    pub fn step_of(&self, code: &str, unix: i64) -> Option<i64> {
        self.0.check(code, seconds(unix)).and_then(|step| i64::try_from(step).ok())
    }
}

fn seconds(unix: i64) -> u64 {
    u64::try_from(unix).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 6238, appendix B: the ASCII text `12345678901234567890`.
    const RFC_KEY: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn rfc() -> TotpKey {
        TotpKey::from_base32(RFC_KEY, "tech").unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The appendix prints eight digits; six are the last six of them.
        for (unix, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(rfc().code_at(unix), code[2..], "{unix}");
            assert_eq!(rfc().step_of(&code[2..], unix), Some(unix / 30), "{unix}");
        }
    }

    #[test]
    fn a_code_counts_one_step_early_and_late_and_says_which_step_it_is_of() {
        let code = rfc().code_at(1_111_111_111);
        let step = 1_111_111_111 / 30;
        for (offset, fits) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
            assert_eq!(rfc().step_of(&code, 1_111_111_111 + offset), fits.then_some(step), "{offset}");
        }
    }

    #[test]
    fn only_six_digits_are_a_code() {
        for garbage in ["", "28708", "2870821", "+87082", "28708x", "２８７０８２", " 287082"] {
            assert_eq!(rfc().step_of(garbage, 59), None, "{garbage:?}");
        }
    }

    #[test]
    fn apps_get_issuer_account_and_key() {
        assert_eq!(
            rfc().uri().unwrap(),
            format!("otpauth://totp/HiveMatrix:tech?secret={RFC_KEY}&issuer=HiveMatrix")
        );
        let odd = TotpKey::from_base32(RFC_KEY, "a:b/c d@x").unwrap().uri().unwrap();
        assert!(odd.starts_with("otpauth://totp/HiveMatrix:a_b%2Fc%20d%40x?"), "{odd}");
    }

    #[test]
    fn new_keys_have_160_bits_and_differ() {
        let key = TotpKey::random("tech").unwrap();
        assert_eq!(key.base32().len(), 32);
        assert_ne!(key.base32(), TotpKey::random("tech").unwrap().base32());
        assert_eq!(format!("{key:?}"), "TotpKey(…)", "a key never gets into a log");
        assert!(TotpKey::from_base32("", "tech").is_err() && TotpKey::from_base32("1!", "tech").is_err());
    }
}
