//! The administrator's password: never an argument, which everybody on the machine could read.

use std::{
    fs,
    io::{self, IsTerminal},
    path::Path,
};

use anyhow::{Context, Result, bail};
use hivematrix_shared::config::Secret;

use super::super::prompt::{first_line, hidden};
use crate::instance::operator::{KEYCLOAK_ADMIN_PASSWORD, for_this_command};

/// The password out of the file, else the environment, else the terminal.
///
/// # Errors
/// When there is none.
pub(super) fn read(user: &str, file: Option<&Path>) -> Result<Secret> {
    let text = match (file, for_this_command(KEYCLOAK_ADMIN_PASSWORD)) {
        (Some(file), _) if file.as_os_str() == "-" => first_line()?,
        (Some(file), _) => {
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
        }
        (None, Some(password)) => password,
        (None, _) if io::stdin().is_terminal() => {
            hidden(&format!("Password of Keycloak's administrator {user}"))?
        }
        (None, _) => bail!("whose password? Set {KEYCLOAK_ADMIN_PASSWORD} or give --admin-password-file"),
    };
    match text.trim_end_matches(['\r', '\n']) {
        "" => bail!("the password is empty"),
        password => Ok(Secret::new(password)),
    }
}
