//! What can be wrong with a machine on which the suite does not come up: each finding with why it matters and what mends it.

pub mod certificate;

use serde::Serialize;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Could not be looked at, with the reason.
    Skipped,
    /// Works, but should be looked after.
    Warning,
    /// Keeps the suite from working.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at: `port`, `package`, `disk`, `permissions`, `clock`, `database`, `graph`, `redis`, `certificate`, `limits`,
    /// `locks`, `services`.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub message: String,
    /// Why that matters; empty where nothing is wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The command, or the step, that mends it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix: String,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            severity: Severity::Ok,
            message: message.into(),
            why: String::new(),
            fix: String::new(),
        }
    }

    /// Not looked at.
    pub fn skipped(check: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Skipped, ..Self::ok(check, message) }
    }

    /// To be looked after.
    pub fn warning(
        check: &'static str,
        message: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Warning, ..Self::problem(check, message, why, fix) }
    }

    /// Wrong.
    pub fn problem(
        check: &'static str,
        message: impl Into<String>,
        why: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let (message, why, fix) = (message.into(), why.into(), fix.into());
        Self { check, severity: Severity::Problem, message, why, fix }
    }
}

/// Whether anything keeps the suite from working.
#[must_use]
pub fn is_well(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Problem)
}

const GIB: u64 = 1 << 30;

/// Free space and free file numbers of the file system that holds `what`.
#[must_use]
pub fn disk(what: &str, free_bytes: u64, free_files: Option<u64>) -> Finding {
    let free = format!("{}.{} GB free for {what}", free_bytes / GIB, free_bytes % GIB * 10 / GIB);
    let why = "a full disk stops PostgreSQL, and no log line, ticket or backup is stored";
    let fix = "df -h; then `helm cleanup-logs --days 7`, fewer backups, or a larger disk";
    if free_files == Some(0) {
        let message = format!("the file system of {what} has no file numbers left");
        return Finding::problem("disk", message, why, "df -i; remove what has many small files");
    }
    match free_bytes {
        bytes if bytes < GIB => Finding::problem("disk", free, why, fix),
        bytes if bytes <= 10 * GIB => Finding::warning("disk", free, why, fix),
        _ => Finding::ok("disk", free),
    }
}

/// How far the clock of this machine is from another's, in milliseconds.
#[must_use]
pub fn clock(other: &str, skew_ms: i64) -> Finding {
    let away = skew_ms.unsigned_abs();
    let text = format!("{}.{} s", away / 1000, away % 1000 / 100);
    if away <= 2_000 {
        return Finding::ok("clock", format!("agrees with {other}"));
    }
    let side = if skew_ms > 0 { "ahead of" } else { "behind" };
    let message = format!("this machine is {text} {side} {other}");
    let why =
        "tokens carry times: with more than 5 s of difference they are refused as expired or not yet valid";
    let fix = "timedatectl set-ntp true";
    if away > 5_000 {
        Finding::problem("clock", message, why, fix)
    } else {
        Finding::warning("clock", message, why, fix)
    }
}

/// How many files a process of this account may open.
#[must_use]
pub fn open_files(limit: u64) -> Finding {
    let message = format!("{limit} open files a process");
    let why = "the gateway takes half as many connections as it may open files";
    let fix =
        "ulimit -n 65536, for good in /etc/security/limits.conf; the units of systemd set it themselves";
    match limit {
        limit if limit < 1024 => Finding::problem("limits", message, why, fix),
        limit if limit < 8192 => Finding::warning("limits", message, why, fix),
        _ => Finding::ok("limits", message),
    }
}

/// Oldest PostgreSQL that is served by its project.
const OLDEST_POSTGRES: u32 = 14;

/// A server's version number, such as 150006.
#[must_use]
pub fn postgres_version(service: &str, number: u32) -> Finding {
    let (major, minor) = (number / 10_000, number % 10_000);
    let message = format!("{service}: PostgreSQL {major}.{minor}");
    if major < 13 {
        let why = "the tables of the suite need PostgreSQL 13 or later";
        let fix = format!("apt install postgresql, and move the databases (pg_upgrade); now {major}.{minor}");
        return Finding::problem("database", message, why, fix);
    }
    if major < OLDEST_POSTGRES {
        let why = "its project no longer mends it";
        return Finding::warning("database", message, why, "move to a later version (pg_upgrade)");
    }
    Finding::ok("database", message)
}

/// What the migrations in a database say against those of this program.
#[must_use]
pub fn schema(service: &str, known: &[i64], applied: &[i64]) -> Finding {
    if let Some(newer) = applied.iter().find(|version| !known.contains(version)) {
        return Finding::problem(
            "database",
            format!("{service}: the database is newer than this program (migration {newer})"),
            "an older program could damage what it does not know, so it refuses to start",
            "helm update --from the build that was here before, or `helm restore` a backup of this version",
        );
    }
    let missing = known.iter().filter(|version| !applied.contains(version)).count();
    match missing {
        0 => Finding::ok("database", format!("{service}: the tables are those of this version")),
        _ => Finding::ok("database", format!("{service}: {missing} migrations will run at the next start")),
    }
}

/// Whether invoices that are archived can be changed: the tables of the archive that the database does not protect.
#[must_use]
pub fn archive(open: &[String]) -> Finding {
    if open.is_empty() {
        return Finding::ok("database", "ledger: what is archived cannot be changed");
    }
    Finding::problem(
        "database",
        format!(
            "ledger: rows of {} can be changed or removed: their triggers are gone or off",
            open.join(", ")
        ),
        "an invoice that was sent could become another one, and nobody would see it",
        "hivematrix-ledger verify says whether something was changed; the triggers come back with `helm restore` of a backup from before",
    )
}

/// A file or folder that others must not open.
#[must_use]
pub fn closed(path: &str, mode: u32, allowed: u32) -> Option<Finding> {
    let open = mode & 0o777 & !allowed;
    (open != 0).then(|| {
        Finding::problem(
            "permissions",
            format!("{path} has mode {:o}", mode & 0o777),
            "others on this machine can read or change keys and passwords",
            format!("chmod {:o} {path}", mode & 0o777 & allowed),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_full_below_one_gigabyte() {
        for (bytes, files, severity) in [
            (GIB - 1, None, Severity::Problem),
            (GIB, None, Severity::Warning),
            (10 * GIB, Some(7), Severity::Warning),
            (11 * GIB, Some(1), Severity::Ok),
            (11 * GIB, Some(0), Severity::Problem),
        ] {
            assert_eq!(disk("/x", bytes, files).severity, severity, "{bytes}");
        }
        assert_eq!(disk("/x", 3 * GIB / 2, None).message, "1.5 GB free for /x");
    }

    #[test]
    fn a_clock_may_be_off_by_seconds() {
        for (skew, severity) in [
            (0, Severity::Ok),
            (-2_000, Severity::Ok),
            (2_001, Severity::Warning),
            (5_000, Severity::Warning),
            (-5_001, Severity::Problem),
            (i64::MIN, Severity::Problem),
        ] {
            assert_eq!(clock("x", skew).severity, severity, "{skew}");
        }
        assert!(clock("x", -61_500).message.contains("61.5 s behind x"));
    }

    #[test]
    fn few_open_files_are_few_connections() {
        for (limit, severity) in [(256, Severity::Problem), (1024, Severity::Warning), (8192, Severity::Ok)] {
            assert_eq!(open_files(limit).severity, severity, "{limit}");
        }
    }

    #[test]
    fn old_servers_and_newer_tables_are_found() {
        for (number, severity) in
            [(90_624, Severity::Problem), (130_014, Severity::Warning), (150_006, Severity::Ok)]
        {
            assert_eq!(postgres_version("codex", number).severity, severity, "{number}");
        }
        assert_eq!(schema("helm", &[1, 2], &[1]).severity, Severity::Ok);
        assert_eq!(schema("helm", &[1, 2], &[1, 2]).severity, Severity::Ok);
        let newer = schema("helm", &[1, 2], &[1, 2, 3]);
        assert_eq!(newer.severity, Severity::Problem);
        assert!(newer.message.contains("migration 3"));
    }

    #[test]
    fn what_others_can_open_is_named_with_the_command() {
        assert_eq!(closed("/x", 0o100_600, 0o600), None);
        assert_eq!(closed("/x", 0o711, 0o711), None);
        assert_eq!(closed("/x", 0o100_644, 0o600).unwrap().fix, "chmod 600 /x");
        assert_eq!(closed("/x", 0o777, 0o711).unwrap().fix, "chmod 711 /x");
    }

    #[test]
    fn only_a_problem_is_an_ill_machine() {
        let warning = Finding::warning("disk", "a", "b", "c");
        assert!(is_well(&[Finding::ok("disk", "a"), warning.clone(), Finding::skipped("clock", "b")]));
        assert!(!is_well(&[warning, Finding::problem("disk", "a", "b", "c")]));
    }
}
