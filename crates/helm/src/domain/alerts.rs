//! What an operator should be told: rules over what is known of the suite and its machine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::status::{Health, Phase, UnitKind, UnitStatus};

const GIB: u64 = 1024 * 1024 * 1024;
/// Free room at which the disk is low, and at which it is nearly gone. The first is the limit of `/health`.
const DISK: (u64, u64) = (10 * GIB, 2 * GIB);
/// Available memory in percent at which it is low, and nearly gone.
const MEMORY: (u64, u64) = (10, 4);
/// Days that a certificate is still good for at which it should be, and must be, renewed.
const CERTIFICATE: (i64, i64) = (14, 3);
/// Hours since the last backup: a daily one is late, three are missing.
const BACKUP: (i64, i64) = (26, 72);
/// Restarts within [`RESTART_WINDOW`] that make a loop.
const RESTARTS: u32 = 3;
const RESTART_WINDOW: TimeDelta = TimeDelta::minutes(10);
/// Lines are counted this far back.
pub const ERROR_WINDOW: TimeDelta = TimeDelta::minutes(5);
/// So many errors, which are so many percent of the lines, are too many; and far too many.
const ERRORS: ((i64, i64), (i64, i64)) = ((10, 5), (100, 25));
/// As long as this a service may be away before somebody is told: a restart takes less.
const DOWN_FOR: TimeDelta = TimeDelta::seconds(45);

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A service is meant to run and does not, or says itself that it does not work.
    Down,
    /// A service ends again and again.
    RestartLoop,
    /// Room on the disk.
    Disk,
    /// Memory of the machine.
    Memory,
    /// Errors among the log lines of a service.
    ErrorRate,
    /// How long the gateway's certificate is good for.
    Certificate,
    /// Age and outcome of the last backup.
    Backup,
}

impl Rule {
    /// The word in the table, the API and the webhook.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::RestartLoop => "restart_loop",
            Self::Disk => "disk",
            Self::Memory => "memory",
            Self::ErrorRate => "error_rate",
            Self::Certificate => "certificate",
            Self::Backup => "backup",
        }
    }

    /// How long something must be so before somebody is told.
    fn patience(self) -> TimeDelta {
        if self == Self::Down { DOWN_FOR } else { TimeDelta::zero() }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody should look at it today.
    Warning,
    /// Something does not work, or will not within hours.
    Critical,
}

impl Severity {
    /// The word in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The worse of two limits that is passed, if any is.
    fn of(warning: bool, critical: bool) -> Option<Self> {
        match (warning, critical) {
            (_, true) => Some(Self::Critical),
            (true, false) => Some(Self::Warning),
            (false, false) => None,
        }
    }
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// By which rule.
    pub rule: Rule,
    /// With what: a service, or a part of the machine.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// A sentence.
    pub message: String,
}

/// How much there is of something, and how much is left, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// All of it.
    pub total: u64,
    /// What is left.
    pub left: u64,
}

/// Log lines of a service within [`ERROR_WINDOW`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    /// ERROR and CRITICAL.
    pub errors: i64,
    /// All levels.
    pub all: i64,
}

/// The last backup, as its record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastBackup {
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// Whether it is complete.
    pub ok: bool,
}

/// Everything that the rules look at. What is absent is unknown, which is nothing to tell.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// All processes.
    pub units: Vec<UnitStatus>,
    /// Those that somebody stopped.
    pub stopped_by_hand: BTreeSet<String>,
    /// Restarts of each within the last ten minutes.
    pub restarts: BTreeMap<String, u32>,
    /// Log lines by service.
    pub lines: BTreeMap<String, Lines>,
    /// The disk with the least room.
    pub disk: Option<Room>,
    /// Memory of the machine.
    pub memory: Option<Room>,
    /// Until when the gateway's certificate is good.
    pub certificate_until: Option<DateTime<Utc>>,
    /// The last backup.
    pub backup: Option<LastBackup>,
    /// When the instance was made, where there is something to back up and never was a backup.
    pub unsaved_since: Option<DateTime<Utc>>,
}

/// What is wrong, in the order of the rules.
#[must_use]
pub fn findings(observed: &Observed, now: DateTime<Utc>) -> Vec<Finding> {
    let mut found: Vec<Finding> = observed.units.iter().filter_map(|unit| down(unit, observed)).collect();
    found.extend(observed.restarts.iter().filter(|(_, count)| **count >= RESTARTS).map(|(name, count)| {
        let message = format!("{name} was restarted {count} times within ten minutes.");
        finding(Rule::RestartLoop, name, Severity::Critical, message)
    }));
    found.extend(observed.disk.and_then(disk));
    found.extend(observed.memory.and_then(memory));
    found.extend(observed.lines.iter().filter_map(|(name, lines)| error_rate(name, lines)));
    found.extend(observed.certificate_until.and_then(|until| certificate(until, now)));
    found.extend(observed.backup.and_then(|backup| backup_age(backup, now)));
    found.extend(observed.unsaved_since.and_then(|since| never_saved(since, now)));
    found
}

fn finding(rule: Rule, subject: &str, severity: Severity, message: String) -> Finding {
    Finding { rule, subject: subject.to_owned(), severity, message }
}

fn down(unit: &UnitStatus, observed: &Observed) -> Option<Finding> {
    if unit.kind == UnitKind::Helper || observed.stopped_by_hand.contains(&unit.name) {
        return None;
    }
    let name = &unit.name;
    let because = |reason: &str| if reason.is_empty() { ".".into() } else { format!(": {reason}") };
    let reason = unit.last_error.as_deref().unwrap_or(&unit.health_message);
    let message = match (unit.state, unit.health) {
        (Phase::Running, Health::Unhealthy) => {
            format!("{name} runs and does not work{}", because(&unit.health_message))
        }
        (Phase::Running, Health::Unreachable) => {
            format!("{name} runs and does not answer{}", because(&unit.health_message))
        }
        (Phase::Running | Phase::Stopping, _) => return None,
        (state, _) => format!("{name} is {}{}", state.as_str(), because(reason)),
    };
    Some(finding(Rule::Down, name, Severity::Critical, message))
}

fn disk(room: Room) -> Option<Finding> {
    let severity = Severity::of(room.left <= DISK.0, room.left <= DISK.1)?;
    let message = format!("{} of {} are free on the disk.", gib(room.left), gib(room.total));
    Some(finding(Rule::Disk, "disk", severity, message))
}

fn memory(room: Room) -> Option<Finding> {
    let percent = room.left.saturating_mul(100).checked_div(room.total)?;
    let severity = Severity::of(percent < MEMORY.0, percent < MEMORY.1)?;
    let message = format!("{} of {} memory are available.", gib(room.left), gib(room.total));
    Some(finding(Rule::Memory, "memory", severity, message))
}

fn gib(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / GIB;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

fn error_rate(name: &str, lines: &Lines) -> Option<Finding> {
    let percent = (lines.errors * 100).checked_div(lines.all)?;
    let passes = |(errors, share): (i64, i64)| lines.errors >= errors && percent >= share;
    let severity = Severity::of(passes(ERRORS.0), passes(ERRORS.1))?;
    let message = format!("{name} wrote {} errors within five minutes.", lines.errors);
    Some(finding(Rule::ErrorRate, name, severity, message))
}

fn certificate(until: DateTime<Utc>, now: DateTime<Utc>) -> Option<Finding> {
    let days = (until - now).num_days();
    let severity = Severity::of(days < CERTIFICATE.0, days < CERTIFICATE.1)?;
    let message = if until <= now {
        format!("The certificate of the gateway ended on {}.", until.format("%Y-%m-%d"))
    } else {
        format!("The certificate of the gateway ends on {}.", until.format("%Y-%m-%d"))
    };
    Some(finding(Rule::Certificate, "certificate", severity, message))
}

/// Whether the newest backup is as new as it should be, and complete.
fn backup_age(backup: LastBackup, now: DateTime<Utc>) -> Option<Finding> {
    let hours = (now - backup.finished_at).num_hours();
    let severity = Severity::of(!backup.ok || hours >= BACKUP.0, hours >= BACKUP.1)?;
    let at = backup.finished_at.format("%Y-%m-%d %H:%M");
    let message = if backup.ok {
        format!("The last backup ended at {at} UTC, {hours} hours ago.")
    } else {
        format!("The backup of {at} UTC failed.")
    };
    Some(finding(Rule::Backup, "backup", severity, message))
}

/// A suite that is older than a daily backup may be, and has none.
fn never_saved(since: DateTime<Utc>, now: DateTime<Utc>) -> Option<Finding> {
    let is_late = (now - since).num_hours() >= BACKUP.0;
    let message = "There never was a backup: `helm backup`, or its timer.".to_owned();
    is_late.then(|| finding(Rule::Backup, "backup", Severity::Warning, message))
}

/// What the rules must remember from one look to the next.
#[derive(Debug, Default)]
pub struct Memory {
    /// Since when each finding holds.
    since: BTreeMap<(Rule, String), DateTime<Utc>>,
    /// How often each unit had been restarted, at earlier looks.
    restarts: BTreeMap<String, VecDeque<(DateTime<Utc>, u32)>>,
}

impl Memory {
    /// Takes note of the restart counters, and says how many restarts there were within the window.
    pub fn restarts(&mut self, units: &[UnitStatus], now: DateTime<Utc>) -> BTreeMap<String, u32> {
        self.restarts.retain(|name, _| units.iter().any(|unit| unit.name == *name));
        let mut within = BTreeMap::new();
        for unit in units {
            let seen = self.restarts.entry(unit.name.clone()).or_default();
            // A counter that fell is a new one, and all begin at nothing with the daemon.
            if seen.back().is_none_or(|(_, last)| *last > unit.restarts) {
                seen.clear();
                seen.push_back((now, 0));
            }
            seen.push_back((now, unit.restarts));
            while seen.get(1).is_some_and(|(at, _)| *at <= now - RESTART_WINDOW) {
                seen.pop_front();
            }
            let first = seen.front().map_or(unit.restarts, |(_, first)| *first);
            within.insert(unit.name.clone(), unit.restarts - first);
        }
        within
    }

    /// The findings that have held long enough for somebody to be told.
    pub fn settled(&mut self, findings: Vec<Finding>, now: DateTime<Utc>) -> Vec<Finding> {
        let key = |finding: &Finding| (finding.rule, finding.subject.clone());
        let keys: BTreeSet<_> = findings.iter().map(key).collect();
        self.since.retain(|known, _| keys.contains(known));
        findings
            .into_iter()
            .filter(|finding| {
                let since = *self.since.entry(key(finding)).or_insert(now);
                now - since >= finding.rule.patience()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
