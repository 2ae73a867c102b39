//! The current time, handed around as a value so that rules and tests can set it.

use std::{
    path::Path,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Instant,
};

use chrono::{DateTime, Local, Offset as _, TimeDelta, Utc};

/// Source of the current time in UTC. Cheap to clone; clones of a manual clock share its time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `time` until it is moved with [`Clock::set`] or [`Clock::advance`].
    pub fn manual(time: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(time))))
    }

    /// Alias of [`Clock::manual`] for tests that never move the time.
    pub fn fixed(time: DateTime<Utc>) -> Self {
        Self::manual(time)
    }

    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now(),
            Source::Manual(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The time now by the machine's clock on the wall, for what is planned for a time of day.
    pub fn local(&self) -> DateTime<Local> {
        self.now().with_timezone(&Local)
    }

    /// Seconds since the Unix epoch, the unit of JWT claims.
    pub fn unix(&self) -> i64 {
        self.now().timestamp()
    }

    /// Whole seconds since some moment, never going back and never jumping when the machine's time is set: for measuring
    /// how long ago something was. A manual clock counts its own time.
    pub fn steady(&self) -> i64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match &self.0 {
            Source::System => i64::try_from(START.elapsed().as_secs()).unwrap_or(i64::MAX),
            Source::Manual(_) => self.unix(),
        }
    }

    /// Sets a manual clock; does nothing to the system clock.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Source::Manual(time) = &self.0 {
            *time.lock().unwrap_or_else(PoisonError::into_inner) = to;
        }
    }

    /// Moves a manual clock forward; does nothing to the system clock.
    pub fn advance(&self, by: TimeDelta) {
        self.set(self.now() + by);
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// Where the machine keeps the rules of the zones.
const ZONES: &str = "/usr/share/zoneinfo";

/// Name of the machine's zone, the one of [`Clock::local`]: from `TZ` where that names one, else from the system's own
/// settings, such as `Europe/Berlin`. A zone without a name is told by its difference to UTC.
pub fn zone_name() -> String {
    let set = std::env::var("TZ").ok().map(|name| name.trim_start_matches(':').to_owned());
    let named = |name: &String| !name.is_empty() && Path::new(ZONES).join(name).is_file();
    match set.filter(|name| !name.is_empty()) {
        Some(name) if named(&name) => name,
        Some(_) => difference(Clock::system().local()),
        None => match iana_time_zone::get_timezone() {
            Ok(name) if ["Etc/UTC", "Etc/UCT", "UCT"].contains(&name.as_str()) => "UTC".to_owned(),
            Ok(name) => name,
            Err(_) => difference(Clock::system().local()),
        },
    }
}

fn difference(at: DateTime<Local>) -> String {
    let offset = at.offset().fix();
    if offset.local_minus_utc() == 0 { "UTC".to_owned() } else { format!("UTC{offset}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_on_the_wall_shows_the_same_moment() {
        let clock = Clock::fixed("2025-07-01T10:00:00Z".parse().unwrap());
        assert_eq!(clock.local(), clock.now());
        assert!(!zone_name().is_empty());
    }
}
