//! Which samples are asked for (helm.md §4.3).

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::{
    log_entry::parse_time,
    log_filter::{BadFilter, DEFAULT_LIMIT, MAX_LIMIT},
};

/// As far back unless asked otherwise.
const WINDOW: TimeDelta = TimeDelta::hours(24);

/// Samples of one service, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricFilter {
    /// Exact name of a metric.
    pub metric_name: Option<String>,
    /// Not before, inclusive.
    pub start: DateTime<Utc>,
    /// Not after, inclusive.
    pub end: DateTime<Utc>,
    /// Rows wanted.
    pub limit: i64,
}

/// The filter as it stands in a query string.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct RawMetricFilter {
    /// Name of a metric.
    pub metric_name: Option<String>,
    /// ISO 8601.
    pub start_time: Option<String>,
    /// ISO 8601.
    pub end_time: Option<String>,
    /// Rows wanted.
    pub limit: Option<String>,
}

impl RawMetricFilter {
    /// Empty values count as absent, a number that is none takes its default. The last 24 hours unless asked otherwise.
    ///
    /// # Errors
    /// Names the time that is none.
    pub fn read(self, now: DateTime<Utc>) -> Result<MetricFilter, BadFilter> {
        let given =
            |value: Option<String>| value.map(|v| v.trim().to_owned()).filter(|value| !value.is_empty());
        let start = given(self.start_time).map(|t| parse_time(&t).ok_or(BadFilter::StartTime)).transpose()?;
        let end = given(self.end_time).map(|t| parse_time(&t).ok_or(BadFilter::EndTime)).transpose()?;
        let end = end.unwrap_or(now.trunc_subsecs(6));
        let limit = given(self.limit).and_then(|limit| limit.parse().ok()).unwrap_or(DEFAULT_LIMIT);
        Ok(MetricFilter {
            metric_name: given(self.metric_name),
            start: start.unwrap_or(end - WINDOW),
            end,
            limit: limit.clamp(1, MAX_LIMIT),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2025-11-22T10:30:00Z".parse().unwrap()
    }

    #[test]
    fn nothing_asked_for_is_the_last_day() {
        let filter = RawMetricFilter { metric_name: Some(" ".into()), ..RawMetricFilter::default() };
        let start = now() - TimeDelta::days(1);
        assert_eq!(filter.read(now()), Ok(MetricFilter { metric_name: None, start, end: now(), limit: 100 }));
    }

    #[test]
    fn a_day_before_a_given_end_and_until_now_after_a_given_start() {
        let end = RawMetricFilter { end_time: Some("2025-11-20".into()), ..RawMetricFilter::default() };
        let filter = end.read(now()).unwrap();
        assert_eq!(filter.start.to_rfc3339(), "2025-11-19T00:00:00+00:00");
        let start = RawMetricFilter { start_time: Some("2025-11-01".into()), ..RawMetricFilter::default() };
        assert_eq!(start.read(now()).unwrap().end, now());
    }

    #[test]
    fn bad_times_are_named_and_limits_kept() {
        let start = RawMetricFilter { start_time: Some("soon".into()), ..RawMetricFilter::default() };
        assert_eq!(start.read(now()).unwrap_err().to_string(), "Invalid start_time format");
        let end = RawMetricFilter { end_time: Some("later".into()), ..RawMetricFilter::default() };
        assert_eq!(end.read(now()).unwrap_err().to_string(), "Invalid end_time format");
        for (given, limit) in [("5", 5), ("0", 1), ("-3", 1), ("99999", 1000), ("x", 100), ("", 100)] {
            let raw = RawMetricFilter { limit: Some(given.into()), ..RawMetricFilter::default() };
            assert_eq!(raw.read(now()).unwrap().limit, limit, "{given}");
        }
    }
}
