//! What a new password has to be.

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
}

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
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_password_is_long_enough_and_not_the_name() {
        for (password, verdict) in [
            ("correct horse", Ok(())),
            ("pässwör", Err(WeakPassword::Short)),
            ("technician-1", Err(WeakPassword::OwnName)),
            ("Technician-1", Err(WeakPassword::OwnName)),
            ("t@msp.example", Err(WeakPassword::OwnName)),
            (&"x".repeat(1025), Err(WeakPassword::Long)),
        ] {
            assert_eq!(check(password, "technician-1", Some("t@msp.example")), verdict, "{password}");
        }
    }
}
