//! Queries for PostgreSQL's full-text search, in the language of `to_tsquery`. Only letters and digits get into them.

use super::words::{Word, pieces};

/// Every word, the last one at least as a beginning.
pub fn exact(words: &[Word]) -> Option<String> {
    let (last, others) = words.split_last()?;
    let mut terms: Vec<String> = others.iter().map(|word| adjacent(&word.pieces, "")).collect();
    terms.push(adjacent(&last.pieces, ":*"));
    Some(terms.join(" & "))
}

/// Parts shorter than this are in every other name, and no index knows them.
const LEAST_PART: usize = 3;

/// Patterns of `LIKE`, in lower case: the longest piece, by which the index is asked, and all of them; none where all pieces are too
/// short.
pub fn name_part(words: &[Word]) -> Option<(String, Vec<String>)> {
    let pieces = pieces(words);
    let longest = pieces.iter().max_by_key(|piece| piece.chars().count())?;
    if longest.chars().count() < LEAST_PART {
        return None;
    }
    let pattern = |piece: &&str| format!("%{piece}%");
    Some((pattern(longest), pieces.iter().map(pattern).collect()))
}

/// Every word by one of those that are nearly like it.
pub fn nearly(alternatives: &[Vec<String>]) -> Option<String> {
    if alternatives.is_empty() || alternatives.iter().any(Vec::is_empty) {
        return None;
    }
    let terms: Vec<String> =
        alternatives.iter().map(|words| format!("({})", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" | "))).collect();
    Some(terms.join(" & "))
}

fn adjacent(pieces: &[String], end: &str) -> String {
    let quoted: Vec<String> = pieces.iter().map(|piece| quoted(piece)).collect();
    if quoted.len() == 1 { format!("{}{end}", quoted[0]) } else { format!("({}{end})", quoted.join(" <-> ")) }
}

fn quoted(word: &str) -> String {
    let letters: String = word.chars().filter(|letter| letter.is_alphanumeric()).collect();
    format!("'{letters}'")
}

#[cfg(test)]
mod tests {
    use super::{super::words::words, *};

    #[test]
    fn all_words_are_asked_for_and_the_last_as_a_beginning() {
        let asked = |text: &str| exact(&words(text)).unwrap_or_default();
        assert_eq!(asked("Restart PRINT"), "'restart' & 'print':*");
        assert_eq!(asked("foo-bar 192.168"), "('foo' <-> 'bar') & ('192' <-> '168':*)");
        assert_eq!(asked("a' | !b:* <-> (c & \\"), "'a' & 'b' & 'c':*");
        assert_eq!(asked(" * "), "");
    }

    #[test]
    fn names_are_asked_by_their_longest_part() {
        let (longest, all) = name_part(&words("no inter%")).unwrap();
        assert_eq!((longest.as_str(), all), ("%inter%", vec!["%no%".to_owned(), "%inter%".to_owned()]));
    }

    #[test]
    fn parts_of_two_letters_are_none() {
        assert_eq!(name_part(&words("ab c")), None);
    }

    #[test]
    fn words_nearly_like_it_are_alternatives() {
        let words = vec![vec!["printer".to_owned(), "prin'ter2".to_owned()], vec!["hp".to_owned()]];
        assert_eq!(nearly(&words).unwrap(), "('printer' | 'printer2') & ('hp')");
        assert_eq!(nearly(&[vec![]]), None);
    }
}
