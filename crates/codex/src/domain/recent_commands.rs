//! Remote commands of the last minute, so that a second click does not run one twice.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How long the same command of the same person on the same device is taken for a repetition.
pub const APART: TimeDelta = TimeDelta::seconds(60);

/// What makes two orders the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Our id of the device.
    pub device: i64,
    /// What is run.
    pub command: String,
    /// Who runs it.
    pub caller: String,
    /// The caller's own name of the order: another one says that it is meant again.
    pub key: Option<String>,
}

/// The orders of the last minute that this instance has taken.
#[derive(Debug, Default)]
pub struct RecentCommands(Mutex<Vec<(Order, DateTime<Utc>)>>);

impl RecentCommands {
    /// Remembers an order; `false` when the same one was given within the last minute.
    pub fn begin(&self, order: &Order, now: DateTime<Utc>) -> bool {
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.retain(|(_, at)| (now - *at).abs() < APART);
        let new = !orders.iter().any(|(known, _)| known == order);
        if new {
            orders.push((order.clone(), now));
        }
        new
    }

    /// Forgets an order that certainly was not carried out.
    pub fn forget(&self, order: &Order) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_order_is_taken_once_a_minute() {
        let order = Order { device: 1, command: "whoami".into(), caller: "a".into(), key: None };
        let (recent, now) =
            (RecentCommands::default(), "2025-11-22T10:30:15Z".parse::<DateTime<Utc>>().unwrap());
        assert!(recent.begin(&order, now));
        assert!(!recent.begin(&order, now + TimeDelta::seconds(59)));
        for other in [
            Order { device: 2, ..order.clone() },
            Order { command: "hostname".into(), ..order.clone() },
            Order { caller: "b".into(), ..order.clone() },
            Order { key: Some("again".into()), ..order.clone() },
        ] {
            assert!(recent.begin(&other, now), "{other:?}");
            assert!(!recent.begin(&other, now), "{other:?}");
        }
        recent.forget(&order);
        assert!(recent.begin(&order, now));
        assert!(recent.begin(&order, now + APART));
    }
}
