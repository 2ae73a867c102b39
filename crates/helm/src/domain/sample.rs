//! What is kept of a sample of a process: its row in `service_status`, and its readings (helm.md §5.2, §5.3).

use chrono::{DateTime, Utc};

use super::status::{Health, Phase, UnitStatus};

/// Share of one processor in percent.
pub const CPU: &str = "cpu_percent";
/// Memory in MiB.
pub const MEMORY: &str = "memory_mb";
/// Time that the health check took in milliseconds.
pub const LATENCY: &str = "health_latency_ms";

/// One number of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Whose it is.
    pub service: String,
    /// What was measured.
    pub metric: &'static str,
    /// How much.
    pub value: f64,
}

/// A row of `service_status`.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusRow {
    /// Unique.
    pub service_name: String,
    /// `running`, `stopped`, `error` or `unknown`.
    pub status: &'static str,
    /// Process id while it runs.
    pub pid: Option<i32>,
    /// Where it listens.
    pub port: Option<i32>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// `healthy`, `unhealthy`, `degraded`; none while nobody has asked.
    pub health_status: Option<&'static str>,
    /// The same in words.
    pub health_message: String,
    /// Share of one processor in percent.
    pub cpu_percent: Option<f64>,
    /// Memory in MiB.
    pub memory_mb: Option<f64>,
}

impl From<&UnitStatus> for StatusRow {
    fn from(unit: &UnitStatus) -> Self {
        Self {
            service_name: unit.name.clone(),
            status: if unit.state == Phase::Backoff { "error" } else { unit.state.status() },
            pid: unit.pid,
            port: unit.port.map(i32::from),
            started_at: unit.started_at,
            health_status: match unit.health {
                Health::Healthy => Some("healthy"),
                Health::Degraded => Some("degraded"),
                Health::Unhealthy | Health::Unreachable => Some("unhealthy"),
                Health::Unknown => None,
            },
            health_message: unit.health_message.clone(),
            cpu_percent: unit.cpu_percent,
            memory_mb: unit.memory.map(mebibytes),
        }
    }
}

/// The readings of a sample; what could not be measured has none.
#[must_use]
pub fn readings(units: &[UnitStatus]) -> Vec<Reading> {
    let of = |unit: &UnitStatus| {
        let measured = [
            (CPU, unit.cpu_percent),
            (MEMORY, unit.memory.map(mebibytes)),
            (LATENCY, unit.health_latency_ms),
        ];
        let service = unit.name.clone();
        measured.into_iter().filter_map(move |(metric, value)| {
            Some(Reading { service: service.clone(), metric, value: value? })
        })
    };
    units.iter().flat_map(of).collect()
}

/// Bytes as MiB with two decimals.
#[expect(clippy::cast_precision_loss, reason = "two decimals of a process' memory")]
#[must_use]
pub fn mebibytes(bytes: u64) -> f64 {
    (bytes as f64 / 1024.0 / 1024.0 * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::status::{UnitKind, UnitStatus};

    fn unit(state: Phase, health: Health) -> UnitStatus {
        UnitStatus {
            state,
            health,
            port: Some(5010),
            memory: Some(25 * 1024 * 1024 + 300_000),
            health_latency_ms: Some(1.5),
            ..UnitStatus::bare("codex", UnitKind::Service)
        }
    }

    #[test]
    fn the_words_of_the_table_are_the_contracts() {
        let table = [
            (Phase::Running, Health::Healthy, "running", Some("healthy")),
            (Phase::Starting, Health::Unknown, "running", None),
            (Phase::Running, Health::Degraded, "running", Some("degraded")),
            (Phase::Running, Health::Unreachable, "running", Some("unhealthy")),
            (Phase::Backoff, Health::Unknown, "error", None),
            (Phase::Stopped, Health::Unknown, "stopped", None),
        ];
        for (state, health, status, health_status) in table {
            let row = StatusRow::from(&unit(state, health));
            assert_eq!((row.status, row.health_status), (status, health_status), "{state:?} {health:?}");
        }
    }

    #[test]
    fn what_was_not_measured_has_no_reading() {
        let readings = readings(&[unit(Phase::Running, Health::Healthy)]);
        let found: Vec<_> = readings.iter().map(|r| (r.metric, r.value)).collect();
        assert_eq!(found, [(MEMORY, 25.29), (LATENCY, 1.5)]);
    }
}
