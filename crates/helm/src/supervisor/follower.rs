//! One unit that systemd runs: it starts the process and keeps it up, Helm gives orders by `systemctl`, asks whether it is
//! ready and alive, and publishes what it sees. Orders that others give to systemd are seen as well.

use std::{sync::Arc, time::Duration};

use hivematrix_shared::clock::Clock;
use tokio::{
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::{
    process::Identity,
    spec::UnitSpec,
    unit::{Order, UnitState, next_answer},
};
use crate::{
    clients::systemctl::Systemctl,
    domain::{status::Phase, systemd},
};

/// How often a unit that does not run is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often the kernel is asked whether a process still runs.
const ALIVE_POLL: Duration = Duration::from_millis(500);

pub(super) struct Follower {
    spec: UnitSpec,
    unit: String,
    orders: mpsc::Receiver<Order>,
    state: Arc<watch::Sender<UnitState>>,
    systemctl: Systemctl,
    clock: Clock,
}

impl Follower {
    pub(super) fn new(
        spec: UnitSpec,
        orders: mpsc::Receiver<Order>,
        state: Arc<watch::Sender<UnitState>>,
        systemctl: Systemctl,
        clock: Clock,
    ) -> Self {
        let unit = systemd::unit_name(&spec.name);
        Self { spec, unit, orders, state, systemctl, clock }
    }

    pub(super) async fn run(mut self) {
        loop {
            self.look().await;
            let identity = self.state.borrow().identity.clone();
            let goes_on = match identity {
                Some(identity) => self.watch_over(&identity).await,
                None => match timeout(LOOK_EVERY, self.orders.recv()).await {
                    Ok(Some(order)) => self.obey(order).await,
                    Ok(None) => false,
                    Err(_) => true,
                },
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Asks systemd and publishes what it says.
    async fn look(&self) {
        let shown = match self.systemctl.show_one(&self.unit).await {
            Ok(shown) => shown,
            Err(error) => {
                self.complain(format!("{error:#}"));
                return;
            }
        };
        let identity = shown.pid.and_then(Identity::of);
        let age = identity.as_ref().and_then(Identity::age_seconds).unwrap_or(0);
        let started_at = self.clock.now() - chrono::TimeDelta::seconds(i64::try_from(age).unwrap_or(0));
        self.state.send_modify(|state| {
            state.ready = state.ready && identity.is_some() && state.identity == identity;
            state.phase = if state.ready { Phase::Running } else { shown.phase() };
            state.started_at = identity.as_ref().map(|_| started_at);
            state.identity = identity;
            state.restarts = shown.restarts;
            if let Some(complaint) = shown.complaint() {
                state.last_error = Some(complaint);
            }
        });
    }

    /// Watches a running process until it ends or an order changes something.
    async fn watch_over(&mut self, identity: &Identity) -> bool {
        let mut misses = 0;
        loop {
            let ready = self.state.borrow().ready;
            tokio::select! {
                order = self.orders.recv() => {
                    let Some(order) = order else { return false };
                    return self.obey(order).await;
                }
                () = ended(identity) => {
                    tracing::warn!(service = self.spec.name, pid = identity.pid, "the process ended");
                    return true;
                }
                answer = next_answer(&self.spec, ready) => match (ready, answer) {
                    (false, Ok(())) => self.now_ready(),
                    (false, Err(reason)) => self.complain(reason),
                    (true, Ok(())) => misses = 0,
                    (true, Err(reason)) => {
                        misses += 1;
                        tracing::warn!(service = self.spec.name, reason, misses, "no sign of life");
                        if misses >= self.spec.timing.alive_failures {
                            self.complain(format!("no sign of life: {reason}"));
                            self.tell(Word::Restart).await;
                            return true;
                        }
                    }
                },
            }
        }
    }

    async fn obey(&mut self, order: Order) -> bool {
        let (word, done) = match order {
            Order::Start(done) => (Word::Start, done),
            Order::Stop(done) => (Word::Stop, done),
            Order::Restart(done) => (Word::Restart, done),
            Order::Respec(spec) => {
                self.spec = *spec;
                return true;
            }
            Order::Release(done) => {
                let _ = done.send(());
                return false;
            }
        };
        if word != Word::Start {
            self.state.send_modify(|state| state.phase = Phase::Stopping);
        }
        self.state.send_modify(|state| state.last_error = None);
        self.tell(word).await;
        self.look().await;
        // Whoever asked may have gone.
        let _ = done.send(());
        true
    }

    async fn tell(&self, word: Word) {
        let told = match word {
            Word::Start => self.systemctl.start(&self.unit).await,
            Word::Stop => self.systemctl.stop(&self.unit).await,
            Word::Restart => self.systemctl.restart(&self.unit).await,
        };
        if let Err(error) = told {
            tracing::error!(service = self.spec.name, error = format!("{error:#}"), "order not carried out");
            self.complain(format!("{error:#}"));
        }
    }

    fn now_ready(&self) {
        tracing::info!(service = self.spec.name, "ready");
        self.state.send_modify(|state| {
            state.phase = Phase::Running;
            state.ready = true;
            state.last_error = None;
        });
    }

    fn complain(&self, reason: String) {
        self.state.send_if_modified(|state| {
            let changed = state.last_error.as_ref() != Some(&reason);
            state.last_error = Some(reason);
            changed
        });
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Start,
    Stop,
    Restart,
}

async fn ended(identity: &Identity) {
    while identity.is_alive() {
        sleep(ALIVE_POLL).await;
    }
}
