//! How the board stands, in numbers, for every group by itself.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::Serialize;

use super::board::{self, Facts};

/// Time between two samples.
pub const STEP: TimeDelta = TimeDelta::minutes(5);

/// Stands for tickets without a group.
pub const NO_GROUP: i64 = 0;

/// The numbers of one group.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Sample {
    /// Vendor id of the group.
    pub group_id: i64,
    /// Tickets in section 1.
    pub section1: i32,
    /// Tickets in section 2.
    pub section2: i32,
    /// Tickets in section 3.
    pub section3: i32,
    /// Tickets in section 4.
    pub section4: i32,
    /// Tickets whose clock has run out.
    pub breached: i32,
    /// Vendor id of each agent and how many of the group's active tickets it has.
    pub agents: BTreeMap<i64, i32>,
}

/// The moment a sample is for: the clock floored to five minutes, UTC.
pub fn slot(now: DateTime<Utc>) -> DateTime<Utc> {
    now.duration_trunc(STEP).unwrap_or(now)
}

/// Counts tickets as the board places them at `at`. There is always a sample without group, so that an empty board is
/// told from one that nobody looked at.
pub fn count<'a>(
    tickets: impl IntoIterator<Item = (Option<i64>, Option<i64>, Facts<'a>)>,
    at: DateTime<Utc>,
) -> Vec<Sample> {
    let mut groups = BTreeMap::from([(NO_GROUP, Sample::default())]);
    for (group, agent, facts) in tickets {
        let Some(placement) = board::place(&facts, at) else { continue };
        let group_id = group.unwrap_or(NO_GROUP);
        let sample = groups.entry(group_id).or_insert_with(|| Sample { group_id, ..Sample::default() });
        *match placement.section {
            board::Section::Open => &mut sample.section1,
            board::Section::CustomerReplied => &mut sample.section2,
            board::Section::NeedsAgent => &mut sample.section3,
            board::Section::Other => &mut sample.section4,
        } += 1;
        sample.breached += i32::from(placement.is_breached());
        if let Some(agent) = agent {
            *sample.agents.entry(agent).or_default() += 1;
        }
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> DateTime<Utc> {
        format!("2025-11-22T{time}Z").parse().unwrap()
    }

    #[test]
    fn samples_stand_on_the_five_minutes() {
        for (now, expected) in
            [("10:30:00", "10:30:00"), ("10:34:59", "10:30:00"), ("10:35:00.5", "10:35:00")]
        {
            assert_eq!(slot(at(now)), at(expected));
        }
    }

    #[test]
    fn tickets_are_counted_where_the_board_shows_them() {
        let now = at("10:30:00");
        let updated = Some(now - TimeDelta::hours(1));
        let facts = |status, due_in: Option<i64>| Facts {
            status: Some(status),
            priority: Some("medium"),
            last_updated_at: updated,
            fr_due_by: due_in.map(|hours| now + TimeDelta::hours(hours)),
            ..Facts::default()
        };
        let samples = count(
            [
                (Some(8), Some(7), facts("open", Some(30))),
                (Some(8), Some(7), facts("open", Some(-2))),
                (Some(8), None, facts("customer_replied", Some(-1))),
                (
                    Some(8),
                    Some(6),
                    Facts { last_updated_at: Some(now - TimeDelta::days(9)), ..facts("on_hold", None) },
                ),
                (None, Some(7), facts("pending", None)),
                (Some(9), Some(7), facts("closed", None)),
            ],
            now,
        );
        let none = Sample { section4: 1, agents: BTreeMap::from([(7, 1)]), ..Sample::default() };
        let eight = Sample {
            group_id: 8,
            section1: 1,
            section2: 1,
            section3: 2,
            section4: 0,
            breached: 2,
            agents: BTreeMap::from([(6, 1), (7, 2)]),
        };
        assert_eq!(samples, [none, eight], "late updates are no breach, and closed tickets make no group");
        assert_eq!(count([], now), [Sample::default()]);
    }
}
