//! What a new password has to be.

mod common;

/// Fewest characters.
pub const SHORTEST: usize = 8;
/// Most bytes; hashing takes time with the length.
const LONGEST: usize = 1024;

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer than [`SHORTEST`] characters.
    #[error("The password needs at least {SHORTEST} characters.")]
    Short,
    /// Absurdly long.
    #[error("The password is too long.")]
    Long,
    /// The account's own name or e-mail.
    #[error("The password must not be the user name or the e-mail address.")]
    OwnName,
    /// One that anybody tries first.
    #[error(
        "The password is one of those that are tried first. Several words that have nothing to do with each other make a good one."
    )]
    Common,
}

/// The suite's own name.
const SUITE: &str = "hivematrix";

/// Checks a new password for the account of `username` and `email`.
pub fn check(password: &str, username: &str, email: Option<&str>) -> Result<(), WeakPassword> {
    if password.chars().count() < SHORTEST {
        return Err(WeakPassword::Short);
    }
    if password.len() > LONGEST {
        return Err(WeakPassword::Long);
    }
    let lower = password.to_lowercase();
    if lower == username || email.is_some_and(|email| lower == email) {
        return Err(WeakPassword::OwnName);
    }
    let mailbox = email.and_then(|email| email.split('@').next());
    let known: Vec<&str> = [Some(username), email, mailbox, Some(SUITE)].into_iter().flatten().collect();
    if common::is_common(password, &known) { Err(WeakPassword::Common) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_is_long_enough_and_neither_the_name_nor_a_common_one() {
        for (password, verdict) in [
            ("correct horse", Ok(())),
            ("pässwör", Err(WeakPassword::Short)),
            ("technician-1", Err(WeakPassword::OwnName)),
            ("Technician-1", Err(WeakPassword::OwnName)),
            ("lovelace@msp.example", Err(WeakPassword::OwnName)),
            ("Lovelace2025", Err(WeakPassword::Common)),
            ("lovelace@msp.example1", Err(WeakPassword::Common)),
            ("HiveMatrix!", Err(WeakPassword::Common)),
            ("Password1!", Err(WeakPassword::Common)),
            (&"x".repeat(1025), Err(WeakPassword::Long)),
        ] {
            assert_eq!(check(password, "technician-1", Some("lovelace@msp.example")), verdict, "{password}");
        }
    }
}
