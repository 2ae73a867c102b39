//! One supervised process: an actor that owns it, so that no two orders ever meet at it.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use hivematrix_shared::clock::Clock;
use nix::sys::signal::Signal;
use tokio::{
    process::Child,
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    board::Board,
    last_words::last_words,
    launch::launch,
    process::{self, Identity},
    record::{Record, Records},
    spec::UnitSpec,
};
use crate::domain::{backoff, status::Phase};

/// How often an adopted process is looked at; it cannot be waited for, since it is no child of this process.
const ADOPTED_POLL: Duration = Duration::from_millis(200);
/// After SIGKILL the kernel needs a moment.
const KILL_PATIENCE: Duration = Duration::from_secs(5);

/// What others see of a unit.
#[derive(Debug, Clone, Default)]
pub struct UnitState {
    /// Where it stands.
    pub phase: Phase,
    /// The running process.
    pub identity: Option<Identity>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// Whether it was ready since it was started.
    pub ready: bool,
    /// Restarts after crashes.
    pub restarts: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// What the running process was started as.
    pub fingerprint: Option<String>,
}

/// An order to a unit. The answer comes when it is done, for a start when the process was launched or failed to.
pub(super) enum Order {
    Start(oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
    Restart(oneshot::Sender<()>),
    /// What the next start will use.
    Respec(Box<UnitSpec>),
    /// The actor ends, the process goes on: another daemon will adopt it.
    Release(oneshot::Sender<()>),
}

struct Process {
    identity: Identity,
    /// Absent for an adopted process.
    child: Option<Child>,
    launched: Instant,
}

impl Process {
    /// Resolves when the process has ended, with the reason in words.
    async fn ended(&mut self) -> String {
        match &mut self.child {
            Some(child) => match child.wait().await {
                Ok(status) => format!("ended with {status}"),
                Err(error) => format!("could not be waited for: {error}"),
            },
            None => {
                while self.identity.is_alive() {
                    sleep(ADOPTED_POLL).await;
                }
                "ended".into()
            }
        }
    }
}

pub(super) struct Unit {
    spec: UnitSpec,
    orders: mpsc::Receiver<Order>,
    state: Arc<watch::Sender<UnitState>>,
    board: Board,
    records: Records,
    clock: Clock,
    wanted: bool,
    process: Option<Process>,
    failures: u32,
    not_before: Option<Instant>,
    started: Vec<oneshot::Sender<()>>,
}

impl Unit {
    pub(super) fn new(
        spec: UnitSpec,
        orders: mpsc::Receiver<Order>,
        state: Arc<watch::Sender<UnitState>>,
        board: Board,
        records: Records,
        clock: Clock,
    ) -> Self {
        Self {
            spec,
            orders,
            state,
            board,
            records,
            clock,
            wanted: false,
            process: None,
            failures: 0,
            not_before: None,
            started: Vec::new(),
        }
    }

    /// Takes over a process that an earlier daemon left running.
    pub(super) fn adopt(&mut self) {
        let record = self.records.living(&self.spec.name).or_else(|| self.find_without_record());
        let Some(record) = record else {
            self.records.remove(&self.spec.name);
            return;
        };
        tracing::info!(service = self.spec.name, pid = record.identity.pid, "adopted a running process");
        self.wanted = true;
        self.process =
            Some(Process { identity: record.identity.clone(), child: None, launched: Instant::now() });
        self.state.send_modify(|state| {
            state.phase = Phase::Starting;
            state.started_at = Some(record.started_at);
            state.identity = Some(record.identity);
            state.fingerprint = Some(record.fingerprint);
        });
    }

    /// By program and environment, where the record was lost.
    fn find_without_record(&self) -> Option<Record> {
        let mark = |name: &'static str| self.spec.env.get(name).map(|value| (name, value.as_str()));
        let marks = [mark("HIVEMATRIX_HOME")?, mark("SERVICE_NAME")?];
        let identity = process::find(&self.spec.program, &marks)?;
        let age = i64::try_from(identity.age_seconds().unwrap_or(0)).unwrap_or(0);
        let started_at = self.clock.now() - chrono::TimeDelta::seconds(age);
        // Nobody knows what it was started as: the next `helm up` restarts it.
        let record = Record { identity, started_at, fingerprint: String::new() };
        if let Err(error) = self.records.write(&self.spec.name, &record) {
            tracing::warn!(service = self.spec.name, error = %error, "process record not written");
        }
        Some(record)
    }

    pub(super) async fn run(mut self) {
        loop {
            let goes_on = match self.process.take() {
                Some(process) => self.watch_over(process).await,
                None if self.wanted => self.bring_up().await,
                None => self.idle().await,
            };
            if !goes_on {
                return;
            }
        }
    }

    async fn idle(&mut self) -> bool {
        self.set_phase(Phase::Stopped);
        match self.orders.recv().await {
            Some(order) => self.obey_while_down(order),
            None => false,
        }
    }

    /// Waits out the back-off and the gates, then launches.
    async fn bring_up(&mut self) -> bool {
        if let Some(until) = self.not_before {
            self.set_phase(Phase::Backoff);
            tokio::select! {
                order = self.orders.recv() => return order.is_some_and(|order| self.obey_while_down(order)),
                () = sleep_until(until) => self.not_before = None,
            }
        }
        self.set_phase(Phase::Waiting);
        let gates = self.board.open_gates(&self.spec.after);
        tokio::select! {
            order = self.orders.recv() => return order.is_some_and(|order| self.obey_while_down(order)),
            () = gates => {}
        }
        match self.launch() {
            Ok(process) => self.process = Some(process),
            Err(error) => {
                let words = format!("{error:#}");
                tracing::error!(service = self.spec.name, error = words, "not started");
                self.failed(words, Duration::ZERO);
            }
        }
        for waiting in self.started.drain(..) {
            let _ = waiting.send(());
        }
        true
    }

    fn launch(&mut self) -> anyhow::Result<Process> {
        let child = launch(&self.spec)?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let identity = pid
            .and_then(Identity::of)
            .ok_or_else(|| anyhow::anyhow!("the process ended before it could be looked at"))?;
        let record = Record { identity, started_at: self.clock.now(), fingerprint: self.spec.fingerprint() };
        self.records.write(&self.spec.name, &record)?;
        tracing::info!(service = self.spec.name, pid = record.identity.pid, "started");
        self.state.send_modify(|state| {
            state.phase = Phase::Starting;
            state.identity = Some(record.identity.clone());
            state.started_at = Some(record.started_at);
            state.fingerprint = Some(record.fingerprint.clone());
            state.ready = false;
        });
        Ok(Process { identity: record.identity, child: Some(child), launched: Instant::now() })
    }

    fn obey_while_down(&mut self, order: Order) -> bool {
        match order {
            Order::Start(done) | Order::Restart(done) => {
                self.wanted = true;
                self.not_before = None;
                self.failures = 0;
                self.started.push(done);
            }
            Order::Stop(done) => {
                self.wanted = false;
                self.not_before = None;
                self.started.clear();
                self.set_phase(Phase::Stopped);
                let _ = done.send(());
            }
            Order::Respec(spec) => self.spec = *spec,
            Order::Release(done) => {
                let _ = done.send(());
                return false;
            }
        }
        true
    }

    /// Watches a running process until it ends or an order takes it down.
    async fn watch_over(&mut self, mut process: Process) -> bool {
        let mut misses = 0;
        loop {
            let ready = self.state.borrow().ready;
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Start(done)) => {
                        let _ = done.send(());
                    }
                    Some(Order::Respec(spec)) => self.spec = *spec,
                    Some(Order::Stop(done)) => {
                        self.wanted = false;
                        self.take_down(process).await;
                        let _ = done.send(());
                        return true;
                    }
                    Some(Order::Restart(done)) => {
                        self.take_down(process).await;
                        self.not_before = None;
                        self.failures = 0;
                        self.started.push(done);
                        return true;
                    }
                    Some(Order::Release(done)) => {
                        let _ = done.send(());
                        return false;
                    }
                    None => return false,
                },
                reason = process.ended() => {
                    let lived = process.launched.elapsed();
                    tracing::error!(service = self.spec.name, pid = process.identity.pid, reason, "the process ended by itself");
                    self.records.remove(&self.spec.name);
                    self.gone();
                    let said = last_words(&self.spec).map(|words| format!(": {words}")).unwrap_or_default();
                    self.failed(format!("the process {reason}{said}"), lived);
                    return true;
                }
                answer = next_answer(&self.spec, ready) => match (ready, answer) {
                    (false, Ok(())) => self.now_ready(&process),
                    (false, Err(reason)) => self.note_not_ready(reason),
                    (true, Ok(())) => misses = 0,
                    (true, Err(reason)) => {
                        misses += 1;
                        tracing::warn!(service = self.spec.name, reason, misses, "no sign of life");
                        if misses >= self.spec.timing.alive_failures {
                            let lived = process.launched.elapsed();
                            self.take_down(process).await;
                            self.failed(format!("no sign of life: {reason}"), lived);
                            return true;
                        }
                    }
                },
            }
        }
    }

    fn now_ready(&self, process: &Process) {
        let millis = u64::try_from(process.launched.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(service = self.spec.name, pid = process.identity.pid, after_ms = millis, "ready");
        self.state.send_modify(|state| {
            state.phase = Phase::Running;
            state.ready = true;
            state.last_error = None;
        });
    }

    fn note_not_ready(&self, reason: String) {
        self.state.send_if_modified(|state| {
            let changed = state.last_error.as_ref() != Some(&reason);
            state.last_error = Some(reason);
            changed
        });
    }

    /// Stops the process: politely, then by force.
    async fn take_down(&mut self, mut process: Process) {
        self.set_phase(Phase::Stopping);
        let timing = self.spec.timing.clone();
        process.identity.signal(timing.stop_signal, timing.stop_group);
        if timeout(timing.stop_grace, process.ended()).await.is_err() {
            tracing::warn!(
                service = self.spec.name,
                pid = process.identity.pid,
                "did not stop in time, killed"
            );
            process.identity.signal(Signal::SIGKILL, true);
            if timeout(KILL_PATIENCE, process.ended()).await.is_err() {
                tracing::error!(service = self.spec.name, pid = process.identity.pid, "cannot be killed");
            }
        }
        tracing::info!(service = self.spec.name, pid = process.identity.pid, "stopped");
        self.records.remove(&self.spec.name);
        self.gone();
    }

    fn gone(&self) {
        // One step, so that nobody who waits for this unit takes a restart for a stop.
        let phase = if self.wanted { Phase::Waiting } else { Phase::Stopped };
        self.state.send_modify(|state| {
            state.phase = phase;
            state.identity = None;
            state.started_at = None;
            state.fingerprint = None;
            state.ready = false;
        });
    }

    fn failed(&mut self, reason: String, lived: Duration) {
        self.failures = backoff::failures_after(self.failures, lived);
        let wait = backoff::delay(self.failures);
        self.not_before = Some(Instant::now() + wait);
        self.state.send_modify(|state| {
            state.phase = Phase::Backoff;
            state.restarts += 1;
            state.last_error = Some(reason);
        });
    }

    fn set_phase(&self, phase: Phase) {
        self.state.send_if_modified(|state| {
            let changed = state.phase != phase;
            state.phase = phase;
            changed
        });
    }
}

/// The next question to the process, after its pause.
pub(super) async fn next_answer(spec: &UnitSpec, ready: bool) -> Result<(), String> {
    if !ready {
        sleep(spec.timing.ready_interval).await;
        return spec.ready.ask().await;
    }
    match &spec.alive {
        Some(alive) => {
            sleep(spec.timing.alive_interval).await;
            alive.ask().await
        }
        None => std::future::pending().await,
    }
}
