//! Packages of this machine, by the names that they have in its distribution.

use std::path::Path;

/// A package, by its names in the distributions.
pub struct Package<'a> {
    /// Debian and Ubuntu.
    pub debian: &'a str,
    /// Fedora and its relatives.
    pub fedora: &'a str,
}

impl Package<'static> {
    /// The server that keeps the data.
    pub const POSTGRESQL: Self = Self { debian: "postgresql", fedora: "postgresql-server" };
    /// The server that keeps sessions.
    pub const REDIS: Self = Self { debian: "redis-server", fedora: "redis" };
}

impl Package<'_> {
    /// The command of this machine's package manager that installs it.
    #[must_use]
    pub fn command(&self) -> String {
        if Path::new("/usr/bin/dnf").exists() {
            format!("dnf install {}", self.fedora)
        } else {
            format!("apt-get install {}", self.debian)
        }
    }
}
