//! Where a ticket list run starts: afresh, where the last one ended, or in the middle of one that was broken off.

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use uuid::Uuid;

use super::{Reach, SyncRules};
use crate::providers::PageRef;
use crate::store::sync_state::{SyncState, TicketRun};

/// The run to make. A begun run goes on where it was, one page earlier: rows may have moved towards the front
/// meanwhile. It keeps its own start, which becomes the next high-water mark, so nothing that changed since then is missed. A mark
/// in the future is from before the clock was set back and says nothing about what was read: then all is read.
pub(super) fn ticket_run(
    state: &SyncState,
    reach: Reach,
    now: DateTime<Utc>,
    rules: &SyncRules,
    id: Uuid,
) -> TicketRun {
    let wants_full = reach == Reach::Full;
    if let Some(begun) = &state.unfinished
        && (TimeDelta::zero()..rules.stale_after).contains(&(now - begun.started_at))
        && (begun.full || !wants_full)
    {
        let number = begun.page.number.saturating_sub(1).max(1);
        return TicketRun { page: PageRef::number(number), ..begun.clone() };
    }
    let mark = state.high_water_mark.filter(|mark| !wants_full && *mark <= now);
    let since = mark.map(|mark| mark - rules.overlap);
    TicketRun {
        id,
        full: since.is_none(),
        since: since.unwrap_or_else(beginning),
        started_at: now,
        vendor_time: None,
        page: PageRef::FIRST,
    }
}

/// Before every ticket there is. Asked for changes since then, the vendor lists all, not just the last 30 days.
pub(super) fn beginning() -> DateTime<Utc> {
    Utc.timestamp_opt(946_684_800, 0).single().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        beginning() + TimeDelta::days(9000) + TimeDelta::minutes(minutes)
    }

    fn begun(full: bool, started: i64, page: u32) -> Option<TicketRun> {
        let page = PageRef::promised(page);
        let (id, since, started_at) = (Uuid::nil(), at(-100), at(started));
        Some(TicketRun { id, full, since, started_at, vendor_time: None, page })
    }

    #[test]
    fn a_run_starts_where_the_last_one_left_off() {
        let mark = Some(at(0));
        let old = SyncRules::default().stale_after.num_minutes() + 1;
        // high-water mark, begun run, wanted reach, now → full, since, start, page
        for (case, mark, unfinished, reach, now, expected) in [
            ("first run reads all", None, None, Reach::Changes, 5, (true, beginning(), at(5), 1)),
            (
                "changes since the mark, with overlap",
                mark,
                None,
                Reach::Changes,
                5,
                (false, at(-5), at(5), 1),
            ),
            ("all on request", mark, None, Reach::Full, 5, (true, beginning(), at(5), 1)),
            (
                "goes on one page earlier",
                mark,
                begun(false, 3, 7),
                Reach::Changes,
                5,
                (false, at(-100), at(3), 6),
            ),
            (
                "never before the first page",
                mark,
                begun(false, 3, 1),
                Reach::Changes,
                5,
                (false, at(-100), at(3), 1),
            ),
            (
                "finishes a full run first",
                mark,
                begun(true, 3, 7),
                Reach::Changes,
                5,
                (true, at(-100), at(3), 6),
            ),
            ("goes on with a full run", mark, begun(true, 3, 7), Reach::Full, 5, (true, at(-100), at(3), 6)),
            (
                "a narrower run is no start",
                mark,
                begun(false, 3, 7),
                Reach::Full,
                5,
                (true, beginning(), at(5), 1),
            ),
            (
                "a mark from the future says nothing",
                Some(at(90)),
                None,
                Reach::Changes,
                5,
                (true, beginning(), at(5), 1),
            ),
            ("nor does a run", mark, begun(false, 90, 7), Reach::Changes, 5, (false, at(-5), at(5), 1)),
            ("too old to go on", mark, begun(true, 0, 7), Reach::Changes, old, (false, at(-5), at(old), 1)),
        ] {
            let state = SyncState { high_water_mark: mark, last_completed_at: None, unfinished };
            let run = ticket_run(&state, reach, at(now), &SyncRules::default(), Uuid::nil());
            assert_eq!((run.full, run.since, run.started_at, run.page.number), expected, "{case}");
        }
    }
}
