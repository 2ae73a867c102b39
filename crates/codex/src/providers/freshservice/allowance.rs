//! How many requests the account has left, and who may use them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

/// The vendor counts per minute.
const WINDOW: Duration = Duration::from_secs(60);

/// What the vendor's answers say about the account's limit. The detail phase gives way to everything else: it is free
/// while half of the minute's requests are left, spreads out below that, and stops where only a quarter is left, so that
/// a list phase never has to wait for it.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    last: Mutex<Option<Left>>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone, Copy)]
struct Left {
    total: u32,
    remaining: u32,
    at: Instant,
}

/// What low-priority work does next.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Go,
    Spread(Duration),
    Wait,
}

impl Left {
    fn turn(self, now: Instant) -> Turn {
        let (total, remaining) = (u64::from(self.total), u64::from(self.remaining));
        if total == 0 || remaining * 2 >= total || now.duration_since(self.at) >= WINDOW {
            Turn::Go
        } else if remaining * 4 >= total {
            Turn::Spread(WINDOW * 2 / self.total)
        } else {
            Turn::Wait
        }
    }
}

impl Allowance {
    /// Reads the rate headers of an answer.
    pub(super) fn note(&self, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse().ok();
        if let (Some(total), Some(remaining)) = (number("x-ratelimit-total"), number("x-ratelimit-remaining"))
        {
            let left = Left { total, remaining, at: Instant::now() };
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
        }
    }

    /// Waits until low-priority work may send a request.
    pub(super) async fn give_way(&self) {
        // One at a time, or several would wait side by side and then all go at once.
        let _turn = self.turn.lock().await;
        loop {
            let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
            match last.map_or(Turn::Go, |left| left.turn(Instant::now())) {
                Turn::Go => return,
                Turn::Spread(pause) => return tokio::time::sleep(pause).await,
                // The answers to others tell when a new minute has begun.
                Turn::Wait => tokio::time::sleep(Duration::from_secs(1)).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_priority_work_leaves_a_quarter_and_hurries_only_in_the_first_half() {
        let at = Instant::now();
        for (total, remaining, age, expected) in [
            (500, 500, 0, Turn::Go),
            (500, 250, 0, Turn::Go),
            (500, 249, 0, Turn::Spread(Duration::from_millis(240))),
            (500, 125, 0, Turn::Spread(Duration::from_millis(240))),
            (500, 124, 0, Turn::Wait),
            (500, 0, 59, Turn::Wait),
            (500, 0, 60, Turn::Go),
            (0, 0, 0, Turn::Go),
        ] {
            let left = Left { total, remaining, at };
            assert_eq!(
                left.turn(at + Duration::from_secs(age)),
                expected,
                "{remaining} of {total} after {age} s"
            );
        }
    }
}
