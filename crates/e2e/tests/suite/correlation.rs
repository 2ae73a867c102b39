//! One request through all services.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use uuid::Uuid;

use crate::Stage;

pub async fn one_correlation_id_leads_through_the_suite(stage: &Stage) -> Result<()> {
    let suite = &stage.suite;
    let client = suite.client()?;
    let token = suite.helm(&["token", "--permission", "technician"]).await?.trim().to_owned();
    let url = format!("{}/beacon/api/tickets/helpdesk", suite.url);
    let mut seen = String::new();
    // Beacon asks Codex at most every 5 s for all viewers together, so not every request goes all the way.
    for _ in 0..8 {
        let id = Uuid::new_v4().to_string();
        let request = client.get(&url).bearer_auth(&token).header("X-Correlation-ID", &id);
        let answer = request.send().await?;
        ensure!(answer.status().is_success(), "the board answers {}", answer.status());
        let back = answer.headers().get("X-Correlation-ID").context("the answer names no request")?;
        ensure!(back.to_str()? == id, "the answer names another request");
        // Log lines are shipped in batches.
        tokio::time::sleep(Duration::from_secs(4)).await;
        seen = suite.helm(&["logs", "--correlation", &id, "--tail", "200"]).await?;
        if ["nexus", "beacon", "codex"].iter().all(|service| seen.contains(service)) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    bail!("no request was logged by nexus, beacon and codex; the last one: {seen}")
}
