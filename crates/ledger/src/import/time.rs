//! Times of the original suite.

use chrono::{DateTime, Local, NaiveDateTime, TimeZone as _, Utc};

/// The original writes the time of the machine, without saying which zone that is.
pub(super) fn moment(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc));
    }
    let naive = text.trim().replacen('T', " ", 1);
    let naive = NaiveDateTime::parse_from_str(&naive, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    Local.from_local_datetime(&naive).earliest().map(|time| time.with_timezone(&Utc))
}
