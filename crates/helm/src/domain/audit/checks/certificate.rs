//! The certificate of the gateway.

use chrono::TimeDelta;

use super::{Check, Facts, Subject};
use crate::domain::{audit::Severity, certificate};

/// What the gateway shows to browsers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Certificate {
    /// There is none on this machine, such as before the first start.
    #[default]
    Missing,
    /// Whoever looks may not read it.
    Closed,
    /// There is one that nobody can use, in words.
    Broken(String),
    /// It was read.
    Read(certificate::Certificate),
}

const SOON: TimeDelta = TimeDelta::days(14);
const BEFORE_LONG: TimeDelta = TimeDelta::days(30);

pub(super) fn expiry(facts: &Facts) -> Check {
    let subject = Subject {
        id: "certificate_expiry",
        title: "Certificate's age",
        why: "With a certificate that has ended browsers refuse the suite, and people learn to click warnings away.",
        fix: "Renew it and put it in place of certs/nexus.crt and certs/nexus.key; the gateway takes it without a restart.",
    };
    let Certificate::Read(certificate) = &facts.certificate else { return unread(&subject, facts) };
    let left = certificate.not_after - facts.now;
    let age = (facts.now - certificate.not_before).num_days();
    let since = certificate.not_before.format("%Y-%m-%d");
    let until = certificate.not_after.format("%Y-%m-%d");
    match () {
        () if certificate.not_before > facts.now => {
            subject.found(Severity::High, format!("It is valid from {since} only."))
        }
        () if left <= TimeDelta::zero() => subject.found(Severity::High, format!("It ended on {until}.")),
        () if left < SOON => {
            subject.found(Severity::Medium, format!("It ends in {}, on {until}.", days(left.num_days())))
        }
        () if left < BEFORE_LONG => {
            subject.found(Severity::Low, format!("It ends in {}, on {until}.", days(left.num_days())))
        }
        () => subject.ok(format!("Valid since {since} ({}), until {until}.", days(age))),
    }
}

fn days(number: i64) -> String {
    if number == 1 { "1 day".to_owned() } else { format!("{number} days") }
}

pub(super) fn trust(facts: &Facts) -> Check {
    let subject = Subject {
        id: "certificate_trust",
        title: "Certificate's issuer",
        why: "Nobody outside can tell a certificate that the suite made itself from one of an attacker.",
        fix: "Get one for the public name of the suite, such as from Let's Encrypt.",
    };
    match &facts.certificate {
        Certificate::Read(certificate) if certificate.is_self_made => {
            subject.found(Severity::Low, format!("{} was made by the suite itself.", certificate.subject))
        }
        Certificate::Read(certificate) => {
            subject.ok(format!("{} vouches for {}.", certificate.issuer, certificate.subject))
        }
        _ => unread(&subject, facts),
    }
}

fn unread(subject: &Subject, facts: &Facts) -> Check {
    match &facts.certificate {
        Certificate::Closed => subject.closed("Its file is closed to the account that looks."),
        Certificate::Broken(reason) => subject.found(Severity::High, format!("It cannot be used: {reason}.")),
        _ => subject.not_installed("The gateway has no certificate on this machine."),
    }
}
