//! What a service could do to the machine if somebody took it over.

use super::{Check, Facts, Subject};
use crate::domain::audit::Severity;

/// A systemd unit of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Name, such as `hivematrix-core.service`.
    pub name: String,
    /// Settings that it lacks.
    pub missing: Vec<&'static str>,
}

/// What is known of the assistant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Brainhair {
    /// The registry has none, or it runs elsewhere.
    #[default]
    NotInstalled,
    /// It runs here.
    Here {
        /// Whether the kernel offers Landlock; `None` where it does not say.
        landlock: Option<bool>,
    },
}

/// What every unit has to have; with a list of values any of them is right.
const HARDENING: [(&str, &[&str]); 5] = [
    ("NoNewPrivileges", &["yes", "true", "1", "on"]),
    ("PrivateTmp", &["yes", "true", "1", "on"]),
    ("ProtectSystem", &["strict", "full"]),
    ("ProtectHome", &["yes", "true", "1", "on", "read-only", "tmpfs"]),
    ("CapabilityBoundingSet", &[]),
];

/// What the text of a unit file lacks. The last of several lines counts, as it does for systemd.
#[must_use]
pub fn missing_hardening(unit: &str) -> Vec<&'static str> {
    let value = |name: &str| {
        unit.lines()
            .filter_map(|line| line.trim().split_once('='))
            .filter(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim())
            .next_back()
    };
    let lacks = |(name, right): &&(&'static str, &[&str])| match value(name) {
        None => true,
        Some(value) => !right.is_empty() && !right.contains(&value.to_ascii_lowercase().as_str()),
    };
    let mut missing: Vec<&'static str> = HARDENING.iter().filter(lacks).map(|(name, _)| *name).collect();
    let has_user = value("DynamicUser").is_some_and(|value| value == "yes" || value == "true")
        || value("User").is_some_and(|user| !user.is_empty() && user != "root" && user != "0");
    if !has_user {
        missing.insert(0, "User");
    }
    missing
}

pub(super) fn root(facts: &Facts) -> Check {
    let subject = Subject {
        id: "root",
        title: "Account of the services",
        why: "Who takes over a service that runs as root has the machine.",
        fix: "Run the suite under an account of its own.",
    };
    match facts.is_root {
        false => subject.ok("The suite does not run as root."),
        true => subject.found(Severity::Medium, "The suite runs as root."),
    }
}

pub(super) fn units(facts: &Facts) -> Check {
    let subject = Subject {
        id: "unit_hardening",
        title: "systemd units",
        why: "systemd keeps a service that was taken over away from other users' files and from new rights.",
        fix: "Put the suite's own units in place again, or add the settings with `systemctl edit`.",
    };
    let open: Vec<String> = facts
        .units
        .iter()
        .filter(|unit| !unit.missing.is_empty())
        .map(|unit| format!("{} lacks {}", unit.name, unit.missing.join(", ")))
        .collect();
    match (facts.units.is_empty(), open.is_empty()) {
        (true, _) => {
            subject.not_installed("No unit of the suite is installed; Helm runs the services itself.")
        }
        (false, true) => subject.ok(format!("All {} units are hardened.", facts.units.len())),
        (false, false) => subject.found(Severity::Medium, format!("{}.", open.join("; "))),
    }
}

pub(super) fn brainhair(facts: &Facts) -> Check {
    let subject = Subject {
        id: "brainhair_isolation",
        title: "Isolation of the assistant",
        why: "What an assistant reads may tell it to send data out; its tools must reach nothing but the suite.",
        fix: "Run a kernel with Landlock, and give the assistant an account of its own.",
    };
    match facts.brainhair {
        Brainhair::NotInstalled => subject.not_installed("Brainhair is not installed on this machine."),
        Brainhair::Here { .. } if facts.is_root => subject
            .found(Severity::Medium, "Brainhair runs as root, so its child needs an account of its own."),
        Brainhair::Here { landlock: Some(false) } => {
            subject.found(Severity::Medium, "The kernel offers no Landlock to keep its child in its folder.")
        }
        Brainhair::Here { landlock: None } => {
            // Root is told no more.
            subject.found(Severity::Low, "The kernel does not say whether it offers Landlock.")
        }
        Brainhair::Here { landlock: Some(true) } => {
            subject.ok("The kernel offers Landlock, and Brainhair does not run as root.")
        }
    }
}
