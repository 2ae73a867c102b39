//! Writes what services of the original suite read from files in their own folders: `.flaskenv`, `instance/<svc>.conf` and
//! `services.json` (platform.md §4). What stood there before is kept as a copy.

mod hands;

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    clock::Clock,
    config::ini_text::{self, Edit},
};

pub use self::hands::{hand_over, is_its_place, may_be_read, may_be_written, owner_of, serves_accounts};
use super::{Layout, beneath, files};
use crate::domain::{
    child_env::{MANAGED, Suite, address_parts},
    dotenv,
    registry::{HelmEntry, RUN_SCRIPT},
};

/// The environment of a service of the original suite.
pub const DOTENV: &str = ".flaskenv";
/// Copies that are kept of each file.
const COPIES: usize = 10;

/// How the files of one service came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synced {
    /// Its name.
    pub service: String,
    /// Files that were written, from its folder on.
    pub written: Vec<String>,
    /// Why it did not work.
    pub error: Option<String>,
}

/// Whether a service is one of the original suite's: it has a command of its own and a `run.py`.
#[must_use]
pub fn is_upstream(layout: &Layout, entry: &HelmEntry) -> bool {
    let script = entry.run_script.as_deref().unwrap_or(RUN_SCRIPT);
    entry.start_command.is_some() && !entry.is_remote() && folder(layout, entry).join(script).is_file()
}

/// Where it lies.
#[must_use]
pub fn folder(layout: &Layout, entry: &HelmEntry) -> PathBuf {
    layout.home().join(&entry.path)
}

/// Whether it lies in the instance directory, as those of our own services do.
#[must_use]
pub fn is_inside(layout: &Layout, folder: &Path) -> bool {
    match (fs::canonicalize(folder), fs::canonicalize(layout.home())) {
        (Ok(folder), Ok(home)) => folder.starts_with(home),
        // What is not there yet will be where its path says.
        _ => {
            !folder.components().any(|part| part == Component::ParentDir) && folder.starts_with(layout.home())
        }
    }
}

fn conf_path(folder: &Path, service: &str) -> PathBuf {
    folder.join("instance").join(format!("{service}.conf"))
}

/// The lines of a service's `.flaskenv` that are its own and win over what Helm gives it.
#[must_use]
pub fn own_lines(layout: &Layout, entry: &HelmEntry) -> BTreeMap<String, String> {
    let text = beneath::read_text(folder(layout, entry).join(DOTENV)).unwrap_or_default();
    let own = |name: &str| !MANAGED.contains(&name) || is_kept(name);
    dotenv::parse(&text).into_iter().filter(|(name, value)| own(name) && !value.is_empty()).collect()
}

/// Whether this account may read those lines: under systemd they are their service's alone.
#[must_use]
pub fn lines_are_readable(layout: &Layout, entry: &HelmEntry) -> bool {
    let opened = fs::File::open(folder(layout, entry).join(DOTENV));
    entry.start_command.is_none()
        || !opened.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
}

/// Sessions and what a service has encrypted hang on its key, so the one it has stays.
fn is_kept(name: &str) -> bool {
    name == "SECRET_KEY"
}

/// The settings file that a service of the original suite has already.
///
/// # Errors
/// When it exists and cannot be read.
pub fn conf_text(layout: &Layout, service: &str, entry: &HelmEntry) -> Result<Option<String>> {
    let path = conf_path(&folder(layout, entry), service);
    match beneath::read_text(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Brings the files of all such services up to date. One that fails does not stop the others.
#[must_use]
pub fn sync(layout: &Layout, suite: &Suite, only: Option<&str>, now: DateTime<Utc>) -> Vec<Synced> {
    let entries = suite
        .registry
        .iter()
        .filter(|(name, entry)| is_upstream(layout, entry) && only.is_none_or(|only| only == *name));
    entries
        .map(|(name, entry)| {
            let mut written = Vec::new();
            let error = sync_one(layout, suite, name, entry, now, &mut written).err();
            Synced { service: name.to_owned(), written, error: error.map(|error| format!("{error:#}")) }
        })
        .collect()
}

fn sync_one(
    layout: &Layout,
    suite: &Suite,
    name: &str,
    entry: &HelmEntry,
    now: DateTime<Utc>,
    written: &mut Vec<String>,
) -> Result<()> {
    let folder = folder(layout, entry);
    written.extend(put(File::Dotenv, layout, suite, name, entry, now)?);
    written.extend(put(File::Conf, layout, suite, name, entry, now)?);
    let registry = folder.join("services.json");
    // A link to the registry follows it by itself.
    if !fs::symlink_metadata(&registry).is_ok_and(|metadata| metadata.is_symlink()) {
        let text = suite.registry.services_json();
        if beneath::read_text(&registry).ok().as_ref() != Some(&text) {
            files::write_public(&registry, text.as_bytes())?;
            written.push("services.json".to_owned());
        }
    }
    Ok(())
}

/// One of the two files with settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// `.flaskenv`.
    Dotenv,
    /// `instance/<svc>.conf`.
    Conf,
}

fn put(
    file: File,
    layout: &Layout,
    suite: &Suite,
    name: &str,
    entry: &HelmEntry,
    now: DateTime<Utc>,
) -> Result<Option<String>> {
    is_its_place(layout, name, entry)?;
    let folder = folder(layout, entry);
    let (path, text) = match file {
        File::Dotenv => (folder.join(DOTENV), Some(dotenv_text(layout, suite, name, entry))),
        File::Conf => (conf_path(&folder, name), new_conf(layout, suite, name, entry)?),
    };
    let Some(text) = text else { return Ok(None) };
    let written = replace(&folder, &path, &text, now)?;
    hand_over(layout, name, entry)?;
    Ok(written)
}

/// Writes one file of one service; its path from the service's folder on, when it was out of date.
///
/// # Errors
/// When it cannot be read or written, or a value cannot stand in it.
pub fn write(
    file: File,
    layout: &Layout,
    suite: &Suite,
    name: &str,
    entry: &HelmEntry,
) -> Result<Option<String>> {
    put(file, layout, suite, name, entry, Clock::system().now())
}

/// The files that [`sync`] would write, by service.
///
/// # Errors
/// When one cannot be read, or a value cannot stand in it.
pub fn stale(layout: &Layout, suite: &Suite) -> Result<Vec<(String, Vec<String>)>> {
    let mut all = Vec::new();
    for (name, entry) in suite.registry.iter().filter(|(_, entry)| is_upstream(layout, entry)) {
        let folder = folder(layout, entry);
        let mut wanted = vec![(folder.join(DOTENV), dotenv_text(layout, suite, name, entry))];
        wanted.extend(new_conf(layout, suite, name, entry)?.map(|text| (conf_path(&folder, name), text)));
        let differs = |(path, text): &(PathBuf, String)| beneath::read_text(path).ok().as_ref() != Some(text);
        let files: Vec<String> =
            wanted.iter().filter(|file| differs(file)).map(|(path, _)| shown(&folder, path)).collect();
        if !files.is_empty() {
            all.push((name.to_owned(), files));
        }
    }
    Ok(all)
}

fn shown(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// What the `.flaskenv` of a service should say.
#[must_use]
pub fn dotenv_text(layout: &Layout, suite: &Suite, name: &str, entry: &HelmEntry) -> String {
    let path = folder(layout, entry).join(DOTENV);
    let before = beneath::read_text(path).unwrap_or_default();
    let env = suite.environment(name, entry);
    let values: Vec<(&str, &str)> =
        MANAGED.iter().filter_map(|name| Some((*name, env.get(*name)?.as_str()))).collect();
    dotenv::merged(&before, &values)
}

/// What the settings file of a service should say; `None` where there is nothing to say.
///
/// # Errors
/// When the file cannot be read, or a value cannot stand in it.
pub fn new_conf(layout: &Layout, suite: &Suite, name: &str, entry: &HelmEntry) -> Result<Option<String>> {
    let before = conf_text(layout, name, entry)?;
    let mut text = before.clone().unwrap_or_default();
    let mut set = |section: &str, key: &str, value: &str| -> Result<()> {
        let line = ini_text::written(value)
            .with_context(|| format!("[{section}] {key} cannot stand in a settings file"))?;
        text = ini_text::edit(&text, Edit { section, key, value: Some(&line) });
        Ok(())
    };
    if let Some(url) = suite.database_urls.get(name) {
        // The original suite's library knows no other name of the scheme.
        let url = url.replacen("postgres://", "postgresql://", 1);
        set("database", "connection_string", &url)?;
        if let Some((host, port, database)) = address_parts(&url) {
            let user = url::Url::parse(&url).map(|url| url.username().to_owned()).unwrap_or_default();
            for (key, value) in
                [("db_host", host), ("db_port", port.to_string()), ("db_name", database), ("db_user", user)]
            {
                set("database", key, &value)?;
            }
        }
    }
    if let Some(neo4j) = suite.neo4j().filter(|_| name == "knowledgetree") {
        set("database", "neo4j_uri", &neo4j.uri)?;
        set("database", "neo4j_user", &neo4j.user)?;
        if let Some(password) = &neo4j.password {
            set("database", "neo4j_password", password)?;
        }
    }
    for (section, keys) in suite.config.sections(name) {
        for (key, value) in keys {
            set(&section, &key, &value)?;
        }
    }
    Ok((before.is_some() || !text.is_empty()).then_some(text))
}

/// Writes a file (0600) unless it says that already; what it said before is copied. Its path, when it was written.
fn replace(folder: &Path, path: &Path, text: &str, now: DateTime<Utc>) -> Result<Option<String>> {
    files::private_dir(&folder.join("instance"))?;
    let before = match beneath::read(path) {
        Ok(before) => Some(before),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let changes = before.as_deref() != Some(text.as_bytes());
    if let Some(before) = before.filter(|_| changes) {
        let copies = folder.join("instance").join("backups");
        files::private_dir(&copies)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files::write_private(&copies.join(format!("{name}.{}", now.format("%Y%m%d_%H%M%S"))), &before)?;
        forget_old(&copies, &name);
    }
    files::write_private(path, text.as_bytes())?;
    Ok(changes.then(|| shown(folder, path)))
}

/// Only the newest copies are kept; their names sort by time.
fn forget_old(copies: &Path, name: &str) {
    let beginning = format!("{name}.");
    let Ok(copies) = beneath::Found::at(copies) else { return };
    let mut all: Vec<PathBuf> = fs::read_dir(copies.path())
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&beginning))
        .map(|entry| entry.path())
        .collect();
    all.sort();
    let surplus = all.len().saturating_sub(COPIES);
    for old in all.into_iter().take(surplus) {
        if let Err(error) = fs::remove_file(&old) {
            tracing::warn!(file = %old.display(), error = %error, "old copy not removed");
        }
    }
}

#[cfg(test)]
mod tests;
