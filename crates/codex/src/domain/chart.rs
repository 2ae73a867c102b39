//! Small bar charts, drawn on the server (codex-pages.md §10): how long the bars are, and the same in words.

/// Bars that fit; what is left over becomes one more.
const MOST: usize = 6;
/// Length of the longest bar.
const LENGTH: i64 = 220;
/// From one bar to the next.
const STEP: i64 = 26;

/// A bar.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bar {
    /// What is counted, at most as long as its place.
    pub label: String,
    /// How many.
    pub count: i64,
    /// Length in the picture's units.
    pub length: i64,
    /// Upper edge.
    pub top: i64,
}

/// A chart.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Chart {
    /// The bars, the longest first.
    pub bars: Vec<Bar>,
    /// Height of the picture.
    pub height: i64,
    /// The same in words.
    pub words: String,
}

impl Chart {
    /// Of these values with their numbers.
    pub fn of(values: impl IntoIterator<Item = (String, i64)>) -> Self {
        let mut values: Vec<_> = values.into_iter().filter(|(_, count)| *count > 0).collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        if values.len() > MOST + 1 {
            let others = values.split_off(MOST).into_iter().map(|(_, count)| count).sum();
            values.push(("Others".to_owned(), others));
        }
        let words =
            values.iter().map(|(label, count)| format!("{label}: {count}")).collect::<Vec<_>>().join(", ");
        let longest = values.iter().map(|(_, count)| *count).max().unwrap_or(1);
        let bars: Vec<_> = (0..)
            .zip(values)
            .map(|(index, (label, count))| Bar {
                label: shortened(&label),
                count,
                length: (count.saturating_mul(LENGTH) / longest).max(2),
                top: index * STEP,
            })
            .collect();
        Self { height: STEP * i64::try_from(bars.len()).unwrap_or_default(), bars, words }
    }
}

/// As much of a label as stands before its bar.
fn shortened(label: &str) -> String {
    const FITS: usize = 19;
    if label.chars().count() <= FITS {
        return label.to_owned();
    }
    label.chars().take(FITS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_numbers_and_the_rest_is_one() {
        let values = (1..=9).map(|n| (format!("Kind {n}"), n)).chain([("None".to_owned(), 0)]);
        let chart = Chart::of(values);
        assert_eq!(chart.bars.len(), 7);
        assert_eq!(
            (chart.bars[0].label.as_str(), chart.bars[0].length, chart.bars[0].top),
            ("Kind 9", 220, 0)
        );
        assert_eq!((chart.bars[6].label.as_str(), chart.bars[6].count), ("Others", 6));
        assert_eq!((chart.bars[1].top, chart.height), (26, 182));
        assert!(chart.words.starts_with("Kind 9: 9, Kind 8: 8"));
        assert_eq!(Chart::of([]), Chart::default());
        assert_eq!(Chart::of([("x".repeat(30), 1)]).bars[0].label.chars().count(), 19);
    }
}
