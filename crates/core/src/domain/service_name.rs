//! Names of services in token requests (core.md §2.4).

use hivematrix_shared::registry::Registry;

/// Why a service token request is refused before its credential is looked at. The texts are upstream's.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// One of the two names is absent or empty.
    #[error("calling_service and target_service are required")]
    Required,
    /// The caller's name is not of the allowed form.
    #[error("Invalid calling_service format")]
    CallingFormat,
    /// The target's name is not of the allowed form.
    #[error("Invalid target_service format")]
    TargetFormat,
    /// The registry does not know the caller.
    #[error("Unknown calling_service")]
    UnknownCalling,
    /// The registry does not know the target.
    #[error("Unknown target_service")]
    UnknownTarget,
}

/// Whether a name has the form `[a-z0-9_-]{1,50}`, entirely.
pub fn is_valid(name: &str) -> bool {
    (1..=50).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// Checks both names in upstream's order. An empty registry (no readable file) knows nothing and is skipped.
pub fn check(calling: &str, target: &str, registry: &Registry) -> Result<(), NameError> {
    if calling.is_empty() || target.is_empty() {
        return Err(NameError::Required);
    }
    if !is_valid(calling) {
        return Err(NameError::CallingFormat);
    }
    if !is_valid(target) {
        return Err(NameError::TargetFormat);
    }
    let mut names = registry.names().peekable();
    if names.peek().is_none() {
        return Ok(());
    }
    if registry.get(calling).is_none() {
        return Err(NameError::UnknownCalling);
    }
    if registry.get(target).is_none() {
        return Err(NameError::UnknownTarget);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_letters_digits_underscore_and_hyphen_up_to_fifty_make_a_name() {
        for good in ["a", "knowledgetree", "my_svc-2", &"a".repeat(50)] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "Beacon", "co dex;", "beacon\n", "é", &"a".repeat(51)] {
            assert!(!is_valid(bad), "{bad:?}");
        }
    }
}
