//! `helm list`: the services of the registry.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::output::{answer, say};
use crate::{
    domain::registry::{HelmEntry, Registry},
    instance::{Layout, installation, options::Options, registry},
};

/// Arguments of `helm list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// As JSON: name, type (program, foreign, remote or absent), port, url, needs.
    #[arg(long)]
    pub json: bool,
}

/// One service.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    name: &'a str,
    r#type: &'static str,
    port: u16,
    url: &'a str,
    needs: Vec<&'a str>,
}

/// The registry of the instance as `helm up` would write it, with services that were found before.
pub(super) fn registry_of(layout: &Layout) -> Result<Registry> {
    let options = Options::read(layout)?;
    Ok(Registry::generate(&registry::apps(layout, &installation::programs()?)?, options.addressing())?)
}

/// What a service of the registry is here.
pub(super) fn kind_of(programs: &Path, name: &str, entry: &HelmEntry) -> &'static str {
    match () {
        () if entry.is_remote() => "remote",
        () if entry.start_command.is_some() => "foreign",
        () if registry::is_present(programs, name, entry) => "program",
        () => "absent",
    }
}

pub(super) fn run(layout: &Layout, args: &ListArgs) -> Result<()> {
    print(layout, args, |_| true)
}

/// Those that are here alone.
pub(super) fn installed(layout: &Layout, args: &ListArgs) -> Result<()> {
    print(layout, args, |kind| kind != "absent")
}

fn print(layout: &Layout, args: &ListArgs, shown: impl Fn(&str) -> bool) -> Result<()> {
    let registry = registry_of(layout)?;
    let programs = installation::programs()?;
    let listed = registry.start_sequence().into_iter().filter_map(|name| {
        let entry = registry.get(name)?;
        let r#type = kind_of(&programs, name, entry);
        let needs = entry.servers.iter().chain(&entry.service.dependencies).map(String::as_str).collect();
        shown(r#type).then(|| Listed {
            name,
            r#type,
            port: entry.service.port,
            url: &entry.service.url,
            needs,
        })
    });
    let listed: Vec<Listed<'_>> = listed.collect();
    if args.json {
        answer(&listed)?;
        return Ok(());
    }
    say!("{:<14} {:<10} {:>6}  {:<28} NEEDS", "SERVICE", "TYPE", "PORT", "URL");
    for Listed { name, r#type, port, url, needs } in listed {
        say!("{name:<14} {:<10} {port:>6}  {url:<28} {}", r#type, needs.join(", "));
    }
    Ok(())
}
