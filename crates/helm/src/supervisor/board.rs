//! Where all units publish their state, and where a unit waits for those before it.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures::future::join_all;
use indexmap::IndexMap;
use tokio::{sync::watch, time::timeout};

use super::unit::UnitState;
use crate::domain::status::Phase;

#[derive(Clone)]
struct Entry {
    state: Arc<watch::Sender<UnitState>>,
    ready_deadline: Duration,
}

/// The states of all units. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Board(Arc<RwLock<IndexMap<String, Entry>>>);

impl Board {
    /// Adds a unit, or gives a known one another deadline.
    pub(super) fn enter(&self, name: &str, ready_deadline: Duration) -> Arc<watch::Sender<UnitState>> {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(name.to_owned()).or_insert_with(|| Entry {
            state: Arc::new(watch::Sender::new(UnitState::default())),
            ready_deadline,
        });
        entry.ready_deadline = ready_deadline;
        entry.state.clone()
    }

    pub(super) fn leave(&self, name: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).shift_remove(name);
    }

    fn entry(&self, name: &str) -> Option<Entry> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The state of one unit.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<UnitState> {
        self.entry(name).map(|entry| entry.state.borrow().clone())
    }

    /// Follows the state of one unit.
    #[must_use]
    pub fn follow(&self, name: &str) -> Option<watch::Receiver<UnitState>> {
        self.entry(name).map(|entry| entry.state.subscribe())
    }

    /// Resolves when each of `names` is ready, was stopped by hand, is unknown, or has had its time.
    pub(super) fn open_gates(&self, names: &[String]) -> impl Future<Output = ()> + use<> {
        let gates: Vec<_> = names.iter().filter_map(|name| Some((name.clone(), self.entry(name)?))).collect();
        async move {
            join_all(gates.into_iter().map(|(name, entry)| async move {
                let mut state = entry.state.subscribe();
                let passed = state.wait_for(|state| state.ready || state.phase == Phase::Stopped);
                if timeout(entry.ready_deadline, passed).await.is_err() {
                    tracing::warn!(service = name, "not ready in time, the others start without it");
                }
            }))
            .await;
        }
    }
}
