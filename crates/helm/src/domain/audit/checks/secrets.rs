//! Files that are for their owner only, and secrets that can be guessed.

use super::{Check, Facts, Subject};
use crate::domain::audit::Severity;

/// A file or folder that is for its owner only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMode {
    /// Where it lies, below the instance directory.
    pub path: String,
    /// Its permission bits.
    pub mode: u32,
    /// Whether it holds a key or a password.
    pub is_secret: bool,
    /// Whether it is a folder, through which others may pass without looking around.
    pub is_folder: bool,
}

impl FileMode {
    /// Bits that somebody else must not have.
    const fn too_much(&self) -> u32 {
        self.mode & if self.is_folder { 0o066 } else { 0o077 }
    }
}

/// Findings that are told one by one.
const NAMED: usize = 8;
/// Shortest generated secret or password that cannot be tried out.
const SHORTEST: usize = 12;
/// Values that stand in examples and manuals.
const DEFAULTS: [&str; 14] = [
    "admin",
    "password",
    "changeme",
    "change_me",
    "change-me",
    "secret",
    "default",
    "postgres",
    "redis",
    "neo4j",
    "hivematrix",
    "root",
    "test",
    "demo",
];

/// Why a secret can be guessed; `None` when it cannot.
#[must_use]
pub fn weakness(value: &str) -> Option<&'static str> {
    let small = value.trim().to_ascii_lowercase();
    let stem = small.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '!' | '.' | '_' | '-'));
    let mut letters = small.chars();
    let first = letters.next();
    match () {
        () if small.is_empty() => Some("it is empty"),
        () if DEFAULTS.contains(&small.as_str()) || DEFAULTS.contains(&stem) => Some("it is a default"),
        () if letters.all(|letter| Some(letter) == first) => Some("it is one letter over and over"),
        () if value.chars().count() < SHORTEST => Some("it is shorter than 12 characters"),
        () => None,
    }
}

pub(super) fn modes(facts: &Facts) -> Check {
    let subject = Subject {
        id: "file_modes",
        title: "Keys and settings on disk",
        why: "Whoever reads a key or a settings file signs tokens or opens databases as the suite does.",
        fix: "chmod 600 for each file, chmod 700 for each folder.",
    };
    let open: Vec<&FileMode> = facts.modes.iter().filter(|file| file.too_much() != 0).collect();
    if open.is_empty() {
        return match facts.modes.len() {
            0 => subject.closed("No file of the suite could be looked at."),
            all if facts.unread.is_empty() => {
                subject.ok(format!("All {all} files and folders are closed to others."))
            }
            all => subject.ok(format!(
                "The {all} files and folders that could be looked at are closed to others; see Closed files."
            )),
        };
    }
    let is_grave = open.iter().any(|file| file.is_secret);
    let mut told: Vec<String> =
        open.iter().take(NAMED).map(|file| format!("{} ({:04o})", file.path, file.mode)).collect();
    if open.len() > NAMED {
        told.push(format!("and {} more", open.len() - NAMED));
    }
    let severity = if is_grave { Severity::High } else { Severity::Medium };
    subject.found(severity, format!("Open to others: {}.", told.join(", ")))
}

pub(super) fn weak(facts: &Facts) -> Check {
    let subject = Subject {
        id: "weak_secrets",
        title: "Passwords and secrets",
        why: "Defaults and short passwords are the first that anybody tries.",
        fix: "Set a new one of at least 12 characters where it is set, then run `helm up`.",
    };
    if facts.weak_secrets.is_empty() {
        return subject.ok("None of the secrets that the suite is given can be guessed.");
    }
    let told: Vec<String> =
        facts.weak_secrets.iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
    subject.found(Severity::High, format!("{}.", told.join("; ")))
}
