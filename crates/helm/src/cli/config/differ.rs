//! What is not as the configuration says.

use anyhow::{Context, Result};
use serde::Serialize;

use super::super::{
    Quit,
    output::{answer, harmless, say},
};
use crate::{
    control::{
        client::ask,
        protocol::{Outdated, Request},
    },
    instance::{Layout, foreign, installation, operator},
    suite,
};

/// Exit code when something differs.
const DIFFERS: u8 = 3;

/// The answer of `helm config diff --json`.
#[derive(Debug, Serialize)]
struct Differences {
    /// Running services with other settings, and the names of the variables.
    running: Vec<Outdated>,
    /// Files of foreign services that a sync would write.
    files: Vec<StaleFiles>,
}

#[derive(Debug, Serialize)]
struct StaleFiles {
    service: String,
    files: Vec<String>,
}

pub(super) async fn run(layout: &Layout, json: bool) -> Result<()> {
    let by_systemd = installation::of(layout)?.is_some();
    let described = suite::describe(layout, &operator::of_suite(layout)?)?;
    let stale = foreign::stale(layout, &described)?;
    let files: Vec<StaleFiles> =
        stale.into_iter().map(|(service, files)| StaleFiles { service, files }).collect();
    let reply = ask(layout, &Request::Reload).await?;
    if let Some(reply) = reply.as_ref().filter(|reply| !reply.ok) {
        anyhow::bail!("{}", reply.message);
    }
    let running = reply.map(|reply| reply.outdated).unwrap_or_default();
    let differences = Differences { running, files };
    let same = differences.running.is_empty() && differences.files.is_empty();
    if json {
        answer(&differences).context("cannot write JSON")?;
    } else {
        print(&differences, by_systemd);
    }
    if same { Ok(()) } else { Err(Quit(DIFFERS).into()) }
}

fn print(differences: &Differences, by_systemd: bool) {
    for Outdated { name, variables } in &differences.running {
        match variables.is_empty() {
            true => say!("{name} runs an older program or command"),
            false => say!("{name} runs with another {}", harmless(&variables.join(", "))),
        }
    }
    for StaleFiles { service, files } in &differences.files {
        say!("{service} has out of date {}", files.join(", "));
    }
    if !differences.running.is_empty() {
        match by_systemd {
            true => say!("`helm up`, as root, hands the settings on and restarts them."),
            false => say!("`helm restart NAME` restarts one of them, `helm up` all."),
        }
    }
    if !differences.files.is_empty() {
        say!("`helm config sync` writes the files.");
    }
    if differences.running.is_empty() && differences.files.is_empty() {
        say!("Everything is as the configuration says.");
    }
}
