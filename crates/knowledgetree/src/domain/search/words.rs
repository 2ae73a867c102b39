//! What was typed, as words. Everything but letters and digits only separates, so nothing that is typed has a meaning in the language
//! of an index.

/// More words than anybody types; what follows is ignored.
const MAX_WORDS: usize = 24;
/// Longer than any word; the rest of it is ignored.
const MAX_CHARS: usize = 100;

/// A typed word: the pieces between its punctuation, in lower case. `foo-bar` has two, `192.168.1.5` four.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Word {
    /// As typed, in lower case.
    pub typed: String,
    /// Its pieces of letters and digits, at least one.
    pub pieces: Vec<String>,
}

/// The words of a text; none where there is neither letter nor digit.
pub fn words(text: &str) -> Vec<Word> {
    text.split_whitespace().filter_map(word).take(MAX_WORDS).collect()
}

fn word(typed: &str) -> Option<Word> {
    let typed: String = typed.chars().take(MAX_CHARS).flat_map(char::to_lowercase).collect();
    // Small letters may bring marks of their own (İ); they separate nothing a person sees, but an index may think so.
    let pieces: Vec<String> = typed
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|piece| !piece.is_empty())
        .map(str::to_owned)
        .collect();
    (!pieces.is_empty()).then_some(Word { typed, pieces })
}

/// All pieces of a text, each once.
pub fn pieces(words: &[Word]) -> Vec<&str> {
    let mut pieces = Vec::new();
    for piece in words.iter().flat_map(|word| &word.pieces) {
        if !pieces.contains(&piece.as_str()) {
            pieces.push(piece);
        }
    }
    pieces
}

/// How many letters of a word may be wrong, missing, too many or swapped: none of a short one, where every other word would fit.
pub fn tolerance(piece: &str) -> usize {
    match piece.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    }
}

/// How many letters must be changed, added, left out or swapped with their neighbour to make one word of the other. The measure of
/// Lucene's fuzzy search, so that both stores take the same for nearly the same.
pub fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut this = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let change = last[column] + usize::from(letter != other);
            let mut least = change.min(last[column + 1] + 1).min(this[column] + 1);
            if row > 0 && column > 0 && *letter == right[column - 1] && left[row - 1] == *other {
                least = least.min(before[column - 1] + 1);
            }
            this.push(least);
        }
        before = last;
        last = this;
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_separates_and_case_does_not_count() {
        let found = words("  Foo-BAR  192.168.1.5 && \"\" C++ naïve\u{301} ");
        let pieces: Vec<_> = found.iter().map(|word| word.pieces.join("|")).collect();
        assert_eq!(pieces, ["foo|bar", "192|168|1|5", "c", "naïve"]);
        assert!(words("* ? ~ () \t \u{0} —").is_empty());
    }

    #[test]
    fn nobody_makes_a_query_endless() {
        assert_eq!(words(&"a ".repeat(10_000)).len(), MAX_WORDS);
        assert_eq!(words(&"x".repeat(10_000))[0].typed.len(), MAX_CHARS);
    }

    #[test]
    fn the_distance_counts_typing_mistakes() {
        for (left, right, expected) in [
            ("printer", "printer", 0),
            ("printr", "printer", 1),
            ("pritner", "printer", 1),
            ("printerr", "printer", 1),
            ("brinter", "printer", 1),
            ("drucker", "printer", 5),
            ("", "abc", 3),
            ("abc", "", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }
}
