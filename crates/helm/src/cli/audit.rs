//! `helm audit`: the security audit of this machine, and firewall scripts. Works without a running suite.

use std::{
    fs,
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Args;
use hivematrix_shared::clock::Clock;

use super::{
    Quit,
    caller::caller,
    output::{Colour, coloured, paint, say},
    store,
};
use crate::{
    domain::{
        audit::{Findings, Severity, checks::Status, services::Item},
        firewall_script::{Kind, script},
        systemd::account,
    },
    inspect,
    instance::Layout,
    store::security_audits,
};

const WIDTH: usize = 80;
/// Exit code of an audit that found an exposed service.
const EXPOSED: u8 = 1;

/// Arguments of `helm audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Run the audit; the default.
    #[arg(long)]
    pub audit: bool,
    /// The findings as JSON.
    #[arg(long, conflicts_with_all = ["generate_firewall", "generate_iptables"])]
    pub json: bool,
    /// Only what has to be mended; nothing when all is well.
    #[arg(long, short)]
    pub quiet: bool,
    /// Write a firewall script to look at: ufw (default), iptables or nftables.
    #[arg(long, value_enum, value_name = "TYPE", num_args = 0..=1, default_missing_value = "ufw", conflicts_with = "audit")]
    pub generate_firewall: Option<Kind>,
    /// The same as --generate-firewall iptables.
    #[arg(long, conflicts_with_all = ["audit", "generate_firewall"])]
    pub generate_iptables: bool,
    /// Where the report or the script is written; `-` is standard output. Default: standard output for a report, the
    /// script's own name in this folder for a script.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

pub(super) async fn run(layout: &Layout, args: &AuditArgs) -> Result<()> {
    let kind = args.generate_firewall.or(args.generate_iptables.then_some(Kind::Iptables));
    if let Some(kind) = kind {
        return generate(layout, kind, args).await;
    }
    let now = Clock::system().now();
    let found = inspect::audit_of(layout, now).await?;
    let text = if args.json {
        let mut text = serde_json::to_string_pretty(&found)?;
        text.push('\n');
        text
    } else {
        report(&found, args.quiet, args.output.is_none() && coloured())
    };
    match file_of(args) {
        None if text.is_empty() => {}
        None => say!("{}", text.trim_end()),
        // What stands open is nobody else's business.
        Some(file) => write(file, &text, 0o600)?,
    }
    keep(layout, now, &found, args.quiet).await;
    if found.exposed_services.is_empty() { Ok(()) } else { Err(Quit(EXPOSED).into()) }
}

fn file_of(args: &AuditArgs) -> Option<&Path> {
    args.output.as_deref().filter(|file| file.as_os_str() != "-")
}

/// Keeps the findings beside those of the page, where the database answers.
async fn keep(layout: &Layout, now: chrono::DateTime<chrono::Utc>, found: &Findings, quiet: bool) {
    let by = match caller() {
        Some(name) if name == account("helm") => "the timer of the machine".to_owned(),
        name => format!("{} on the command line", name.as_deref().unwrap_or("somebody")),
    };
    let kept = async {
        let pool = store::open(layout).await?;
        let body = serde_json::to_value(found)?;
        let severity = found.overall_severity.as_str();
        anyhow::Ok(security_audits::insert(&pool, now, &by, severity, &body).await?)
    };
    if let Err(error) = kept.await
        && !quiet
    {
        eprintln!("helm: the audit is not kept: {error:#}");
    }
}

async fn generate(layout: &Layout, kind: Kind, args: &AuditArgs) -> Result<()> {
    let text = script(kind, &inspect::ports_of(layout).await?);
    if args.output.as_deref().is_some_and(|file| file.as_os_str() == "-") {
        say!("{}", text.trim_end());
        return Ok(());
    }
    let file = args.output.clone().unwrap_or_else(|| PathBuf::from(kind.filename()));
    write(&file, &text, 0o755)?;
    if !args.quiet {
        let shown = file.display();
        let run = if file.is_absolute() { shown.to_string() } else { format!("./{shown}") };
        say!("Wrote {shown}. Nothing was changed.\n");
        say!("Look at it, and at the rules it makes:\n\n  {run} show\n");
        say!("Apply them, then confirm within five minutes from another session:\n");
        say!("  sudo {run} apply\n  sudo {run} confirm");
    }
    Ok(())
}

fn write(file: &Path, text: &str, mode: u32) -> Result<()> {
    let written =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(file).and_then(
            |mut opened| {
                opened.set_permissions(fs::Permissions::from_mode(mode))?;
                opened.write_all(text.as_bytes())
            },
        );
    written.with_context(|| format!("cannot write {}", file.display()))
}

/// The report of upstream's script: a line for what was checked, then what was found, section by section.
fn report(found: &Findings, quiet: bool, colours: bool) -> String {
    let mut lines = Vec::new();
    if !quiet {
        let rule = "=".repeat(WIDTH);
        lines.extend([rule.clone(), "HiveMatrix Security Audit".to_owned(), rule, String::new()]);
        lines.push(format!("Checked           {}", found.checked()));
        let severity = found.severity.as_str().to_uppercase();
        lines.push(format!("Overall severity  {}", paint(&severity, colour(found.severity), colours)));
        let overall = found.overall_severity.as_str().to_uppercase();
        lines.push(format!("With all checks   {}", paint(&overall, colour(found.overall_severity), colours)));
        let firewall = &found.firewall_status;
        let ports: Vec<String> = firewall.protected_ports.iter().map(u16::to_string).collect();
        lines.push(match (&firewall.kind, firewall.active) {
            (Some(kind), true) => {
                format!("Firewall          {kind}, active; protected ports: {}", ports.join(", "))
            }
            _ => "Firewall          none is known to be active".to_owned(),
        });
        lines.push(String::new());
    }
    let sections: [(&str, &[Item], Colour, bool); 6] = [
        ("EXPOSED", &found.exposed_services, Colour::Red, true),
        ("FIREWALL REQUIRED", &found.firewall_required, Colour::Yellow, true),
        ("FIREWALL PROTECTED", &found.firewall_protected, Colour::Green, false),
        ("SECURE", &found.secure_services, Colour::Green, false),
        ("NOT RUNNING", &found.not_running, Colour::Grey, false),
        ("WARNINGS", &found.unknown_services, Colour::Yellow, true),
    ];
    for (title, items, colour, is_open) in sections {
        if items.is_empty() || (quiet && !is_open) {
            continue;
        }
        lines.push(paint(title, colour, colours));
        for item in items {
            let binding = item.binding.as_deref().unwrap_or("-");
            lines.push(format!("  {:<16} {:>5}  {binding:<24} {}", item.service, item.port, item.status));
            lines.extend(item.issue.iter().chain(&item.info).map(|text| format!("    {text}")));
        }
        lines.push(String::new());
    }
    let checks = found.further_checks.iter().filter(|check| !quiet || check.severity > Severity::None);
    let mut checks = checks.peekable();
    if checks.peek().is_some() {
        lines.push("FURTHER CHECKS".to_owned());
    }
    for check in checks {
        let mark = match check.status {
            Status::Ok => paint("✓", Colour::Green, colours),
            Status::NotInstalled => paint("-", Colour::Grey, colours),
            Status::Found | Status::Unknown => paint("!", colour(check.severity), colours),
        };
        let severity = match check.severity {
            Severity::None => String::new(),
            severity => format!(" ({})", severity.as_str()),
        };
        lines.push(format!("  {mark} {}{severity}: {}", check.title, check.detail));
        if check.severity > Severity::None {
            lines.push(format!("      Why: {}", check.why));
            lines.push(format!("      Fix: {}", check.fix));
        }
    }
    if !quiet {
        lines.extend([String::new(), found.summary()]);
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

const fn colour(severity: Severity) -> Colour {
    match severity {
        Severity::None => Colour::Green,
        Severity::Low => Colour::Blue,
        Severity::Medium => Colour::Yellow,
        Severity::High | Severity::Critical => Colour::Red,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        audit::{
            Machine, audit,
            services::{Reach, Watched},
        },
        sockets::Listener,
    };

    fn found(listener: &str) -> Findings {
        audit(&Machine {
            watched: vec![Watched { name: "core".into(), port: 5000, reach: Reach::Loopback }],
            listeners: vec![Listener { at: listener.parse().unwrap(), inode: 0 }],
            ..Machine::default()
        })
    }

    #[test]
    fn the_report_names_every_service_and_every_check() {
        let report = report(&found("0.0.0.0:5000"), false, false);
        assert!(report.starts_with(&format!("{}\nHiveMatrix Security Audit\n", "=".repeat(80))), "{report}");
        for words in [
            "Overall severity  HIGH",
            "EXPOSED\n  core",
            "0.0.0.0",
            "Firewall          none",
            "Why: ",
            "Fix: ",
        ] {
            assert!(report.contains(words), "{words} in {report}");
        }
    }

    #[test]
    fn a_quiet_report_has_only_what_is_to_be_mended() {
        let all_well = report(&found("127.0.0.1:5000"), true, false);
        assert!(!all_well.contains("SECURE") && !all_well.contains("✓"), "{all_well}");
        assert!(all_well.contains("! Firewall (medium)"), "{all_well}");
        let mut found = found("127.0.0.1:5000");
        found.further_checks.retain(|check| check.severity == Severity::None);
        assert_eq!(report(&found, true, false), "");
    }

    #[test]
    fn a_file_has_the_mode_it_needs() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secure_firewall.sh");
        fs::write(&file, "old").unwrap();
        write(&file, "#!/bin/bash\n", 0o755).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_to_string(&file).unwrap(), "#!/bin/bash\n");
    }
}
