//! What runs beside the requests: loading agents and PSA settings at the start, and following Codex for open streams.

mod follow;

use crate::Beacon;

/// Says what starts and loads what seldom changes, so that the first page does not wait for it.
pub fn start(beacon: &Beacon) {
    let parts = &beacon.0;
    tracing::info!("Loaded {} services from services.json", parts.context.registry.load().0.len());
    tracing::info!("Starting Beacon - Ticket Dashboard");
    tracing::info!("Supported views: {}", parts.views);
    let loading = beacon.clone();
    parts.context.spawn("load agents and PSA settings", async move {
        loading.0.reference.current().await;
    });
    parts.context.spawn("follow Codex for open boards", follow::run(beacon.clone()));
    parts.context.spawn("display limits housekeeping", parts.link_limits.clone().housekeeping());
}
