//! `helm doctor`: looks at this machine with the eyes of the suite. Nothing is changed, and no daemon is needed.

mod database;
mod files;
mod graph;
mod machine;
mod ports;
mod services;
mod times;

use std::path::PathBuf;

use anyhow::Result;
use hivematrix_shared::clock::Clock;

use crate::{
    domain::{
        doctor::Finding, master_config::MasterConfig, operator::Operator, registry::Registry,
        secrets::Secrets,
    },
    instance::{
        Layout,
        installation::{self, Installation},
        master_config, operator,
        options::{Given, Options},
        registry, secrets,
    },
};

/// What the checks know of the instance.
pub(crate) struct Case {
    layout: Layout,
    options: Options,
    registry: Registry,
    /// None before the first `helm up`.
    secrets: Option<Secrets>,
    operator: Operator,
    programs: PathBuf,
    installation: Option<Installation>,
    clock: Clock,
}

impl Case {
    /// The master configuration; one that cannot be read counts as none.
    fn config(&self) -> MasterConfig {
        master_config::read(&self.layout)
            .map(|stored| MasterConfig::from(stored.document))
            .unwrap_or_default()
    }
}

/// Looks at everything.
///
/// # Errors
/// When not even the registry can be read.
pub async fn examine(layout: &Layout) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let operator = match operator::of_next_up(layout) {
        Ok(operator) => operator,
        Err(error) => {
            let why = "settings that cannot be read are settings that do not count";
            findings.push(Finding::problem(
                "permissions",
                format!("{error:#}"),
                why,
                files::readable(layout),
            ));
            Operator::default()
        }
    };
    let options = match Options::read(layout) {
        Ok(options) => options,
        Err(error) => {
            let why = "without them nobody knows the ports of this instance";
            let fix = "run this as the account that started the suite, or as root; a damaged file comes back from a backup";
            findings.push(Finding::problem("permissions", format!("{error:#}"), why, fix));
            Options::default()
        }
    };
    // As the next `helm up` from here would be.
    let options = options.with(&Given::from_environment()?)?;
    let programs = installation::programs()?;
    let case = Case {
        registry: registry::look(layout, &options, &programs)?,
        secrets: secrets::read(layout).ok(),
        installation: installation::of(layout)?,
        clock: Clock::system(),
        layout: layout.clone(),
        options,
        operator,
        programs,
    };
    findings.extend(machine::examine(&case));
    findings.extend(files::examine(&case));
    findings.extend(services::examine(&case));
    findings.extend(ports::examine(&case).await?);
    findings.extend(database::examine(&case).await);
    findings.extend(Box::pin(graph::examine(&case)).await);
    findings.extend(times::examine(&case).await);
    Ok(findings)
}
