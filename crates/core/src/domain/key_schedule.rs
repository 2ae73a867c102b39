//! Which signing key is used when (core.md §5): a new key is published before it signs, so that every verifier has it by
//! then, and an old one is published until the last token it signed has expired.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::session::LONGEST_LIFETIME;

/// Seconds a key is published before it signs. Verifiers, upstream's too, keep a key set for 300 s.
pub const PUBLISHED_AHEAD: i64 = 360;
/// Seconds a key counts beyond the longest life of its tokens, for clocks that differ.
const MARGIN: i64 = 60;

/// A key and its times (Unix seconds).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ScheduledKey {
    /// Published name.
    pub kid: String,
    /// File of the private key; a relative one lies beside the manifest.
    pub private: PathBuf,
    /// File of the public key.
    pub public: PathBuf,
    /// When it was made.
    pub created_at: i64,
    /// From when on it signs.
    pub signs_from: i64,
    /// From when on it does not count any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<i64>,
}

impl ScheduledKey {
    /// Whether tokens of this key may still be about.
    pub fn is_live(&self, now: i64) -> bool {
        self.retires_at.is_none_or(|at| now < at)
    }
}

/// All keys, the oldest first. There is always one.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeySchedule {
    /// See above.
    pub keys: Vec<ScheduledKey>,
}

impl KeySchedule {
    /// Position of the key that signs now: the newest whose time has come. Should none's have, as after the clock was set
    /// back, it is the oldest.
    pub fn signing(&self, now: i64) -> usize {
        self.keys.iter().rposition(|key| key.signs_from <= now).unwrap_or(0)
    }

    /// The key that will sign next, if one is waiting.
    pub fn waiting(&self, now: i64) -> Option<&ScheduledKey> {
        self.keys.iter().find(|key| key.signs_from > now)
    }

    /// Hands over to a new key after an overlap; keys that are over are left out.
    #[must_use]
    pub fn hand_over(&self, mut new: ScheduledKey, now: i64) -> Self {
        new.signs_from = now + PUBLISHED_AHEAD;
        new.retires_at = None;
        let retires_at = new.signs_from + LONGEST_LIFETIME + MARGIN;
        let mut keys = self.live(now).keys;
        for old in &mut keys {
            old.retires_at.get_or_insert(retires_at);
        }
        keys.push(new);
        Self { keys }
    }

    /// The new key alone, from now on: no other is trusted any more.
    #[must_use]
    pub fn replaced_by(mut new: ScheduledKey, now: i64) -> Self {
        new.signs_from = now;
        new.retires_at = None;
        Self { keys: vec![new] }
    }

    /// The keys that still count.
    #[must_use]
    pub fn live(&self, now: i64) -> Self {
        Self { keys: self.keys.iter().filter(|key| key.is_live(now)).cloned().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str) -> ScheduledKey {
        ScheduledKey {
            kid: kid.into(),
            private: format!("{kid}.pem").into(),
            public: format!("{kid}.pub").into(),
            created_at: 0,
            signs_from: 0,
            retires_at: None,
        }
    }

    fn signing(schedule: &KeySchedule, now: i64) -> &str {
        &schedule.keys[schedule.signing(now)].kid
    }

    fn live(schedule: &KeySchedule, now: i64) -> Vec<String> {
        schedule.live(now).keys.into_iter().map(|key| key.kid).collect()
    }

    #[test]
    fn a_new_key_is_published_for_360_s_before_it_signs_and_the_old_one_outlives_its_last_token() {
        let first = KeySchedule { keys: vec![key("a")] };
        let both = first.hand_over(key("b"), 1_000);
        let signs_from = 1_360;
        let over = signs_from + 24 * 3600 + 60;
        for (now, signer, counting) in [
            (1_000, "a", &["a", "b"][..]),
            (signs_from - 1, "a", &["a", "b"]),
            (signs_from, "b", &["a", "b"]),
            (over - 1, "b", &["a", "b"]),
            (over, "b", &["b"]),
            (0, "a", &["a", "b"]),
        ] {
            assert_eq!(signing(&both, now), signer, "{now}");
            assert_eq!(live(&both, now), counting, "{now}");
        }
        assert_eq!(both.waiting(signs_from - 1).map(|key| key.kid.as_str()), Some("b"));
        assert_eq!(both.waiting(signs_from), None);
    }

    #[test]
    fn a_second_rotation_does_not_prolong_the_first_key() {
        let both = KeySchedule { keys: vec![key("a")] }.hand_over(key("b"), 0);
        let three = both.hand_over(key("c"), 5_000);
        assert_eq!(three.keys[0].retires_at, both.keys[0].retires_at);
        assert_eq!(live(&three, both.keys[0].retires_at.unwrap()), ["b", "c"]);
        let later = three.hand_over(key("d"), 10_000_000);
        assert_eq!(live(&later, 10_000_000), ["c", "d"], "what is over is left out");
    }

    #[test]
    fn a_stolen_key_is_gone_at_once() {
        let one = KeySchedule::replaced_by(key("b"), 5_000);
        assert_eq!((signing(&one, 5_000), live(&one, 5_000)), ("b", vec!["b".to_owned()]));
    }
}
