//! The display links that live, so that a screen can be checked without a call for each request.

use std::sync::Arc;

use chrono::TimeDelta;
use hivematrix_shared::{clock::Clock, contracts::codex::Display};

use super::slot::Slot;
use crate::clients::codex::Codex;

/// With the pause between two looks of an open stream, a link that is taken back is dark within two seconds.
const LIFETIME: TimeDelta = TimeDelta::seconds(1);
const BACK_OFF: TimeDelta = TimeDelta::seconds(2);

/// Remembers the links. What Codex said last holds while it is away: it could not take a link back then.
pub struct LinkCache {
    codex: Codex,
    links: Slot<Vec<Display>>,
}

impl LinkCache {
    /// An empty cache.
    pub fn new(codex: Codex, clock: &Clock) -> Self {
        Self { codex, links: Slot::new(clock.clone(), |_| LIFETIME, BACK_OFF) }
    }

    /// All links that live; none while Codex has never said which.
    pub async fn current(&self) -> Option<Arc<Vec<Display>>> {
        let codex = self.codex.clone();
        self.links.get(|| async move { codex.live_displays().await }).await
    }

    /// Something was made or taken back here: the next one who asks must see it.
    pub fn outdate(&self) {
        self.links.outdate();
    }
}
