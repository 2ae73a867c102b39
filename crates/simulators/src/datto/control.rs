//! Changing the simulated account and looking behind it, for tests and demonstrations; below `/_control` also over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{ConnectInfo, Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Engine;
use super::routes::refuse;
use super::state::DeviceState;
use crate::freshservice::request_log::RequestLog;
use crate::freshservice::{Fault, RequestCounts, RequestLine};
use crate::world::devices::Site;

/// A cheap handle on a running simulator.
#[derive(Debug, Clone)]
pub struct Control {
    engine: Arc<Engine>,
}

impl Control {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// The simulator's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.engine.config.clock.now()
    }

    /// Pushes the simulator's clock forward.
    pub fn advance(&self, by: Duration) {
        self.engine.config.clock.advance(by);
    }

    /// All sites: uid and name, in the order of the list.
    #[must_use]
    pub fn sites(&self) -> Vec<(String, String)> {
        let state = self.engine.state();
        state.sites.iter().map(|site| (site.site.uid.clone(), site.site.name.clone())).collect()
    }

    /// All devices: uid, host name and uid of the site, in the order of the list.
    #[must_use]
    pub fn devices(&self) -> Vec<(String, String, String)> {
        let state = self.engine.state();
        let row = |own: &DeviceState| (own.device.uid.clone(), own.device.hostname.clone(), own.site.clone());
        state.devices.values().map(row).collect()
    }

    /// Adds an empty site; its uid must be new.
    pub fn add_site(&self, uid: &str, name: &str) {
        let (uid, name) = (uid.to_owned(), name.to_owned());
        self.engine.state().add_site(Site { uid, name, description: None, account_number: None });
    }

    /// Renames a site; false when there is none.
    pub fn rename_site(&self, uid: &str, name: &str) -> bool {
        self.engine.state().site_mut(uid).map(|site| name.clone_into(&mut site.site.name)).is_some()
    }

    /// Removes a site; its devices stay, in no site that is listed.
    pub fn remove_site(&self, uid: &str) {
        self.engine.state().sites.retain(|site| site.site.uid != uid);
    }

    /// The value of a variable.
    #[must_use]
    pub fn variable(&self, site: &str, name: &str) -> Option<String> {
        let state = self.engine.state();
        let variables = &state.site(site)?.variables;
        variables.iter().find(|variable| variable.name == name).map(|variable| variable.value.clone())
    }

    /// Sets or, without a value, removes a variable; false when there is no such site.
    pub fn set_variable(&self, site: &str, name: &str, value: Option<&str>) -> bool {
        self.engine.state().set_variable(site, name, value.map(str::to_owned))
    }

    /// Moves a device to another site; false when there is no such device.
    pub fn move_device(&self, uid: &str, site: &str) -> bool {
        self.engine.state().device_mut(uid).map(|device| site.clone_into(&mut device.site)).is_some()
    }

    /// Changes members of a device, under the vendor's names; false when there is none.
    pub fn patch_device(&self, uid: &str, members: Map<String, Value>) -> bool {
        let mut state = self.engine.state();
        let Some(device) = state.device_mut(uid) else { return false };
        device.patch.extend(members);
        true
    }

    /// Removes a device for good; false when there is none.
    pub fn remove_device(&self, uid: &str) -> bool {
        let mut state = self.engine.state();
        let Some(id) = state.ids.remove(uid) else { return false };
        state.devices.remove(&id).is_some()
    }

    /// Ends all tokens, whatever was promised.
    pub fn revoke_tokens(&self) {
        self.engine.state().tokens.clear();
    }

    /// Number of commands that were started.
    #[must_use]
    pub fn job_count(&self) -> usize {
        self.engine.state().jobs.len()
    }

    /// Sets a fault. Pages count from 0 here, as the vendor counts them.
    pub fn add_fault(&self, fault: Fault) {
        self.engine.state().faults.add(fault);
    }

    /// Removes all faults; requests that one of them holds go on.
    pub fn clear_faults(&self) {
        self.engine.state().faults.clear();
        self.engine.cleared.send_replace(());
    }

    /// The faults that are set.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.engine.state().faults.all().to_vec()
    }

    /// Sums of the requests since the last reset.
    #[must_use]
    pub fn request_counts(&self) -> RequestCounts {
        self.engine.state().log.counts.clone()
    }

    /// The newest requests, oldest first.
    #[must_use]
    pub fn request_lines(&self) -> Vec<RequestLine> {
        self.engine.state().log.lines.iter().cloned().collect()
    }

    /// Forgets all requests.
    pub fn clear_requests(&self) {
        self.engine.state().log = RequestLog::default();
    }
}

type Engines = State<Arc<Engine>>;

/// The routes.
pub fn router() -> Router<Arc<Engine>> {
    Router::new()
        .route("/state", get(state))
        .route("/clock", post(advance))
        .route("/devices/{uid}", patch(patch_device).delete(remove_device))
        .route("/tokens", axum::routing::delete(revoke_tokens))
        .route("/faults", post(add_fault).delete(clear_faults))
        .route("/requests", get(requests).delete(clear_requests))
        .layer(from_fn(same_machine))
}

/// Nobody else may even know that it is there.
async fn same_machine(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    let passed_on = request.headers().contains_key("x-forwarded-for");
    if peer.ip().to_canonical().is_loopback() && !passed_on {
        next.run(request).await
    } else {
        refuse(StatusCode::NOT_FOUND, "Not found")
    }
}

fn found(found: bool) -> StatusCode {
    if found { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

async fn state(State(engine): Engines) -> Json<Value> {
    let control = Control::new(engine);
    Json(json!({
        "now": control.now(), "sites": control.sites().len(), "devices": control.devices().len(),
        "jobs": control.job_count(),
    }))
}

#[derive(Debug, Deserialize)]
struct Advance {
    seconds: u64,
}

async fn advance(State(engine): Engines, Json(by): Json<Advance>) -> StatusCode {
    Control::new(engine).advance(Duration::from_secs(by.seconds));
    StatusCode::NO_CONTENT
}

async fn patch_device(
    State(engine): Engines,
    Path(uid): Path<String>,
    Json(members): Json<Map<String, Value>>,
) -> StatusCode {
    found(Control::new(engine).patch_device(&uid, members))
}

async fn remove_device(State(engine): Engines, Path(uid): Path<String>) -> StatusCode {
    found(Control::new(engine).remove_device(&uid))
}

async fn revoke_tokens(State(engine): Engines) -> StatusCode {
    Control::new(engine).revoke_tokens();
    StatusCode::NO_CONTENT
}

async fn add_fault(State(engine): Engines, Json(fault): Json<Fault>) -> StatusCode {
    Control::new(engine).add_fault(fault);
    StatusCode::CREATED
}

async fn clear_faults(State(engine): Engines) -> StatusCode {
    Control::new(engine).clear_faults();
    StatusCode::NO_CONTENT
}

async fn requests(State(engine): Engines) -> Json<Value> {
    let control = Control::new(engine);
    Json(json!({ "counts": control.request_counts(), "requests": control.request_lines() }))
}

async fn clear_requests(State(engine): Engines) -> StatusCode {
    Control::new(engine).clear_requests();
    StatusCode::NO_CONTENT
}
