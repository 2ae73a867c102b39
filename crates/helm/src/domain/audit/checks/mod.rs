//! What else is looked at, beside where the services listen. Each check says why it matters and what mends it.

mod bills;
mod certificate;
mod isolation;
mod network;
mod secrets;
mod settings;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::{
    bills::{Archive, Mail},
    certificate::Certificate,
    isolation::{Brainhair, Unit, missing_hardening},
    network::{Place, Server},
    secrets::{FileMode, weakness},
};
use super::{Machine, Severity};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// To be mended.
    Found,
    /// Closed to the account that looks; root sees it.
    Unknown,
    /// What it looks at is not there.
    NotInstalled,
}

impl Status {
    /// For people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Found => "To be mended",
            Self::Unknown => "Not looked at",
            Self::NotInstalled => "Not installed",
        }
    }
}

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// Its name, always the same.
    pub id: String,
    /// What is looked at.
    pub title: String,
    /// How it ended.
    pub status: Status,
    /// How much that matters.
    pub severity: Severity,
    /// What was found, in words.
    pub detail: String,
    /// Why it matters.
    pub why: String,
    /// What mends it.
    pub fix: String,
}

/// What helps where the account that looks may not.
const AS_ROOT: &str = "Run `sudo helm audit` on the machine.";

/// What a check looks at and why, before it has looked.
struct Subject {
    id: &'static str,
    title: &'static str,
    why: &'static str,
    fix: &'static str,
}

impl Subject {
    fn check(&self, status: Status, severity: Severity, detail: impl Into<String>) -> Check {
        Check {
            id: self.id.to_owned(),
            title: self.title.to_owned(),
            status,
            severity,
            detail: detail.into(),
            why: self.why.to_owned(),
            fix: self.fix.to_owned(),
        }
    }

    fn ok(&self, detail: impl Into<String>) -> Check {
        self.check(Status::Ok, Severity::None, detail)
    }

    fn found(&self, severity: Severity, detail: impl Into<String>) -> Check {
        self.check(Status::Found, severity, detail)
    }

    /// Nothing is known to be wrong, so nothing else is to be done than to look, as somebody who may.
    fn closed(&self, detail: impl Into<String>) -> Check {
        Check { fix: AS_ROOT.to_owned(), ..self.check(Status::Unknown, Severity::Low, detail) }
    }

    fn not_installed(&self, detail: impl Into<String>) -> Check {
        self.check(Status::NotInstalled, Severity::None, detail)
    }
}

/// What the checks look at. It holds no secret, only what is wrong with one.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// When the facts were collected.
    pub now: DateTime<Utc>,
    /// PostgreSQL, Redis and Neo4j, where the suite uses them.
    pub servers: Vec<Server>,
    /// Files and folders that are for their owner only.
    pub modes: Vec<FileMode>,
    /// Secrets that can be guessed: name and reason.
    pub weak_secrets: Vec<(String, &'static str)>,
    /// The certificate of the gateway.
    pub certificate: Certificate,
    /// Services of the registry with `"pages": "compat"`.
    pub compat_pages: Vec<String>,
    /// `HIVEMATRIX_RATE_LIMIT_SCALE`, where it is set.
    pub rate_limit_scale: Option<String>,
    /// Compatibility switches that are on.
    pub open_switches: Vec<String>,
    /// `VERIFY_SSL` is off.
    pub tls_unverified: bool,
    /// The instance is a demo.
    pub is_demo: bool,
    /// The services run as root.
    pub is_root: bool,
    /// The systemd units of the suite.
    pub units: Vec<Unit>,
    /// The assistant.
    pub brainhair: Brainhair,
    /// What Ledger has archived.
    pub archive: Archive,
    /// How it sends invoices.
    pub mail: Mail,
    /// What could not be read, in words.
    pub unread: Vec<String>,
}

/// All checks, in the order of the page.
pub(super) fn all(machine: &Machine) -> Vec<Check> {
    let facts = &machine.facts;
    let mut checks = vec![network::firewall(&machine.firewall)];
    checks.extend(network::bindings(facts, &machine.listeners));
    checks.extend(network::connections(facts));
    checks.extend([
        secrets::modes(facts),
        secrets::weak(facts),
        certificate::expiry(facts),
        certificate::trust(facts),
        settings::compat_pages(facts),
        settings::rate_limits(facts),
        settings::switches(facts),
        settings::verification(facts),
        settings::demo(facts),
        isolation::root(facts),
        isolation::units(facts),
        isolation::brainhair(facts),
        bills::archive(facts),
        bills::mail(facts),
    ]);
    if !facts.unread.is_empty() {
        let subject = Subject {
            id: "unread",
            title: "Closed files",
            why: "What cannot be read cannot be judged.",
            fix: AS_ROOT,
        };
        checks.push(subject.closed(facts.unread.join("; ")));
    }
    checks
}

#[cfg(test)]
mod tests;
