//! How a size went over time, as a picture of steps drawn on the server: each as wide as it lasted.

use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};

const WIDTH: i64 = 600;
const HEIGHT: i64 = 60;

/// A size and how long it lasted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// Left edge.
    pub x: i64,
    /// Upper edge.
    pub y: i64,
    /// How long it lasted.
    pub width: i64,
    /// How much it was.
    pub height: i64,
}

/// The picture.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UsagePicture {
    /// Width of the whole.
    pub width: i64,
    /// Height of the whole.
    pub height: i64,
    /// From left to right; a time without a size leaves a gap.
    pub steps: Vec<Step>,
    /// The same in words.
    pub words: String,
}

impl UsagePicture {
    /// Of sizes and the first days of them, oldest first, until today. None where there is nothing to compare.
    pub fn of(sizes: &[(NaiveDate, Option<Decimal>)], today: NaiveDate) -> Option<Self> {
        let (first, last) = (sizes.first()?, sizes.last()?);
        let known: Vec<(NaiveDate, Decimal)> =
            sizes.iter().filter_map(|(day, size)| Some((*day, (*size)?))).collect();
        let most = known.iter().map(|(_, size)| *size).max().filter(|most| *most > Decimal::ZERO)?;
        let changes = known.windows(2).any(|pair| pair[0].1 != pair[1].1);
        if !changes {
            return None;
        }
        // The day that has begun counts as one.
        let days = (today.max(last.0) - first.0).num_days() + 1;
        let at = |day: NaiveDate| (day - first.0).num_days() * WIDTH / days;
        let ends = sizes.iter().skip(1).map(|(day, _)| at(*day)).chain([WIDTH]);
        let steps = sizes.iter().zip(ends).filter_map(|((day, size), end)| {
            let share = (*size)? * Decimal::from(HEIGHT) / most;
            let height = share.round().to_i64()?.max(1);
            let x = at(*day);
            Some(Step { x, y: HEIGHT - height, width: (end - x).max(1), height })
        });
        let begin = known.first()?;
        let since = sizes.iter().rev().take_while(|(_, size)| *size == last.1).last()?.0;
        let now = last.1.map_or_else(|| "none".to_owned(), |size| format!("{size:.2} TB"));
        let words = format!(
            "{:.2} TB on {}, at most {most:.2} TB, {now} since {}",
            begin.1,
            written(begin.0),
            written(since)
        );
        Some(Self { width: WIDTH, height: HEIGHT, steps: steps.collect(), words })
    }
}

/// A day for people.
fn written(day: NaiveDate) -> String {
    day.format("%b %-d, %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2025, 11, number).unwrap()
    }

    fn size(text: &str) -> Option<Decimal> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_step_is_as_wide_as_it_lasted_and_as_high_as_it_was() {
        let sizes = [(day(1), size("1.00")), (day(4), None), (day(5), size("2.00")), (day(9), size("0"))];
        let picture = UsagePicture::of(&sizes, day(10)).unwrap();
        let steps: Vec<_> =
            picture.steps.iter().map(|step| (step.x, step.width, step.y, step.height)).collect();
        assert_eq!(steps, [(0, 180, 30, 30), (240, 240, 0, 60), (480, 120, 59, 1)]);
        assert_eq!(picture.words, "1.00 TB on Nov 1, 2025, at most 2.00 TB, 0.00 TB since Nov 9, 2025");
        // The last change was one of the patches, and then the backup ended.
        let words = |sizes: &[_]| UsagePicture::of(sizes, day(10)).unwrap().words;
        let sizes = [(day(1), size("1")), (day(4), size("2")), (day(6), size("2")), (day(8), None)];
        assert!(words(&sizes[..3]).ends_with("2.00 TB since Nov 4, 2025"), "{}", words(&sizes[..3]));
        assert!(words(&sizes).ends_with("none since Nov 8, 2025"), "{}", words(&sizes));
    }

    #[test]
    fn where_nothing_changed_there_is_nothing_to_draw() {
        for sizes in [
            vec![],
            vec![(day(1), size("1.00"))],
            vec![(day(1), None), (day(2), None)],
            vec![(day(1), size("1.00")), (day(2), size("1.00"))],
            vec![(day(1), size("0")), (day(2), size("0"))],
        ] {
            assert_eq!(UsagePicture::of(&sizes, day(10)), None, "{sizes:?}");
        }
        // A clock that was set back.
        assert!(UsagePicture::of(&[(day(1), size("1")), (day(20), size("2"))], day(10)).is_some());
    }
}
