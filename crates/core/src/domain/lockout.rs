//! Growing delay after failed sign-ins, per typed name, account and client address (core.md §7.5).

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::rate_limit::customer;

/// What failures are counted for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// A typed name, whether an account of that name exists or not, so that a delay tells nothing about it.
    Name,
    /// An account, by whichever of its names it was meant.
    Account,
    /// An address, which may stand for a whole office.
    Address,
}

/// First delay.
const FIRST_DELAY_SECONDS: i64 = 30;
/// Longest delay.
const LONGEST_DELAY_SECONDS: i64 = 15 * 60;
/// Failures are forgotten after this much quiet time.
const FORGET_AFTER: TimeDelta = TimeDelta::hours(12);

impl Subject {
    /// Failures that cost no delay yet.
    const fn free_attempts(self) -> i32 {
        match self {
            Self::Name | Self::Account => 4,
            Self::Address => 19,
        }
    }
}

/// The failures counted for one subject.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Failures {
    /// How many in a row.
    pub count: i32,
    /// No attempt is looked at before.
    pub locked_until: Option<DateTime<Utc>>,
}

impl Failures {
    /// Seconds to wait before the next attempt, when there is a delay.
    pub fn wait_seconds(&self, now: DateTime<Utc>) -> Option<i64> {
        let until = self.locked_until.filter(|until| *until > now)?;
        Some((until - now).num_seconds().max(1))
    }

    /// The state after one more attempt that has not succeeded; `last` is when the state was written.
    pub fn after_attempt(self, subject: Subject, last: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let count = if now - last > FORGET_AFTER { 1 } else { self.count.saturating_add(1) };
        let over = count - subject.free_attempts();
        let locked_until = (over > 0).then(|| {
            let doubled = FIRST_DELAY_SECONDS.saturating_mul(1_i64 << (over - 1).min(20));
            now + TimeDelta::seconds(doubled.min(LONGEST_DELAY_SECONDS))
        });
        Self { count, locked_until }
    }
}

/// The address that failures are counted for.
pub fn counted_address(address: &str) -> String {
    match address.parse().map(customer) {
        Ok(IpAddr::V6(network)) => format!("{network}/64"),
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn the_delay_of_an_account_starts_with_the_fifth_failure_and_doubles_up_to_a_limit() {
        let mut state = Failures::default();
        let mut delays = Vec::new();
        for _ in 0..12 {
            state = state.after_attempt(Subject::Account, at(0), at(0));
            delays.push(state.wait_seconds(at(0)).unwrap_or(0));
        }
        assert_eq!(delays, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
    }

    #[test]
    fn an_address_gets_twenty_attempts_before_a_delay() {
        let mut state = Failures::default();
        for _ in 0..19 {
            state = state.after_attempt(Subject::Address, at(0), at(0));
        }
        assert_eq!(state.wait_seconds(at(0)), None);
        assert_eq!(state.after_attempt(Subject::Address, at(0), at(0)).wait_seconds(at(0)), Some(30));
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_together() {
        assert_eq!(counted_address("203.0.113.7"), "203.0.113.7");
        assert_eq!(counted_address("2001:db8:1:2::1"), counted_address("2001:db8:1:2:ffff::9"));
        assert_ne!(counted_address("2001:db8:1:2::1"), counted_address("2001:db8:1:3::1"));
    }

    #[test]
    fn a_delay_ends_and_old_failures_are_forgotten() {
        let locked = Failures { count: 5, locked_until: Some(at(30)) };
        assert_eq!(locked.wait_seconds(at(29)), Some(1));
        assert_eq!(locked.wait_seconds(at(30)), None);
        assert_eq!(locked.after_attempt(Subject::Account, at(0), at(13 * 3600)).count, 1);
    }
}
