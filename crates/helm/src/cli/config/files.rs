//! The files of foreign services.

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{
    super::output::{Colour, answer, coloured, harmless, paint, say},
    AppArgs, GenArgs, show,
};
use crate::{
    domain::{child_env::Suite, dotenv, registry::HelmEntry},
    instance::{
        Layout,
        databases::{self, Databases},
        foreign::{self, File},
        operator, secrets,
    },
    suite,
};

fn described(layout: &Layout) -> Result<Suite> {
    suite::describe(layout, &operator::of_suite(layout)?)
}

fn entry<'a>(suite: &'a Suite, name: &str) -> Result<&'a HelmEntry> {
    suite.registry.get(name).with_context(|| format!("there is no service {name}; `helm list` names them"))
}

/// A service with files of its own; ours are given their settings when they start.
fn foreign_entry<'a>(layout: &Layout, suite: &'a Suite, name: &str) -> Result<&'a HelmEntry> {
    let entry = entry(suite, name)?;
    if !foreign::is_upstream(layout, entry) {
        bail!("{name} is given its settings when it starts and needs no file");
    }
    Ok(entry)
}

pub(super) fn sync(layout: &Layout, only: Option<&str>, json: bool) -> Result<()> {
    let operator = operator::of_suite(layout)?;
    if let Some(name) = only {
        foreign_entry(layout, &suite::describe(layout, &operator)?, name)?;
    }
    let all = suite::sync(layout, &operator, only)?;
    let colours = coloured();
    for synced in &all {
        match (&synced.error, json) {
            (_, true) => {}
            (None, false) if synced.written.is_empty() => {
                say!("{} {}: up to date", paint("✓", Colour::Green, colours), synced.service);
            }
            (None, false) => say!(
                "{} {}: wrote {}",
                paint("✓", Colour::Green, colours),
                synced.service,
                synced.written.join(", ")
            ),
            (Some(error), false) => {
                eprintln!("{} {}: {}", paint("✗", Colour::Red, colours), synced.service, harmless(error));
            }
        }
    }
    if json {
        let list: Vec<_> = all
            .iter()
            .map(
                |synced| json!({"service": synced.service, "written": synced.written, "error": synced.error}),
            )
            .collect();
        answer(&list)?;
    } else if all.is_empty() {
        say!("No service here reads files of the original suite. The registries are written.");
    }
    if all.iter().any(|synced| synced.error.is_some()) {
        bail!("not every service is up to date");
    }
    Ok(())
}

pub(super) fn gen_dotenv(layout: &Layout, args: &GenArgs) -> Result<()> {
    let suite = described(layout)?;
    let entry = entry(&suite, &args.app)?;
    let lines = if foreign::is_upstream(layout, entry) {
        dotenv::parse(&foreign::dotenv_text(layout, &suite, &args.app, entry))
    } else {
        suite.environment(&args.app, entry).into_iter().collect()
    };
    for (name, value) in lines {
        say!("{name}={}", dotenv::quoted(show::shown(&name, &value, args.secrets)));
    }
    Ok(())
}

pub(super) fn gen_conf(layout: &Layout, args: &GenArgs) -> Result<()> {
    let suite = described(layout)?;
    let entry = foreign_entry(layout, &suite, &args.app)?;
    let text = foreign::new_conf(layout, &suite, &args.app, entry)?.unwrap_or_default();
    for line in text.lines() {
        match line.split_once('=') {
            Some((name, value)) if !line.trim_start().starts_with(['#', ';']) => {
                say!("{name}= {}", harmless(show::shown(name.trim(), value.trim(), args.secrets)));
            }
            _ => say!("{}", harmless(line)),
        }
    }
    Ok(())
}

pub(super) fn write(layout: &Layout, args: &AppArgs, file: File) -> Result<()> {
    let suite = described(layout)?;
    let entry = foreign_entry(layout, &suite, &args.app)?;
    let path = foreign::write(file, layout, &suite, &args.app, entry)?;
    if args.json {
        return Ok(answer(&json!({"service": args.app, "path": path}))?);
    }
    match path {
        Some(path) => say!("Wrote {path}"),
        None => say!("It is up to date."),
    }
    Ok(())
}

pub(super) async fn setup_db(layout: &Layout, args: &AppArgs) -> Result<()> {
    let name = &args.app;
    if !make_database(layout, name).await? {
        bail!("{name} has a database of your choice; Helm makes none");
    }
    if args.json {
        return Ok(answer(&json!({"service": name, "database": true}))?);
    }
    say!("The database and the role of {name} are there.");
    Ok(())
}

/// Makes the database and the role of a service on the running server; false where the operator chose a database.
///
/// # Errors
/// When the service needs none, or the server refuses.
pub(in crate::cli) async fn make_database(layout: &Layout, name: &str) -> Result<bool> {
    let suite = described(layout)?;
    if !entry(&suite, name)?.needs_database() {
        bail!("{name} needs no database");
    }
    let operator = operator::of_suite(layout)?;
    let secrets = secrets::read(layout)?;
    let admin_url = databases::admin_url(layout, &secrets, &operator)?;
    let mut databases = Databases::settle(layout, &suite.registry, &secrets, &operator, &admin_url)?;
    databases.managed.retain(|managed| managed == name);
    databases.make(&secrets).await?;
    Ok(!databases.managed.is_empty())
}
