//! Where the operator's settings come from, for everybody who asks: the shell of a command, what the running suite was
//! brought up with, the lines of `settings.env`. The first of these that names a variable decides.

use std::{collections::BTreeMap, fs, io, os::unix::fs::PermissionsExt};

use anyhow::{Context, Result, bail};
use hivematrix_shared::config::environment_file;
use serde::{Deserialize, Serialize};

use super::{
    Layout,
    beneath::{self, Found},
    files, installation, registry,
};
use crate::domain::{
    child_env::{is_operator_variable, is_system_variable},
    operator::{ADMIN_PASSWORD, Operator},
};

/// Changes with each start of the machine.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// Variables of this process by which an administrator of Keycloak is known for one command.
pub const KEYCLOAK_ADMIN: &str = "KC_BOOTSTRAP_ADMIN_USERNAME";
/// See [`KEYCLOAK_ADMIN`].
pub const KEYCLOAK_ADMIN_PASSWORD: &str = "KC_BOOTSTRAP_ADMIN_PASSWORD";

/// What the suite has now: while it runs, what it was brought up with, and no other shell changes that; before, what this
/// shell sets. What systemd runs knows no shell.
///
/// # Errors
/// When the registry or a file cannot be read, or others could read `settings.env`, which may hold keys.
pub fn of_suite(layout: &Layout) -> Result<Operator> {
    if installation::of(layout)?.is_some() {
        return lasting(layout);
    }
    of_shells(brought_up_with(layout)?, layout)
}

/// What a suite has that was brought up with these variables of shells.
///
/// # Errors
/// As [`of_suite`].
pub fn of_shells(shells: Operator, layout: &Layout) -> Result<Operator> {
    Ok(shells.over(lasting(layout)?))
}

/// What the shells gave that brought the running suite up; before there is one, what this shell sets.
///
/// # Errors
/// As [`of_suite`].
pub fn brought_up_with(layout: &Layout) -> Result<Operator> {
    match remembered(layout)? {
        Some(known) => Ok(known),
        None => shell(layout),
    }
}

/// What the suite would have after a `helm up` from here.
///
/// # Errors
/// As [`of_suite`].
pub fn of_next_up(layout: &Layout) -> Result<Operator> {
    of_restored(layout, layout)
}

/// As [`of_next_up`], with `settings.env` and the registry of an instance that is about to be put into this place.
///
/// # Errors
/// As [`of_suite`].
pub fn of_restored(layout: &Layout, coming: &Layout) -> Result<Operator> {
    if installation::of(layout)?.is_some() {
        return for_units(coming);
    }
    of_shells(next_shells(layout, coming)?, coming)
}

/// What a daemon of this shell is brought up with: what an earlier one of the same suite was given goes on to count.
///
/// # Errors
/// As [`of_suite`].
pub fn of_next_daemon(layout: &Layout) -> Result<Operator> {
    next_shells(layout, layout)
}

fn next_shells(layout: &Layout, coming: &Layout) -> Result<Operator> {
    Ok(shell(coming)?.over(remembered(layout)?.unwrap_or_default()))
}

/// What root hands the units of systemd. Of this shell only the first password of `admin` counts, since the next start of
/// the machine would not know the rest.
///
/// # Errors
/// As [`of_suite`].
pub fn for_units(layout: &Layout) -> Result<Operator> {
    let shell = shell(layout)?;
    let once = shell.admin_password().map(|password| (ADMIN_PASSWORD, password));
    Ok(once.into_iter().collect::<Operator>().over(lasting(layout)?))
}

/// Variables of this shell that [`for_units`] does not count and that no line of `settings.env` names.
///
/// # Errors
/// As [`of_suite`].
pub fn without_effect(layout: &Layout) -> Result<Vec<String>> {
    let counts = for_units(layout)?;
    let missing = |name: &&String| counts.iter().all(|(counted, _)| counted != *name);
    Ok(shell(layout)?
        .iter()
        .map(|(name, _)| name)
        .filter(missing)
        .filter(|name| !is_system_variable(name))
        .cloned()
        .collect())
}

/// The variables of this process.
///
/// # Errors
/// When the registry cannot be read.
pub fn shell(layout: &Layout) -> Result<Operator> {
    // What is no text is none of ours.
    let texts = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    meaningful(layout, texts.collect())
}

/// The lines of `settings.env` as they are now.
///
/// # Errors
/// As [`of_suite`].
pub fn lasting(layout: &Layout) -> Result<Operator> {
    let file = layout.settings_file();
    if let Ok(metadata) = Found::at(&file).and_then(|file| file.metadata())
        && metadata.permissions().mode() & 0o077 != 0
    {
        bail!("others can read {}, which may hold keys: chmod 600 it", file.display());
    }
    meaningful(layout, environment_file(&file, |path| beneath::read_text(path))?)
}

/// One variable of this process that is for the command alone and never for a service; an empty one is not set.
#[must_use]
pub fn for_this_command(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What means something to the suite.
fn meaningful(layout: &Layout, mut variables: BTreeMap<String, String>) -> Result<Operator> {
    let apps = registry::apps(layout, &installation::programs()?)?;
    let services: Vec<&str> = apps.apps().map(|(name, _)| name.as_str()).collect();
    variables.retain(|name, _| is_operator_variable(name, &services));
    Ok(variables.into_iter().collect())
}

/// The note of what a running suite was brought up with.
#[derive(Serialize, Deserialize)]
struct Note {
    /// The start of the machine that it is of.
    boot: String,
    variables: Operator,
}

/// What the shells gave with which the running suite was brought up; `None` when it was taken down, or the machine was.
/// Daemons come and go meanwhile.
///
/// # Errors
/// When the note cannot be read.
pub fn remembered(layout: &Layout) -> Result<Option<Operator>> {
    let note: Option<Note> = files::read_json(&layout.shell())?;
    Ok(match note {
        Some(note) if note.boot == boot()? => Some(note.variables),
        _ => None,
    })
}

/// Keeps what the suite was brought up with, for its owner alone, until [`forget`].
///
/// # Errors
/// When the note cannot be written.
pub fn remember(layout: &Layout, variables: &Operator) -> Result<()> {
    files::write_json(&layout.shell(), &Note { boot: boot()?, variables: variables.clone().lasting() })
}

/// The suite was taken down: the next `helm up` counts alone.
///
/// # Errors
/// When the note cannot be removed.
pub fn forget(layout: &Layout) -> Result<()> {
    match fs::remove_file(layout.shell()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", layout.shell().display()))
        }
        _ => Ok(()),
    }
}

fn boot() -> Result<String> {
    Ok(fs::read_to_string(BOOT).with_context(|| format!("cannot read {BOOT}"))?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> (tempfile::TempDir, Layout) {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        (home, layout)
    }

    #[test]
    fn lasting_settings_come_from_a_file_that_only_its_owner_reads() {
        let (_home, layout) = instance();
        let file = layout.settings_file();
        let lines = "# the vendor\nFRESHSERVICE_API_KEY=a%b\"c\nUNKNOWN=x\n";
        files::write_private(&file, lines.as_bytes()).unwrap();
        let variables = of_suite(&layout).unwrap();
        assert_eq!(variables.get("FRESHSERVICE_API_KEY"), Some("a%b\"c"));
        assert_eq!(variables.get("UNKNOWN"), None);

        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(of_suite(&layout).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn a_running_suite_has_what_it_was_brought_up_with_until_it_is_taken_down() {
        let (_home, layout) = instance();
        files::private_dir(&layout.folder("helm")).unwrap();
        files::write_private(&layout.settings_file(), b"LOG_LEVEL=INFO\nVERIFY_SSL=true\n").unwrap();
        let shell: Operator = [
            ("LOG_LEVEL", "DEBUG"),
            ("CODEX_DATABASE_URL", "postgres://elsewhere/codex"),
            (ADMIN_PASSWORD, "chosen"),
        ]
        .into_iter()
        .collect();
        remember(&layout, &shell).unwrap();
        let mode = fs::metadata(layout.shell()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!fs::read_to_string(layout.shell()).unwrap().contains("chosen"));
        for variables in [of_suite(&layout).unwrap(), of_next_up(&layout).unwrap()] {
            assert_eq!(variables.database("codex"), Some("postgres://elsewhere/codex"));
            assert_eq!(
                (variables.get("LOG_LEVEL"), variables.get("VERIFY_SSL")),
                (Some("DEBUG"), Some("true"))
            );
        }
        // The variables of this process are of another shell.
        assert_eq!(of_suite(&layout).unwrap().get("PATH"), None);
        assert!(of_next_up(&layout).unwrap().get("PATH").is_some());

        forget(&layout).unwrap();
        forget(&layout).unwrap();
        assert_eq!(of_suite(&layout).unwrap().database("codex"), None);
    }

    #[test]
    fn another_start_of_the_machine_knows_nothing_of_it() {
        let (_home, layout) = instance();
        files::private_dir(&layout.folder("helm")).unwrap();
        let variables: Operator = [("LOG_LEVEL", "DEBUG")].into_iter().collect();
        files::write_json(&layout.shell(), &Note { boot: "another".to_owned(), variables }).unwrap();
        assert_eq!(remembered(&layout).unwrap(), None);
    }
}
