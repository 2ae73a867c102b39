//! What a registry may say. Root makes folders, accounts and units from it, and whoever took Helm over can write it: a name
//! is part of paths, and no value may begin a line of its own in a unit.

use super::{App, AppsRegistry, RegistryError};
use crate::domain::log_entry::is_service_name;

/// Refuses what would mean something else as part of a path, of a unit or of a command line.
pub(super) fn check(apps: &AppsRegistry) -> Result<(), RegistryError> {
    let names = apps.apps().map(|(name, _)| name).chain(apps.system_dependencies.keys());
    if let Some(name) = names.into_iter().find(|name| !is_service_name(name)) {
        return Err(RegistryError::Name(name.clone()));
    }
    apps.apps().try_for_each(|(name, app)| check_app(name, app))
}

fn check_app(name: &str, app: &App) -> Result<(), RegistryError> {
    let texts = [
        ("name", Some(&app.name)),
        ("title", app.title.as_ref()),
        ("path", app.path.as_ref()),
        ("start_command", app.start_command.as_ref()),
        ("python_bin", app.python_bin.as_ref()),
        ("run_script", app.run_script.as_ref()),
    ];
    for (member, text) in texts {
        // A backslash at the end of a line takes the next one along.
        if text.is_some_and(|text| text.chars().any(|c| c.is_control() || c == '\\')) {
            return Err(RegistryError::Text { name: name.to_owned(), member });
        }
    }
    match app.command() {
        Some(command) if !begins_with_a_program(&command) => Err(RegistryError::Program(name.to_owned())),
        _ => Ok(()),
    }
}

/// systemd reads signs before a program as orders; `+` is "as root".
fn begins_with_a_program(command: &str) -> bool {
    command.trim_start().starts_with(|c: char| c.is_ascii_alphanumeric() || "_./".contains(c))
}
