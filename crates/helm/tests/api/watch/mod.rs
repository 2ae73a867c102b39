//! What Helm sees of services: samples, alerts, process logs, and their pages.

mod alerts;
mod collected;
mod metrics;
mod once;
mod pages;

use std::{collections::BTreeMap, ops::Deref, time::Duration};

use hivematrix_helm::{
    clients::systemctl::Systemctl,
    domain::registry::{Addressing, AppsRegistry, Registry},
    supervisor::{Timing, UnitSpec},
};
use hivematrix_shared::{auth::PermissionLevel, testing::TestResponse};
use serde_json::{Value, json};
use sqlx::PgPool;

/// Helm as an administrator sees it.
pub struct Helm(crate::helm::Helm);

impl Deref for Helm {
    type Target = crate::helm::Helm;

    fn deref(&self) -> &crate::helm::Helm {
        &self.0
    }
}

impl Helm {
    pub fn new(pool: PgPool) -> Self {
        Self(crate::helm::Helm::new(pool, None))
    }

    pub fn under_systemd(pool: PgPool) -> Self {
        Self(crate::helm::Helm::under_systemd(pool, Systemctl::at("/bin/true")))
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.get_as(PermissionLevel::Admin, path).await
    }

    pub async fn ingest(&self, caller: &str, body: &Value) -> TestResponse {
        let token = self.identity.service_token(caller, "helm");
        self.client.post("/api/logs/ingest").bearer(token).json(body).send().await
    }

    /// Adds a service that runs a program of the system for a minute.
    pub fn add(&self, name: &str) {
        let layout = &self.state.layout;
        self.supervisor.add(UnitSpec {
            args: vec!["60".into()],
            env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
            timing: Timing { ready_interval: Duration::from_millis(5), ..Timing::default() },
            ..UnitSpec::plain(name, "/bin/sleep", layout.home(), layout.logs(name))
        });
    }

    /// A registry of one more service, which is another's program.
    pub fn add_foreign(&self, name: &str) {
        let apps: AppsRegistry = serde_json::from_value(json!({"default_apps": {name: {
            "name": format!("HiveMatrix {name}"), "port": 5999, "start_command": "pyenv/bin/python run.py"}}}))
        .unwrap();
        self.state.board.set_registry(Registry::generate(&apps, Addressing::default()).unwrap());
        self.add(name);
    }

    /// Writes to the end of a service's log file.
    pub fn write(&self, name: &str, stream: &str, text: &str) {
        use std::io::Write;
        let folder = self.state.layout.logs(name);
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}.{stream}.log"));
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
}
