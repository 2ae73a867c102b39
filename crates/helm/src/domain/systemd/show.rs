//! What `systemctl show` says of units.

use crate::domain::status::Phase;

/// The properties that are asked for.
pub const PROPERTIES: &str = "Id,LoadState,ActiveState,SubState,MainPID,NRestarts,Result";

/// One unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Its name.
    pub id: String,
    /// Whether systemd knows a file of that name.
    pub loaded: bool,
    /// `active`, `activating`, `inactive`, `failed`, …
    pub active: String,
    /// The finer word, such as `running` or `auto-restart`.
    pub sub: String,
    /// Its process.
    pub pid: Option<i32>,
    /// How often systemd has started it again by itself.
    pub restarts: u32,
    /// Why it ended, such as `exit-code`; `success` while nothing is wrong.
    pub result: String,
}

impl Shown {
    /// Where the unit stands. A process that runs is ready only when it says so itself, which systemd does not know.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.active.as_str(), self.sub.as_str()) {
            ("activating", "auto-restart") => Phase::Backoff,
            ("active" | "activating" | "reloading", _) => Phase::Starting,
            ("deactivating", _) => Phase::Stopping,
            _ => Phase::Stopped,
        }
    }

    /// What went wrong, in words.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        match () {
            () if !self.loaded => Some(format!("systemd knows no unit {}", self.id)),
            () if self.result.is_empty() || self.result == "success" => None,
            () => Some(format!("systemd says {} (journalctl -u {})", self.result, self.id)),
        }
    }
}

/// The units of one answer, which are separated by blank lines.
#[must_use]
pub fn parse(answer: &str) -> Vec<Shown> {
    answer.split("\n\n").filter(|block| !block.trim().is_empty()).map(unit).collect()
}

fn unit(block: &str) -> Shown {
    let mut shown = Shown::default();
    for (key, value) in block.lines().filter_map(|line| line.split_once('=')) {
        match key {
            "Id" => value.clone_into(&mut shown.id),
            "LoadState" => shown.loaded = value == "loaded",
            "ActiveState" => value.clone_into(&mut shown.active),
            "SubState" => value.clone_into(&mut shown.sub),
            "MainPID" => shown.pid = value.parse().ok().filter(|pid| *pid > 0),
            "NRestarts" => shown.restarts = value.parse().unwrap_or(0),
            "Result" => value.clone_into(&mut shown.result),
            _ => {}
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_unit_by_unit() {
        let answer = "Type=exec\nMainPID=812\nNRestarts=3\nId=hivematrix-core.service\nLoadState=loaded\nActiveState=active\n\
                      SubState=running\nResult=success\n\nMainPID=0\nId=x.service\nLoadState=not-found\nActiveState=inactive\n\
                      SubState=dead\nResult=success\n";
        let units = parse(answer);
        assert_eq!(units.len(), 2);
        assert_eq!((units[0].pid, units[0].restarts, units[0].phase()), (Some(812), 3, Phase::Starting));
        assert_eq!(units[0].complaint(), None);
        assert_eq!((units[1].pid, units[1].phase()), (None, Phase::Stopped));
        assert!(units[1].complaint().unwrap().contains("no unit x.service"));
        assert_eq!(parse("\n"), []);
    }

    #[test]
    fn the_words_of_systemd_become_phases() {
        for (active, sub, phase) in [
            ("active", "running", Phase::Starting),
            ("activating", "auto-restart", Phase::Backoff),
            ("activating", "start", Phase::Starting),
            ("deactivating", "stop-sigterm", Phase::Stopping),
            ("failed", "failed", Phase::Stopped),
            ("inactive", "dead", Phase::Stopped),
        ] {
            let shown = Shown { active: active.to_owned(), sub: sub.to_owned(), ..Shown::default() };
            assert_eq!(shown.phase(), phase, "{active} {sub}");
        }
    }
}
