//! Ledger's data: whether what is archived stays as it is, and how invoices are sent.

use super::{Check, Facts, Subject};
use crate::domain::audit::Severity;

/// How the database keeps what Ledger has archived.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Archive {
    /// There is no archive here of this suite.
    #[default]
    NotThere,
    /// The database could not be asked.
    Unasked(String),
    /// Tables whose rows can be changed or removed.
    Open(Vec<String>),
}

/// How invoices are sent by mail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mail {
    /// By nobody.
    #[default]
    Off,
    /// On this machine, or encrypted.
    Closed,
    /// In the open to another machine; with a name and password, or not.
    Open {
        /// Whether a password goes with it.
        with_password: bool,
    },
}

pub(super) fn archive(facts: &Facts) -> Check {
    let subject = Subject {
        id: "ledger_archive",
        title: "Archived bills",
        why: "An invoice that was sent could become another one, and nobody would see it.",
        fix: "`hivematrix-ledger verify` says whether something was changed; the triggers come back with `helm restore` of a backup from before.",
    };
    match &facts.archive {
        Archive::NotThere => subject.not_installed("Ledger keeps no archive in a database of this suite."),
        Archive::Unasked(why) => subject.closed(format!("Ledger's database could not be asked: {why}.")),
        Archive::Open(tables) if tables.is_empty() => {
            subject.ok("The database refuses to change or remove what is archived.")
        }
        Archive::Open(tables) => subject.found(
            Severity::Critical,
            format!(
                "Rows of {} can be changed or removed: their triggers are gone or off.",
                tables.join(", ")
            ),
        ),
    }
}

pub(super) fn mail(facts: &Facts) -> Check {
    let subject = Subject {
        id: "ledger_mail",
        title: "Invoices by mail",
        why: "Who stands between this machine and the mail server reads the invoices, and the password that goes with them.",
        fix: "Set SMTP_SECURITY to starttls or tls and run `helm up`.",
    };
    match facts.mail {
        Mail::Off => subject.not_installed("No mail server is set."),
        Mail::Closed => subject.ok("They are sent encrypted, or to this machine."),
        Mail::Open { with_password } => subject.found(
            if with_password { Severity::High } else { Severity::Medium },
            "SMTP_SECURITY is none, and the mail server is another machine.",
        ),
    }
}
