//! How many of what (rules 14 and 19).

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// Counts by type, in small letters; types that do not occur have no key (section 4.4).
#[derive(Clone, Debug, Default)]
pub struct Quantities<'a>(Vec<(Cow<'a, str>, u32)>);

impl<'a> Quantities<'a> {
    /// Counts a device, whatever it costs (rule 14).
    pub(super) fn count(&mut self, billing_type: &'a str) {
        let key = match billing_type {
            "Workstation" => Cow::Borrowed("workstation"),
            "Server" => Cow::Borrowed("server"),
            name => Cow::Owned(name.to_lowercase()),
        };
        self.add(key);
    }

    /// Counts someone: everybody who is not paid for by the rate is free (rule 19).
    pub(super) fn count_user(&mut self, paid: bool) {
        self.add(Cow::Borrowed(if paid { "regular_users" } else { "free_users" }));
    }

    fn add(&mut self, key: Cow<'a, str>) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.0.push((key, 1)),
        }
    }

    /// How many of a type; 0 where there are none.
    pub fn of(&self, key: &str) -> u32 {
        self.0.iter().find(|(known, _)| known == key).map_or(0, |(_, count)| *count)
    }
}

impl Serialize for Quantities<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, count)| (key, count)))
    }
}
