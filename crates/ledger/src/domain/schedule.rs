//! When the month is archived by itself (ledger.md §7.5).

use chrono::{DateTime, Datelike as _, Months, NaiveDate, NaiveDateTime, TimeZone};
use serde_json::{Map, Value};

use super::{
    billing::period::Period,
    changes::{Fields, Invalid},
};

/// What is set. Day and hour are those of the operator's zone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// Whether it runs at all.
    pub enabled: bool,
    /// 1 to 31; in a shorter month its last day.
    pub day_of_month: u32,
    /// 0 to 23.
    pub hour: u32,
    /// Whether the month before is archived, else the one that runs.
    pub previous_month: bool,
    /// Whether all companies are, else nobody: the original suite has the flag and no list.
    pub all_companies: bool,
}

impl Schedule {
    /// Takes the members of a request; others are passed over.
    ///
    /// # Errors
    /// Says what is wrong with each member.
    pub fn change(&mut self, members: &Map<String, Value>) -> Result<(), Invalid> {
        let mut fields = Fields::of(members);
        let mut changed = *self;
        for (slot, name) in [
            (&mut changed.enabled, "enabled"),
            (&mut changed.previous_month, "snapshot_previous_month"),
            (&mut changed.all_companies, "snapshot_all_companies"),
        ] {
            match members.get(name) {
                None => {}
                Some(Value::Bool(value)) => *slot = *value,
                Some(_) => fields.refuse(name, "must be true or false"),
            }
        }
        for (slot, name, range) in
            [(&mut changed.day_of_month, "day_of_month", 1..=31), (&mut changed.hour, "hour", 0..=23)]
        {
            match fields.whole(name, range) {
                None => {}
                Some(Some(value)) => *slot = value.unsigned_abs(),
                Some(None) => fields.refuse(name, "is needed"),
            }
        }
        *self = fields.done(changed)?;
        Ok(())
    }

    /// The moment of a month at which it runs, by the clock on the wall.
    fn moment(&self, month: NaiveDate) -> Option<NaiveDateTime> {
        let last = month.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()?;
        last.with_day(self.day_of_month.clamp(1, last.day()))?.and_hms_opt(self.hour.min(23), 0, 0)
    }

    /// The newest moment not after `now`, and the month that is archived then.
    pub fn latest<Z: TimeZone>(&self, now: &DateTime<Z>) -> Option<(DateTime<Z>, Period)> {
        let today = now.naive_local().date();
        [today, today.with_day(1)?.checked_sub_months(Months::new(1))?].into_iter().find_map(|month| {
            let wall = self.moment(month)?;
            // An hour that a change of the clock leaves out comes an hour later.
            let moment = now.timezone().from_local_datetime(&wall).earliest().or_else(|| {
                now.timezone().from_local_datetime(&(wall + chrono::TimeDelta::hours(1))).earliest()
            })?;
            (moment <= *now).then_some(())?;
            Some((moment, self.target(month)?))
        })
    }

    /// The next moment after `now`.
    pub fn next<Z: TimeZone>(&self, now: &DateTime<Z>) -> Option<NaiveDateTime> {
        let today = now.naive_local();
        let following = today.date().with_day(1)?.checked_add_months(Months::new(1))?;
        [today.date(), following]
            .into_iter()
            .filter_map(|month| self.moment(month))
            .find(|moment| *moment > today)
    }

    /// The month that is archived in a month.
    fn target(&self, month: NaiveDate) -> Option<Period> {
        let back = Months::new(u32::from(self.previous_month));
        let target = month.with_day(1)?.checked_sub_months(back)?;
        Period::new(target.year().into(), target.month().into())
    }
}

#[cfg(test)]
mod tests {
    use chrono::{FixedOffset, Utc};
    use serde_json::json;

    use super::*;

    const DEFAULT: Schedule =
        Schedule { enabled: true, day_of_month: 1, hour: 2, previous_month: true, all_companies: true };

    #[test]
    fn a_run_is_for_the_month_before_also_in_short_months_and_over_the_year() {
        for (schedule, now, moment, period) in [
            (DEFAULT, "2025-07-15T12:00:00Z", "2025-07-01T02:00:00+00:00", "2025-06"),
            (DEFAULT, "2025-07-01T01:59:59Z", "2025-06-01T02:00:00+00:00", "2025-05"),
            (DEFAULT, "2026-01-01T02:00:00Z", "2026-01-01T02:00:00+00:00", "2025-12"),
            (
                Schedule { day_of_month: 31, ..DEFAULT },
                "2025-02-28T02:00:00Z",
                "2025-02-28T02:00:00+00:00",
                "2025-01",
            ),
            (
                Schedule { day_of_month: 30, ..DEFAULT },
                "2024-03-01T00:00:00Z",
                "2024-02-29T02:00:00+00:00",
                "2024-01",
            ),
            (
                Schedule { previous_month: false, ..DEFAULT },
                "2025-07-15T12:00:00Z",
                "2025-07-01T02:00:00+00:00",
                "2025-07",
            ),
        ] {
            let now: DateTime<Utc> = now.parse().unwrap();
            let (at, target) = schedule.latest(&now).unwrap();
            assert_eq!(
                (at.to_rfc3339(), target.to_string()),
                (moment.to_owned(), period.to_owned()),
                "{now}"
            );
        }
        let there = FixedOffset::west_opt(5 * 3600).unwrap();
        let now = "2025-07-01T06:00:00Z".parse::<DateTime<Utc>>().unwrap().with_timezone(&there);
        assert_eq!(
            DEFAULT.latest(&now).unwrap().1.to_string(),
            "2025-05",
            "one o'clock in the morning there"
        );
        assert_eq!(DEFAULT.next(&now).unwrap().to_string(), "2025-07-01 02:00:00");
    }

    #[test]
    fn settings_are_held_to_their_range() {
        let mut schedule = DEFAULT;
        schedule
            .change(json!({"day_of_month": "15", "enabled": false, "id": 7}).as_object().unwrap())
            .unwrap();
        assert_eq!((schedule.day_of_month, schedule.enabled, schedule.hour), (15, false, 2));
        for bad in [
            json!({"day_of_month": 32}),
            json!({"hour": "x"}),
            json!({"hour": null}),
            json!({"enabled": "yes"}),
        ] {
            schedule.change(bad.as_object().unwrap()).unwrap_err();
        }
        assert_eq!(schedule.day_of_month, 15);
    }
}
