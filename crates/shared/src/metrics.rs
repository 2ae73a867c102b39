//! Counters and timings of a process as Prometheus text.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{Method, StatusCode};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text::encode},
    metrics::{counter::Counter, family::Family, gauge::ConstGauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::logging::LogCounters;

/// Upper bounds in seconds: from a cached answer to the request timeout.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// The metrics of one service. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Mutex<Registry>,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RequestLabels {
    method: &'static str,
    route: Cow<'static, str>,
    status: u16,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct RouteLabels {
    method: &'static str,
    route: Cow<'static, str>,
}

impl Metrics {
    /// Metrics with the label `service`; memory and uptime of this process are among them.
    pub fn new(service: &'static str) -> Self {
        let labels = [(Cow::from("service"), Cow::from(service))];
        let mut registry = Registry::with_labels(labels.into_iter());
        let requests = Family::<RequestLabels, Counter>::default();
        let durations = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        registry.register(
            "http_requests",
            "Answered requests by method, matched route and status",
            requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from the arrival of a request to the headers of its answer",
            Unit::Seconds,
            durations.clone(),
        );
        registry.register_collector(Box::new(Process { started: Instant::now() }));
        Self(Arc::new(Inner { registry: Mutex::new(registry), requests, durations }))
    }

    /// Counts an answered request. `route` is the matched route, never the path: paths are without number.
    pub fn observe_request(
        &self,
        method: &Method,
        route: Option<&str>,
        status: StatusCode,
        duration: Duration,
    ) {
        let method = method_label(method);
        let route: Cow<'static, str> = match route {
            Some(route) => route.to_owned().into(),
            None => "unmatched".into(),
        };
        self.0
            .durations
            .get_or_create(&RouteLabels { method, route: route.clone() })
            .observe(duration.as_secs_f64());
        self.0.requests.get_or_create(&RequestLabels { method, route, status: status.as_u16() }).inc();
    }

    /// Adds the counters of the log shipper.
    pub fn observe_logs(&self, counters: &LogCounters) {
        self.register(|registry| {
            registry.register("log_lines_shipped", "Log lines that Helm has taken", counters.shipped.clone());
            registry.register(
                "log_lines_spooled",
                "Log lines put on disk for later",
                counters.spooled.clone(),
            );
            registry.register(
                "log_lines_dropped_access",
                "Dropped 2xx access lines",
                counters.dropped_access.clone(),
            );
            registry.register(
                "log_lines_dropped_other",
                "Dropped DEBUG and INFO lines",
                counters.dropped_other.clone(),
            );
            registry.register("log_lines_lost", "Lost audit, WARNING and ERROR lines", counters.lost.clone());
        });
    }

    /// Adds which build runs, as `build_info` with the label `version`.
    pub fn observe_build(&self, version: String) {
        let build = Info::new([("version", version)]);
        self.register(|registry| registry.register("build", "Which build runs", build));
    }

    /// Adds a service's own metrics; they carry the label `service` as well.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.0.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything as text.
    pub fn render(&self) -> String {
        let mut text = String::new();
        let registry = self.0.registry.lock().unwrap_or_else(PoisonError::into_inner);
        match encode(&mut text, &registry) {
            Ok(()) => text,
            Err(error) => {
                tracing::error!(error = %error, "The metrics could not be written");
                String::new()
            }
        }
    }
}

/// Methods a client makes up share one label.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Memory and age of this process, read when somebody asks.
#[derive(Debug)]
struct Process {
    started: Instant,
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let uptime = ConstGauge::new(self.started.elapsed().as_secs_f64());
        let descriptor = encoder.encode_descriptor(
            "process_uptime",
            "Time since the process started",
            Some(&Unit::Seconds),
            uptime.metric_type(),
        )?;
        uptime.encode(descriptor)?;
        let Some(resident) = resident_bytes() else { return Ok(()) };
        let memory = ConstGauge::new(resident);
        let descriptor = encoder.encode_descriptor(
            "process_resident_memory",
            "Resident memory of the process",
            Some(&Unit::Bytes),
            memory.metric_type(),
        )?;
        memory.encode(descriptor)
    }
}

fn resident_bytes() -> Option<i64> {
    let mut system = System::new().ok()?;
    let own = Pid::from_u32(std::process::id());
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[own]),
        true,
        ProcessRefreshKind::nothing().with_memory(),
    );
    i64::try_from(system.process(own)?.memory()).ok()
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_method_route_and_status() {
        let metrics = Metrics::new("codex");
        for status in [StatusCode::OK, StatusCode::OK, StatusCode::NOT_FOUND] {
            metrics.observe_request(
                &Method::GET,
                Some("/api/companies/{account}"),
                status,
                Duration::from_millis(3),
            );
        }
        metrics.observe_request(&Method::from_bytes(b"BREW").unwrap(), None, StatusCode::OK, Duration::ZERO);
        let text = metrics.render();
        for line in [
            r#"http_requests_total{service="codex",method="GET",route="/api/companies/{account}",status="200"} 2"#,
            r#"http_requests_total{service="codex",method="GET",route="/api/companies/{account}",status="404"} 1"#,
            r#"http_requests_total{service="codex",method="other",route="unmatched",status="200"} 1"#,
            r#"http_request_duration_seconds_count{service="codex",method="GET",route="/api/companies/{account}"} 3"#,
            r#"http_request_duration_seconds_bucket{service="codex",le="0.005",method="GET",route="/api/companies/{account}"} 3"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn process_log_and_own_metrics_are_shown() {
        let metrics = Metrics::new("codex");
        let counters = LogCounters::default();
        counters.dropped_access.inc_by(5);
        metrics.observe_logs(&counters);
        metrics.observe_build("2025.11.22-abc1234".into());
        let synced: Counter = Counter::default();
        metrics.register(|registry| registry.register("synced_tickets", "Tickets", synced.clone()));
        synced.inc();
        let text = metrics.render();
        for line in [
            r#"log_lines_dropped_access_total{service="codex"} 5"#,
            r#"synced_tickets_total{service="codex"} 1"#,
            r#"build_info{service="codex",version="2025.11.22-abc1234"} 1"#,
            r#"process_resident_memory_bytes{service="codex"} "#,
            r#"process_uptime_seconds{service="codex"} "#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
