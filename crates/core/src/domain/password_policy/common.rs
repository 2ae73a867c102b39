//! Passwords that whoever guesses tries first: a common word dressed up with figures and signs, a walk over the keyboard, a
//! repetition, figures alone.
//!
//! A list of words with rules instead of a list of passwords: `Summer2025!`, `P@ssw0rd1` and `welcome#7` are not to be
//! found in any list that is short enough to be kept in memory.

/// The words, one a line, in small letters.
const WORDS: &str = include_str!("common_words.txt");

/// Walks over keyboards and the alphabet.
const WALKS: [&str; 15] = [
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiopü",
    "asdfghjklöä",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "qazwsxedcrfvtgbyhnujm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "zaq12wsxcde34rfvbgt56yhn",
    "1q2w3e4r5t6z7u8i9o0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "a1b2c3d4e5f6g7h8i9",
];

/// Fewer characters without a letter are a date, a telephone number, or typed along the top row.
const SHORTEST_WITHOUT_LETTERS: usize = 12;

/// Whether a password is a common one; `known` are words that everybody knows of this account or this place, in small
/// letters.
pub(super) fn is_common(password: &str, known: &[&str]) -> bool {
    let password = password.to_lowercase();
    let is_sign = |c: char| !c.is_alphabetic();
    // Figures and signs are put at the end, more rarely in front, and in the place of letters.
    let (without_end, bare) = (password.trim_end_matches(is_sign), password.trim_matches(is_sign));
    if bare.is_empty() {
        return password.chars().count() < SHORTEST_WITHOUT_LETTERS || period(&password).len() < 3;
    }
    if is_walk(period(bare)) {
        return true;
    }
    let is_word = |word: &str| known.contains(&word) || is_common_word(word);
    [bare, without_end].into_iter().any(|part| {
        let is_dressed_word = |one| {
            let spelled: String = part.chars().map(|c| letter_of(c, one)).collect();
            let word = period(&spelled);
            (word.len() < spelled.len() && word.chars().count() < 3) || is_word(word)
        };
        is_word(part) || ['i', 'l'].into_iter().any(is_dressed_word)
    })
}

/// One of the words, or two of them together.
fn is_common_word(text: &str) -> bool {
    let is_listed = |text: &str| WORDS.lines().any(|word| word == text);
    WORDS.lines().any(|word| text.strip_prefix(word).is_some_and(|rest| rest.is_empty() || is_listed(rest)))
}

/// A part of a walk, in either direction.
fn is_walk(text: &str) -> bool {
    let back: String = text.chars().rev().collect();
    text.chars().count() > 2 && WALKS.iter().any(|walk| walk.contains(text) || walk.contains(&back))
}

/// The letter that a figure or sign stands for where people replace letters; `one` is what they mean by a 1.
const fn letter_of(sign: char, one: char) -> char {
    match sign {
        '@' | '4' => 'a',
        '3' | '€' => 'e',
        '1' => one,
        '!' => 'i',
        '0' => 'o',
        '$' | '5' => 's',
        '7' => 't',
        other => other,
    }
}

/// The shortest beginning of which the text is a repetition; the text itself when it is none.
fn period(text: &str) -> &str {
    let bytes = text.as_bytes();
    let repeats = |end: &usize| {
        bytes.len().is_multiple_of(*end) && bytes.chunks(*end).all(|part| part == &bytes[..*end])
    };
    text.char_indices().skip(1).map(|(at, _)| at).find(repeats).map_or(text, |end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_words_walks_repetitions_and_figures_are_known_however_they_are_dressed_up() {
        for password in [
            "password",
            "Password1!",
            "P@ssw0rd",
            "p4$$w0rd2024",
            "123Welcome123",
            "Summer2025!",
            "$ecret-99",
            "adm1n1strator",
            "we1come!",
            "changeme",
            "adminpassword",
            "testtest",
            "qwertyuiop",
            "Qwerty123",
            "1qaz2wsx",
            "asdfasdf",
            "abcdefgh1",
            "mnbvcxz1",
            "aaaaaaaa",
            "abababab",
            "12345678",
            "19991231",
            "000000000000",
            "!!!!!!!!",
            "HiveMatrix1",
            "h1vematr1x!",
            "technician-1",
        ] {
            assert!(is_common(password, &["hivematrix", "technician"]), "{password}");
        }
    }

    #[test]
    fn several_words_and_chance_are_no_common_passwords() {
        for password in [
            "correct horse",
            "a new password",
            "my own choice",
            "new one 1",
            "Xk7#pQ2v",
            "k3sm1tua",
            "gardening-in-the-rain",
            "840271936551",
            "überraschung im garten",
        ] {
            assert!(!is_common(password, &["hivematrix", "technician"]), "{password}");
        }
    }

    #[test]
    fn the_words_are_small_sorted_and_there_once() {
        let words: Vec<&str> = WORDS.lines().collect();
        assert!(words.is_sorted_by(|a, b| a < b), "sorted");
        assert!(words.iter().all(|word| word.len() > 2 && word.bytes().all(|b| b.is_ascii_lowercase())));
    }
}
