//! When a job is due: five fields as in a crontab, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.

use chrono::{DateTime, TimeZone, Utc};
use croner::{
    errors::CronError,
    parser::{CronParser, Seconds, Year},
};

/// A schedule that can be read. It is meant by the clock of the zone in which it is asked.
#[derive(Clone, Debug)]
pub struct Cron(croner::Cron);

impl Cron {
    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong, as the end of a sentence that begins with the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        parser.parse(text).map(Self).map_err(|error| match error {
            CronError::ComponentError(why) | CronError::IllegalCharacters(why) => {
                format!("cannot be read: {}", why.trim_end_matches('.'))
            }
            _ => "must have five fields: minute, hour, day of the month, month, day of the week".to_owned(),
        })
    }

    /// The first moment after `after`; none where there never is one. Where clocks are set forward over a time of day, it comes
    /// when they are; where they are set back, it comes once.
    pub fn next<Z: TimeZone>(&self, after: &DateTime<Z>) -> Option<DateTime<Z>> {
        self.0.find_next_occurrence(after, false).ok()
    }

    /// Whether there is a moment at all: the 30th of February never comes.
    pub fn comes(&self) -> bool {
        // Days repeat within 400 years, so that it is all the same when they are asked for.
        self.next(&DateTime::UNIX_EPOCH).is_some()
    }

    /// The moment that is still to be done, when everything up to `done_until` is. Of many that were missed it is the first one,
    /// and doing it does them all.
    pub fn due<Z: TimeZone>(&self, done_until: DateTime<Utc>, now: &DateTime<Z>) -> Option<DateTime<Utc>> {
        let next = self.next(&done_until.with_timezone(&now.timezone()))?;
        (next <= *now).then(|| next.to_utc())
    }

    /// In words: `At 02:30, on Sunday.`
    pub fn words(&self) -> String {
        self.0.describe()
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_schedule_says_what_it_means_and_when_it_comes() {
        for (cron, words, next) in [
            ("0 */12 * * *", "At minute 0, of every 12 hours.", "2025-07-16 00:00:00 UTC"),
            ("30 2 * * 0", "At 02:30, on Sunday.", "2025-07-20 02:30:00 UTC"),
            ("30 2 * * 7", "At 02:30, on Sunday.", "2025-07-20 02:30:00 UTC"),
            ("0 5 L * *", "At 05:00, on the last day of the month.", "2025-07-31 05:00:00 UTC"),
            ("@daily", "At 00:00.", "2025-07-16 00:00:00 UTC"),
            ("0 0 29 2 *", "At 00:00, on day 29, in February.", "2028-02-29 00:00:00 UTC"),
        ] {
            let read = Cron::parse(cron).unwrap();
            let found = read.next(&at("2025-07-15T12:00:00Z")).unwrap().to_string();
            assert_eq!((read.words().as_str(), found.as_str()), (words, next), "{cron}");
        }
    }

    #[test]
    fn a_day_that_there_is_not_never_comes() {
        for (cron, comes) in
            [("0 0 30 2 *", false), ("0 0 31 4,6 *", false), ("0 0 29 2 *", true), ("@daily", true)]
        {
            assert_eq!(Cron::parse(cron).unwrap().comes(), comes, "{cron}");
        }
    }

    #[test]
    fn what_is_no_schedule_is_told_in_words() {
        let five = "must have five fields: minute, hour, day of the month, month, day of the week";
        for (cron, told) in [
            ("", five),
            ("hourly", five),
            ("0 0 * *", five),
            ("0 0 0 * * *", five),
            ("@reboot", five),
            ("60 0 * * *", "cannot be read: Number out of bounds"),
            ("é 0 * * *", "cannot be read: CronPattern contains illegal character 'É' in part 'É'"),
        ] {
            assert_eq!(Cron::parse(cron).unwrap_err(), told, "{cron}");
        }
    }

    #[test]
    fn missed_moments_are_due_once_and_by_the_clock_on_the_wall() {
        let hourly = Cron::parse("0 * * * *").unwrap();
        let (done, now) = (at("2025-07-15T09:30:00Z"), at("2025-07-15T12:10:00Z"));
        assert_eq!(hourly.due(done, &now), Some(at("2025-07-15T10:00:00Z")));
        assert_eq!(hourly.due(now, &now), None, "all three are done with the first");
        assert_eq!(
            hourly.due(at("2025-07-15T11:59:59Z"), &at("2025-07-15T12:00:00Z")),
            Some(at("2025-07-15T12:00:00Z"))
        );
        let there = FixedOffset::west_opt(5 * 3600).unwrap();
        let nightly = Cron::parse("0 2 * * *").unwrap();
        let begun = at("2025-07-15T00:00:00Z");
        assert_eq!(nightly.due(begun, &at("2025-07-15T06:59:00Z").with_timezone(&there)), None);
        assert_eq!(
            nightly.due(begun, &at("2025-07-15T07:00:00Z").with_timezone(&there)),
            Some(at("2025-07-15T07:00:00Z"))
        );
    }
}
