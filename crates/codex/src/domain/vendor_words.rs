//! Statuses and priorities of vendors that have no codes but words, chosen by each account (codex-api.md §13.3).

use std::collections::BTreeMap;

use super::status;

/// What the vendor's own words mean.
const NAMES: [(&str, &str); 6] = [
    ("open", "open"),
    ("on hold", "on_hold"),
    ("waiting on customer", "waiting_customer"),
    ("waiting on third party", "waiting_third_party"),
    ("resolved", "resolved"),
    ("closed", "closed"),
];

/// Keys and the codes that stand for them on the board, those of Freshservice: the same colour means the same thing
/// whatever system a ticket comes from.
const CODES: [(&str, i32); 14] = [
    ("open", 2),
    ("pending", 3),
    ("resolved", 4),
    ("closed", 5),
    ("scheduled", 8),
    ("waiting_customer", 9),
    ("waiting_third_party", 10),
    ("under_investigation", 13),
    ("job_complete_bill", 15),
    ("billing_complete", 16),
    ("update_needed", 19),
    ("on_hold", 23),
    ("customer_replied", 26),
    ("pending_hubspot", 27),
];

/// Status names of one account and their keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StatusNames(BTreeMap<String, String>);

impl StatusNames {
    /// The usual names with an account's own on top.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a (String, String)>) -> Self {
        let mut map: BTreeMap<String, String> =
            NAMES.iter().map(|(name, key)| ((*name).to_owned(), (*key).to_owned())).collect();
        map.extend(own.into_iter().map(|(name, key)| (plain(name), key.clone())));
        Self(map)
    }

    /// The key of a name. A name that reads like one of our keys needs no entry; keys that remove tickets are not among
    /// them, whatever an account calls its statuses.
    pub fn key(&self, name: &str) -> Option<&str> {
        let name = plain(name);
        self.0.get(&name).map(String::as_str).or_else(|| {
            let slug = name.replace(' ', "_");
            CODES.iter().find(|(key, _)| *key == slug).map(|(key, _)| *key)
        })
    }

    /// The key that a text means, be it one of the account's names, a key, or the name people read for a key.
    pub fn key_of_text(&self, text: &str) -> Option<&str> {
        self.key(text).or_else(|| self.keys().find(|key| status::is_called(key, text)))
    }

    /// The keys that the account's names may mean; some come more than once.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str).chain(CODES.iter().map(|(key, _)| *key))
    }

    /// Which of an account's names means a key: one that its own map names, else the vendor's usual one, else the first.
    pub fn name_of<'n>(&self, key: &str, offered: &[&'n str]) -> Option<&'n str> {
        let rank = |name: &str| {
            let usual = NAMES.iter().any(|(known, meaning)| *known == plain(name) && *meaning == key);
            let mapped = self.0.contains_key(&plain(name));
            if mapped && !usual {
                0
            } else if usual {
                1
            } else {
                2
            }
        };
        offered.iter().copied().filter(|name| self.key(name) == Some(key)).min_by_key(|name| rank(name))
    }
}

/// The code that stands for a key.
pub fn status_code(key: &str) -> Option<i32> {
    CODES.iter().find(|(known, _)| *known == key).map(|(_, code)| *code)
}

/// The code of a priority's name: 1 low to 4 urgent.
pub fn priority_code(name: &str) -> Option<i32> {
    Some(match plain(name).as_str() {
        "very low" | "low" => 1,
        "medium" | "normal" => 2,
        "high" => 3,
        "critical" | "urgent" => 4,
        _ => return None,
    })
}

/// Lower case, with single spaces instead of other separators.
fn plain(name: &str) -> String {
    let words = name.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_keys_and_an_account_may_have_its_own() {
        let own = ("Parts  ordered".to_owned(), "waiting_third_party".to_owned());
        let names = StatusNames::new([&own]);
        for (name, key) in [
            ("Open", Some("open")),
            ("ON_HOLD", Some("on_hold")),
            (" Waiting on  Customer ", Some("waiting_customer")),
            ("Waiting on third party", Some("waiting_third_party")),
            ("Customer Replied", Some("customer_replied")),
            ("parts ordered", Some("waiting_third_party")),
            ("Deleted", None),
            ("Spam", None),
            ("Having lunch", None),
            ("", None),
        ] {
            assert_eq!(names.key(name), key, "{name}");
        }
        assert_eq!(names.key("open").and_then(status_code), Some(2));
    }

    #[test]
    fn a_key_is_written_as_the_account_calls_it() {
        let own = [
            ("Parts ordered".to_owned(), "waiting_third_party".to_owned()),
            ("Open".to_owned(), "scheduled".to_owned()),
        ];
        let names = StatusNames::new(&own);
        let offered = ["Open", "Under Investigation", "waiting on third party", "PARTS ORDERED", "Closed"];
        for (key, name) in [
            ("waiting_third_party", Some("PARTS ORDERED")),
            ("closed", Some("Closed")),
            ("under_investigation", Some("Under Investigation")),
            ("scheduled", Some("Open")),
            ("open", None),
            ("on_hold", None),
        ] {
            assert_eq!(names.name_of(key, &offered), name, "{key}");
        }
    }

    #[test]
    fn priorities_have_four_steps() {
        for (name, code) in [
            ("Very Low", Some(1)),
            ("Low", Some(1)),
            ("Medium", Some(2)),
            ("High", Some(3)),
            ("Critical", Some(4)),
            ("urgent", Some(4)),
            ("whenever", None),
        ] {
            assert_eq!(priority_code(name), code, "{name}");
        }
    }
}
