use serde_json::{Value, json};

use super::*;
use crate::domain::{
    audit::firewall::{Firewall, Rules, ufw::Ufw},
    certificate::Certificate as Shown,
    sockets::Listener,
};

fn machine() -> Machine {
    let at = |text: &str| text.parse().unwrap();
    Machine {
        firewall: Firewall {
            rules: vec![Rules::Ufw(Ufw::read("Status: active\nDefault: deny (incoming)\n"))],
            silent: Vec::new(),
        },
        facts: Facts {
            now: at("2025-11-22T10:30:00Z"),
            servers: vec![
                Server { name: "PostgreSQL", place: Place::Here(5442) },
                Server { name: "Redis", place: Place::Here(6389) },
                Server { name: "Neo4j", place: Place::Unused },
            ],
            modes: vec![mode("core/keys/jwt_private.pem", 0o600, true)],
            certificate: Certificate::Read(presented("2025-11-01T00:00:00Z", "2026-11-01T00:00:00Z", false)),
            ..Facts::default()
        },
        ..Machine::default()
    }
}

fn mode(path: &str, mode: u32, is_secret: bool) -> FileMode {
    FileMode { path: path.into(), mode, is_secret, is_folder: false }
}

fn presented(from: &str, until: &str, is_self_made: bool) -> Shown {
    Shown {
        names: Vec::new(),
        subject: "CN=msp.example".into(),
        issuer: "CN=CA".into(),
        not_before: from.parse().unwrap(),
        not_after: until.parse().unwrap(),
        is_self_made,
    }
}

/// Status, severity and detail of a check.
fn told(machine: &Machine, id: &str) -> (Value, Value, String) {
    let check = all(machine).into_iter().find(|check| check.id == id).unwrap();
    (json!(check.status), json!(check.severity), check.detail)
}

fn is(machine: &Machine, id: &str, status: &str, severity: &str, words: &str) {
    let (found_status, found_severity, detail) = told(machine, id);
    assert_eq!((found_status, found_severity), (json!(status), json!(severity)), "{id}: {detail}");
    assert!(detail.contains(words), "{id}: {detail}");
}

#[test]
fn a_machine_in_order_has_nothing_to_mend() {
    for check in all(&machine()) {
        assert!(matches!(check.status, Status::Ok | Status::NotInstalled), "{check:?}");
        assert_eq!(check.severity, Severity::None, "{check:?}");
        assert!(!check.why.is_empty() && !check.fix.is_empty(), "{check:?}");
    }
}

#[test]
fn what_a_firewall_lets_in_is_told() {
    let mut machine = machine();
    machine.firewall.rules = vec![Rules::Ufw(Ufw::read("Status: active\nDefault: allow (incoming)\n"))];
    is(&machine, "firewall", "found", "medium", "lets in");
    machine.firewall = Firewall { rules: Vec::new(), silent: vec!["ufw".into()] };
    is(&machine, "firewall", "unknown", "low", "cannot be asked without root");
    machine.firewall.silent.clear();
    is(&machine, "firewall", "found", "medium", "No firewall");
}

#[test]
fn a_server_is_for_this_machine_only() {
    let mut machine = machine();
    let listener = |at: &str| Listener { at: at.parse().unwrap(), inode: 0 };
    machine.listeners = vec![listener("127.0.0.1:5442"), listener("0.0.0.0:6389")];
    is(&machine, "postgresql_binding", "ok", "none", "this machine only");
    is(&machine, "redis_binding", "found", "high", "0.0.0.0:6389");
    is(&machine, "neo4j_binding", "not_installed", "none", "no Neo4j");
    let elsewhere = |encrypted| Place::Elsewhere { host: "db.example".into(), encrypted };
    machine.facts.servers[0].place = elsewhere(false);
    is(&machine, "postgresql_binding", "ok", "none", "db.example");
    is(&machine, "server_connections", "found", "medium", "PostgreSQL on db.example");
    machine.facts.servers[0].place = elsewhere(true);
    is(&machine, "server_connections", "ok", "none", "Encrypted");
}

#[test]
fn files_are_for_their_owner_only() {
    for (mode_bits, is_secret, is_folder, status, severity) in [
        (0o600, true, false, "ok", "none"),
        (0o400, true, false, "ok", "none"),
        (0o640, true, false, "found", "high"),
        (0o604, false, false, "found", "medium"),
        (0o711, false, true, "ok", "none"),
        (0o755, false, true, "found", "medium"),
    ] {
        let mut machine = machine();
        machine.facts.modes = vec![FileMode { is_folder, ..mode("helm/secrets.json", mode_bits, is_secret) }];
        let words = if status == "ok" { "closed" } else { "helm/secrets.json" };
        is(&machine, "file_modes", status, severity, words);
    }
}

#[test]
fn secrets_that_anybody_would_try_are_weak() {
    for (value, is_weak) in [
        ("admin", true),
        ("Password123!", true),
        ("CHANGE_ME", true),
        ("", true),
        ("aaaaaaaaaaaaaaaaaaaa", true),
        ("k3-Wx!9", true),
        ("correct horse battery", false),
        ("6f1d2c3b4a59687765544332", false),
    ] {
        assert_eq!(weakness(value).is_some(), is_weak, "{value}");
    }
    let mut machine = machine();
    machine.facts.weak_secrets = vec![("REDIS_URL".into(), "it is empty")];
    is(&machine, "weak_secrets", "found", "high", "REDIS_URL: it is empty");
}

#[test]
fn a_certificate_is_told_before_it_ends() {
    for (from, until, status, severity, words) in [
        ("2025-11-01T00:00:00Z", "2026-11-01T00:00:00Z", "ok", "none", "since 2025-11-01 (21 days)"),
        ("2025-11-01T00:00:00Z", "2025-12-20T00:00:00Z", "found", "low", "27 days"),
        ("2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z", "found", "medium", "8 days"),
        ("2025-11-01T00:00:00Z", "2025-11-22T10:00:00Z", "found", "high", "ended on 2025-11-22"),
        ("2025-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "found", "high", "from 2025-12-01"),
    ] {
        let mut machine = machine();
        machine.facts.certificate = Certificate::Read(presented(from, until, true));
        is(&machine, "certificate_expiry", status, severity, words);
        is(&machine, "certificate_trust", "found", "low", "itself");
    }
    let mut machine = machine();
    machine.facts.certificate = Certificate::Broken("it is no PEM".into());
    is(&machine, "certificate_expiry", "found", "high", "no PEM");
    machine.facts.certificate = Certificate::Closed;
    is(&machine, "certificate_expiry", "unknown", "low", "closed");
}

#[test]
fn root_is_called_only_where_root_sees_more() {
    let mut machine = machine();
    machine.firewall = Firewall { rules: Vec::new(), silent: vec!["ufw".into()] };
    machine.facts.modes.clear();
    machine.facts.unread = vec!["settings.env: permission denied".into()];
    machine.facts.brainhair = Brainhair::Here { landlock: None };
    machine.facts.certificate = Certificate::Broken("it is no PEM".into());
    let found = crate::domain::audit::audit(&machine);
    let unseen: Vec<&str> = found.unseen().map(|check| check.id.as_str()).collect();
    assert_eq!(unseen, ["firewall", "file_modes", "unread"]);
    for check in &found.further_checks {
        assert_eq!(check.fix == AS_ROOT, check.status == Status::Unknown, "{check:?}");
    }
    assert_eq!(found.open_checks(), 3, "certificate twice, Landlock: {found:?}");
}

#[test]
fn settings_that_open_something_are_told() {
    let mut machine = machine();
    let facts = &mut machine.facts;
    facts.compat_pages = vec!["brainhair".into()];
    facts.rate_limit_scale = Some("100".into());
    facts.open_switches = vec!["HIVEMATRIX_COMPAT_SERVICE_WRITES".into()];
    facts.tls_unverified = true;
    facts.is_demo = true;
    facts.is_root = true;
    facts.unread = vec!["settings.env: permission denied".into()];
    for (id, severity, words) in [
        ("compat_pages", "low", "brainhair"),
        ("rate_limit_scale", "medium", "is 100"),
        ("compat_switches", "high", "HIVEMATRIX_COMPAT_SERVICE_WRITES"),
        ("tls_verification", "high", "VERIFY_SSL"),
        ("demo", "medium", "demo"),
        ("root", "medium", "root"),
    ] {
        is(&machine, id, "found", severity, words);
    }
    is(&machine, "unread", "unknown", "low", "permission denied");
    machine.facts.rate_limit_scale = Some("1.0".into());
    is(&machine, "rate_limit_scale", "ok", "none", "documented");
}

#[test]
fn units_are_hardened_as_their_last_lines_say() {
    let hardened = "[Service]\nUser=hivematrix\nNoNewPrivileges=yes\nPrivateTmp=true\nProtectSystem=strict\nProtectHome=yes\nCapabilityBoundingSet=\n";
    assert_eq!(missing_hardening(hardened), Vec::<&str>::new());
    assert_eq!(
        missing_hardening(&format!("{hardened}NoNewPrivileges=no\nUser=root\n")),
        ["User", "NoNewPrivileges"]
    );
    assert_eq!(missing_hardening("[Service]\n").len(), 6);
    let mut machine = machine();
    is(&machine, "unit_hardening", "not_installed", "none", "Helm runs");
    machine.facts.units = vec![Unit { name: "hivematrix-core.service".into(), missing: vec!["PrivateTmp"] }];
    is(&machine, "unit_hardening", "found", "medium", "hivematrix-core.service lacks PrivateTmp");
}

#[test]
fn of_the_assistant_is_told_what_can_be_known() {
    let mut machine = machine();
    is(&machine, "brainhair_isolation", "not_installed", "none", "not installed");
    for (landlock, is_root, status, severity) in [
        (Some(true), false, "ok", "none"),
        (Some(false), false, "found", "medium"),
        (None, false, "found", "low"),
        (Some(true), true, "found", "medium"),
    ] {
        machine.facts.brainhair = Brainhair::Here { landlock };
        machine.facts.is_root = is_root;
        is(&machine, "brainhair_isolation", status, severity, "");
    }
}

#[test]
fn an_archive_that_can_be_changed_is_critical_and_one_that_cannot_be_asked_is_not_judged() {
    let of =
        |archive: Archive| Machine { facts: Facts { archive, ..Facts::default() }, ..Machine::default() };
    is(&of(Archive::NotThere), "ledger_archive", "not_installed", "none", "no archive");
    is(&of(Archive::Open(Vec::new())), "ledger_archive", "ok", "none", "refuses");
    is(
        &of(Archive::Unasked("it does not answer".into())),
        "ledger_archive",
        "unknown",
        "low",
        "does not answer",
    );
    let open = of(Archive::Open(vec!["billing_snapshots".into(), "credit_notes".into()]));
    is(
        &open,
        "ledger_archive",
        "found",
        "critical",
        "Rows of billing_snapshots, credit_notes can be changed",
    );
}

#[test]
fn invoices_that_are_mailed_in_the_open_are_told() {
    let of = |mail: Mail| Machine { facts: Facts { mail, ..Facts::default() }, ..Machine::default() };
    is(&of(Mail::Off), "ledger_mail", "not_installed", "none", "No mail server");
    is(&of(Mail::Closed), "ledger_mail", "ok", "none", "encrypted");
    is(&of(Mail::Open { with_password: false }), "ledger_mail", "found", "medium", "SMTP_SECURITY is none");
    is(&of(Mail::Open { with_password: true }), "ledger_mail", "found", "high", "SMTP_SECURITY is none");
}
