//! Codes for the day the authenticator app is lost. Each counts once.

use std::fmt;

/// Codes that are given out at once.
pub const COUNT: usize = 10;

/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a code: 80 bits.
const LENGTH: usize = 16;
/// Characters between two hyphens.
const GROUP: usize = 4;

/// One code in its plain form: 16 letters and digits, lower case, without hyphens.
#[derive(Clone, Eq, PartialEq)]
pub struct RecoveryCode(String);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

impl RecoveryCode {
    /// A code of these random bytes; of each, five bits count.
    pub fn of(random: [u8; LENGTH]) -> Self {
        Self(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
    }

    /// What a person typed, whatever stands between the groups and in whatever case. `None`: this is no such code.
    pub fn read(typed: &str) -> Option<Self> {
        let plain: String = typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_lowercase())
            .take(LENGTH + 1)
            .collect();
        (plain.len() == LENGTH && plain.bytes().all(|byte| ALPHABET.contains(&byte))).then_some(Self(plain))
    }

    /// The form that is hashed and compared.
    pub fn plain(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RecoveryCode {
    /// As people copy it: four groups of four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, c) in self.0.chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = RecoveryCode::of(std::array::from_fn(|at| at as u8));
        assert_eq!(code.to_string(), "abcd-efgh-ijkm-npqr");
        for typed in
            ["abcd-efgh-ijkm-npqr", "ABCDEFGHIJKMNPQR", " abcd efgh ijkm npqr ", "abcd-efgh ijkm-NPQR"]
        {
            assert_eq!(RecoveryCode::read(typed).as_ref(), Some(&code), "{typed}");
        }
    }

    #[test]
    fn what_is_no_code_is_none() {
        for typed in [
            "",
            "123456",
            "abcd-efgh-ijkm-npq",
            "abcd-efgh-ijkm-npqrs",
            "abcd-efgh-ijkm-npq0",
            "äbcd-efgh-ijkm-np",
        ] {
            assert_eq!(RecoveryCode::read(typed), None, "{typed}");
        }
    }

    #[test]
    fn all_bytes_give_a_readable_code_that_never_shows_in_a_log() {
        for byte in [0, 31, 32, 200, 255] {
            let code = RecoveryCode::of([byte; LENGTH]);
            assert_eq!(RecoveryCode::read(&code.to_string()).as_ref(), Some(&code));
            assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
        }
    }
}
