//! Queries for Neo4j's full-text index, in the language of Lucene's parser (§6 "Search escaping").

use super::words::{Word, pieces, tolerance};

/// Characters that mean something to the parser, wherever they stand.
const SPECIAL: &[char] = &[
    '+', '-', '&', '|', '!', '(', ')', '{', '}', '[', ']', '^', '"', '~', '*', '?', ':', '\\', '/', '<', '>', '=',
];

/// Parts shorter than this are in every other name.
const LEAST_PART: usize = 3;

/// Every word, the last one at least as a beginning. A hit in the property with the name counts more.
pub fn exact(words: &[Word], name: &str) -> Option<String> {
    let (last, others) = words.split_last()?;
    let mut terms: Vec<String> = others.iter().map(whole).collect();
    terms.push(beginning(last));
    let all = terms.join(" AND ");
    Some(format!("({all}) OR {name}:({all})^4"))
}

/// Names that have all the pieces somewhere in their words; none where all pieces are too short.
pub fn name_part(words: &[Word]) -> Option<String> {
    let pieces = pieces(words);
    let parts: Vec<String> = pieces.iter().map(|piece| format!("name:*{piece}*")).collect();
    pieces.iter().any(|piece| piece.chars().count() >= LEAST_PART).then(|| parts.join(" AND "))
}

/// Every word, or one nearly like it.
pub fn nearly(words: &[Word]) -> Option<String> {
    let terms: Vec<String> = pieces(words)
        .into_iter()
        .map(|piece| match tolerance(piece) {
            0 => plain(piece),
            letters => format!("{piece}~{letters}"),
        })
        .collect();
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

/// A word as the index has it: the parser's analysis splits it as it split the texts, and the quotes keep the parts together.
fn whole(word: &Word) -> String {
    if word.pieces.len() == 1 && word.pieces[0] == word.typed {
        return plain(&word.typed);
    }
    format!("\"{}\"", escaped(&word.typed))
}

/// The beginning of a word. What has a wildcard is not analysed, so the parser must get the parts as the index has them, which
/// are the whole (an address of a network) or the pieces.
fn beginning(word: &Word) -> String {
    let mut pieces: Vec<String> = word.pieces.iter().map(|piece| plain(piece)).collect();
    let typed = escaped(word.typed.trim_end_matches(|letter: char| !letter.is_alphanumeric()));
    let last = word.pieces.last().map(|piece| format!("{piece}*"));
    if word.pieces.len() == 1 {
        let whole = whole(word);
        return format!("({whole} OR {})", last.unwrap_or(whole.clone()));
    }
    pieces.pop();
    pieces.extend(last);
    format!("({} OR {typed}* OR ({}))", whole(word), pieces.join(" AND "))
}

/// A piece that is none of the parser's own words: those are in capitals, and pieces are not.
fn plain(piece: &str) -> String {
    escaped(piece)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if SPECIAL.contains(&letter) || letter.is_control() {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{super::words::words, *};

    fn asked(text: &str) -> String {
        exact(&words(text), "name").unwrap_or_default()
    }

    #[test]
    fn all_words_are_asked_for_and_the_last_as_a_beginning() {
        let all = "restart AND (print OR print*)";
        assert_eq!(asked("Restart  PRINT"), format!("({all}) OR name:({all})^4"));
        assert_eq!(asked(""), "");
        assert_eq!(asked("*"), "");
    }

    #[test]
    fn operators_are_words_and_signs_are_escaped() {
        assert!(asked("NOT AND or x").starts_with("(not AND and AND or AND (x OR x*))"));
        assert!(asked("a:b\"c x").starts_with("(\"a\\:b\\\"c\" AND "));
        assert!(asked("foo-ba").starts_with("((\"foo\\-ba\" OR foo\\-ba* OR (foo AND ba*)))"));
        assert!(asked("c++").starts_with("((\"c\\+\\+\" OR c*))"));
    }

    #[test]
    fn parts_of_names_and_nearly_the_same() {
        let typed = words("inter no printr");
        assert_eq!(name_part(&typed).unwrap(), "name:*inter* AND name:*no* AND name:*printr*");
        assert_eq!(name_part(&words("ab c")), None);
        assert_eq!(nearly(&typed).unwrap(), "inter~1 AND no AND printr~2");
    }

    /// Outside of what is written here, every sign of the language stands behind a backslash.
    #[test]
    fn no_input_leaves_its_place() {
        let hostile = "a\\ \\\\\" OR name:x) {a TO b} /re/ f~9 ^2 \\\\\\x && || !a <script> ]";
        for word in words(hostile) {
            let term = whole(&word);
            let inner = term.trim_start_matches('"');
            let inner = inner.strip_suffix('"').unwrap_or(inner);
            let mut letters = inner.chars();
            while let Some(letter) = letters.next() {
                if letter == '\\' {
                    assert!(letters.next().is_some(), "{term}");
                } else {
                    assert!(!SPECIAL.contains(&letter), "{term}");
                }
            }
        }
    }
}
