//! What Helm's daemon sees and does where systemd runs the processes.

use std::{path::Path, time::Duration};

use hivematrix_helm::{
    clients::systemctl::Systemctl,
    domain::status::Phase,
    instance::Layout,
    supervisor::{Supervisor, Timing, UnitSpec, UnitState, probe::Probe},
};
use hivematrix_shared::clock::Clock;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::timeout;

use super::stand_in::StandIn;

/// Long enough for any machine; reached only when a test fails.
const PATIENCE: Duration = Duration::from_secs(30);
const UNIT: &str = "hivematrix-core.service";

fn spec(folder: &Path) -> UnitSpec {
    UnitSpec {
        timing: Timing { ready_interval: Duration::from_millis(5), ..Timing::default() },
        ..UnitSpec::plain("core", "/bin/false", folder, folder.to_owned())
    }
}

struct Followed {
    supervisor: Supervisor,
    _home: tempfile::TempDir,
}

impl Followed {
    fn new(systemctl: &StandIn) -> Self {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        let systemctl = Systemctl::at(systemctl.program());
        let supervisor = Supervisor::of_systemd(&layout, Clock::system(), systemctl).unwrap();
        supervisor.add(spec(home.path()));
        Self { supervisor, _home: home }
    }

    async fn wait(&self, what: &str, is: impl Fn(&UnitState) -> bool) -> UnitState {
        let mut state = self.supervisor.board().follow("core").unwrap();
        match timeout(PATIENCE, state.wait_for(|state| is(state))).await {
            Ok(Ok(state)) => state.clone(),
            _ => panic!("never {what}: {:?}", self.supervisor.board().state("core")),
        }
    }
}

fn pid(state: &UnitState) -> Option<i32> {
    state.identity.as_ref().map(|identity| identity.pid)
}

#[tokio::test]
async fn orders_go_to_systemd_and_its_process_is_seen() {
    let systemctl = StandIn::new();
    let followed = Followed::new(&systemctl);
    followed.supervisor.start("core").await.unwrap();
    let state = followed.wait("ready", |state| state.ready).await;
    assert_eq!((state.phase, pid(&state)), (Phase::Running, Some(systemctl.pid(UNIT))));
    followed.supervisor.restart("core").await.unwrap();
    let first = pid(&state);
    let again = followed.wait("another process", |state| state.ready && pid(state) != first).await;
    assert_eq!(pid(&again), Some(systemctl.pid(UNIT)));
    followed.supervisor.stop("core").await.unwrap();
    followed.wait("stopped", |state| state.phase == Phase::Stopped && state.identity.is_none()).await;
    assert_eq!(systemctl.orders(), ["start", "restart", "stop"].map(|word| format!("{word} {UNIT}")));
}

#[tokio::test]
async fn what_happens_past_helm_is_seen_and_nothing_is_started_against_it() {
    let systemctl = StandIn::new();
    let followed = Followed::new(&systemctl);
    systemctl.tell(&["start", UNIT]);
    let state = followed.wait("ready", |state| state.ready).await;
    assert_eq!(pid(&state), Some(systemctl.pid(UNIT)));
    kill(Pid::from_raw(systemctl.pid(UNIT)), Signal::SIGKILL).unwrap();
    let state =
        followed.wait("stopped", |state| state.phase == Phase::Stopped && state.identity.is_none()).await;
    assert!(!state.ready);
    assert_eq!(systemctl.orders(), [format!("start {UNIT}")], "the operator's order and no other");
}

#[tokio::test]
async fn a_unit_that_does_not_start_says_why() {
    let systemctl = StandIn::new();
    systemctl.refuse();
    let followed = Followed::new(&systemctl);
    followed.supervisor.start("core").await.unwrap();
    let state = followed.wait("failed", |state| state.last_error.is_some()).await;
    assert_eq!(state.phase, Phase::Stopped);
    assert!(state.last_error.unwrap().contains("Job for hivematrix-core.service failed."));
}

#[tokio::test]
async fn a_process_without_a_sign_of_life_is_restarted() {
    let systemctl = StandIn::new();
    let followed = Followed::new(&systemctl);
    let mut deaf = spec(systemctl.folder());
    deaf.alive = Some(Probe::Redis { port: 1, password: String::new() });
    deaf.timing.alive_interval = Duration::from_millis(10);
    followed.supervisor.apply(vec![deaf]).await;
    systemctl.tell(&["start", UNIT]);
    let first = systemctl.pid(UNIT);
    let state = followed.wait("restarted", |state| pid(state).is_some_and(|pid| pid != first)).await;
    assert!(state.last_error.unwrap().contains("no sign of life"));
    assert!(systemctl.orders().contains(&format!("restart {UNIT}")));
}
