//! How many files and connections a process may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What systems allow where they do not say.
const USUAL: u64 = 1024;

/// Raises the soft limit to the hard one, and returns what counts now. The soft one is low for the sake of programs that
/// look at every possible number; a server that stops there can be kept busy by a single slow client.
pub fn raise_limit() -> usize {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(USUAL, |(soft, hard)| {
        let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok();
        if raised { hard } else { soft }
    });
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let limit = raise_limit();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!((soft, usize::try_from(soft).unwrap()), (hard, limit));
    }
}
