//! Asks Codex for changes while boards are open: one reader of Codex for all of them.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::Beacon;

/// Agents and settings may come a round later; the tickets do not wait for them.
const REFERENCE: Duration = Duration::from_secs(1);

/// Follows Codex until it is dropped.
pub async fn run(beacon: Beacon) {
    let parts = &beacon.0;
    let usual = parts.settings.poll_interval;
    loop {
        parts.tickets.until_watched().await;
        let began = Instant::now();
        // The pause is looked up each time: a page that was opened meanwhile may have asked, or found Codex back.
        while let Some(left) = parts.tickets.pause(usual, began) {
            sleep(left.min(usual)).await;
        }
        if parts.tickets.is_watched() {
            // What is not there in time arrives all the same, and is shown by the next round.
            drop(timeout(REFERENCE, parts.reference.current()).await);
            parts.tickets.poll().await;
        }
    }
}
