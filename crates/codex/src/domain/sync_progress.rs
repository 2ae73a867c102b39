//! How far a running sync is, told by the one before: vendors do not say how much there will be.

use serde_json::Value;

/// The counts that grow with every item. The others say what became of them.
const ITEMS: [&str; 9] =
    ["companies", "contacts", "agents", "groups", "tickets", "details", "sites", "assets", "account_numbers"];

/// Items of a run, by its stored progress.
pub fn items(progress: Option<&Value>) -> u64 {
    let counts = progress.and_then(|progress| progress.get("counts"));
    ITEMS.iter().filter_map(|name| counts?.get(name)?.as_u64()).sum()
}

/// Rows that were patched or left out, by the stored progress.
pub fn warnings(progress: Option<&Value>) -> u64 {
    progress.and_then(|progress| progress.get("counts")?.get("warnings")?.as_u64()).unwrap_or(0)
}

/// A part of a run whose size is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Items that are done.
    pub done: u64,
    /// Items in all.
    pub total: u64,
    /// Seconds since the part began.
    pub seconds: u64,
}

impl Step {
    /// The part a run is at, by the stored progress.
    pub fn of(progress: Option<&Value>) -> Option<Self> {
        let step = progress?.get("step")?;
        let number = |name: &str| step.get(name)?.as_u64();
        Some(Self { done: number("done")?, total: number("total")?, seconds: number("seconds")? })
    }

    /// Seconds until the end, by the pace so far.
    pub fn seconds_left(&self) -> Option<u64> {
        let left = self.total.saturating_sub(self.done);
        (self.done > 0).then(|| self.seconds.saturating_mul(left) / self.done)
    }
}

/// A run of the same kind that has ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Before {
    /// Its items.
    pub items: u64,
    /// How long it took.
    pub seconds: u64,
}

/// How much there will be, about, and for how long it will go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Items in all.
    pub total: u64,
    /// Seconds until the end.
    pub seconds_left: u64,
}

/// An estimate for a run with `done` items after `elapsed` seconds; none without a comparable run, or once there is more
/// than there was then.
pub fn estimate(done: u64, elapsed: u64, before: Option<Before>) -> Option<Estimate> {
    let before = before.filter(|before| before.items > 0 && before.items >= done)?;
    let left = before.items - done;
    // The first items say little about the pace; until a tenth is done the last run's own time counts.
    let seconds_left = if done.saturating_mul(10) >= before.items {
        elapsed.saturating_mul(left) / done.max(1)
    } else {
        before.seconds.saturating_sub(elapsed)
    };
    Some(Estimate { total: before.items, seconds_left })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_run_before_says_how_much_there_is() {
        let before = Some(Before { items: 1000, seconds: 60 });
        for (done, elapsed, before, expected) in [
            (0, 10, before, Some((1000, 50))),
            (50, 90, before, Some((1000, 0))),
            (500, 20, before, Some((1000, 20))),
            (1000, 40, before, Some((1000, 0))),
            (1001, 40, before, None),
            (5, 40, None, None),
            (0, 1, Some(Before { items: 0, seconds: 1 }), None),
        ] {
            let found = estimate(done, elapsed, before).map(|e| (e.total, e.seconds_left));
            assert_eq!(found, expected, "{done} after {elapsed} s");
        }
    }

    #[test]
    fn a_part_of_known_size_goes_on_at_its_pace() {
        let step = |done| json!({"step": {"done": done, "total": 400, "seconds": 30}});
        let left = |done| Step::of(Some(&step(done))).unwrap().seconds_left();
        assert_eq!((left(0), left(100), left(400), left(500)), (None, Some(90), Some(0), Some(0)));
        assert_eq!(Step::of(Some(&json!({"step": null}))), None);
    }

    #[test]
    fn what_became_of_items_does_not_count_twice() {
        let progress = json!({"counts": {"tickets": 5, "tickets_created": 5, "details": 2, "warnings": 3}});
        assert_eq!((items(Some(&progress)), warnings(Some(&progress))), (7, 3));
        assert_eq!(items(None), 0);
        assert_eq!(items(Some(&json!({"counts": "x"}))), 0);
    }
}
