//! The security audit: run, told, kept, and the firewall scripts to look at.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    extract::{LenientQuery, Path},
    pages::{Page, format::iso_z},
    problem::{Problem, Result},
};
use http::header;
use serde::Deserialize;

use super::render;
use crate::{
    ServeState,
    domain::{
        audit::{Findings, Severity, checks::Status, services::Item},
        firewall_script::Kind,
        status::uptime_text,
    },
    routes::{
        access::{AdminUser, Author, OwnForm},
        api::security::{keep_findings, page as kept_page, script_of},
    },
    store::security_audits::{self, KeptAudit},
};

/// Audits listed on a page.
const LISTED: i64 = 10;

/// What every installation should have done (helm.md §3): title and advice.
const CHECKLIST: [(&str, &str); 10] = [
    ("Services on localhost", "All services but the gateway listen on 127.0.0.1 only."),
    ("Firewall on", "Only SSH and the gateway's port are open; the scripts above see to it."),
    ("Keycloak's admin password", "The bootstrap administrator has a password of its own, or is gone."),
    ("HiveMatrix admin password", "The first password of admin was changed at the first sign-in."),
    ("A real certificate", "Issued for the suite's public name, and renewed by itself."),
    ("Brute-force detection", "On in the realm; Core's own realm always has it."),
    ("fail2ban", "Installed and watching SSH."),
    ("Updates of the system", "Security updates are installed by themselves."),
    ("Backups of the databases", "Made every day, kept elsewhere, and restored once to see that it works."),
    ("A look at the logs", "Somebody reads errors and audit lines every week."),
];

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SecurityQuery {
    /// The audit that is shown; the newest when none is named.
    audit: Option<i64>,
    /// Audits listed before this id.
    before: Option<i64>,
}

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    page: Page,
    shown: Option<Shown>,
    /// The newest audit that looked at everything, such as that of the timer, where the shown one did not.
    complete: Option<Kept>,
    scripts: Vec<Script>,
    checklist: [(&'static str, &'static str); 10],
    kept: Vec<Kept>,
    newer: bool,
    older: Option<i64>,
}

/// An audit as the page shows it.
struct Shown {
    id: i64,
    time: String,
    iso: String,
    age: String,
    by: String,
    is_newest: bool,
    summary: String,
    severity: &'static str,
    overall: &'static str,
    alert: &'static str,
    checked: usize,
    firewall: String,
    protected: String,
    /// What the account that asked may not look at, by the titles of the checks.
    unseen: Vec<String>,
    groups: Vec<Group>,
    checks: Vec<ShownCheck>,
}

/// One table of services.
struct Group {
    id: &'static str,
    title: &'static str,
    column: &'static str,
    rows: Vec<Item>,
}

struct ShownCheck {
    title: String,
    status: &'static str,
    class: &'static str,
    severity: &'static str,
    detail: String,
    why: String,
    /// In pieces, and which of them are commands.
    fix: Vec<(String, bool)>,
    is_open: bool,
}

struct Kept {
    id: i64,
    time: String,
    iso: String,
    age: String,
    by: String,
    severity: String,
    summary: String,
}

struct Script {
    id: &'static str,
    title: &'static str,
    filename: &'static str,
    text: String,
}

/// `GET /security`
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUser,
    page: Page,
    LenientQuery(query): LenientQuery<SecurityQuery>,
) -> Result<Html<String>> {
    let (kept, older) = kept_page(&state, query.before, LISTED).await?;
    let newest = match query.before {
        None => kept.first().map(|audit| audit.id),
        Some(_) => security_audits::page(&state.pool, None, 1).await?.first().map(|audit| audit.id),
    };
    let shown = match query.audit.or(newest) {
        Some(id) => security_audits::find(&state.pool, id).await?,
        None => None,
    };
    let now = state.context.clock.now();
    let shown = shown.map(|audit| Shown::of(audit, newest, now));
    let complete = match &shown {
        Some(shown) if !shown.unseen.is_empty() => security_audits::newest_complete(&state.pool).await?,
        _ => None,
    };
    let mut scripts = Vec::new();
    for kind in Kind::ALL {
        let text = script_of(&state, kind).await?;
        scripts.push(Script { id: kind.as_str(), title: kind.title(), filename: kind.filename(), text });
    }
    render(&SecurityPage {
        page,
        shown,
        complete: complete.map(|audit| Kept::of(audit, now)),
        scripts,
        checklist: CHECKLIST,
        kept: kept.into_iter().map(|audit| Kept::of(audit, now)).collect(),
        newer: query.before.is_some(),
        older,
    })
}

/// `POST /security/audit`: the button of the page.
pub async fn run(State(state): State<ServeState>, by: Author, _: OwnForm, page: Page) -> Result<Redirect> {
    let (id, ..) = keep_findings(&state, &by.name).await?;
    Ok(Redirect::to(&format!("{}/security?audit={id}", page.prefix)))
}

/// `GET /security/scripts/{filename}`: a script as a file.
pub async fn download(
    State(state): State<ServeState>,
    _: AdminUser,
    Path(filename): Path<String>,
) -> Result<Response> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.filename() == filename);
    let kind = kind.ok_or_else(Problem::no_such_resource)?;
    let headers = [
        (header::CONTENT_TYPE, "text/x-shellscript; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", kind.filename())),
    ];
    Ok((headers, script_of(&state, kind).await?).into_response())
}

/// An audit of an older version may lack what is new: what it has is shown.
fn findings_of(audit: &KeptAudit) -> Findings {
    serde_json::from_value(audit.findings.clone()).unwrap_or_default()
}

impl Shown {
    fn of(audit: KeptAudit, newest: Option<i64>, now: DateTime<Utc>) -> Self {
        let found = findings_of(&audit);
        let firewall = &found.firewall_status;
        let ports: Vec<String> = firewall.protected_ports.iter().map(u16::to_string).collect();
        Self {
            id: audit.id,
            time: time(&audit),
            iso: iso_z(audit.at),
            age: age(&audit, now),
            is_newest: newest == Some(audit.id),
            by: audit.by_name,
            summary: found.summary(),
            severity: found.severity.as_str(),
            overall: found.overall_severity.as_str(),
            alert: match found.overall_severity {
                Severity::None => "success",
                Severity::Low | Severity::Medium => "warning",
                Severity::High | Severity::Critical => "danger",
            },
            checked: found.checked(),
            firewall: match (&firewall.kind, firewall.active) {
                (Some(kind), true) => format!("{kind}, active"),
                _ => "none is known to be active".to_owned(),
            },
            protected: if ports.is_empty() { "none".to_owned() } else { ports.join(", ") },
            unseen: found.unseen().map(|check| check.title.clone()).collect(),
            checks: found.further_checks.iter().map(ShownCheck::from).collect(),
            groups: groups(found),
        }
    }
}

fn groups(found: Findings) -> Vec<Group> {
    let group = |id, title, column, rows: Vec<Item>| Group { id, title, column, rows };
    let all = [
        group("exposed", "Exposed", "Issue", found.exposed_services),
        group("required", "Firewall Required", "Issue", found.firewall_required),
        group("protected", "Firewall Protected", "Info", found.firewall_protected),
        group("unknown", "Not as expected", "Issue", found.unknown_services),
        group("secure", "Secure", "Info", found.secure_services),
        group("not-running", "Not running", "Info", found.not_running),
    ];
    let mut all: Vec<Group> = all.into_iter().filter(|group| !group.rows.is_empty()).collect();
    for item in all.iter_mut().flat_map(|group| &mut group.rows) {
        // The contract's word is for programs.
        item.status = item.status.replace('_', " ");
    }
    all
}

impl From<&crate::domain::audit::checks::Check> for ShownCheck {
    fn from(check: &crate::domain::audit::checks::Check) -> Self {
        Self {
            title: check.title.clone(),
            status: check.status.words(),
            class: match (check.status, check.severity) {
                (Status::Ok, _) => "success",
                (Status::NotInstalled, _) => "info",
                (_, Severity::High | Severity::Critical) => "danger",
                _ => "warning",
            },
            severity: check.severity.as_str(),
            detail: check.detail.clone(),
            why: check.why.clone(),
            fix: pieces(&check.fix),
            is_open: check.severity > Severity::None,
        }
    }
}

impl Kept {
    fn of(audit: KeptAudit, now: DateTime<Utc>) -> Self {
        Self {
            id: audit.id,
            time: time(&audit),
            iso: iso_z(audit.at),
            age: age(&audit, now),
            summary: findings_of(&audit).summary(),
            by: audit.by_name,
            severity: audit.severity,
        }
    }
}

fn time(audit: &KeptAudit) -> String {
    audit.at.format("%Y-%m-%d %H:%M").to_string()
}

/// The text between backticks apart from the others.
fn pieces(text: &str) -> Vec<(String, bool)> {
    text.split('`').enumerate().map(|(place, piece)| (piece.to_owned(), place % 2 == 1)).collect()
}

/// How long ago an audit was made.
fn age(audit: &KeptAudit, now: DateTime<Utc>) -> String {
    match u64::try_from((now - audit.at).num_seconds()) {
        Ok(seconds @ 60..) => format!("{} ago", uptime_text(seconds)),
        _ => "just now".to_owned(),
    }
}
