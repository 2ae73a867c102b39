//! Which realm that is: the one that Core was started with, whatever the configuration says by now. Who changes the
//! identity provider restarts Core by `helm up`, and Helm follows it. Under systemd Helm may not see what Core was started
//! with: it is told the same itself, and is started again when that changes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{RealmAdmin, Told};
use crate::supervisor::Supervisor;

/// Services that are told the realm with the right to administer it. Where Core runs elsewhere, Codex knows the same one.
const TOLD: [&str; 2] = ["core", "codex"];

/// The realm of the suite as it is now. Cheap to clone.
#[derive(Clone)]
pub struct CurrentRealm(Arc<Inner>);

struct Inner {
    /// Whose Core is asked; none where the realm is given once and for all.
    suite: Option<(Supervisor, reqwest::Client)>,
    /// Keeps its token and its lock as long as Core is told the same.
    known: Mutex<Option<RealmAdmin>>,
}

impl CurrentRealm {
    /// The realm of a suite.
    #[must_use]
    pub fn of(supervisor: Supervisor, http: reqwest::Client) -> Self {
        Self(Arc::new(Inner { suite: Some((supervisor, http)), known: Mutex::default() }))
    }

    /// Always the same one, or none.
    #[must_use]
    pub fn fixed(realm: Option<RealmAdmin>) -> Self {
        Self(Arc::new(Inner { suite: None, known: Mutex::new(realm) }))
    }

    /// The realm, where Helm knows it.
    #[must_use]
    pub fn get(&self) -> Option<RealmAdmin> {
        let Some((supervisor, http)) = &self.0.suite else { return self.known().clone() };
        // Not under the lock: the kernel is asked.
        let now = TOLD
            .into_iter()
            .filter_map(|name| told(supervisor, name))
            .find_map(|environment| Told::of(&environment));
        let mut known = self.known();
        if known.as_ref().map(|realm| &realm.0.told) != now.as_ref() {
            *known = now.map(|told| RealmAdmin::new(http.clone(), told));
        }
        known.clone()
    }

    fn known(&self) -> MutexGuard<'_, Option<RealmAdmin>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a service runs with, as far as that can be seen; else what it would be started with.
fn told(supervisor: &Supervisor, name: &str) -> Option<BTreeMap<String, String>> {
    let spec = supervisor.spec(name)?;
    let running = supervisor.board().state(name).and_then(|state| state.identity);
    Some(running.and_then(|identity| identity.environment()).unwrap_or(spec.env))
}

#[cfg(test)]
mod tests {
    use hivematrix_shared::clock::Clock;

    use super::*;
    use crate::{
        instance::Layout,
        supervisor::{probe::local_client, spec::UnitSpec},
    };

    fn core(layout: &Layout, realm: &str) -> UnitSpec {
        let env = [
            ("KEYCLOAK_REALM", realm),
            ("KEYCLOAK_BACKEND_URL", "http://localhost:8080"),
            ("KEYCLOAK_ADMIN_CLIENT_ID", "hivematrix-admin"),
            ("KEYCLOAK_ADMIN_CLIENT_SECRET", "s3cret"),
        ];
        UnitSpec {
            args: vec!["600".to_owned()],
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..UnitSpec::plain("core", "/usr/bin/sleep", layout.home(), layout.logs("core"))
        }
    }

    #[tokio::test]
    async fn it_is_the_one_that_core_runs_with_and_changes_when_core_is_started_anew() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        let supervisor = Supervisor::new(&layout, Clock::system()).unwrap();
        let current = CurrentRealm::of(supervisor.clone(), local_client().unwrap());
        assert!(current.get().is_none(), "there is no Core");
        supervisor.add(core(&layout, "one"));
        let realm = || current.get().unwrap().0.told.realm.clone();
        assert_eq!(realm(), "one");
        supervisor.start("core").await.unwrap();
        let before = current.get().unwrap();
        assert!(Arc::ptr_eq(&before.0, &current.get().unwrap().0), "its token and its lock are kept");

        supervisor.respec(vec![core(&layout, "other")]).await;
        assert_eq!(realm(), "one", "nobody signs in by the other one yet");
        supervisor.apply(vec![core(&layout, "other")]).await;
        assert_eq!(realm(), "other");
        supervisor.stop("core").await.unwrap();
    }
}
