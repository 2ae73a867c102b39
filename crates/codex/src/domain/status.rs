//! Ticket statuses: the vendor's codes, our keys, and which of them end a ticket (codex-api.md §6.2).

use std::collections::BTreeMap;

use hivematrix_shared::contracts::codex::wire::status_text;

/// Key of a missing status, and of a code that nobody has named.
pub const UNKNOWN: &str = "unknown";

/// Keys of tickets that are over. The column `ticket_details.is_active` says the same in SQL.
pub const CLOSED: [&str; 7] =
    ["closed", "resolved", "job_complete_bill", "billing_complete", "spam", "trash", "deleted"];

/// Keys of tickets that are no longer there.
const GONE: [&str; 3] = ["spam", "trash", "deleted"];

/// Whether a ticket with this key is no longer there.
pub fn is_gone(key: &str) -> bool {
    GONE.contains(&key)
}

/// Lower-case letters and digits, words parted by one space.
fn plain(text: &str) -> String {
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether a text is a key or the name people read for it; case and punctuation do not matter.
pub fn is_called(key: &str, text: &str) -> bool {
    let wanted = plain(text);
    plain(key) == wanted || plain(&status_text(key)) == wanted
}

/// Whether a ticket with this key is over. Unknown keys are not: a ticket must never drop out of sight.
pub fn is_closed(key: &str) -> bool {
    CLOSED.contains(&key)
}

/// Freshservice's codes. Those from 6 up are each account's own, so they can be changed by configuration.
const FRESHSERVICE: [(i32, &str); 16] = [
    (2, "open"),
    (3, "pending"),
    (4, "resolved"),
    (5, "closed"),
    (6, "spam"),
    (7, "deleted"),
    (8, "scheduled"),
    (9, "waiting_customer"),
    (10, "waiting_third_party"),
    (13, "under_investigation"),
    (15, "job_complete_bill"),
    (16, "billing_complete"),
    (19, "update_needed"),
    (23, "on_hold"),
    (26, "customer_replied"),
    (27, "pending_hubspot"),
];

/// Status codes of one account and their keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusMap {
    keys: BTreeMap<i32, String>,
    /// Codes the account has named itself.
    own: Vec<i32>,
}

impl StatusMap {
    /// Freshservice's table with an account's own entries on top.
    pub fn freshservice<'a>(own: impl IntoIterator<Item = &'a (i32, String)>) -> Self {
        let mut keys: BTreeMap<_, _> =
            FRESHSERVICE.iter().map(|(code, key)| (*code, (*key).to_owned())).collect();
        let own: Vec<_> = own.into_iter().cloned().collect();
        keys.extend(own.iter().cloned());
        Self { keys, own: own.into_iter().map(|(code, _)| code).collect() }
    }

    /// The key of a code, `unknown` for one without a name.
    pub fn key(&self, code: i32) -> &str {
        self.keys.get(&code).map_or(UNKNOWN, String::as_str)
    }

    /// The code of a key: one that the account has named itself, else the smallest.
    pub fn code(&self, key: &str) -> Option<i32> {
        let is = |code: &&i32| self.keys.get(*code).is_some_and(|named| named == key);
        self.own.iter().find(is).or_else(|| self.keys.keys().find(is)).copied()
    }

    /// The key that a text means, be it a key or the name people read; case and punctuation do not matter.
    pub fn key_of_text(&self, text: &str) -> Option<&str> {
        self.keys().find(|key| is_called(key, text))
    }

    /// The keys of all codes.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.values().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_own_codes_replace_the_defaults() {
        let map = StatusMap::freshservice(&[(6, "waiting_customer".to_owned()), (31, "on_hold".to_owned())]);
        for (code, key) in [(2, "open"), (6, "waiting_customer"), (31, "on_hold"), (99, "unknown")] {
            assert_eq!(map.key(code), key);
        }
    }

    #[test]
    fn texts_and_keys_lead_back_to_codes() {
        let map =
            StatusMap::freshservice(&[(31, "waiting_customer".to_owned()), (6, "vendor_rma".to_owned())]);
        for (text, key, code) in [
            ("open", Some("open"), Some(2)),
            ("Waiting on Customer", Some("waiting_customer"), Some(31)),
            ("waiting_customer", Some("waiting_customer"), Some(31)),
            ("Job Complete - Bill", Some("job_complete_bill"), Some(15)),
            ("Vendor RMA", Some("vendor_rma"), Some(6)),
            ("spam", None, None),
            ("", None, None),
        ] {
            assert_eq!(map.key_of_text(text), key, "{text}");
            assert_eq!(key.and_then(|key| map.code(key)), code, "{text}");
        }
    }

    #[test]
    fn the_active_codes_are_those_of_upstreams_query() {
        let map = StatusMap::freshservice([]);
        let active = |code: &i32| map.key(*code) != UNKNOWN && !is_closed(map.key(*code));
        assert_eq!((0..100).filter(active).collect::<Vec<_>>(), [2, 3, 8, 9, 10, 13, 19, 23, 26, 27]);
    }
}
