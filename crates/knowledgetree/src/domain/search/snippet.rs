//! The place of a text that shows why it was found.

use super::words::{distance, tolerance};

/// About so many characters are shown.
const LENGTH: usize = 200;
/// So many of them stand before the first word that fits.
const BEFORE: usize = 60;
/// Only the first so many bytes of a text are looked at.
const LOOK: usize = 200_000;

/// A piece of a text. Nothing in it is escaped.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Snippet {
    /// One line, with `…` where something is left out.
    pub text: String,
    /// Where the words are that were asked for, as ranges of bytes of `text`, in order.
    pub marks: Vec<(usize, usize)>,
}

/// The first place of `text` with most of the words; none where no word is in it. Words fit as beginnings, with `nearly` also with
/// typing mistakes.
pub fn of(text: &str, words: &[&str], nearly: bool) -> Option<Snippet> {
    let text = &text[..text.floor_char_boundary(LOOK)];
    let hits: Vec<(usize, usize, usize)> = runs(text)
        .filter_map(|(start, end)| {
            let word = text[start..end].to_lowercase();
            words.iter().position(|asked| fits(&word, asked, nearly)).map(|asked| (start, end, asked))
        })
        .take(1000)
        .collect();
    let best = best(&hits)?;
    let start = before(text, hits[best].0);
    let end = after(text, start);
    Some(line(text, start, end, &hits))
}

fn fits(word: &str, asked: &str, nearly: bool) -> bool {
    word.starts_with(asked) || nearly && distance(word, asked) <= tolerance(asked)
}

/// Runs of letters and digits.
fn runs(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|run| !run.is_empty()).map(|run| {
        let start = run.as_ptr() as usize - text.as_ptr() as usize;
        (start, start + run.len())
    })
}

/// The first hit with most different words within reach.
fn best(hits: &[(usize, usize, usize)]) -> Option<usize> {
    let different = |first: usize| {
        let within = hits[first..].iter().take_while(|hit| hit.1 <= hits[first].0 + LENGTH - BEFORE);
        let mut seen: Vec<usize> = within.map(|hit| hit.2).collect();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    };
    (0..hits.len()).rev().max_by_key(|first| different(*first))
}

/// Where the piece begins: a little before the hit, at a word.
fn before(text: &str, hit: usize) -> usize {
    let Some((start, _)) = text[..hit].char_indices().rev().nth(BEFORE - 1) else { return 0 };
    let word = text[start..hit].find(char::is_whitespace).map(|space| start + space);
    word.map_or(start, |space| space + text[space..].chars().next().map_or(0, char::len_utf8))
}

fn after(text: &str, start: usize) -> usize {
    let Some((end, _)) = text[start..].char_indices().nth(LENGTH) else { return text.len() };
    let end = start + end;
    text[start..end].rfind(char::is_whitespace).filter(|space| *space > LENGTH / 2).map_or(end, |space| start + space)
}

/// The piece with white space made single, and its marks.
fn line(text: &str, start: usize, end: usize, hits: &[(usize, usize, usize)]) -> Snippet {
    let mut snippet = Snippet::default();
    if start > 0 {
        snippet.text.push('…');
    }
    let mut hits = hits.iter().filter(|hit| hit.0 >= start && hit.1 <= end).peekable();
    let mut mark = None;
    for (offset, letter) in text[start..end].char_indices() {
        let at = start + offset;
        if hits.peek().is_some_and(|hit| hit.0 == at) {
            mark = Some(snippet.text.len());
        }
        if letter.is_whitespace() || letter.is_control() {
            if !snippet.text.is_empty() && !snippet.text.ends_with([' ', '…']) {
                snippet.text.push(' ');
            }
        } else {
            snippet.text.push(letter);
        }
        if let (Some(begin), Some(hit)) = (mark, hits.peek())
            && hit.1 == at + letter.len_utf8()
        {
            snippet.marks.push((begin, snippet.text.len()));
            mark = None;
            hits.next();
        }
    }
    snippet.text.truncate(snippet.text.trim_end().len());
    if end < text.len() {
        snippet.text.push('…');
    }
    snippet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(snippet: &Snippet) -> Vec<&str> {
        snippet.marks.iter().map(|(start, end)| &snippet.text[*start..*end]).collect()
    }

    #[test]
    fn words_are_marked_wherever_they_begin_so() {
        let snippet = of("# Spooler\n\nRestart   the PRINT-spooler; printers wait.", &["restart", "print"], false).unwrap();
        assert_eq!(snippet.text, "# Spooler Restart the PRINT-spooler; printers wait.");
        assert_eq!(marked(&snippet), ["Restart", "PRINT", "printers"]);
        assert_eq!(of("nothing here", &["restart"], false), None);
        assert_eq!(of("", &["restart"], false), None);
    }

    #[test]
    fn the_place_with_most_words_is_shown() {
        let text = format!("alpha {} alpha beta {}", "x ".repeat(300), "y ".repeat(300));
        let snippet = of(&text, &["alpha", "beta"], false).unwrap();
        assert_eq!(marked(&snippet), ["alpha", "beta"]);
        assert!(snippet.text.starts_with('…') && snippet.text.ends_with('…'));
        assert!(snippet.text.chars().count() <= LENGTH + 2);
    }

    #[test]
    fn mistakes_are_forgiven_where_asked() {
        let text = "The printer is out of paper";
        assert_eq!(marked(&of(text, &["pritner"], true).unwrap()), ["printer"]);
        assert_eq!(of(text, &["pritner"], false), None);
    }

    #[test]
    fn no_text_breaks_it() {
        for text in ["日本語テキスト printer 🖨️ é".repeat(100), "x".repeat(300_000), "\u{130}printer\u{0}".to_owned(), "ß printer ﬀ".repeat(40)] {
            if let Some(snippet) = of(&text, &["printer", "x", "日"], true) {
                for (start, end) in &snippet.marks {
                    assert!(!snippet.text[*start..*end].is_empty());
                }
            }
        }
    }
}
