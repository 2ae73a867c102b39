//! Words of other people on paper: made printable, broken into lines.

use super::font::Font;

/// A text on one line: without what is not to be seen (marks of direction, joiners, variants of emoji), every run of blanks, tabs
/// and ends of line as one blank.
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !is_invisible(*letter)) {
        if !letter.is_whitespace() && !letter.is_control() {
            printable.push(letter);
        } else if !printable.is_empty() && !printable.ends_with(' ') {
            printable.push(' ');
        }
    }
    printable.truncate(printable.trim_end().len());
    printable
}

fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0000}'..='\u{e0fff}')
}

/// The lines of a printable text, none wider than `width`. A word that is wider itself is broken.
pub fn lines(font: &Font, size: f32, text: &str, width: f32) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0.0;
    for word in printable(text).split(' ') {
        let space = if line.is_empty() { 0.0 } else { font.width(" ", size) };
        let word_width = font.width(word, size);
        if used + space + word_width <= width {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            used += space + word_width;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        used = 0.0;
        for letter in word.chars() {
            let letter_width = font.width(letter.encode_utf8(&mut [0; 4]), size);
            if used + letter_width > width && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            line.push(letter);
            used += letter_width;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// At most `most` lines; the last ends in an ellipsis where there would be more.
pub fn few_lines(font: &Font, size: f32, text: &str, width: f32, most: usize) -> Vec<String> {
    // Nobody reads more of a name, and nobody has to measure it.
    let start: String = text.chars().take(2_000).collect();
    let mut lines = lines(font, size, &start, width);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && font.width(last, size) + font.width("…", size) > width {
                last.pop();
            }
            last.push('…');
        }
    }
    lines
}

/// A text of several paragraphs; an empty line stays one.
pub fn paragraphs(font: &Font, size: f32, text: &str, width: f32) -> Vec<String> {
    let mut all = Vec::new();
    for paragraph in text.trim().lines() {
        let lines = lines(font, size, paragraph, width);
        if lines.is_empty() {
            all.push(String::new());
        }
        all.extend(lines);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{super::font, *};

    #[test]
    fn what_cannot_be_seen_is_left_out() {
        for (text, expected) in [
            ("  Müller \t& Söhne\r\n GmbH ", "Müller & Söhne GmbH"),
            ("a\u{202e}fdp.exe", "afdp.exe"),
            ("👩\u{200d}💻 \u{1f44d}\u{1f3fd}", "👩💻 👍"),
            ("\0\u{1b}[31m", "[31m"),
            ("\u{200b}", ""),
        ] {
            assert_eq!(printable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        let font = font::of(font::Weight::Regular);
        let text = "Quarterly review of a Pneumonoultramicroscopicsilicovolcanoconiosis workstation";
        let broken = lines(font, 9.0, text, 100.0);
        assert!(broken.iter().all(|line| font.width(line, 9.0) <= 100.0), "{broken:?}");
        assert_eq!(broken.concat().replace(' ', ""), text.replace(' ', ""));
        let few = few_lines(font, 9.0, text, 100.0, 2);
        assert_eq!(few.len(), 2);
        assert!(few[1].ends_with('…'));
    }
}
