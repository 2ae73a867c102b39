//! One module of the suite: registered, with a folder, secrets and a database of its own, and started where the suite runs.
//! Its program is part of the build; for one of the original suite its folder lies beside the instance.

use anyhow::{Result, bail};
use hivematrix_shared::config::CommonSettings;
use nix::unistd::Uid;
use serde::Serialize;

use super::super::{
    Quit,
    config::make_database,
    list::registry_of,
    output::{Colour, answer, coloured, harmless, keep_for_answer, paint, say},
    systemd, update_config,
};
use crate::{
    control::{
        client::{ask, demand},
        protocol::Request,
    },
    domain::{
        registry::{HelmEntry, Registry, found},
        status::Phase,
    },
    instance::{
        Layout,
        installation::{self, Installation},
        operator,
        options::Given,
        registry,
    },
    suite,
};

/// What came of it.
#[derive(Debug, Serialize)]
struct Outcome {
    module: String,
    success: bool,
    message: String,
    running: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl Outcome {
    fn failed(module: &str, message: String) -> Self {
        Self { module: module.to_owned(), success: false, message, running: false, port: None, url: None }
    }

    fn done(module: &str, entry: &HelmEntry, running: bool, message: &str) -> Self {
        Self {
            module: module.to_owned(),
            success: true,
            message: message.to_owned(),
            running,
            port: Some(entry.service.port),
            url: Some(entry.service.url.clone()),
        }
    }
}

pub(super) async fn one(layout: &Layout, common: &CommonSettings, name: &str, json: bool) -> Result<()> {
    if json {
        keep_for_answer();
    }
    let outcome = install(layout, common, name).await;
    if json {
        answer(&outcome)?;
    } else {
        print(&outcome);
    }
    if outcome.success { Ok(()) } else { Err(Quit(1).into()) }
}

/// Those that are not in this build are named and are no failure: they are not here to be installed.
pub(super) async fn defaults(layout: &Layout, common: &CommonSettings, json: bool) -> Result<()> {
    if json {
        keep_for_answer();
    }
    let apps = registry::authority(layout)?.default_apps;
    let here = update_config::register(layout)?;
    let (names, missing): (Vec<&str>, Vec<&str>) = apps
        .keys()
        .map(String::as_str)
        .filter(|name| *name != "helm")
        .partition(|name| here.get(name).is_some());
    for name in missing {
        say!("- {}", absent(layout, name)?);
    }
    let outcomes = match installation::of(layout)? {
        // One for all: it brings up everything that is here.
        Some(installation) => {
            let brought = by_systemd(layout, common, installation).await;
            let registry = registry_of(layout)?;
            names.iter().map(|name| of_systemd(&registry, &brought, name)).collect()
        }
        None => {
            let mut outcomes = Vec::new();
            for name in names {
                outcomes.push(install(layout, common, name).await);
            }
            outcomes
        }
    };
    if json {
        answer(&outcomes)?;
    } else {
        outcomes.iter().for_each(print);
    }
    if outcomes.iter().all(|outcome| outcome.success) { Ok(()) } else { Err(Quit(1).into()) }
}

fn print(outcome: &Outcome) {
    let colours = coloured();
    let text = harmless(&outcome.message);
    match (outcome.success, &outcome.url) {
        (true, url) => {
            say!("{} {}: {text}", paint("✓", Colour::Green, colours), outcome.module);
            if let Some(url) = url.as_ref().filter(|_| outcome.running) {
                say!("  URL: {url}");
            }
        }
        (false, _) => eprintln!("{} {}: {text}", paint("✗", Colour::Red, colours), outcome.module),
    }
}

async fn install(layout: &Layout, common: &CommonSettings, name: &str) -> Outcome {
    match try_install(layout, common, name).await {
        Ok(outcome) => outcome,
        Err(error) => Outcome::failed(name, format!("{error:#}")),
    }
}

async fn try_install(layout: &Layout, common: &CommonSettings, name: &str) -> Result<Outcome> {
    if name == "helm" {
        bail!(
            "Helm is what installs the others; `helm install --systemd` puts the suite in place for systemd"
        );
    }
    if found::service_name(&format!("hivematrix-{name}")).is_none() {
        bail!("{}", absent(layout, name)?);
    }
    if let Some(installation) = installation::of(layout)? {
        if registry_of(layout)?.get(name).is_none_or(|entry| !is_here(name, entry)) {
            bail!("{}", absent(layout, name)?);
        }
        let brought = by_systemd(layout, common, installation).await;
        return Ok(of_systemd(&registry_of(layout)?, &brought, name));
    }
    let here = update_config::register(layout)?;
    let Some(entry) = here.get(name) else { bail!("{}", absent(layout, name)?) };
    if entry.is_remote() {
        return Ok(Outcome::done(name, entry, false, "it runs elsewhere and is registered"));
    }
    if ask(layout, &Request::Hello).await?.is_none() {
        let (own, operator) = (layout.clone(), operator::of_suite(layout)?);
        tokio::task::spawn_blocking(move || suite::prepare(&own, &Given::default(), &operator)).await??;
        let message =
            "it is registered, with a folder and secrets; `helm up` makes its database and starts it";
        return Ok(Outcome::done(name, entry, false, message));
    }
    demand(layout, &Request::Reload).await?;
    if entry.needs_database() {
        make_database(layout, name).await?;
    }
    let status = || async {
        let units = demand(layout, &Request::Status { fresh: false }).await?.units;
        anyhow::Ok(units.into_iter().find(|unit| unit.name == name))
    };
    if status().await?.is_some_and(|unit| unit.pid.is_some()) {
        return Ok(Outcome::done(name, entry, true, "it is installed and runs already"));
    }
    demand(layout, &Request::Start { service: name.to_owned() }).await?;
    match status().await? {
        Some(unit) if unit.state == Phase::Running => {
            Ok(Outcome::done(name, entry, true, "it is installed and runs"))
        }
        _ => bail!("it was started and is not ready; `helm status {name}` and `helm logs {name}` say more"),
    }
}

/// There root makes account, unit, folder and database, all in one: what `helm up` does.
async fn by_systemd(layout: &Layout, common: &CommonSettings, mut installation: Installation) -> Result<()> {
    if !Uid::effective().is_root() {
        bail!("systemd runs this suite: only root can install a module");
    }
    systemd::bring_up(layout, common, &mut installation, None).await?;
    Ok(())
}

fn of_systemd(registry: &Registry, brought: &Result<()>, name: &str) -> Outcome {
    match (brought, registry.get(name)) {
        (Ok(()), Some(entry)) => Outcome::done(name, entry, !entry.is_remote(), "it is installed and runs"),
        (Ok(()), None) => Outcome::failed(name, "it is not in the registry".to_owned()),
        (Err(error), _) => Outcome::failed(name, format!("{error:#}")),
    }
}

fn is_here(name: &str, entry: &HelmEntry) -> bool {
    installation::programs().is_ok_and(|programs| registry::is_present(&programs, name, entry))
}

/// Why a module cannot be installed.
fn absent(layout: &Layout, name: &str) -> Result<String> {
    let apps = registry::authority(layout)?;
    let is_known = found::is_of_contract(name) || apps.apps().any(|(known, _)| known == name);
    let programs = installation::programs()?;
    Ok(match name {
        "archive" => "the archive is a part of Ledger (/ledger/archive/): install ledger".to_owned(),
        _ if is_known => format!(
            "{name} is not in this build: no program hivematrix-{name} lies in {}, and no folder hivematrix-{name} of the \
             original suite beside {}",
            programs.display(),
            layout.home().display()
        ),
        _ => {
            let known: Vec<&str> =
                apps.apps().map(|(known, _)| known.as_str()).filter(|known| *known != "helm").collect();
            format!("there is no module of that name; this build has {}", known.join(", "))
        }
    })
}
