//! What changed between two versions of an article, line by line.

use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};
use utoipa::ToSchema;

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;
/// Most lines, of both versions together, that are compared with each other beside the common beginning and end.
const MOST_COMPARED: usize = 10_000;

/// The difference of two versions.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Diff {
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
    /// True where so much differs that all of it counts as replaced, without a search for common lines.
    pub coarse: bool,
    /// The changes with three lines around them, in their order; none when the versions are equal.
    pub hunks: Vec<Hunk>,
}

/// Changes that stand near each other.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Hunk {
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Line {
    /// What became of it.
    pub change: Change,
    /// Its number in the old version, from 1; none when it is new.
    pub old: Option<usize>,
    /// Its number in the new version, from 1; none when it is gone.
    pub new: Option<usize>,
    /// Without its line end.
    pub text: String,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// In both versions.
    Same,
    /// In the new one only.
    Added,
    /// In the old one only.
    Removed,
}

/// Compares two versions. Line ends of Windows count as line ends. The work is bounded: where more than 10,000 lines
/// would have to be compared, all between the common beginning and the common end counts as replaced.
pub fn diff(old: &str, new: &str) -> Diff {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let room = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    let (old_middle, new_middle) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    let coarse = old_middle.len() + new_middle.len() > MOST_COMPARED;

    let mut lines = Lines { old: 0, new: 0, lines: Vec::new() };
    old[..start].iter().for_each(|line| lines.push(Change::Same, line));
    if coarse {
        old_middle.iter().for_each(|line| lines.push(Change::Removed, line));
        new_middle.iter().for_each(|line| lines.push(Change::Added, line));
    } else {
        let compared = TextDiff::configure().algorithm(Algorithm::Myers).diff_slices(old_middle, new_middle);
        for change in compared.iter_all_changes() {
            let what = match change.tag() {
                ChangeTag::Equal => Change::Same,
                ChangeTag::Delete => Change::Removed,
                ChangeTag::Insert => Change::Added,
            };
            lines.push(what, change.value());
        }
    }
    old[old.len() - end..].iter().for_each(|line| lines.push(Change::Same, line));
    let lines = lines.lines;
    let count = |change| lines.iter().filter(|line| line.change == change).count();
    Diff { added: count(Change::Added), removed: count(Change::Removed), coarse, hunks: hunks(&lines) }
}

struct Lines {
    old: usize,
    new: usize,
    lines: Vec<Line>,
}

impl Lines {
    fn push(&mut self, change: Change, text: &str) {
        let old = (change != Change::Added).then(|| {
            self.old += 1;
            self.old
        });
        let new = (change != Change::Removed).then(|| {
            self.new += 1;
            self.new
        });
        self.lines.push(Line { change, old, new, text: text.to_owned() });
    }
}

fn hunks(lines: &[Line]) -> Vec<Hunk> {
    let mut hunks: Vec<(usize, usize)> = Vec::new();
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| line.change != Change::Same) {
        let (from, to) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(lines.len()));
        match hunks.last_mut() {
            Some((_, end)) if from <= *end => *end = to,
            _ => hunks.push((from, to)),
        }
    }
    hunks.into_iter().map(|(from, to)| Hunk { lines: lines[from..to].to_vec() }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `-` and `+` before changed lines, `@` before each hunk.
    fn shown(diff: &Diff) -> String {
        let mut text = String::new();
        for hunk in &diff.hunks {
            text.push_str("@\n");
            for line in &hunk.lines {
                let sign = match line.change {
                    Change::Same => ' ',
                    Change::Added => '+',
                    Change::Removed => '-',
                };
                text.push_str(&format!("{sign}{}\n", line.text));
            }
        }
        text
    }

    #[test]
    fn changed_lines_are_shown_with_those_around_them() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13";
        let diff = diff(old, new);
        assert_eq!(shown(&diff), "@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@\n 10\n 11\n 12\n+13\n");
        assert_eq!((diff.added, diff.removed, diff.coarse), (2, 1, false));
        let five = &diff.hunks[0].lines[4];
        assert_eq!((five.old, five.new), (None, Some(5)));
    }

    #[test]
    fn equal_versions_have_no_hunks() {
        for (old, new) in [("", ""), ("a\nb", "a\nb\n"), ("a\r\nb", "a\nb")] {
            assert!(diff(old, new).hunks.is_empty());
        }
        assert_eq!(shown(&diff("", "a")), "@\n+a\n");
        assert_eq!(shown(&diff("a", "")), "@\n-a\n");
    }

    #[test]
    fn versions_without_a_common_line_are_replaced() {
        let old: String = (0..9000).map(|n| format!("a{n}\n")).collect();
        let new: String = (0..9000).map(|n| format!("b{n}\n")).collect();
        let diff = diff(&format!("first\n{old}last\n"), &format!("first\n{new}last\n"));
        assert!(diff.coarse);
        assert_eq!((diff.added, diff.removed, diff.hunks.len()), (9000, 9000, 1));
    }

    proptest! {
        #[test]
        fn both_versions_can_be_read_off(old in "[abc\n]{0,40}", new in "[abc\n]{0,40}") {
            let found = diff(&old, &new);
            for (text, without, number) in [
                (&old, Change::Added, (|line: &Line| line.old) as fn(&Line) -> Option<usize>),
                (&new, Change::Removed, |line: &Line| line.new),
            ] {
                let lines: Vec<&str> = text.lines().collect();
                for line in found.hunks.iter().flat_map(|hunk| &hunk.lines).filter(|line| line.change != without) {
                    prop_assert_eq!(lines[number(line).unwrap() - 1], &line.text);
                }
            }
            prop_assert_eq!(old.lines().count() + found.added, new.lines().count() + found.removed);
            prop_assert_eq!(found.hunks.is_empty(), old.lines().eq(new.lines()));
        }
    }
}
