//! Numbers by name as lying bars, drawn on the server: how long the bars are, and the same in words.

use super::format::shortened;

/// How large a picture of bars is, in its own units.
#[derive(Clone, Copy, Debug)]
pub struct Measures {
    /// Bars that fit; what is left over becomes one more.
    pub most: usize,
    /// From one bar to the next.
    pub step: i64,
    /// Length of the longest bar.
    pub length: i64,
    /// Letters that fit before a bar.
    pub label: usize,
}

/// A bar beside its label.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bar {
    /// What is counted, whole; none where the bar is what does not fit.
    pub name: Option<String>,
    /// The same, at most as long as its place.
    pub label: String,
    /// How many.
    pub value: i64,
    /// Length.
    pub length: i64,
    /// Upper edge.
    pub top: i64,
}

/// Numbers by name as lying bars.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bars {
    /// The bars, the longest first, what does not fit together as the last.
    pub bars: Vec<Bar>,
    /// Height of the picture.
    pub height: i64,
    /// The same in words.
    pub words: String,
}

impl Bars {
    /// Draws these names with their numbers.
    pub fn of(values: impl IntoIterator<Item = (String, i64)>, measures: Measures) -> Self {
        let mut values: Vec<_> = values.into_iter().filter(|(_, value)| *value > 0).collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        // One alone would take no more room than the words for it.
        let others = (values.len() > measures.most + 1).then(|| {
            let rest = values.split_off(measures.most);
            let others = rest.iter().map(|(_, value)| value).sum();
            values.push((format!("{} others", rest.len()), others));
            measures.most
        });
        let words =
            values.iter().map(|(label, value)| format!("{label}: {value}")).collect::<Vec<_>>().join(", ");
        let longest = values.iter().map(|(_, value)| *value).max().unwrap_or(1);
        let bars: Vec<_> = (0..)
            .zip(values)
            .enumerate()
            .map(|(place, (index, (label, value)))| Bar {
                label: shortened(&label, measures.label),
                name: (Some(place) != others).then_some(label),
                value,
                length: (value.saturating_mul(measures.length) / longest).max(2),
                top: index * measures.step,
            })
            .collect();
        Self { height: measures.step * i64::try_from(bars.len()).unwrap_or_default(), bars, words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEASURES: Measures = Measures { most: 4, step: 15, length: 190, label: 18 };

    #[test]
    fn bars_are_as_long_as_their_numbers_and_the_rest_is_one() {
        let bars = Bars::of((0..=9).map(|n| (format!("Agent {n}"), n)), MEASURES);
        assert_eq!(bars.bars.len(), 5);
        let name = Some("Agent 9".to_owned());
        let first = Bar { name, label: "Agent 9".into(), value: 9, length: 114, top: 0 };
        assert_eq!(bars.bars[0], first);
        assert_eq!((bars.bars[4].label.as_str(), bars.bars[4].value), ("5 others", 15));
        assert_eq!((bars.bars[3].name.is_some(), &bars.bars[4].name), (true, &None));
        assert_eq!((bars.bars[1].top, bars.height), (15, 75));
        assert_eq!(bars.words, "Agent 9: 9, Agent 8: 8, Agent 7: 7, Agent 6: 6, 5 others: 15");
    }

    #[test]
    fn one_more_than_fits_is_no_rest_and_nothing_is_no_picture() {
        let five = Bars::of((1..=5).map(|n| (format!("{n}"), n)), MEASURES);
        assert_eq!(five.bars[4].label, "1");
        assert_eq!(Bars::of([("none".to_owned(), 0)], MEASURES), Bars::default());
    }

    #[test]
    fn labels_fit_and_words_have_them_whole() {
        let bars = Bars::of([("x".repeat(30), i64::MAX)], MEASURES);
        assert_eq!(bars.bars[0].label.chars().count(), MEASURES.label);
        assert!(bars.words.starts_with(&"x".repeat(30)));
        assert_eq!(bars.bars[0].name, Some("x".repeat(30)));
    }
}
