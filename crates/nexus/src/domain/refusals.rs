//! Counting refusals, so that a flood of them stays a few lines in the log.

use std::collections::HashMap;

/// Askers told apart within a minute, of users and of addresses each. More of them are one crowd: a flood from many addresses
/// must not fill the log either, nor hide what users do.
const ASKERS: usize = 200;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    /// The service is not open to the user's permission level.
    Level,
    /// A change that another site caused.
    OtherSite,
    /// A bearer token that does not count.
    Token,
    /// A session that has ended, or a cookie that was made up.
    Session,
    /// A host that is not ours.
    Host,
    /// A path that is never passed on.
    Path,
    /// A sign-in that does not count.
    SignIn,
    /// A request that two readers could understand differently, or whose body broke off.
    Framing,
}

impl Reason {
    /// Its name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Level => "level",
            Self::OtherSite => "other_site",
            Self::Token => "token",
            Self::Session => "session",
            Self::Host => "host",
            Self::Path => "path",
            Self::SignIn => "sign_in",
            Self::Framing => "framing",
        }
    }
}

/// Refusals of one minute by reason and asker.
#[derive(Debug, Default)]
pub struct Refusals {
    seen: HashMap<(Reason, String), u64>,
    strangers: usize,
    crowd: u64,
}

/// How often one asker was refused beyond the first time.
#[derive(Debug, Eq, PartialEq)]
pub struct Repeated {
    /// Why; absent for the crowd.
    pub reason: Option<Reason>,
    /// User or address; absent for the crowd.
    pub asker: Option<String>,
    /// How often.
    pub count: u64,
}

impl Refusals {
    /// Counts a refusal; true for the first of its kind in this minute, which gets a line of its own. A `stranger` is an
    /// address, anybody else a user.
    pub fn count(&mut self, reason: Reason, asker: &str, stranger: bool) -> bool {
        let key = (reason, asker.to_owned());
        if let Some(count) = self.seen.get_mut(&key) {
            *count += 1;
            return false;
        }
        let of_its_kind = if stranger { self.strangers } else { self.seen.len() - self.strangers };
        if of_its_kind >= ASKERS {
            self.crowd += 1;
            return false;
        }
        self.strangers += usize::from(stranger);
        self.seen.insert(key, 0);
        true
    }

    /// Ends the minute: what was counted without a line.
    pub fn close(&mut self) -> Vec<Repeated> {
        let minute = std::mem::take(self);
        let repeated = minute.seen.into_iter().filter(|(_, count)| *count > 0);
        let mut lines: Vec<Repeated> = repeated
            .map(|((reason, asker), count)| Repeated { reason: Some(reason), asker: Some(asker), count })
            .collect();
        lines.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.asker.cmp(&b.asker)));
        if minute.crowd > 0 {
            lines.push(Repeated { reason: None, asker: None, count: minute.crowd });
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_minute_is_told_and_the_others_are_counted() {
        let mut refusals = Refusals::default();
        for (reason, asker, told) in [
            (Reason::Level, "a", true),
            (Reason::Level, "a", false),
            (Reason::Level, "a", false),
            (Reason::Token, "a", true),
            (Reason::Level, "b", true),
            (Reason::Level, "b", false),
        ] {
            assert_eq!(refusals.count(reason, asker, false), told, "{reason:?} {asker}");
        }
        let repeated =
            |asker: &str, count| Repeated { reason: Some(Reason::Level), asker: Some(asker.into()), count };
        assert_eq!(refusals.close(), [repeated("a", 2), repeated("b", 1)]);
        assert_eq!(refusals.close(), []);
        assert!(refusals.count(Reason::Level, "a", false), "another minute");
    }

    #[test]
    fn a_flood_from_many_addresses_is_bounded() {
        let mut refusals = Refusals::default();
        let told =
            (0..100_000).filter(|n| refusals.count(Reason::Token, &format!("10.0.0.{n}"), true)).count();
        assert_eq!(told, ASKERS);
        assert!(refusals.count(Reason::Level, "technician", false), "a user is seen all the same");
        let crowd = u64::try_from(100_000 - ASKERS).unwrap();
        assert_eq!(refusals.close(), [Repeated { reason: None, asker: None, count: crowd }]);
    }
}
