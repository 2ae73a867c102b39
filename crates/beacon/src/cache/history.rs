//! How the boards of the views looked over the last day.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::TimeDelta;
use hivematrix_shared::{clock::Clock, contracts::codex::BoardHistory};

use super::slot::Slot;
use crate::{
    clients::codex::Codex,
    domain::views::{HistoryGroups, View, Views},
};

/// Codex counts every five minutes.
const LIFETIME: TimeDelta = TimeDelta::seconds(60);
const BACK_OFF: TimeDelta = TimeDelta::seconds(30);

/// Remembers one history for each view.
pub struct HistoryCache {
    codex: Codex,
    histories: HashMap<Arc<str>, Slot<BoardHistory>>,
}

impl HistoryCache {
    /// An empty cache for these views.
    pub fn new(codex: Codex, clock: &Clock, views: &Views) -> Self {
        let slot = || Slot::new(clock.clone(), |_: &BoardHistory| LIFETIME, BACK_OFF);
        Self { codex, histories: views.iter().map(|view| (view.slug.clone(), slot())).collect() }
    }

    /// The history of a view over these groups; none where Codex has never told it. With a `patience` nobody waits longer:
    /// what comes later is there for the next one who asks.
    pub async fn current(
        &self,
        view: &View,
        groups: HistoryGroups,
        patience: Option<Duration>,
    ) -> Option<Arc<BoardHistory>> {
        let (codex, slot) = (self.codex.clone(), self.histories.get(&view.slug)?);
        let fetch = || async move { codex.history(&groups).await };
        match patience {
            Some(patience) => slot.get_within(Some(patience), fetch).await,
            None => slot.get(fetch).await,
        }
    }
}
