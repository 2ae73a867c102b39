//! What everyone sees of the suite: one sample for all askers, taken in the background and fresh when asked to be.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use futures::future::join_all;
use hivematrix_shared::clock::Clock;
use tokio::sync::Mutex;

use crate::{
    domain::{
        keycloak_in_use::KeycloakInUse,
        registry::{Registry, without_lookup},
        status::{Health, HealthCheck, Phase, UnitKind, UnitStatus},
    },
    services::builds::Builds,
    supervisor::{
        Supervisor,
        probe::{self, PATIENCE, words},
        process::{Identity, Usage},
        spec::UnitSpec,
        unit::UnitState,
    },
};

/// Pause of the background sampler (helm.md §6).
pub const SAMPLE_EVERY: Duration = Duration::from_secs(15);

/// Under this name a Keycloak is shown, as the original suite calls it.
pub const KEYCLOAK: &str = "keycloak";

struct Sample {
    statuses: Vec<UnitStatus>,
    taken: Instant,
    usage: HashMap<i32, (Usage, Instant)>,
}

struct Inner {
    supervisor: Supervisor,
    registry: arc_swap::ArcSwap<Registry>,
    keycloak: arc_swap::ArcSwapOption<KeycloakInUse>,
    client: reqwest::Client,
    trusted: reqwest::Client,
    clock: Clock,
    builds: Builds,
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
    checks: Vec<HealthCheck>,
}

impl Answer {
    /// Nobody answered, for this reason.
    fn none(health: Health, message: String) -> Self {
        Self { health, message, latency: None, checks: Vec::new() }
    }
}

impl StatusBoard {
    /// A board over a supervisor and the registry of its services. `client` is never given a secret: it takes any certificate.
    /// `trusted` takes those that the services take, who would not sign anybody in by another one.
    #[must_use]
    pub fn new(
        supervisor: Supervisor,
        registry: Registry,
        client: reqwest::Client,
        trusted: reqwest::Client,
        clock: Clock,
    ) -> Self {
        Self(Arc::new(Inner {
            supervisor,
            registry: arc_swap::ArcSwap::from_pointee(registry),
            keycloak: arc_swap::ArcSwapOption::default(),
            client,
            trusted,
            clock,
            builds: Builds::default(),
            sample: Mutex::default(),
        }))
    }

    /// Another registry, after a configuration change.
    pub fn set_registry(&self, registry: Registry) {
        self.0.registry.store(Arc::new(registry));
    }

    /// The identity provider that the services are told; none for Core's own realm.
    pub fn set_keycloak(&self, keycloak: Option<KeycloakInUse>) {
        self.0.keycloak.store(keycloak.map(Arc::new));
    }

    /// Whether this is the identity provider, which is looked at and runs by itself.
    #[must_use]
    pub fn is_keycloak(&self, name: &str) -> bool {
        name == KEYCLOAK && self.0.keycloak.load().is_some()
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.0.registry.load_full()
    }

    /// What is supervised.
    #[must_use]
    pub fn specs(&self) -> Vec<UnitSpec> {
        self.0.supervisor.specs()
    }

    /// The units that were stopped by hand.
    #[must_use]
    pub fn stopped_by_hand(&self) -> BTreeSet<String> {
        self.0.supervisor.stopped_by_hand()
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
        let (mut statuses, remote, keycloak) = tokio::join!(supervised, join_all(remote), self.keycloak());
        statuses.extend(remote);
        statuses.extend(keycloak);
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
                        latency: Some(asked.elapsed()),
                        ..Answer::none(Health::Healthy, "answers".into())
                    },
                    Err(reason) => Answer::none(Health::Unreachable, reason),
                }
            }
            (None, None) => Answer::none(Health::Unknown, String::new()),
        };
        put(&mut status, answer);
        self.put_version(&mut status, state.identity.as_ref()).await;
        status
    }

    /// The identity provider, where it is not Core's own realm. It is well when it knows the realm of the suite.
    async fn keycloak(&self) -> Option<UnitStatus> {
        let used = self.0.keycloak.load_full()?;
        let base = used.base_url().to_owned();
        let mut url = url::Url::parse(&without_lookup(&base)).ok()?;
        let mut status = bare(KEYCLOAK, UnitKind::Service, Some(base), url.port_or_known_default());
        let realm = ["realms", &used.realm, ".well-known", "openid-configuration"];
        url.path_segments_mut().ok()?.pop_if_empty().extend(realm);
        let asked = Instant::now();
        let answer = match self.0.trusted.get(url).timeout(PATIENCE).send().await {
            Ok(response) => Answer {
                latency: Some(asked.elapsed()),
                ..Answer::none(
                    if response.status().is_success() { Health::Healthy } else { Health::Unhealthy },
                    format!("realm {} answered {}", used.realm, response.status().as_u16()),
                )
            },
            Err(error) => Answer::none(Health::Unreachable, words(&error)),
        };
        status.state = if answer.latency.is_some() { Phase::Running } else { Phase::Stopped };
        put(&mut status, answer);
        Some(status)
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
            self.put_version(&mut status, state.identity.as_ref()).await;
        }
        status
    }

    /// The build of a service that has just answered.
    async fn put_version(&self, status: &mut UnitStatus, process: Option<&Identity>) {
        let (Some(process), Some(url), Some(_)) = (process, &status.url, status.health_latency_ms) else {
            return;
        };
        let version =
            self.0.builds.version(&self.0.client, &status.name, process, &without_lookup(url)).await;
        status.version = version;
    }

    /// `/health` alone decides what is shown; its body counts more than its code (helm.md §6).
    async fn ask_health(&self, base: &str) -> Answer {
        let url = format!("{}/health", without_lookup(base));
        let asked = Instant::now();
        let response = match self.0.client.get(&url).send().await {
            Ok(response) => response,
            Err(error) => return Answer::none(Health::Unreachable, words(&error)),
        };
        let code = response.status().as_u16();
        let body = probe::body(response).await.ok();
        let body: Option<serde_json::Value> = body.and_then(|body| serde_json::from_slice(&body).ok());
        let latency = Some(asked.elapsed());
        let word = body.as_ref().and_then(|body| body["status"].as_str());
        let checks = body.as_ref().map(HealthCheck::of).unwrap_or_default();
        let message = match bad_checks(&checks) {
            Some(bad) => format!("/health answered {code}: {bad}"),
            None => format!("/health answered {code}"),
        };
        Answer { health: Health::from_body(word), message, latency, checks }
    }
}

/// The checks of a health answer that are not well, by name.
fn bad_checks(checks: &[HealthCheck]) -> Option<String> {
    let bad: Vec<&str> =
        checks.iter().filter(|check| check.status != "healthy").map(|check| check.name.as_str()).collect();
    (!bad.is_empty()).then(|| bad.join(", "))
}

fn bare(name: &str, kind: UnitKind, url: Option<String>, port: Option<u16>) -> UnitStatus {
    UnitStatus { url, port, ..UnitStatus::bare(name, kind) }
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
    status.checks = answer.checks;
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
        assert_eq!(bad_checks(&HealthCheck::of(&body)).as_deref(), Some("disk, core"));
        let well = json!({"status": "healthy", "checks": {"disk": {"status": "healthy"}}});
        assert_eq!(bad_checks(&HealthCheck::of(&well)), None);
    }
}
