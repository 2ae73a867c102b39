//! Releases of PostgreSQL, and which of them dump a database safely that somebody else could have prepared.

use std::fmt;

/// The first release of each version that looks at nothing but tables while an administrator dumps (CVE-2024-7348): before it,
/// whoever owns a table can put a view with a function of his own in its place in the right moment. Later versions always did.
const MENDED: [(i32, i32); 5] = [(12, 20), (13, 16), (14, 13), (15, 8), (16, 4)];

/// A release, such as 15.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// 15
    pub major: i32,
    /// 8
    pub minor: i32,
}

impl Version {
    /// Of a server's number, such as 150008.
    #[must_use]
    pub const fn of_server(number: i32) -> Self {
        Self { major: number / 10_000, minor: number % 10_000 }
    }

    /// Of what a program says of itself: `pg_dump (PostgreSQL) 15.8 (Debian 15.8-1)`.
    #[must_use]
    pub fn said(text: &str) -> Option<Self> {
        let mut numbers = text.split(") ").nth(1)?.split(|c: char| !c.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        // That of a development version is no number.
        Some(Self { major, minor: numbers.next().and_then(|minor| minor.parse().ok()).unwrap_or(0) })
    }

    /// Whether an administrator may dump what belongs to others. Both the program and the server must be such.
    #[must_use]
    pub fn dumps_safely(self) -> bool {
        let mended = MENDED.iter().find(|(major, _)| *major == self.major);
        mended.map_or(self.major > 16, |(_, minor)| self.minor >= *minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_and_a_server_say_which_they_are() {
        let debian = "pg_dump (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)\n";
        assert_eq!(Version::said(debian), Some(Version { major: 15, minor: 20 }));
        assert_eq!(Version::said("pg_dump (PostgreSQL) 18devel\n"), Some(Version { major: 18, minor: 0 }));
        assert_eq!(Version::said("no version"), None);
        assert_eq!(Version::of_server(150_020).to_string(), "15.20");
    }

    #[test]
    fn a_release_before_the_mended_one_is_not_trusted() {
        let table = [("11.22", false), ("12.19", false), ("12.20", true), ("15.7", false), ("15.8", true)];
        let later = [("16.3", false), ("16.4", true), ("17.0", true), ("18.1", true)];
        for (version, safe) in table.into_iter().chain(later) {
            let said = Version::said(&format!("pg_dump (PostgreSQL) {version}")).unwrap();
            assert_eq!(said.dumps_safely(), safe, "{version}");
        }
    }
}
