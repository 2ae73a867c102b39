//! What the commands take.

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, ValueEnum};
use hivematrix_shared::clock::Clock;

use crate::domain::log_entry::{LEVELS, known_level};

/// Arguments of `helm up`.
#[derive(Debug, Clone, Default, Args)]
pub struct UpArgs {
    /// Fill the suite from a simulated ticket system. The instance remembers it.
    #[arg(long)]
    pub demo: bool,
    /// Public port of the gateway, taken as it is.
    #[arg(long = "port", id = "gateway_port", env = "HIVEMATRIX_PORT", value_name = "N")]
    pub port: Option<u16>,
    /// Size of the simulated world.
    #[arg(long, value_enum)]
    pub size: Option<Size>,
    /// Number of active tickets in the simulated world.
    #[arg(long, value_name = "N")]
    pub active: Option<u32>,
    /// Number of companies in the simulated world.
    #[arg(long, value_name = "N")]
    pub companies: Option<u32>,
    /// Say as JSON where the suite is: url, restarted, users, password_file, keycloak (url, realm). The first password itself
    /// is only in its file.
    #[arg(long)]
    pub json: bool,
}

/// Sizes of the simulated world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// 40 companies, 6,000 tickets.
    Demo,
    /// 200 companies, 20,000 tickets.
    Reference,
    /// Ten times the reference.
    Large,
}

impl Size {
    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Reference => "reference",
            Self::Large => "large",
        }
    }
}

/// One service, with upstream's mode flag.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// Service name.
    pub service: String,
    /// Accepted for compatibility; our services have one mode.
    #[arg(long, value_enum, default_value = "development")]
    pub mode: Mode,
    /// As JSON: success, message, pid, port.
    #[arg(long)]
    pub json: bool,
}

/// Upstream's start modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The default.
    Development,
    /// The same here.
    Production,
}

/// One service to stop.
#[derive(Debug, Args)]
pub struct StopArgs {
    /// Service name.
    pub service: String,
    /// As JSON: success, message.
    #[arg(long)]
    pub json: bool,
}

/// One service.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// Service name.
    pub service: String,
}

/// Arguments of `helm status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Only this service.
    pub service: Option<String>,
    /// As JSON: name, state, pid, url, health, memory (bytes), uptime (seconds).
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm alerts`.
#[derive(Debug, Args)]
pub struct AlertsArgs {
    /// As JSON, with the names of `GET /api/alerts`.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// Only this service.
    pub service: Option<String>,
    /// The same, as a flag.
    #[arg(long = "service", value_name = "NAME", conflicts_with = "service", id = "service_flag")]
    pub service_flag: Option<String>,
    /// How many lines.
    #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    pub tail: i64,
    /// Only this level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
    #[arg(long, short, value_parser = parse_level)]
    pub level: Option<&'static str>,
    /// Only the request with this correlation id.
    #[arg(long, short, visible_alias = "correlation-id", value_name = "ID")]
    pub correlation: Option<String>,
    /// Only lines of users whose name or address contains this.
    #[arg(long, short, value_name = "NAME")]
    pub user: Option<String>,
    /// Only lines whose message contains this.
    #[arg(long, short, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only lines whose message holds these words, by the full-text index; "a phrase", or, -without.
    #[arg(long, value_name = "WORDS")]
    pub words: Option<String>,
    /// Not before: a time (ISO 8601, UTC unless it says otherwise), or how long ago: 90s, 15m, 2h, 7d.
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    pub since: Option<DateTime<Utc>>,
    /// Not after, in the same forms.
    #[arg(long, value_name = "TIME", value_parser = parse_moment, conflicts_with = "follow")]
    pub until: Option<DateTime<Utc>>,
    /// One JSON object a line, with the names of `GET /api/logs`.
    #[arg(long)]
    pub json: bool,
    /// Go on with new lines until interrupted.
    #[arg(long, short)]
    pub follow: bool,
}

/// Arguments of `helm token`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("kind").args(["permission", "service"]))]
pub struct TokenArgs {
    /// A user token of this level.
    #[arg(long, value_enum, default_value = "admin")]
    pub permission: Permission,
    /// A service token: who calls, and whom.
    #[arg(long, value_name = "CALLER:TARGET", value_parser = parse_pair)]
    pub service: Option<(String, String)>,
    /// Fetch this URL with the token and print the answer; a path is asked from the gateway.
    #[arg(long, value_name = "URL")]
    pub get: Option<String>,
    /// Life of a user token in seconds.
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub ttl: u32,
}

/// Permission levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Permission {
    /// Everything.
    Admin,
    /// Tickets and master data.
    Technician,
    /// Bills.
    Billing,
    /// Own company only.
    Client,
}

/// Arguments of `helm update-config`.
#[derive(Debug, Args)]
pub struct UpdateConfigArgs {
    /// Write ./services.json with the default ports instead of the instance's files.
    #[arg(long)]
    pub default: bool,
    /// As JSON: services, written.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm down`.
#[derive(Debug, Args)]
pub struct DownArgs {
    /// As JSON: success, message.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm cleanup-logs`.
#[derive(Debug, Args)]
pub struct CleanupArgs {
    /// Days that are kept.
    #[arg(long, default_value_t = crate::jobs::retention::KEEP_DAYS)]
    pub days: u32,
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON: days, dry_run, lines, whole_days, samples, alerts.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Leave the caller's session: how `helm up` starts it.
    #[arg(long, hide = true)]
    pub detach: bool,
}

fn parse_level(given: &str) -> Result<&'static str, String> {
    known_level(given).ok_or_else(|| format!("one of {}", LEVELS.join(", ")))
}

fn parse_moment(given: &str) -> Result<DateTime<Utc>, String> {
    moment(given, Clock::system().now())
        .ok_or_else(|| "a time such as 2025-11-22T10:30, or how long ago, such as 15m".to_owned())
}

pub(super) fn moment(given: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let ago = given.strip_suffix(['s', 'm', 'h', 'd']).and_then(|number| number.parse::<i64>().ok());
    let Some(ago) = ago.filter(|ago| *ago >= 0) else {
        return crate::domain::log_entry::parse_time(given);
    };
    let ago = match given.chars().last() {
        Some('s') => TimeDelta::try_seconds(ago),
        Some('m') => TimeDelta::try_minutes(ago),
        Some('h') => TimeDelta::try_hours(ago),
        _ => TimeDelta::try_days(ago),
    };
    now.checked_sub_signed(ago?)
}

fn parse_pair(given: &str) -> Result<(String, String), String> {
    let pair = given.split_once(':').filter(|(caller, target)| !caller.is_empty() && !target.is_empty());
    pair.map(|(caller, target)| (caller.to_owned(), target.to_owned()))
        .ok_or_else(|| "write it as CALLER:TARGET, such as beacon:codex".to_owned())
}
