//! Ticket statuses: the vendor's codes, our keys, and which of them end a ticket (codex-api.md §6.2).

use std::collections::BTreeMap;

/// Key of a missing status, and of a code that nobody has named.
pub const UNKNOWN: &str = "unknown";

/// Keys of tickets that are over. The column `ticket_details.is_active` says the same in SQL.
pub const CLOSED: [&str; 7] =
    ["closed", "resolved", "job_complete_bill", "billing_complete", "spam", "trash", "deleted"];

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
pub struct StatusMap(BTreeMap<i32, String>);

impl StatusMap {
    /// Freshservice's table with an account's own entries on top.
    pub fn freshservice<'a>(own: impl IntoIterator<Item = &'a (i32, String)>) -> Self {
        let mut map: BTreeMap<_, _> =
            FRESHSERVICE.iter().map(|(code, key)| (*code, (*key).to_owned())).collect();
        map.extend(own.into_iter().cloned());
        Self(map)
    }

    /// The key of a code, `unknown` for one without a name.
    pub fn key(&self, code: i32) -> &str {
        self.0.get(&code).map_or(UNKNOWN, String::as_str)
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
    fn the_active_codes_are_those_of_upstreams_query() {
        let map = StatusMap::freshservice([]);
        let active = |code: &i32| map.key(*code) != UNKNOWN && !is_closed(map.key(*code));
        assert_eq!((0..100).filter(active).collect::<Vec<_>>(), [2, 3, 8, 9, 10, 13, 19, 23, 26, 27]);
    }
}
