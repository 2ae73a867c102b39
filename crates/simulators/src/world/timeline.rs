//! When work happens: a line through the past on which office hours are long and nights are short.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};

/// Share of a day's requests by hour (UTC: the board shows UTC unless told otherwise, so office hours look right).
const BY_HOUR: [f64; 24] = [
    0.04, 0.03, 0.02, 0.02, 0.03, 0.06, 0.15, 0.5, 1.3, 1.6, 1.5, 1.3, 0.9, 1.2, 1.4, 1.2, 1.0, 0.6, 0.25,
    0.15, 0.1, 0.08, 0.06, 0.05,
];
const WEEKEND: f64 = 0.06;

fn weight(at: DateTime<Utc>) -> f64 {
    let by_hour = BY_HOUR[at.hour() as usize];
    if matches!(at.weekday(), Weekday::Sat | Weekday::Sun) { by_hour * WEEKEND } else { by_hour }
}

/// Maps `0.0 ..= 1.0` to the time between the beginning of history and its end, and back.
#[derive(Debug)]
pub struct Timeline {
    begin: DateTime<Utc>,
    end: DateTime<Utc>,
    /// Sum of weights before hour `i`.
    before: Vec<f64>,
}

impl Timeline {
    /// The `days` before `end`.
    #[must_use]
    pub fn new(end: DateTime<Utc>, days: u32) -> Self {
        let begin = end - TimeDelta::days(i64::from(days));
        let mut before = Vec::with_capacity(days as usize * 24 + 1);
        let mut sum = 0.0;
        for hour in 0..i64::from(days) * 24 {
            before.push(sum);
            sum += weight(begin + TimeDelta::hours(hour));
        }
        before.push(sum);
        Self { begin, end, before }
    }

    /// Beginning of history.
    #[must_use]
    pub fn begin(&self) -> DateTime<Utc> {
        self.begin
    }

    fn total(&self) -> f64 {
        self.before[self.before.len() - 1]
    }

    /// The time at a position; positions outside `0..=1` give the ends.
    #[must_use]
    pub fn at(&self, position: f64) -> DateTime<Utc> {
        let target = position.clamp(0.0, 1.0) * self.total();
        let hour = self.before.partition_point(|sum| *sum <= target).clamp(1, self.before.len() - 1) - 1;
        let width = self.before[hour + 1] - self.before[hour];
        let inside = if width > 0.0 { (target - self.before[hour]) / width } else { 0.0 };
        let seconds = (hour as f64 + inside) * 3600.0;
        (self.begin + TimeDelta::seconds(seconds as i64)).min(self.end)
    }

    /// The position of a time.
    #[must_use]
    pub fn position(&self, at: DateTime<Utc>) -> f64 {
        let hours = (at - self.begin).num_seconds() as f64 / 3600.0;
        let hour = (hours.max(0.0) as usize).min(self.before.len() - 2);
        let inside = (hours - hour as f64).clamp(0.0, 1.0);
        let sum = self.before[hour] + inside * (self.before[hour + 1] - self.before[hour]);
        (sum / self.total()).clamp(0.0, 1.0)
    }
}

/// Moves a time of the night or the weekend back to the last office hour before it.
#[must_use]
pub fn office_hour(at: DateTime<Utc>) -> DateTime<Utc> {
    let mut moved = at;
    while weight(moved) < 0.5 {
        moved -= TimeDelta::hours(1);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Timeline {
        Timeline::new("2026-03-18T15:20:00Z".parse().unwrap(), 90)
    }

    #[test]
    fn position_and_time_are_inverse() {
        let line = line();
        for step in 0..=50 {
            let position = f64::from(step) / 50.0;
            assert!((line.position(line.at(position)) - position).abs() < 1e-4, "{position}");
        }
        assert_eq!(line.at(-3.0), line.begin());
        assert_eq!(line.at(9.0), line.end);
    }

    #[test]
    fn most_requests_come_in_office_hours() {
        let line = line();
        let office = (0..1000)
            .filter(|i| {
                let at = line.at(f64::from(*i) / 1000.0);
                (7..19).contains(&at.hour()) && !matches!(at.weekday(), Weekday::Sat | Weekday::Sun)
            })
            .count();
        assert!(office > 900, "{office} of 1000");
    }

    #[test]
    fn nights_and_weekends_move_back() {
        let sunday: DateTime<Utc> = "2026-03-15T03:10:00Z".parse().unwrap();
        assert_eq!(office_hour(sunday).to_rfc3339(), "2026-03-13T17:10:00+00:00");
        let noon: DateTime<Utc> = "2026-03-18T11:00:00Z".parse().unwrap();
        assert_eq!(office_hour(noon), noon);
    }
}
