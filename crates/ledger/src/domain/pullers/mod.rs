//! Jobs that administrators run or schedule, "pullers" in the original's words (ledger-pages.md §7.2): which there are, when
//! they are due, and what may be set.

mod change;
mod cron;
mod log;

pub use change::Puller;
pub use cron::Cron;
pub use log::RunLog;

/// What a job does. There are no others: a job never names a file (ledger.md §12).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Script {
    /// Asks Codex what it has.
    SyncFromCodex,
    /// Archives the month that the schedule of the archive says.
    ScheduledSnapshots,
    /// Checks the archive.
    Verify,
}

impl Script {
    /// All, in the order of their choice.
    pub const ALL: [Self; 3] = [Self::SyncFromCodex, Self::ScheduledSnapshots, Self::Verify];

    /// As `script_path` holds it. The first one is a script of the original and keeps its name, so that each suite knows it in
    /// the other's table; the others are named as the commands that do the same.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SyncFromCodex => "sync_from_codex.py",
            Self::ScheduledSnapshots => "scheduled_snapshots",
            Self::Verify => "verify",
        }
    }

    /// What it does, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::SyncFromCodex => "Ask Codex how many companies, devices and people it has",
            Self::ScheduledSnapshots => {
                "Archive the month that Scheduled Snapshots say; nothing while they are off"
            }
            Self::Verify => "Check every seal, chain and sum of the archive",
        }
    }

    /// The one of this name; `sync_from_codex` without its ending too.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.strip_prefix("./").unwrap_or(name);
        let is_plain = |script: &Self| script.name().strip_suffix(".py") == Some(name);
        Self::ALL.into_iter().find(|script| script.name() == name || is_plain(script))
    }

    /// The names of all, for a sentence.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// It is at work.
    Running,
    /// All is well.
    Success,
    /// It came to its end, and not all is well.
    Failure,
    /// It took too long.
    Timeout,
    /// It did not come to its end.
    Error,
    /// Somebody ended it.
    Cancelled,
}

impl Status {
    /// As the tables have it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Success => "Success",
            Self::Failure => "Failure",
            Self::Timeout => "Timeout",
            Self::Error => "Error",
            Self::Cancelled => "Cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_one_of_a_list_and_never_a_path() {
        for (name, script) in [
            ("sync_from_codex.py", Some(Script::SyncFromCodex)),
            ("sync_from_codex", Some(Script::SyncFromCodex)),
            ("./sync_from_codex.py", Some(Script::SyncFromCodex)),
            ("verify", Some(Script::Verify)),
            ("scheduled_snapshots", Some(Script::ScheduledSnapshots)),
            ("verify.py", None),
            ("/opt/ledger/sync_from_codex.py", None),
            ("../sync_from_codex.py", None),
            ("sync_from_codex.py; rm -rf /", None),
            ("", None),
        ] {
            assert_eq!(Script::parse(name), script, "{name}");
        }
    }
}
