//! Whether the gateway's certificate is good for the addresses people use.

use chrono::{DateTime, TimeDelta, Utc};

use super::Finding;
use crate::domain::certificate::Certificate;

const WHY: &str = "browsers refuse the gateway, and nobody can sign in";

/// Looks at times and names. `hosts` are those of the public addresses, the main one first.
#[must_use]
pub fn examine(path: &str, certificate: &Certificate, hosts: &[String], now: DateTime<Utc>) -> Vec<Finding> {
    let replace =
        format!("put a new certificate and its key in the place of {path} and `helm restart nexus`");
    let mut findings = Vec::new();
    if now < certificate.not_before {
        let message = format!("{path} is valid only from {}", certificate.not_before);
        findings.push(Finding::problem("certificate", message, WHY, "set the clock (timedatectl), or wait"));
    } else if now >= certificate.not_after {
        let message = format!("{path} expired on {}", certificate.not_after);
        findings.push(Finding::problem("certificate", message, WHY, replace.clone()));
    } else if certificate.not_after - now < TimeDelta::days(14) {
        let days = (certificate.not_after - now).num_days();
        let message = format!("{path} expires in {days} days");
        findings.push(Finding::warning("certificate", message, WHY, replace.clone()));
    }
    // People come by the main address; the other names of the machine are a convenience.
    if let Some(main) = hosts.first()
        && !certificate.names.iter().any(|name| covers(name, main))
    {
        let message = format!("{path} is not for {main}, but for {}", certificate.names.join(", "));
        findings.push(Finding::problem("certificate", message, WHY, replace));
    }
    if findings.is_empty() {
        let message = format!("{path} is valid until {}", certificate.not_after.date_naive());
        findings.push(Finding::ok("certificate", message));
    }
    findings
}

/// Whether a name of a certificate covers a host; a star stands for one label.
fn covers(name: &str, host: &str) -> bool {
    let (name, host) = (name.to_ascii_lowercase(), host.to_ascii_lowercase());
    match name.strip_prefix("*.") {
        Some(domain) => host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == domain),
        None => name == host,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn certificate(names: &[&str]) -> Certificate {
        Certificate {
            not_before: at("2025-01-01T00:00:00Z"),
            not_after: at("2025-12-31T00:00:00Z"),
            subject: "CN=x".to_owned(),
            issuer: "CN=x".to_owned(),
            is_self_made: true,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn time_decides() {
        for (now, severity, word) in [
            ("2024-12-31T23:59:59Z", Severity::Problem, "valid only from"),
            ("2025-01-01T00:00:00Z", Severity::Ok, "valid until"),
            ("2025-12-20T00:00:00Z", Severity::Warning, "expires in 11 days"),
            ("2025-12-31T00:00:00Z", Severity::Problem, "expired"),
        ] {
            let found = examine("x", &certificate(&["h.example"]), &["h.example".to_owned()], at(now));
            assert_eq!((found.len(), found[0].severity), (1, severity), "{now}");
            assert!(found[0].message.contains(word), "{}", found[0].message);
        }
    }

    #[test]
    fn the_name_decides() {
        for (name, host, good) in [
            ("help.example.com", "help.example.com", true),
            ("*.example.com", "help.example.com", true),
            ("*.example.com", "a.help.example.com", false),
            ("*.example.com", "example.com", false),
            ("example.com", "help.example.com", false),
            ("HELP.example.com", "help.EXAMPLE.com", true),
            ("10.0.0.5", "10.0.0.5", true),
        ] {
            let found = examine("x", &certificate(&[name]), &[host.to_owned()], at("2025-06-01T00:00:00Z"));
            assert_eq!(found[0].severity == Severity::Ok, good, "{name} {host}");
        }
    }
}
