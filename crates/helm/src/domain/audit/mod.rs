//! The security audit (helm.md §9): pure rules over facts that `inspect` has collected.

pub mod checks;
pub mod firewall;
pub mod services;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use self::{
    checks::{Check, Facts, Status},
    firewall::{Firewall, FirewallStatus},
    services::{Item, Watched},
};
use super::sockets::Listener;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing to do.
    #[default]
    None,
    /// Worth a look.
    Low,
    /// To be mended.
    Medium,
    /// To be mended today.
    High,
    /// To be mended now.
    Critical,
}

impl Severity {
    /// The word of the findings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Everything the rules look at.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// Services and how far each may be reached.
    pub watched: Vec<Watched>,
    /// Every listening TCP socket.
    pub listeners: Vec<Listener>,
    /// Its firewall.
    pub firewall: Firewall,
    /// What the further checks look at.
    pub facts: Facts,
}

/// What an audit found: the object of `GET /api/security/audit`, with our own checks beside the contract's members.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct Findings {
    /// Reachable from outside, and meant for this machine only.
    pub exposed_services: Vec<Item>,
    /// Reachable but for the firewall.
    pub firewall_protected: Vec<Item>,
    /// Reachable, and meant to be behind a firewall.
    pub firewall_required: Vec<Item>,
    /// As they should be.
    pub secure_services: Vec<Item>,
    /// Nothing listens.
    pub not_running: Vec<Item>,
    /// Other than expected, without danger.
    pub unknown_services: Vec<Item>,
    /// The firewall.
    pub firewall_status: FirewallStatus,
    /// `high` when something is exposed, else `medium` when a firewall is required, else `low` when something is unknown, else `none`.
    pub severity: Severity,
    /// What else was looked at, with why it matters and what mends it.
    pub further_checks: Vec<Check>,
    /// The worst of everything, the further checks included.
    pub overall_severity: Severity,
}

impl Findings {
    /// How many services and further checks were looked at.
    #[must_use]
    pub fn checked(&self) -> usize {
        [
            &self.exposed_services,
            &self.firewall_protected,
            &self.firewall_required,
            &self.secure_services,
            &self.not_running,
            &self.unknown_services,
        ]
        .map(Vec::len)
        .iter()
        .sum::<usize>()
            + self.further_checks.len()
    }

    /// Further checks that found something.
    #[must_use]
    pub fn open_checks(&self) -> usize {
        let is_open = |check: &&Check| check.severity > Severity::None && check.status != Status::Unknown;
        self.further_checks.iter().filter(is_open).count()
    }

    /// Further checks that looked at nothing, since the account that asked may not.
    pub fn unseen(&self) -> impl Iterator<Item = &Check> {
        self.further_checks.iter().filter(|check| check.status == Status::Unknown)
    }

    /// All of it in one sentence.
    #[must_use]
    pub fn summary(&self) -> String {
        let counted = |number: usize, one: &str, many: &str| match number {
            1 => format!("1 {one}"),
            number => format!("{number} {many}"),
        };
        let parts: Vec<String> = [
            (self.exposed_services.len(), "service is exposed", "services are exposed"),
            (self.firewall_required.len(), "service needs a firewall", "services need a firewall"),
            (self.unknown_services.len(), "service is not as expected", "services are not as expected"),
            (self.open_checks(), "further check found something", "further checks found something"),
            (self.unseen().count(), "check could not look", "checks could not look"),
        ]
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| counted(number, one, many))
        .collect();
        match parts.is_empty() {
            true => "Nothing was found that needs mending.".to_owned(),
            false => format!("{}.", parts.join(", ")),
        }
    }
}

/// Applies all rules.
#[must_use]
pub fn audit(machine: &Machine) -> Findings {
    let mut findings = services::classify(machine);
    findings.further_checks = checks::all(machine);
    let worst = findings.further_checks.iter().map(|check| check.severity).max().unwrap_or_default();
    findings.overall_severity = findings.severity.max(worst);
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_all_is_the_overall_severity() {
        let findings = audit(&Machine::default());
        assert_eq!(findings.severity, Severity::None);
        assert!(findings.overall_severity >= Severity::Medium, "no firewall is known: {findings:?}");
        assert!(findings.summary().contains("found something"), "{}", findings.summary());
    }

    #[test]
    fn a_kept_check_that_looked_at_nothing_counts_as_that_alone() {
        let check = |status: &str, severity: &str| serde_json::json!({"id": "x", "title": "x", "status": status, "severity": severity, "detail": "", "why": "", "fix": ""});
        let kept = serde_json::json!({"further_checks": [check("unknown", "none"), check("found", "low")]});
        let findings: Findings = serde_json::from_value(kept).unwrap();
        assert_eq!((findings.open_checks(), findings.unseen().count()), (1, 1));
        assert_eq!(findings.summary(), "1 further check found something, 1 check could not look.");
    }
}
