//! Asking an instance that did not answer whether it does again.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use http::{Request, header};
use tokio_util::sync::CancellationToken;

use super::{body::Outgoing, connect::Connector, instance::Instance};

/// Pauses between two probes: the first, doubled after each failure up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(2);

/// Probes an instance until it is ready, forgotten, or found to answer by a request; ends at `stop`.
pub(super) fn begin(instance: &Arc<Instance>, connector: Connector, stop: CancellationToken) {
    let instance = Arc::downgrade(instance);
    tokio::spawn(stop.run_until_cancelled_owned(run(instance, connector)));
}

async fn run(instance: Weak<Instance>, connector: Connector) {
    let mut pause = FIRST_PAUSE;
    loop {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let Some(instance) = instance.upgrade().filter(|instance| instance.is_down()) else { return };
        if is_ready(&instance, &connector).await && instance.mark_up() {
            tracing::info!(base = instance.base(), "an instance is ready again");
        }
    }
}

/// Whether `/readyz` says so. Upstream's services have no such path; for them any answer that is no server error counts.
async fn is_ready(instance: &Instance, connector: &Connector) -> bool {
    let probe = async {
        let mut connection = connector.connect(instance).await.ok()?;
        let request = Request::get(instance.target("/readyz").ok()?)
            .header(header::HOST, instance.host())
            .body(Outgoing::Empty)
            .ok()?;
        connection.send_request(request).await.ok()
    };
    let answer = tokio::time::timeout(TIMEOUT, probe).await.ok().flatten();
    answer.is_some_and(|answer| !answer.status().is_server_error())
}
