//! The statuses of one account, as whoever names one from outside means them: a person who changes a ticket, a vendor's
//! workflow that reports a change. Some vendors have codes, others only words (codex-api.md §6.2, §13.3).

use super::{
    priority,
    status::{self, StatusMap},
    vendor_words::{self, StatusNames},
};

/// The statuses and priorities of one account.
#[derive(Clone, Debug)]
pub enum Statuses {
    /// Codes, as Freshservice has them; their names are understood as well.
    Codes(StatusMap),
    /// Words only, as SuperOps has them. Numbers mean nothing there.
    Words(StatusNames),
}

impl Statuses {
    /// The key of a code, `unknown` for one nobody has named; none where the vendor has no codes.
    pub fn key_of_code(&self, code: i32) -> Option<&str> {
        match self {
            Self::Codes(map) => Some(map.key(code)),
            Self::Words(_) => None,
        }
    }

    /// The key that a text means, be it a key or the name people read.
    pub fn key_of_text(&self, text: &str) -> Option<&str> {
        match self {
            Self::Codes(map) => map.key_of_text(text),
            Self::Words(names) => names.key_of_text(text),
        }
    }

    /// The code that the board shows for a key.
    pub fn code(&self, key: &str) -> Option<i32> {
        match self {
            Self::Codes(map) => map.code(key),
            Self::Words(_) => vendor_words::status_code(key),
        }
    }

    /// The keys a person may give a ticket, each once: all but those of tickets that are gone.
    pub fn choices(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = match self {
            Self::Codes(map) => map.keys().collect(),
            Self::Words(names) => names.keys().collect(),
        };
        keys.retain(|key| !status::is_gone(key));
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The code of a priority that came as a number; none where the vendor has no codes.
    pub fn priority_of_code(&self, code: i32) -> Option<i32> {
        match self {
            Self::Codes(_) => Some(code).filter(|code| *code > 0),
            Self::Words(_) => None,
        }
    }

    /// The code of a priority's name.
    pub fn priority_of_text(&self, text: &str) -> Option<i32> {
        match self {
            Self::Codes(_) => priority::code_of_text(text),
            Self::Words(_) => vendor_words::priority_code(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_there_are_only_words_numbers_mean_nothing() {
        let own =
            [("Parts Ordered".to_owned(), "parts".to_owned()), ("Bin".to_owned(), "deleted".to_owned())];
        let words = Statuses::Words(StatusNames::new(&own));
        for code in [2, 6, 7] {
            assert_eq!((words.key_of_code(code), words.priority_of_code(code)), (None, None));
            assert_eq!(words.key_of_text(&code.to_string()), None);
        }
        for (text, key, code) in [
            ("Parts ordered", Some("parts"), None),
            ("parts", Some("parts"), None),
            ("Waiting on Third Party", Some("waiting_third_party"), Some(10)),
            ("waiting_third_party", Some("waiting_third_party"), Some(10)),
            ("Billing Complete - Close", Some("billing_complete"), Some(16)),
            ("Under Investigation", Some("under_investigation"), Some(13)),
            ("Bin", Some("deleted"), None),
        ] {
            assert_eq!(words.key_of_text(text), key, "{text}");
            assert_eq!(key.and_then(|key| words.code(key)), code, "{text}");
        }
        let choices = words.choices();
        assert!(choices.contains(&"parts") && choices.contains(&"closed") && !choices.contains(&"deleted"));
        assert_eq!((words.priority_of_text("Normal"), words.priority_of_text("2")), (Some(2), None));
    }

    #[test]
    fn where_there_are_codes_they_count() {
        let codes = Statuses::Codes(StatusMap::freshservice(&[(31, "parts".to_owned())]));
        assert_eq!((codes.key_of_code(31), codes.key_of_code(99)), (Some("parts"), Some(status::UNKNOWN)));
        assert_eq!((codes.key_of_text("Parts"), codes.code("parts")), (Some("parts"), Some(31)));
        assert_eq!((codes.priority_of_code(4), codes.priority_of_code(0)), (Some(4), None));
        assert!(codes.choices().contains(&"parts") && !codes.choices().contains(&"spam"));
    }
}
