//! Level names as the contracts write them, and which events are let through.

use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::filter::Targets;

use super::{ACCESS_TARGET, AUDIT_TARGET, REQUEST_SPAN, SHIPPER_SPAN};

/// Libraries that talk a lot below WARNING.
const NOISY: [&str; 10] =
    ["h2", "hyper", "hyper_util", "reqwest", "rustls", "sqlx", "tower", "tower_http", "redis", "neo4rs"];

/// Level of a log line. `CRITICAL` exists in the contracts, but nothing of ours uses it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd, Ord)]
pub(super) enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

impl Level {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
        }
    }
}

impl From<&tracing::Level> for Level {
    fn from(level: &tracing::Level) -> Self {
        match *level {
            tracing::Level::ERROR => Self::Error,
            tracing::Level::WARN => Self::Warning,
            tracing::Level::INFO => Self::Info,
            _ => Self::Debug,
        }
    }
}

/// The filter for a `LOG_LEVEL` value, in any case; none when the value is not a level.
pub(super) fn parse(name: &str) -> Option<LevelFilter> {
    Some(match name.trim().to_ascii_uppercase().as_str() {
        "TRACE" => LevelFilter::TRACE,
        "DEBUG" => LevelFilter::DEBUG,
        "INFO" => LevelFilter::INFO,
        "WARNING" | "WARN" => LevelFilter::WARN,
        "ERROR" | "CRITICAL" => LevelFilter::ERROR,
        _ => return None,
    })
}

/// Decides which spans and events exist at all.
#[derive(Clone)]
pub(super) struct Verbosity {
    targets: Targets,
    level: LevelFilter,
}

impl Verbosity {
    pub(super) fn new(level: LevelFilter) -> Self {
        let quiet = level.min(LevelFilter::WARN);
        let targets = Targets::new()
            .with_default(level)
            .with_targets(NOISY.map(|name| (name, quiet)))
            .with_target(AUDIT_TARGET, level.max(LevelFilter::INFO));
        Self { targets, level }
    }

    /// Audit lines pass whatever the level; the two spans that carry context are always there, since a
    /// WARNING needs its correlation id at `LOG_LEVEL=ERROR` just as well.
    pub(super) fn lets_through(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() && matches!(metadata.name(), REQUEST_SPAN | SHIPPER_SPAN) {
            return true;
        }
        self.targets.would_enable(metadata.target(), metadata.level())
    }

    /// The most verbose level that may pass: a hint that lets tracing skip the rest early.
    pub(super) fn max_level(&self) -> LevelFilter {
        self.level.max(LevelFilter::INFO)
    }

    /// Whether access lines are written at all.
    #[cfg(test)]
    fn would_enable(&self, target: &str, level: &tracing::Level) -> bool {
        self.targets.would_enable(target, level)
    }
}

/// Target of an event that is never dropped.
pub(super) fn is_audit(target: &str) -> bool {
    target == AUDIT_TARGET
}

/// Target of access lines.
pub(super) fn is_access(target: &str) -> bool {
    target == ACCESS_TARGET
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_level_takes_the_five_names_in_any_case() {
        for (name, level) in [
            ("DEBUG", LevelFilter::DEBUG),
            ("info", LevelFilter::INFO),
            (" Warning ", LevelFilter::WARN),
            ("WARN", LevelFilter::WARN),
            ("ERROR", LevelFilter::ERROR),
            ("CRITICAL", LevelFilter::ERROR),
        ] {
            assert_eq!(parse(name), Some(level), "{name}");
        }
        assert_eq!(parse("loud"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn noisy_libraries_speak_from_warning_on_and_audit_always() {
        let verbosity = Verbosity::new(LevelFilter::DEBUG);
        assert!(verbosity.would_enable("hivematrix_codex::sync", &tracing::Level::DEBUG));
        assert!(!verbosity.would_enable("hyper::proto", &tracing::Level::DEBUG));
        assert!(!verbosity.would_enable("sqlx::query", &tracing::Level::INFO));
        assert!(verbosity.would_enable("sqlx::query", &tracing::Level::WARN));

        let verbosity = Verbosity::new(LevelFilter::ERROR);
        assert!(!verbosity.would_enable("hivematrix_codex", &tracing::Level::WARN));
        assert!(verbosity.would_enable(AUDIT_TARGET, &tracing::Level::INFO));
        assert!(!verbosity.would_enable(ACCESS_TARGET, &tracing::Level::INFO));
        assert_eq!(verbosity.max_level(), LevelFilter::INFO);
    }
}
