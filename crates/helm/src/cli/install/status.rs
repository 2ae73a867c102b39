//! `helm install status`: what is known of a module, with the names of the original suite's `install_manager.py` where it
//! had one.

use anyhow::{Result, bail};
use serde::Serialize;

use super::super::{
    list::{kind_of, registry_of},
    output::answer,
    status, update,
};
use crate::instance::{Layout, build::Build, databases, installation, operator, registry};

/// The answer.
#[derive(Debug, Serialize)]
struct Facts {
    module: String,
    installed: bool,
    /// `program`, `foreign`, `remote` or `absent`.
    r#type: &'static str,
    /// Of the build that it is part of.
    version: Option<String>,
    git_url: Option<String>,
    /// No module is a checkout here: these two are for readers of the original's answer.
    git_status: Option<&'static str>,
    git_branch: Option<String>,
    /// Whether a build other than the one in place waits for `helm update`.
    has_updates: bool,
    /// Builds between: one, or none. A build does not tell of how many changes it was made.
    commits_behind: u32,
    port: u16,
    url: String,
    needs: Vec<String>,
    /// `own`: Helm makes it. `given`: the operator chose one. Absent: it needs none.
    database: Option<&'static str>,
    /// As `helm status` says; absent while the suite is down.
    state: Option<&'static str>,
}

pub(super) async fn run(layout: &Layout, name: &str) -> Result<()> {
    let (registry, programs) = (registry_of(layout)?, installation::programs()?);
    let Some(entry) = registry.get(name) else {
        bail!("there is no module {name}; `helm list` names them");
    };
    let r#type = kind_of(&programs, name, entry);
    let operator = operator::of_suite(layout)?;
    let database = match entry.needs_database() && !entry.is_remote() {
        true if databases::elsewhere(layout, name, Some(entry), &operator)?.is_some() => Some("given"),
        true => Some("own"),
        false => None,
    };
    let units = status::units(layout, false).await?.unwrap_or_default();
    let state = units.iter().find(|unit| unit.name == name).map(|unit| unit.state.as_str());
    let has_updates = r#type == "program" && update::lies_there(layout, &programs)?;
    let apps = registry::apps(layout, &programs)?;
    let facts = Facts {
        module: name.to_owned(),
        installed: r#type != "absent",
        r#type,
        version: match r#type {
            "program" => Build::of(&programs)?.version(),
            _ => None,
        },
        git_url: apps.apps().find(|(app, _)| *app == name).and_then(|(_, app)| app.git_url.clone()),
        git_status: None,
        git_branch: None,
        has_updates,
        commits_behind: u32::from(has_updates),
        port: entry.service.port,
        url: entry.service.url.clone(),
        needs: entry.servers.iter().chain(&entry.service.dependencies).cloned().collect(),
        database,
        state,
    };
    answer(&facts)?;
    Ok(())
}
