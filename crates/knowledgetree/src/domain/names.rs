//! Names of items: what a person may choose, what becomes of the names of synced things, and the order of lists
//! (knowledgetree.md §4, §6).

use std::cmp::Ordering;

/// Most characters of a name.
pub const MAX_CHARS: usize = 255;

/// Why a name is refused. The text is for the person who chose it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameError {
    /// Nothing that can be seen.
    #[error("The name is empty.")]
    Empty,
    /// More than [`MAX_CHARS`].
    #[error("The name has {0} characters; at most 255 are possible.")]
    TooLong(usize),
    /// A slash, which separates the names of a path.
    #[error("The name contains a slash (/), which separates folders in a path.")]
    Slash,
    /// A line break, a tab, or a character that turns the direction of writing.
    #[error("The name contains a control character, such as a line break or a tab.")]
    Control,
    /// `.` or `..`, which mean folders in a path.
    #[error("The names . and .. have a meaning of their own in paths.")]
    Dots,
}

/// The name as it is stored: without white space around it.
///
/// # Errors
/// What is wrong with it.
pub fn check(name: &str) -> Result<&str, NameError> {
    let name = name.trim();
    if !name.chars().any(is_visible) {
        return Err(NameError::Empty);
    }
    if name.contains('/') {
        return Err(NameError::Slash);
    }
    if name.chars().any(is_control) {
        return Err(NameError::Control);
    }
    if matches!(name, "." | "..") {
        return Err(NameError::Dots);
    }
    match name.chars().count() {
        0..=MAX_CHARS => Ok(name),
        count => Err(NameError::TooLong(count)),
    }
}

/// The name of a synced item: `name` as the source has it, made to pass [`check`], and then `suffix` (such as `.md`).
/// Slashes become `_`, control characters spaces, a name that is too long loses its end, one that is empty is
/// `otherwise`.
pub fn synced(name: &str, suffix: &str, otherwise: &str) -> String {
    let cleaned: String = name
        .chars()
        .map(|c| match c {
            '/' => '_',
            c if is_control(c) => ' ',
            c => c,
        })
        .collect();
    let words: Vec<&str> = cleaned.split_whitespace().collect();
    let mut stem = words.join(" ");
    if !stem.chars().any(is_visible) {
        otherwise.clone_into(&mut stem);
    }
    let room = MAX_CHARS.saturating_sub(suffix.chars().count());
    let mut result: String = stem.chars().take(room).collect();
    result.truncate(result.trim_end().len());
    result.push_str(suffix);
    match result.as_str() {
        "." => "_".to_owned(),
        ".." => "__".to_owned(),
        _ => result,
    }
}

fn is_control(c: char) -> bool {
    // Beside the control characters proper: line and paragraph separators, and the signs that turn the direction of
    // writing, with which `gpj.exe` can be made to look like `exe.jpg`.
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn is_visible(c: char) -> bool {
    !c.is_whitespace()
        && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

/// An item of a list, as far as its place goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Placed<'a> {
    /// Folders come first.
    pub is_folder: bool,
    /// The name.
    pub name: &'a str,
}

/// The order of every list of items: folders first, then by name as [`cmp_names`] has it.
pub fn cmp(a: Placed<'_>, b: Placed<'_>) -> Ordering {
    b.is_folder.cmp(&a.is_folder).then_with(|| cmp_names(a.name, b.name))
}

/// The order of names: letters without regard to their case, numbers by their value (`Server 9` before `Server 10`).
/// Only equal names are equal, so that a list has one order.
pub fn cmp_names(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (Parts(a), Parts(b));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(one), Some(other)) => one.cmp(&other),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// Letters one by one, digits as numbers.
struct Parts<'a>(&'a str);

enum Part<'a> {
    /// Without leading zeros.
    Number(&'a str),
    Letter(char),
}

impl Part<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
            (Self::Letter(a), Self::Letter(b)) => a.to_lowercase().cmp(b.to_lowercase()),
            // Every number stands where its digits do.
            (Self::Number(_), Self::Letter(letter)) => '0'.cmp(letter),
            (Self::Letter(letter), Self::Number(_)) => letter.cmp(&'0'),
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let first = self.0.chars().next()?;
        if first.is_ascii_digit() {
            let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
            let (digits, rest) = self.0.split_at(end);
            self.0 = rest;
            Some(Part::Number(digits.trim_start_matches('0')))
        } else {
            self.0 = &self.0[first.len_utf8()..];
            Some(Part::Letter(first))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_rule_has_its_own_answer() {
        for (name, answer) in [
            ("  Printers ", Ok("Printers")),
            ("Q&A? 100% #1 \\ \"x\" <y>", Ok("Q&A? 100% #1 \\ \"x\" <y>")),
            ("...", Ok("...")),
            ("日本語 👩‍💻", Ok("日本語 👩‍💻")),
            ("", Err(NameError::Empty)),
            (" \t\n ", Err(NameError::Empty)),
            ("\u{200b}\u{feff}", Err(NameError::Empty)),
            ("a/b", Err(NameError::Slash)),
            ("a\nb", Err(NameError::Control)),
            ("a\0b", Err(NameError::Control)),
            ("a\u{85}b", Err(NameError::Control)),
            ("exe\u{202e}gpj", Err(NameError::Control)),
            (".", Err(NameError::Dots)),
            (" .. ", Err(NameError::Dots)),
        ] {
            assert_eq!(check(name), answer, "{name:?}");
        }
        assert!(check(&"ä".repeat(255)).is_ok());
        assert_eq!(check(&"ä".repeat(256)), Err(NameError::TooLong(256)));
    }

    #[test]
    fn synced_names_keep_what_can_be_kept() {
        for (name, suffix, result) in [
            ("A/B Corp", "", "A_B Corp"),
            ("  Tilia &\tSöhne\n<GmbH> ", "", "Tilia & Söhne <GmbH>"),
            ("", ".md", "Unnamed.md"),
            ("\u{200b}", "", "Unnamed"),
            ("..", "", "__"),
            ("..", ".md", "...md"),
        ] {
            assert_eq!(synced(name, suffix, "Unnamed"), result, "{name:?}");
        }
        let long = synced(&"x".repeat(300), ".md", "Unnamed");
        assert!(long.ends_with("x.md") && long.chars().count() == MAX_CHARS);
    }

    #[test]
    fn lists_are_in_the_order_that_people_expect() {
        let mut items = [
            (false, "apple"),
            (true, "zebra"),
            (false, "Server 10"),
            (false, "server 9"),
            (false, "Server 009"),
            (false, "Banana"),
            (true, "Alpha"),
            (false, "Server"),
            (false, "_draft"),
            (false, "10 steps"),
            (false, "9 steps"),
        ];
        let placed = |(is_folder, name)| Placed { is_folder, name };
        items.sort_by(|a, b| cmp(placed(*a), placed(*b)));
        let names = items.map(|(_, name)| name);
        assert_eq!(
            names,
            [
                "Alpha",
                "zebra",
                "9 steps",
                "10 steps",
                "_draft",
                "apple",
                "Banana",
                "Server",
                "Server 009",
                "server 9",
                "Server 10"
            ]
        );
    }

    proptest! {
        #[test]
        fn a_name_that_passes_passes_again_unchanged(name in ".{0,300}") {
            if let Ok(stored) = check(&name) {
                prop_assert_eq!(check(stored), Ok(stored));
            }
        }

        #[test]
        fn every_synced_name_passes(name in ".{0,300}", suffix in prop_oneof![Just(""), Just(".md")]) {
            let name = synced(&name, suffix, "Unnamed");
            prop_assert_eq!(check(&name), Ok(name.as_str()));
        }

        #[test]
        fn the_order_is_total(
            a in "[0-9aAbBäß ._]{0,8}", b in "[0-9aAbBäß ._]{0,8}", c in "[0-9aAbBäß ._]{0,8}",
        ) {
            prop_assert_eq!(cmp_names(&a, &b), cmp_names(&b, &a).reverse());
            prop_assert_eq!(cmp_names(&a, &b) == Ordering::Equal, a == b);
            if cmp_names(&a, &b).is_le() && cmp_names(&b, &c).is_le() {
                prop_assert!(cmp_names(&a, &c).is_le());
            }
        }
    }
}
