//! Supervision: ordered start behind readiness gates, restart with back-off, ordered stop, adoption (helm.md §6,
//! platform.md §5).

pub mod board;
mod follower;
mod last_words;
pub mod launch;
pub mod probe;
pub mod process;
pub mod record;
pub mod rotation;
pub mod spec;
pub mod unit;

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use anyhow::Result;
use futures::future::join_all;
use hivematrix_shared::clock::Clock;
use indexmap::IndexMap;
use tokio::sync::{mpsc, oneshot};

pub use self::{
    board::Board,
    spec::{Timing, UnitSpec},
    unit::UnitState,
};
use self::{
    follower::Follower,
    record::Records,
    unit::{Order, Unit},
};
use crate::{
    clients::systemctl::Systemctl,
    domain::status::{Phase, UnitKind},
    instance::{Layout, files},
};

struct Handle {
    spec: UnitSpec,
    orders: mpsc::Sender<Order>,
}

struct Inner {
    units: RwLock<IndexMap<String, Handle>>,
    board: Board,
    records: Records,
    stopped_file: PathBuf,
    clock: Clock,
    /// Where systemd runs the processes: they are followed, not started.
    systemctl: Option<Systemctl>,
}

/// All supervised processes of an instance. Cheap to clone.
#[derive(Clone)]
pub struct Supervisor(Arc<Inner>);

impl Supervisor {
    /// A supervisor that keeps its notes in the instance.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn new(layout: &Layout, clock: Clock) -> Result<Self> {
        Self::with(layout, clock, None)
    }

    /// A supervisor of units that systemd runs.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn of_systemd(layout: &Layout, clock: Clock, systemctl: Systemctl) -> Result<Self> {
        Self::with(layout, clock, Some(systemctl))
    }

    fn with(layout: &Layout, clock: Clock, systemctl: Option<Systemctl>) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            units: RwLock::default(),
            board: Board::default(),
            records: Records::open(layout.run())?,
            stopped_file: layout.stopped(),
            clock,
            systemctl,
        })))
    }

    /// systemd, where it runs the processes.
    #[must_use]
    pub fn systemctl(&self) -> Option<&Systemctl> {
        self.0.systemctl.as_ref()
    }

    /// Takes note of a unit and adopts its process if it still runs from before.
    pub fn add(&self, spec: UnitSpec) {
        let name = spec.name.clone();
        let (orders, receiver) = mpsc::channel(16);
        let state = self.0.board.enter(&name, spec.timing.ready_deadline);
        let clock = self.0.clock.clone();
        if let Some(systemctl) = &self.0.systemctl {
            tokio::spawn(Follower::new(spec.clone(), receiver, state, systemctl.clone(), clock).run());
        } else {
            let (board, records) = (self.0.board.clone(), self.0.records.clone());
            let mut unit = Unit::new(spec.clone(), receiver, state, board, records, clock);
            unit.adopt();
            tokio::spawn(unit.run());
        }
        self.0.units.write().unwrap_or_else(PoisonError::into_inner).insert(name, Handle { spec, orders });
    }

    /// What is supervised, in the order in which it was added.
    #[must_use]
    pub fn specs(&self) -> Vec<UnitSpec> {
        self.units(|handle| Some(handle.spec.clone()))
    }

    /// One unit's spec.
    #[must_use]
    pub fn spec(&self, name: &str) -> Option<UnitSpec> {
        self.0
            .units
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .map(|handle| handle.spec.clone())
    }

    /// Whether systemd runs the processes.
    #[must_use]
    pub fn is_follower(&self) -> bool {
        self.0.systemctl.is_some()
    }

    /// The states of all units.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.0.board
    }

    fn units<T>(&self, pick: impl Fn(&Handle) -> Option<T>) -> Vec<T> {
        self.0.units.read().unwrap_or_else(PoisonError::into_inner).values().filter_map(pick).collect()
    }

    /// Brings the units to new specs: unknown ones are added, missing ones stopped, outdated ones restarted. Returns the
    /// names of those restarted.
    pub async fn apply(&self, specs: Vec<UnitSpec>) -> Vec<String> {
        let names: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let gone = self.units(|h| (!names.contains(h.spec.name.as_str())).then(|| h.spec.name.clone()));
        for name in gone {
            self.order(&name, Order::Stop).await;
            self.0.units.write().unwrap_or_else(PoisonError::into_inner).shift_remove(&name);
            self.0.board.leave(&name);
        }
        let outdated = self.respec(specs).await;
        join_all(outdated.iter().map(|name| self.order(name, Order::Restart))).await;
        outdated
    }

    /// Gives units the specs of their next start; unknown ones are added and not started. Returns the names of those that
    /// run as something else.
    pub async fn respec(&self, specs: Vec<UnitSpec>) -> Vec<String> {
        let mut outdated = Vec::new();
        for spec in specs {
            let name = spec.name.clone();
            let Some(orders) = self.orders(&name) else {
                self.add(spec);
                continue;
            };
            self.0.board.enter(&name, spec.timing.ready_deadline);
            let running = self.0.board.state(&name).and_then(|state| state.fingerprint);
            if running.is_some_and(|running| running != spec.fingerprint()) {
                outdated.push(name.clone());
            }
            let _ = orders.send(Order::Respec(Box::new(spec.clone()))).await;
            if let Some(handle) = self.0.units.write().unwrap_or_else(PoisonError::into_inner).get_mut(&name)
            {
                handle.spec = spec;
            }
        }
        outdated
    }

    /// Starts everything, also what was stopped by hand.
    ///
    /// # Errors
    /// When the list of stopped services cannot be written.
    pub async fn start_all(&self) -> Result<()> {
        files::write_json(&self.0.stopped_file, &BTreeSet::<String>::new())?;
        self.start_these(&self.units(|handle| Some(handle.spec.name.clone()))).await;
        Ok(())
    }

    /// Starts everything but what was stopped by hand: after a restart of the daemon.
    pub async fn resume(&self) {
        let stopped = self.stopped_by_hand();
        self.start_these(&self.units(|h| (!stopped.contains(&h.spec.name)).then(|| h.spec.name.clone())))
            .await;
    }

    async fn start_these(&self, names: &[String]) {
        // All are marked first: a unit must not take another for stopped only because its order comes later.
        for name in names {
            self.mark_wanted(name);
        }
        for name in names {
            if let Some(orders) = self.orders(name) {
                let (done, _) = oneshot::channel();
                let _ = orders.send(Order::Start(done)).await;
            }
        }
    }

    fn mark_wanted(&self, name: &str) {
        if let Some(spec) = self.spec(name) {
            self.0.board.enter(name, spec.timing.ready_deadline).send_if_modified(|state| {
                let stopped = state.phase == Phase::Stopped;
                if stopped {
                    state.phase = Phase::Waiting;
                }
                stopped
            });
        }
    }

    /// Starts one unit; resolves when its process was launched or could not be. It stays wanted from now on.
    ///
    /// # Errors
    /// When the list of stopped services cannot be written.
    pub async fn start(&self, name: &str) -> Result<()> {
        self.note_by_hand(name, false)?;
        self.mark_wanted(name);
        self.order(name, Order::Start).await;
        Ok(())
    }

    /// Stops one unit; resolves when it is down. It stays down until it is started by hand.
    ///
    /// # Errors
    /// When the list of stopped services cannot be written.
    pub async fn stop(&self, name: &str) -> Result<()> {
        self.note_by_hand(name, true)?;
        self.order(name, Order::Stop).await;
        Ok(())
    }

    /// Stops and starts one unit; resolves when the new process was launched or could not be.
    ///
    /// # Errors
    /// When the list of stopped services cannot be written.
    pub async fn restart(&self, name: &str) -> Result<()> {
        self.note_by_hand(name, false)?;
        self.mark_wanted(name);
        self.order(name, Order::Restart).await;
        Ok(())
    }

    /// Stops all units of the given kinds, those first on which no other waits.
    pub async fn stop_all(&self, kinds: &[UnitKind]) {
        let mut left: Vec<UnitSpec> = self.specs().into_iter().filter(|s| kinds.contains(&s.kind)).collect();
        while !left.is_empty() {
            let needed = |name: &String| left.iter().any(|other| other.after.contains(name));
            let mut batch: Vec<String> =
                left.iter().map(|spec| spec.name.clone()).filter(|name| !needed(name)).collect();
            if batch.is_empty() {
                // A circle of dependencies has no last one: all of it at once.
                batch = left.iter().map(|spec| spec.name.clone()).collect();
            }
            join_all(batch.iter().map(|name| self.order(name, Order::Stop))).await;
            left.retain(|spec| !batch.contains(&spec.name));
        }
    }

    /// Ends the supervision and leaves every process running, for another daemon to adopt.
    pub async fn release(&self) {
        let names = self.units(|handle| Some(handle.spec.name.clone()));
        join_all(names.iter().map(|name| self.order(name, Order::Release))).await;
    }

    /// The units that were stopped by hand.
    #[must_use]
    pub fn stopped_by_hand(&self) -> BTreeSet<String> {
        files::read_json(&self.0.stopped_file)
            .unwrap_or_else(|error| {
                tracing::warn!(error = %error, "the list of stopped services cannot be read");
                None
            })
            .unwrap_or_default()
    }

    fn note_by_hand(&self, name: &str, stopped: bool) -> Result<()> {
        let mut names = self.stopped_by_hand();
        let changed = if stopped { names.insert(name.to_owned()) } else { names.remove(name) };
        if changed { files::write_json(&self.0.stopped_file, &names) } else { Ok(()) }
    }

    fn orders(&self, name: &str) -> Option<mpsc::Sender<Order>> {
        self.0.units.read().unwrap_or_else(PoisonError::into_inner).get(name).map(|h| h.orders.clone())
    }

    async fn order(&self, name: &str, order: fn(oneshot::Sender<()>) -> Order) {
        let Some(orders) = self.orders(name) else { return };
        let (done, answer) = oneshot::channel();
        if orders.send(order(done)).await.is_ok() {
            // A dropped answer means that a later order overtook this one.
            let _ = answer.await;
        }
    }
}
