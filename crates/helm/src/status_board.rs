//! What everyone sees of the suite: one sample for all askers, taken in the background and fresh when asked to be.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use futures::future::join_all;
use hivematrix_shared::clock::Clock;
use tokio::sync::Mutex;

use crate::{
    domain::{
        registry::Registry,
        status::{Health, Phase, UnitKind, UnitStatus},
    },
    supervisor::{
        Supervisor,
        probe::words,
        process::{Identity, Usage},
        spec::UnitSpec,
        unit::UnitState,
    },
};

/// Pause of the background sampler.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(10);

struct Sample {
    statuses: Vec<UnitStatus>,
    taken: Instant,
    usage: HashMap<i32, (Usage, Instant)>,
}

struct Inner {
    supervisor: Supervisor,
    registry: arc_swap::ArcSwap<Registry>,
    client: reqwest::Client,
    clock: Clock,
    sample: Mutex<Option<Sample>>,
}

/// The statuses of everything in the suite. Cheap to clone.
#[derive(Clone)]
pub struct StatusBoard(Arc<Inner>);

/// One health check.
struct Answer {
    health: Health,
    message: String,
    latency: Option<Duration>,
}

impl StatusBoard {
    /// A board over a supervisor and the registry of its services. `client` asks only addresses of this machine.
    #[must_use]
    pub fn new(supervisor: Supervisor, registry: Registry, client: reqwest::Client, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            supervisor,
            registry: arc_swap::ArcSwap::from_pointee(registry),
            client,
            clock,
            sample: Mutex::default(),
        }))
    }

    /// Another registry, after a configuration change.
    pub fn set_registry(&self, registry: Registry) {
        self.0.registry.store(Arc::new(registry));
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.0.registry.load_full()
    }

    /// All statuses, at most `max_age` old. Askers at the same time share one sample.
    pub async fn statuses(&self, max_age: Duration) -> Vec<UnitStatus> {
        let mut sample = self.0.sample.lock().await;
        if let Some(recent) = sample.as_ref().filter(|sample| sample.taken.elapsed() <= max_age) {
            return recent.statuses.iter().map(|status| self.with_phase(status.clone())).collect();
        }
        let earlier = sample.take().map(|sample| sample.usage).unwrap_or_default();
        let fresh = self.take(Meter { earlier, now: std::sync::Mutex::default() }).await;
        let statuses = fresh.statuses.clone();
        *sample = Some(fresh);
        statuses
    }

    /// Phases change faster than samples are taken.
    fn with_phase(&self, mut status: UnitStatus) -> UnitStatus {
        if let Some(state) = self.0.supervisor.board().state(&status.name) {
            status.state = state.phase;
            status.pid = state.identity.map(|identity| identity.pid);
            status.last_error = state.last_error;
            status.restarts = state.restarts;
        }
        status
    }

    /// What can be told without asking anybody: phases and process ids.
    #[must_use]
    pub fn phases(&self) -> Vec<UnitStatus> {
        self.0.supervisor.specs().iter().map(|spec| self.with_phase(blank(spec))).collect()
    }

    async fn take(&self, meter: Meter) -> Sample {
        let specs = self.0.supervisor.specs();
        let supervised = join_all(specs.iter().map(|spec| self.look_at(spec, &meter)));
        let registry = self.registry();
        let remote = registry.iter().filter(|(_, entry)| entry.is_remote()).map(|(name, entry)| async {
            let answer = self.ask_health(&entry.service.url).await;
            let mut status =
                bare(name, UnitKind::Service, Some(entry.service.url.clone()), Some(entry.service.port));
            status.state = if answer.latency.is_some() { Phase::Running } else { Phase::Stopped };
            put(&mut status, answer);
            status
        });
        let (mut statuses, remote) = tokio::join!(supervised, join_all(remote));
        statuses.extend(remote);
        statuses.push(self.own(&registry, &meter).await);
        let order = |status: &UnitStatus| {
            let place = registry.start_sequence().iter().position(|name| *name == status.name);
            (status.kind != UnitKind::Server, status.kind != UnitKind::Helper, place)
        };
        statuses.sort_by_key(order);
        let usage = meter.now.into_inner().unwrap_or_else(PoisonError::into_inner);
        Sample { statuses, taken: Instant::now(), usage }
    }

    async fn look_at(&self, spec: &UnitSpec, meter: &Meter) -> UnitStatus {
        let mut status = blank(spec);
        let state = self.0.supervisor.board().state(&spec.name).unwrap_or_default();
        meter.read(&mut status, &state, state.identity.as_ref().and_then(Identity::usage));
        if state.identity.is_none() {
            status.health_message = "not running".into();
            return status;
        }
        let answer = match (&spec.url, &spec.health) {
            (Some(url), None) => self.ask_health(url).await,
            (_, Some(probe)) => {
                let asked = Instant::now();
                match probe.ask().await {
                    Ok(()) => Answer {
                        health: Health::Healthy,
                        message: "answers".into(),
                        latency: Some(asked.elapsed()),
                    },
                    Err(reason) => Answer { health: Health::Unreachable, message: reason, latency: None },
                }
            }
            (None, None) => Answer { health: Health::Unknown, message: String::new(), latency: None },
        };
        put(&mut status, answer);
        status
    }

    /// Helm itself: it answers, since it is asked.
    async fn own(&self, registry: &Registry, meter: &Meter) -> UnitStatus {
        let entry = registry.get("helm");
        let url = entry.map(|entry| entry.service.url.clone());
        let mut status = bare("helm", UnitKind::Service, url.clone(), entry.map(|entry| entry.service.port));
        let identity = i32::try_from(std::process::id()).ok().and_then(Identity::of);
        let age = identity.as_ref().and_then(Identity::age_seconds);
        let started_at = age
            .and_then(|age| chrono::TimeDelta::try_seconds(i64::try_from(age).ok()?))
            .map(|age| self.0.clock.now() - age);
        let state =
            UnitState { phase: Phase::Running, identity, started_at, ready: true, ..UnitState::default() };
        meter.read(&mut status, &state, state.identity.as_ref().and_then(Identity::usage_alone));
        if let Some(url) = url {
            put(&mut status, self.ask_health(&url).await);
        }
        status
    }

    /// `/health` alone decides what is shown; its body counts more than its code (helm.md §6).
    async fn ask_health(&self, base: &str) -> Answer {
        let url = format!("{}/health", base.replacen("://localhost:", "://127.0.0.1:", 1));
        let asked = Instant::now();
        let response = match self.0.client.get(&url).send().await {
            Ok(response) => response,
            Err(error) => {
                return Answer { health: Health::Unreachable, message: words(&error), latency: None };
            }
        };
        let code = response.status().as_u16();
        let body: Option<serde_json::Value> = response.json().await.ok();
        let latency = Some(asked.elapsed());
        let word = body.as_ref().and_then(|body| body["status"].as_str());
        let message = match body.as_ref().and_then(bad_checks) {
            Some(bad) => format!("/health answered {code}: {bad}"),
            None => format!("/health answered {code}"),
        };
        Answer { health: Health::from_body(word), message, latency }
    }
}

/// The checks of a health answer that are not well, by name.
fn bad_checks(body: &serde_json::Value) -> Option<String> {
    let checks = body["checks"].as_object()?;
    let bad = |value: &serde_json::Value| value["status"].as_str().is_some_and(|status| status != "healthy");
    let dependencies = checks.get("dependencies").and_then(serde_json::Value::as_object);
    let names: Vec<&str> = checks
        .iter()
        .filter(|(name, _)| name.as_str() != "dependencies")
        .chain(dependencies.into_iter().flatten())
        .filter(|(_, value)| bad(value))
        .map(|(name, _)| name.as_str())
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn bare(name: &str, kind: UnitKind, url: Option<String>, port: Option<u16>) -> UnitStatus {
    UnitStatus {
        name: name.to_owned(),
        kind,
        state: Phase::Stopped,
        pid: None,
        url,
        port,
        health: Health::Unknown,
        health_message: String::new(),
        health_latency_ms: None,
        memory: None,
        cpu_percent: None,
        uptime: None,
        started_at: None,
        restarts: 0,
        last_error: None,
    }
}

fn blank(spec: &UnitSpec) -> UnitStatus {
    bare(&spec.name, spec.kind, spec.url.clone(), spec.port)
}

/// Reads off what processes use; processor load is the difference to the sample before.
struct Meter {
    earlier: HashMap<i32, (Usage, Instant)>,
    now: std::sync::Mutex<HashMap<i32, (Usage, Instant)>>,
}

impl Meter {
    fn read(&self, status: &mut UnitStatus, state: &UnitState, usage: Option<Usage>) {
        status.state = state.phase;
        status.restarts = state.restarts;
        status.last_error.clone_from(&state.last_error);
        status.started_at = state.started_at;
        let Some(identity) = &state.identity else { return };
        status.pid = Some(identity.pid);
        status.uptime = identity.age_seconds();
        let Some(usage) = usage else { return };
        status.memory = Some(usage.memory);
        status.cpu_percent = self.earlier.get(&identity.pid).map(|(before, at)| {
            let elapsed = at.elapsed().as_secs_f64().max(0.001);
            ((usage.cpu_seconds - before.cpu_seconds).max(0.0) / elapsed * 1000.0).round() / 10.0
        });
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.insert(identity.pid, (usage, Instant::now()));
    }
}

fn put(status: &mut UnitStatus, answer: Answer) {
    status.health = answer.health;
    status.health_message = answer.message;
    status.health_latency_ms =
        answer.latency.map(|latency| (latency.as_secs_f64() * 10_000.0).round() / 10.0);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bad_health_answer_names_what_is_not_well() {
        let body = json!({"status": "degraded", "checks": {
            "database": {"status": "healthy"}, "disk": {"status": "degraded"},
            "dependencies": {"core": {"status": "unhealthy"}, "codex": {"status": "healthy"}}}});
        assert_eq!(bad_checks(&body).as_deref(), Some("disk, core"));
        assert_eq!(
            bad_checks(&json!({"status": "healthy", "checks": {"disk": {"status": "healthy"}}})),
            None
        );
    }
}
