//! One request through all services.

use anyhow::{Context, Result, bail, ensure};
use hivematrix_e2e::suite::ARRIVAL;
use hivematrix_e2e::wait::eventually;
use uuid::Uuid;

use crate::stage::Stage;

pub async fn one_correlation_id_leads_through_the_suite(stage: &Stage) -> Result<()> {
    let suite = &stage.suite;
    let client = suite.client()?;
    let token = suite.token("technician").await?;
    let url = format!("{}/beacon/api/tickets/helpdesk", suite.url);
    let id = Uuid::new_v4().to_string();
    // Beacon asks Codex only now and then for all viewers together, so not every request goes all the way; and log
    // lines are shipped in batches.
    eventually("nexus, beacon and codex have logged the request", ARRIVAL, async || {
        let request = client.get(&url).bearer_auth(&token).header("X-Correlation-ID", &id);
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "the board answers {}", answer.status());
        let back = answer.headers().get("X-Correlation-ID").context("the answer names no request")?;
        ensure!(back.to_str()? == id, "the answer names another request");
        let lines = suite.helm(&["logs", "--correlation", &id, "--tail", "500"]).await?;
        let silent: Vec<_> = ["[nexus]", "[beacon]", "[codex]"]
            .into_iter()
            .filter(|service| !lines.contains(service))
            .collect();
        if silent.is_empty() { Ok(Some(())) } else { bail!("nothing from {}", silent.join(", ")) }
    })
    .await
}
