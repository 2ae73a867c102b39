//! Supervision with real child processes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod support;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::FutureExt;
use hivematrix_helm::{
    domain::status::{Phase, UnitKind},
    instance::Layout,
    supervisor::{
        Supervisor, Timing, UnitSpec, UnitState,
        probe::{Probe, local_client},
        process::Identity,
    },
};
use hivematrix_shared::clock::Clock;
use tokio::time::timeout;

/// Long enough for any machine; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for something that must not happen to happen.
const QUIET: Duration = Duration::from_millis(150);

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn supervisor(&self) -> Supervisor {
        Supervisor::new(&Layout::new(self.path().to_owned()), Clock::system()).unwrap()
    }

    /// A unit that runs a shell script and is ready as soon as it runs.
    fn script(&self, name: &str, script: &str, after: &[&str]) -> UnitSpec {
        UnitSpec {
            args: vec!["-c".into(), script.into()],
            env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
            after: after.iter().map(|name| (*name).to_owned()).collect(),
            timing: Timing {
                ready_interval: Duration::from_millis(5),
                alive_interval: Duration::from_millis(20),
                ..Timing::default()
            },
            ..UnitSpec::plain(name, "/bin/sh", self.path(), self.path().join("logs"))
        }
    }
}

/// A probe that answers what the switch says.
fn switch(on: bool) -> (Arc<AtomicBool>, Probe) {
    let switch = Arc::new(AtomicBool::new(on));
    let seen = switch.clone();
    let probe = Probe::Custom(Arc::new(move || {
        let on = seen.load(Ordering::SeqCst);
        async move { if on { Ok(()) } else { Err("switched off".to_owned()) } }.boxed()
    }));
    (switch, probe)
}

async fn until(supervisor: &Supervisor, name: &str, what: impl FnMut(&UnitState) -> bool) -> UnitState {
    let mut state = supervisor.board().follow(name).unwrap();
    let found = timeout(PATIENCE, state.wait_for(what))
        .await
        .unwrap_or_else(|_| panic!("{name}: {:?}", supervisor.board().state(name)));
    found.unwrap().clone()
}

async fn until_ready(supervisor: &Supervisor, name: &str) -> Identity {
    until(supervisor, name, |state| state.ready).await.identity.unwrap()
}

fn phase(supervisor: &Supervisor, name: &str) -> Phase {
    supervisor.board().state(name).unwrap().phase
}

async fn stop(supervisor: &Supervisor) {
    supervisor.stop_all(&[UnitKind::Service, UnitKind::Server, UnitKind::Helper]).await;
}

#[tokio::test]
async fn a_unit_starts_when_those_before_it_are_ready_and_others_start_at_once() {
    let home = Home::new();
    let supervisor = home.supervisor();
    let (ready, probe) = switch(false);
    supervisor.add(UnitSpec { ready: probe, ..home.script("first", "exec sleep 60", &[]) });
    supervisor.add(home.script("second", "exec sleep 60", &["first"]));
    supervisor.add(home.script("third", "exec sleep 60", &["second"]));
    supervisor.add(home.script("beside", "exec sleep 60", &[]));
    supervisor.start_all().await.unwrap();
    until_ready(&supervisor, "beside").await;
    until(&supervisor, "first", |state| state.phase == Phase::Starting).await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(phase(&supervisor, "second"), Phase::Waiting);
    assert_eq!(phase(&supervisor, "third"), Phase::Waiting);
    ready.store(true, Ordering::SeqCst);
    until_ready(&supervisor, "third").await;
    stop(&supervisor).await;
}

#[tokio::test]
async fn a_gate_opens_after_its_deadline() {
    let home = Home::new();
    let supervisor = home.supervisor();
    let (_never, probe) = switch(false);
    let mut first = UnitSpec { ready: probe, ..home.script("first", "exec sleep 60", &[]) };
    first.timing.ready_deadline = Duration::from_millis(50);
    supervisor.add(first);
    supervisor.add(home.script("second", "exec sleep 60", &["first"]));
    supervisor.start_all().await.unwrap();
    until_ready(&supervisor, "second").await;
    assert_eq!(phase(&supervisor, "first"), Phase::Starting);
    stop(&supervisor).await;
}

#[tokio::test]
async fn a_unit_does_not_wait_for_one_that_was_stopped_by_hand() {
    let home = Home::new();
    let supervisor = home.supervisor();
    supervisor.add(home.script("first", "exec sleep 60", &[]));
    supervisor.add(home.script("second", "exec sleep 60", &["first"]));
    supervisor.stop("first").await.unwrap();
    supervisor.resume().await;
    until_ready(&supervisor, "second").await;
    assert_eq!(phase(&supervisor, "first"), Phase::Stopped);
    stop(&supervisor).await;
}

#[tokio::test]
async fn a_process_that_ends_is_started_again_after_a_wait() {
    let home = Home::new();
    let supervisor = home.supervisor();
    supervisor.add(home.script("brief", "echo started >> runs; exit 3", &[]));
    supervisor.start_all().await.unwrap();
    let state =
        until(&supervisor, "brief", |state| state.phase == Phase::Backoff && state.restarts >= 2).await;
    assert!(state.last_error.unwrap().contains("exit status: 3"));
    let runs = std::fs::read_to_string(home.path().join("runs")).unwrap().lines().count();
    assert_eq!(runs, usize::try_from(state.restarts).unwrap());
    stop(&supervisor).await;
}

#[tokio::test]
async fn a_program_that_is_missing_is_said_in_words() {
    let home = Home::new();
    let supervisor = home.supervisor();
    supervisor.add(UnitSpec { program: "/no/such/program".into(), ..home.script("absent", "", &[]) });
    supervisor.start("absent").await.unwrap();
    let state = until(&supervisor, "absent", |state| state.phase == Phase::Backoff).await;
    assert!(state.last_error.unwrap().contains("cannot start /no/such/program"));
    stop(&supervisor).await;
}

#[tokio::test]
async fn a_taken_port_is_said_in_words() {
    let home = Home::new();
    let supervisor = home.supervisor();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    supervisor.add(UnitSpec { port: Some(port), ..home.script("late", "exec sleep 60", &[]) });
    supervisor.start("late").await.unwrap();
    let state = until(&supervisor, "late", |state| state.phase == Phase::Backoff).await;
    assert!(state.last_error.unwrap().contains(&format!("port {port} is taken by another process")));
    stop(&supervisor).await;
}

#[tokio::test]
async fn a_process_without_a_sign_of_life_is_replaced() {
    let home = Home::new();
    let supervisor = home.supervisor();
    let (alive, probe) = switch(true);
    supervisor.add(UnitSpec { alive: Some(probe), ..home.script("deaf", "exec sleep 60", &[]) });
    supervisor.start_all().await.unwrap();
    let before = until_ready(&supervisor, "deaf").await;
    alive.store(false, Ordering::SeqCst);
    let state = until(&supervisor, "deaf", |state| state.phase == Phase::Backoff).await;
    assert!(state.last_error.unwrap().contains("no sign of life"));
    assert!(!before.is_alive());
    alive.store(true, Ordering::SeqCst);
    assert_ne!(until_ready(&supervisor, "deaf").await, before);
    stop(&supervisor).await;
}

#[tokio::test]
async fn the_stop_goes_from_the_last_to_the_first() {
    let home = Home::new();
    let supervisor = home.supervisor();
    let note = |name: &str| format!("trap 'echo {name} >> order; exit 0' TERM; while :; do sleep 0.05; done");
    supervisor.add(home.script("core", &note("core"), &[]));
    supervisor.add(home.script("nexus", &note("nexus"), &["core"]));
    supervisor.add(home.script("codex", &note("codex"), &["core", "nexus"]));
    supervisor.start_all().await.unwrap();
    until_ready(&supervisor, "codex").await;
    // The shells need a moment to set their traps.
    tokio::time::sleep(QUIET).await;
    stop(&supervisor).await;
    assert_eq!(std::fs::read_to_string(home.path().join("order")).unwrap(), "codex\nnexus\ncore\n");
}

#[tokio::test]
async fn a_process_that_ignores_the_signal_is_killed_with_its_children() {
    let home = Home::new();
    let supervisor = home.supervisor();
    let script = "trap '' TERM; sleep 61 & echo $! > child; while :; do sleep 0.05; done";
    let mut spec = home.script("deaf", script, &[]);
    spec.timing.stop_grace = Duration::from_millis(100);
    supervisor.add(spec);
    supervisor.start_all().await.unwrap();
    let leader = until_ready(&supervisor, "deaf").await;
    let file = home.path().join("child");
    let child = wait_for_number(&file).await;
    let child = Identity::of(child).unwrap();
    stop(&supervisor).await;
    assert!(!leader.is_alive());
    for _ in 0..100 {
        if !child.is_alive() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the child outlived its service");
}

async fn wait_for_number(file: &PathBuf) -> i32 {
    for _ in 0..500 {
        if let Some(number) = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()) {
            return number;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no number in {}", file.display());
}

#[tokio::test]
async fn a_new_daemon_adopts_what_the_old_one_left_running() {
    let home = Home::new();
    let (old, new) = (home.supervisor(), home.supervisor());
    old.add(home.script("codex", "exec sleep 60", &[]));
    old.start_all().await.unwrap();
    let before = until_ready(&old, "codex").await;
    old.release().await;
    new.add(home.script("codex", "exec sleep 60", &[]));
    new.resume().await;
    assert_eq!(until_ready(&new, "codex").await, before);
    assert_eq!(new.board().state("codex").unwrap().restarts, 0);
    // It is watched as well as its own children are.
    before.signal(nix::sys::signal::Signal::SIGKILL, true);
    until(&new, "codex", |state| state.restarts == 1).await;
    assert_ne!(until_ready(&new, "codex").await, before);
    stop(&new).await;
}

#[tokio::test]
async fn a_process_is_found_again_when_its_record_was_lost() {
    let home = Home::new();
    let (old, new) = (home.supervisor(), home.supervisor());
    let mut spec = home.script("codex", "while :; do sleep 1; done", &[]);
    spec.program = std::fs::canonicalize("/bin/sh").unwrap();
    spec.env.insert("HIVEMATRIX_HOME".into(), home.path().display().to_string());
    spec.env.insert("SERVICE_NAME".into(), "codex".into());
    old.add(spec.clone());
    old.start_all().await.unwrap();
    let before = until_ready(&old, "codex").await;
    old.release().await;
    std::fs::remove_file(home.path().join("helm/run/codex.json")).unwrap();
    new.add(spec);
    assert_eq!(until_ready(&new, "codex").await, before);
    stop(&new).await;
    assert!(!before.is_alive());
}

#[tokio::test]
async fn what_was_stopped_by_hand_stays_down_until_everything_is_started() {
    let home = Home::new();
    let (old, new) = (home.supervisor(), home.supervisor());
    old.add(home.script("codex", "exec sleep 60", &[]));
    old.start_all().await.unwrap();
    until_ready(&old, "codex").await;
    old.stop("codex").await.unwrap();
    old.release().await;
    new.add(home.script("codex", "exec sleep 60", &[]));
    new.resume().await;
    tokio::time::sleep(QUIET).await;
    assert_eq!(phase(&new, "codex"), Phase::Stopped);
    new.start_all().await.unwrap();
    until_ready(&new, "codex").await;
    stop(&new).await;
}

#[tokio::test]
async fn only_units_that_are_out_of_date_are_restarted() {
    let home = Home::new();
    let supervisor = home.supervisor();
    let (same, changed) =
        (home.script("same", "exec sleep 60", &[]), home.script("changed", "exec sleep 60", &[]));
    supervisor.add(same.clone());
    supervisor.add(changed.clone());
    supervisor.add(home.script("gone", "exec sleep 60", &[]));
    supervisor.start_all().await.unwrap();
    let (same_before, changed_before) =
        (until_ready(&supervisor, "same").await, until_ready(&supervisor, "changed").await);
    let gone = until_ready(&supervisor, "gone").await;
    let mut changed = changed;
    changed.env.insert("LOG_LEVEL".into(), "DEBUG".into());
    let mut same = same;
    // A password that is given once must not restart anything.
    same.env.insert("HIVEMATRIX_ADMIN_PASSWORD".into(), "x".into());
    let restarted = supervisor.apply(vec![same, changed]).await;
    assert_eq!(restarted, ["changed"]);
    assert_eq!(until_ready(&supervisor, "same").await, same_before);
    assert_ne!(until_ready(&supervisor, "changed").await, changed_before);
    assert!(!gone.is_alive());
    stop(&supervisor).await;
}

#[tokio::test]
async fn a_service_is_ready_when_its_address_answers_and_gets_its_own_environment_only() {
    let home = Home::new();
    let supervisor = home.supervisor();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let probe =
        Probe::Http { client: local_client().unwrap(), url: format!("http://127.0.0.1:{port}/readyz") };
    supervisor.add(UnitSpec {
        program: support::program(),
        args: support::arguments(),
        env: [("PATH", "/usr/bin:/bin"), (support::PRETEND, "yes"), (support::PORT, &port.to_string())]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ready: probe.clone(),
        alive: Some(probe),
        port: Some(port),
        ..home.script("codex", "", &[])
    });
    supervisor.start_all().await.unwrap();
    let identity = until_ready(&supervisor, "codex").await;
    let environment = std::fs::read(format!("/proc/{}/environ", identity.pid)).unwrap();
    let names: Vec<String> = environment
        .split(|byte| *byte == 0)
        .filter_map(|entry| Some(String::from_utf8_lossy(entry).split_once('=')?.0.to_owned()))
        .collect();
    assert_eq!(names, ["PATH", "PRETEND_SERVICE", "SERVICE_PORT"]);
    stop(&supervisor).await;
}
