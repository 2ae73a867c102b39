//! The order of names, and rules of the tree that both stores share.

use std::cmp::Ordering;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::{item::Item, listing::Child};

/// Most items on the way from the root to an item, both included. Deeper trees are a mistake of a script, and every level is
/// part of an index entry.
pub const MAX_DEPTH: usize = 100;

/// Names without regard to case, numbers in them by value (§6 "Children"); names that are equal so by code point.
pub fn by_name(left: &str, right: &str) -> Ordering {
    natural(left, right).then_with(|| left.cmp(right))
}

fn natural(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    loop {
        let (Some(a), Some(b)) = (left.chars().next(), right.chars().next()) else {
            return left.len().cmp(&right.len());
        };
        if a.is_ascii_digit() && b.is_ascii_digit() {
            let (number_a, rest_a) = number(left);
            let (number_b, rest_b) = number(right);
            // Without leading zeros the longer number is the larger one.
            let order = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (rest_a, rest_b);
        } else {
            let order = a.to_lowercase().cmp(b.to_lowercase());
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (&left[a.len_utf8()..], &right[b.len_utf8()..]);
        }
    }
}

/// The number at the beginning, without leading zeros, and what follows.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

/// Folders first, then by name.
pub fn sort_children(children: &mut [Child]) {
    children.sort_by(|a, b| b.is_folder.cmp(&a.is_folder).then_with(|| by_name(&a.name, &b.name)));
}

/// As [`sort_children`], for items with their texts.
pub fn sort_items(items: &mut [Item]) {
    items.sort_by(|a, b| b.is_folder.cmp(&a.is_folder).then_with(|| by_name(&a.name, &b.name)));
}

/// The time of a change: the given one to the microsecond, and always later than the change before, so that it tells two states
/// apart even when the clock stands still.
pub fn next_time(at: DateTime<Utc>, before: Option<DateTime<Utc>>) -> DateTime<Utc> {
    let at = at.trunc_subsecs(6);
    match before {
        Some(before) if before >= at => before.trunc_subsecs(6) + TimeDelta::microseconds(1),
        _ => at,
    }
}

/// A text as both stores can hold it: PostgreSQL knows no zero byte.
pub fn storable(text: &str) -> String {
    text.replace('\0', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ordered_as_people_expect() {
        let mut names = ["b", "A10", "a2", "B", "a02x", "Ä", "a", "10", "9", "007", "7"];
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(names, ["007", "7", "9", "10", "a", "a2", "a02x", "A10", "B", "b", "Ä"]);
    }

    #[test]
    fn the_order_is_one_even_for_odd_names() {
        let names = ["", "0", "00", "a0", "a", "A", "ß", "ss", "1a", "01b", "٣", "3", "a 1", "a1", "\u{130}"];
        for a in names {
            assert_eq!(by_name(a, a), Ordering::Equal);
            for b in names {
                assert_eq!(by_name(a, b), by_name(b, a).reverse(), "{a} {b}");
                for c in names {
                    if by_name(a, b).is_le() && by_name(b, c).is_le() {
                        assert!(by_name(a, c).is_le(), "{a} {b} {c}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_clock_that_stands_still_gives_two_changes_two_times() {
        let at = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        let first = next_time(at, None);
        assert_eq!(first.timestamp_subsec_nanos(), 123_456_000);
        let second = next_time(at, Some(first));
        assert_eq!(second - first, TimeDelta::microseconds(1));
        let later = at + TimeDelta::seconds(1);
        assert_eq!(next_time(later, Some(second)), later.trunc_subsecs(6));
    }
}
