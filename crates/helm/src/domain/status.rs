//! The states of a supervised process and the words for them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a supervised process stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not running, and not meant to.
    #[default]
    Stopped,
    /// Meant to run, waiting for what must be ready before it.
    Waiting,
    /// The process runs and is not ready yet.
    Starting,
    /// Running and was ready.
    Running,
    /// Crashed; it will be started again after a wait.
    Backoff,
    /// Told to stop.
    Stopping,
}

impl Phase {
    /// The word of the status object (helm.md §4.1): `running`, `stopped` or `unknown`.
    #[must_use]
    pub fn status(self) -> &'static str {
        match self {
            Self::Running | Self::Starting | Self::Stopping => "running",
            Self::Stopped | Self::Waiting | Self::Backoff => "stopped",
        }
    }

    /// The word for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Backoff => "restarting",
            Self::Stopping => "stopping",
        }
    }
}

/// What `/health` said (helm.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Everything it checks is well.
    Healthy,
    /// It works, something beside it does not.
    Degraded,
    /// It says itself that it does not work.
    Unhealthy,
    /// No answer.
    Unreachable,
    /// Not asked yet, or not something that can be asked.
    Unknown,
}

impl Health {
    /// The word of the status object.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Unreachable => "unreachable",
            Self::Unknown => "unknown",
        }
    }

    /// The body of `/health` decides, whatever the code: Beacon answers 503 when degraded.
    #[must_use]
    pub fn from_body(status: Option<&str>) -> Self {
        match status {
            Some("healthy") => Self::Healthy,
            Some("degraded") => Self::Degraded,
            Some(_) => Self::Unhealthy,
            None => Self::Unknown,
        }
    }
}

/// Everything known about one process, as `helm status --json` prints it and the dashboard shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitStatus {
    /// Service name, or `postgresql`, `redis`, `simulator`.
    pub name: String,
    /// Service, server or helper.
    pub kind: UnitKind,
    /// Where it stands.
    pub state: Phase,
    /// Process id while it runs.
    pub pid: Option<i32>,
    /// Base URL, for what has one.
    pub url: Option<String>,
    /// Port it listens on.
    pub port: Option<u16>,
    /// What its health check said last.
    pub health: Health,
    /// The same in words.
    pub health_message: String,
    /// How long the health check took, in milliseconds.
    pub health_latency_ms: Option<f64>,
    /// Memory in bytes: the proportional share where readable, else resident memory.
    pub memory: Option<u64>,
    /// Share of one processor in percent since the last sample.
    pub cpu_percent: Option<f64>,
    /// Seconds since the process was started.
    pub uptime: Option<u64>,
    /// When the process was started.
    pub started_at: Option<DateTime<Utc>>,
    /// Restarts after crashes since Helm watches it.
    pub restarts: u32,
    /// What went wrong last, in words.
    pub last_error: Option<String>,
    /// The build it runs, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The parts of its last health check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<HealthCheck>,
}

/// One part of a health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// `database`, `disk`, …, or the service that this one needs.
    pub name: String,
    /// `healthy`, `degraded` or `unhealthy`.
    pub status: String,
    /// What it says beside that.
    pub detail: String,
}

impl HealthCheck {
    /// The parts of the body of `/health` (platform.md §12).
    #[must_use]
    pub fn of(body: &Value) -> Vec<Self> {
        let Some(checks) = body["checks"].as_object() else { return Vec::new() };
        let dependencies = checks.get("dependencies").and_then(Value::as_object);
        let own = checks.iter().filter(|(name, _)| *name != "dependencies");
        own.chain(dependencies.into_iter().flatten())
            .filter_map(|(name, value)| {
                let members = value.as_object()?;
                let details = || members.iter().filter(|(name, _)| *name != "status");
                let texts = details().filter(|(_, value)| value.is_string()).map(said);
                let numbers = details().filter(|(_, value)| value.is_number()).map(said);
                Some(Self {
                    name: name.clone(),
                    status: members.get("status")?.as_str()?.to_owned(),
                    detail: texts.chain(numbers).collect::<Vec<_>>().join(", "),
                })
            })
            .collect()
    }
}

/// A member of a check in words: texts that are sentences speak for themselves, numbers have a unit.
fn said((name, value): (&String, &Value)) -> String {
    const UNITS: [(&str, &str); 4] = [("_ms", "ms"), ("_gb", "GB"), ("_percent", "%"), ("_seconds", "s")];
    let plain = |name: &str| name.replace('_', " ");
    match value.as_str() {
        Some(text) if matches!(name.as_str(), "message" | "error" | "type") => text.to_owned(),
        Some(text) => format!("{} {text}", plain(name)),
        None => match UNITS.iter().find_map(|(end, unit)| Some((name.strip_suffix(end)?, unit))) {
            Some((what, unit)) => format!("{} {value} {unit}", plain(what)),
            None => format!("{} {value}", plain(name)),
        },
    }
}

impl UnitStatus {
    /// A unit of which nothing is known but its name.
    #[must_use]
    pub fn bare(name: &str, kind: UnitKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            state: Phase::Stopped,
            pid: None,
            url: None,
            port: None,
            health: Health::Unknown,
            health_message: String::new(),
            health_latency_ms: None,
            memory: None,
            cpu_percent: None,
            uptime: None,
            started_at: None,
            restarts: 0,
            last_error: None,
            version: None,
            checks: Vec::new(),
        }
    }
}

/// What a supervised process is to the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitKind {
    /// One of the services of the registry.
    Service,
    /// A server that Helm runs itself: PostgreSQL, Redis.
    Server,
    /// A helper of the demo.
    Helper,
}

/// `uptime` for people: `Ns`, `Nm`, `Nh Nm`, `Nd Nh` (helm.md §3).
#[must_use]
pub fn uptime_text(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days}d {}h", hours % 24),
        () if hours > 0 => format!("{hours}h {}m", minutes % 60),
        () if minutes > 0 => format!("{minutes}m"),
        () => format!("{seconds}s"),
    }
}

/// Memory for people, in MiB with one decimal.
#[must_use]
pub fn memory_text(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_is_written_with_its_two_largest_units() {
        let table = [(0, "0s"), (59, "59s"), (60, "1m"), (3_599, "59m"), (3_660, "1h 1m"), (90_000, "1d 1h")];
        for (seconds, text) in table {
            assert_eq!(uptime_text(seconds), text);
        }
    }

    #[test]
    fn the_body_of_health_decides() {
        let table = [
            (Some("healthy"), Health::Healthy),
            (Some("degraded"), Health::Degraded),
            (Some("unhealthy"), Health::Unhealthy),
            (Some("?"), Health::Unhealthy),
            (None, Health::Unknown),
        ];
        for (body, health) in table {
            assert_eq!(Health::from_body(body), health);
        }
    }

    #[test]
    fn a_health_answer_is_read_by_its_parts() {
        let body = serde_json::json!({"status": "degraded", "checks": {
            "database": {"status": "healthy", "message": "Connected", "latency_ms": 1.5},
            "disk": {"status": "degraded", "free_gb": 8.2, "usage_percent": 91.5},
            "sync": {"status": "healthy", "last_run": "today", "clients": 3},
            "dependencies": {"core": {"status": "unhealthy", "error": "no answer"}}, "odd": 5}});
        let read: Vec<_> = HealthCheck::of(&body)
            .into_iter()
            .map(|c| format!("{} {}: {}", c.name, c.status, c.detail))
            .collect();
        assert_eq!(
            read,
            [
                "database healthy: Connected, latency 1.5 ms",
                "disk degraded: free 8.2 GB, usage 91.5 %",
                "sync healthy: last run today, clients 3",
                "core unhealthy: no answer"
            ]
        );
        assert_eq!(HealthCheck::of(&serde_json::json!({"checks": []})), []);
    }

    #[test]
    fn memory_is_written_in_mebibytes() {
        assert_eq!(memory_text(0), "0.0 MB");
        assert_eq!(memory_text(12 * 1024 * 1024 + 600_000), "12.5 MB");
    }
}
