//! The account's limit per minute.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};

/// Endpoints with a share of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Lists of tickets.
    TicketList,
    /// One ticket.
    TicketView,
    /// Lists of agents.
    Agents,
    /// Lists of requesters.
    Requesters,
    /// Lists of assets.
    Assets,
    /// Only the account's total counts.
    Other,
}

impl Class {
    /// The class of a route (`/tickets/{id}`).
    pub fn of(route: &str) -> Self {
        match route {
            "/tickets" | "/tickets/filter" => Self::TicketList,
            "/tickets/{id}" => Self::TicketView,
            "/agents" => Self::Agents,
            "/requesters" => Self::Requesters,
            "/assets" => Self::Assets,
            _ => Self::Other,
        }
    }

    /// Calls per minute: the proportions of the vendor's largest plan (500 in all, 140 per list, 160 views).
    const fn limit(self, total: u32) -> u32 {
        let share = match self {
            Self::Other => return total,
            Self::TicketView => 32,
            _ => 28,
        };
        let limit = total as u64 * share / 100;
        if limit == 0 { 1 } else { limit as u32 }
    }
}

/// Counts what was used in the current minute.
#[derive(Debug)]
pub struct Bucket {
    total: u32,
    began: Option<DateTime<Utc>>,
    credits: u32,
    calls: HashMap<Class, u32>,
}

/// What is left after a call, for the headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Credits per minute.
    pub total: u32,
    /// Credits left in this minute.
    pub remaining: u32,
    /// Credits of this call.
    pub used: u32,
}

impl Bucket {
    /// A full bucket of so many credits a minute.
    pub fn new(total: u32) -> Self {
        Self { total, began: None, credits: 0, calls: HashMap::new() }
    }

    /// Takes the credits of a call.
    ///
    /// # Errors
    ///
    /// Seconds until the next minute begins, when there are not enough left.
    pub fn take(&mut self, now: DateTime<Utc>, class: Class, credits: u32) -> Result<Left, u64> {
        let minute = TimeDelta::minutes(1);
        let began = match self.began {
            Some(began) if now < began + minute => began,
            _ => {
                *self = Self { began: Some(now), ..Self::new(self.total) };
                now
            }
        };
        let calls = self.calls.entry(class).or_default();
        if self.credits + credits > self.total || *calls >= class.limit(self.total) {
            let wait = began + minute - now;
            return Err(u64::try_from((wait.num_milliseconds() + 999) / 1000).unwrap_or(1).max(1));
        }
        *calls += 1;
        self.credits += credits;
        Ok(self.left(credits))
    }

    /// The headers of a call that cost `used`.
    pub fn left(&self, used: u32) -> Left {
        Left { total: self.total, remaining: self.total - self.credits, used }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_and_each_share_run_out_and_refill_after_a_minute() {
        let t0: DateTime<Utc> = "2026-03-18T09:30:00Z".parse().unwrap();
        let at = |seconds| t0 + TimeDelta::seconds(seconds);
        let mut bucket = Bucket::new(10);
        assert_eq!(bucket.take(at(0), Class::Agents, 1), Ok(Left { total: 10, remaining: 9, used: 1 }));
        assert_eq!(bucket.take(at(1), Class::Agents, 1).map(|left| left.remaining), Ok(8));
        assert_eq!(bucket.take(at(2), Class::Agents, 1), Err(58), "2 of 10 is the share of a list");
        assert_eq!(bucket.take(at(3), Class::TicketList, 5).map(|left| left.remaining), Ok(3));
        assert_eq!(bucket.take(at(4), Class::TicketList, 5), Err(56), "includes cost credits");
        assert_eq!(bucket.take(at(59), Class::Other, 4), Err(1));
        assert_eq!(bucket.take(at(60), Class::Other, 4).map(|left| left.remaining), Ok(6));
    }
}
