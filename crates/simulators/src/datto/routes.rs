//! The endpoints that read, and the variables of sites.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::gate::EmptyPage;
use super::state::{DeviceState, Variable};
use super::{COMMAND_COMPONENT, Engine, wire};

/// A refusal in the vendor's form.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

fn missing() -> Response {
    refuse(StatusCode::NOT_FOUND, "Not found")
}

/// Anything unknown.
pub async fn not_found() -> Response {
    missing()
}

/// The page a request asks for.
struct Call {
    params: Vec<(String, String)>,
    address: String,
    empty: bool,
}

type Engines = State<Arc<Engine>>;
type Fault = Option<Extension<EmptyPage>>;

impl Call {
    fn new(uri: &OriginalUri, headers: &HeaderMap, fault: Fault) -> Self {
        let query = uri.query().unwrap_or_default();
        let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        Self {
            params: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            address: format!("http://{host}{}", uri.path()),
            empty: fault.is_some_and(|fault| fault.0.0),
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// One page of the rows, wrapped. As at the vendor, the address of the next page has lost its filters.
    fn page<T>(&self, engine: &Engine, member: &str, rows: &[T], show: impl Fn(&T) -> Value) -> Response {
        let (Ok(page), Ok(max)) = (
            self.get("page").unwrap_or("0").parse::<usize>(),
            self.get("max").map_or(Ok(engine.config.page_cap), str::parse::<usize>),
        ) else {
            return refuse(StatusCode::BAD_REQUEST, "Invalid paging");
        };
        let max = max.clamp(1, engine.config.page_cap);
        let start = page.saturating_mul(max);
        let shown: Vec<Value> =
            if self.empty { Vec::new() } else { rows.iter().skip(start).take(max).map(show).collect() };
        let more = start + max < rows.len();
        let link = |page: usize| format!("{}?page={page}&max={max}", self.address);
        let details = json!({
            "count": shown.len(),
            "totalCount": rows.len(),
            "prevPageUrl": page.checked_sub(1).map(link),
            "nextPageUrl": more.then(|| link(page + 1)),
        });
        let mut body = json!({ "pageDetails": details });
        if let Some(body) = body.as_object_mut() {
            body.insert(member.to_owned(), shown.into());
        }
        Json(body).into_response()
    }
}

fn contains(text: &str, part: Option<&str>) -> bool {
    part.is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
}

/// GET `/account/sites`, by `siteName`.
pub async fn sites(State(engine): Engines, uri: OriginalUri, headers: HeaderMap, fault: Fault) -> Response {
    let call = Call::new(&uri, &headers, fault);
    let state = engine.state();
    let rows: Vec<_> =
        state.sites.iter().filter(|site| contains(&site.site.name, call.get("siteName"))).collect();
    call.page(&engine, "sites", &rows, |site| wire::site(&state, site))
}

/// GET `/account/devices`, by `hostname` and `siteName`.
pub async fn account_devices(
    State(engine): Engines,
    uri: OriginalUri,
    headers: HeaderMap,
    fault: Fault,
) -> Response {
    let call = Call::new(&uri, &headers, fault);
    let (state, now) = (engine.state(), engine.config.clock.now());
    let site_name = |device: &DeviceState| state.site(&device.site).map(|site| site.site.name.clone());
    let rows: Vec<_> = state
        .devices
        .values()
        .filter(|device| contains(&device.device.hostname, call.get("hostname")))
        .filter(|device| {
            call.get("siteName").is_none()
                || contains(&site_name(device).unwrap_or_default(), call.get("siteName"))
        })
        .collect();
    call.page(&engine, "devices", &rows, |device| wire::device(&state, device, now))
}

/// GET `/account/components`.
pub async fn components(
    State(engine): Engines,
    uri: OriginalUri,
    headers: HeaderMap,
    fault: Fault,
) -> Response {
    let component = json!({
        "id": 1, "uid": COMMAND_COMPONENT, "name": "Run a command", "categoryCode": "scripts",
        "credentialsRequired": false,
        "variables": [{ "name": "command", "type": "string", "direction": true, "description": "What to run" }],
    });
    Call::new(&uri, &headers, fault).page(&engine, "components", &[component], Value::clone)
}

/// GET `/system/request_rate`.
pub async fn request_rate(State(engine): Engines) -> Json<Value> {
    let (reads, writes) = engine.state().limits.used();
    Json(json!({
        "slidingTimeWindowSizeSeconds": 60,
        "accountUid": "acc0a17e-0000-4000-a000-000000000001",
        "accountCount": reads,
        "accountRateLimit": engine.config.read_limit,
        "accountCutOffRatio": 0.9,
        "accountWriteCount": writes,
        "accountWriteRateLimit": engine.config.write_limit,
        "operationWriteStatus": {},
    }))
}

/// GET `/system/pagination`.
pub async fn pagination(State(engine): Engines) -> Json<Value> {
    Json(json!({ "max": engine.config.page_cap }))
}

/// GET `/site/{uid}`.
pub async fn site(State(engine): Engines, Path(uid): Path<String>) -> Response {
    let state = engine.state();
    state.site(&uid).map_or_else(missing, |site| Json(wire::site(&state, site)).into_response())
}

/// GET `/site/{uid}/devices`.
pub async fn site_devices(
    State(engine): Engines,
    Path(uid): Path<String>,
    uri: OriginalUri,
    headers: HeaderMap,
    fault: Fault,
) -> Response {
    let (state, now) = (engine.state(), engine.config.clock.now());
    if state.site(&uid).is_none() {
        return missing();
    }
    let rows: Vec<_> = state.devices.values().filter(|device| device.site == uid).collect();
    let call = Call::new(&uri, &headers, fault);
    call.page(&engine, "devices", &rows, |device| wire::device(&state, device, now))
}

/// GET `/device/{uid}`.
pub async fn device(State(engine): Engines, Path(uid): Path<String>) -> Response {
    let (state, now) = (engine.state(), engine.config.clock.now());
    state.device(&uid).map_or_else(missing, |device| Json(wire::device(&state, device, now)).into_response())
}

/// GET `/device/id/{id}`.
pub async fn device_by_id(State(engine): Engines, Path(id): Path<u32>) -> Response {
    let (state, now) = (engine.state(), engine.config.clock.now());
    state
        .devices
        .get(&id)
        .map_or_else(missing, |device| Json(wire::device(&state, device, now)).into_response())
}

/// GET `/audit/device/{uid}`.
pub async fn audit(State(engine): Engines, Path(uid): Path<String>) -> Response {
    let state = engine.state();
    let found = state.device(&uid).filter(|device| device.device.audited_at.is_some());
    found.map_or_else(missing, |device| Json(wire::audit(device)).into_response())
}

/// GET `/audit/device/{uid}/software`.
pub async fn software(
    State(engine): Engines,
    Path(uid): Path<String>,
    uri: OriginalUri,
    headers: HeaderMap,
    fault: Fault,
) -> Response {
    let state = engine.state();
    let Some(device) = state.device(&uid) else { return missing() };
    let rows = wire::software(device);
    Call::new(&uri, &headers, fault).page(&engine, "software", &rows, Value::clone)
}

fn variable(variable: &Variable) -> Value {
    let Variable { id, name, value, masked } = variable;
    json!({ "id": id, "name": name, "value": value, "masked": masked })
}

/// GET `/site/{uid}/variables`.
pub async fn variables(
    State(engine): Engines,
    Path(uid): Path<String>,
    uri: OriginalUri,
    headers: HeaderMap,
    fault: Fault,
) -> Response {
    let state = engine.state();
    let Some(site) = state.site(&uid) else { return missing() };
    Call::new(&uri, &headers, fault).page(&engine, "variables", &site.variables, variable)
}

/// The body of a write.
#[derive(Debug, Deserialize)]
pub struct NewVariable {
    name: String,
    value: String,
    #[serde(default)]
    masked: bool,
}

/// PUT `/site/{uid}/variable`: creates; a name that exists is refused.
pub async fn create_variable(
    State(engine): Engines,
    Path(uid): Path<String>,
    Json(new): Json<NewVariable>,
) -> Response {
    let mut state = engine.state();
    let id = state.count();
    let Some(site) = state.site_mut(&uid) else { return missing() };
    if site.variables.iter().any(|variable| variable.name == new.name) {
        return refuse(StatusCode::CONFLICT, "A variable of this name exists");
    }
    site.variables.push(Variable { id, name: new.name, value: new.value, masked: new.masked });
    StatusCode::OK.into_response()
}

/// The body of an update.
#[derive(Debug, Deserialize)]
pub struct ChangedVariable {
    name: Option<String>,
    value: Option<String>,
}

/// POST `/site/{uid}/variable/{id}`.
pub async fn update_variable(
    State(engine): Engines,
    Path((uid, id)): Path<(String, u32)>,
    Json(change): Json<ChangedVariable>,
) -> Response {
    let mut state = engine.state();
    let variable =
        state.site_mut(&uid).and_then(|site| site.variables.iter_mut().find(|variable| variable.id == id));
    let Some(variable) = variable else { return missing() };
    if let Some(name) = change.name {
        variable.name = name;
    }
    if let Some(value) = change.value {
        variable.value = value;
    }
    StatusCode::OK.into_response()
}

/// DELETE `/site/{uid}/variable/{id}`.
pub async fn delete_variable(State(engine): Engines, Path((uid, id)): Path<(String, u32)>) -> Response {
    let mut state = engine.state();
    let Some(site) = state.site_mut(&uid) else { return missing() };
    let before = site.variables.len();
    site.variables.retain(|variable| variable.id != id);
    if site.variables.len() == before { missing() } else { StatusCode::NO_CONTENT.into_response() }
}
