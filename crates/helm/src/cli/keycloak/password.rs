//! The administrator's password: never an argument, which everybody on the machine could read.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use hivematrix_shared::config::Secret;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

/// Variable that Keycloak itself takes the first administrator's password from.
const VARIABLE: &str = "KC_BOOTSTRAP_ADMIN_PASSWORD";

/// The password out of the file, else the environment, else the terminal.
///
/// # Errors
/// When there is none.
pub(super) fn read(user: &str, file: Option<&Path>) -> Result<Secret> {
    let text = match (file, std::env::var(VARIABLE)) {
        (Some(file), _) if file.as_os_str() == "-" => first_line()?,
        (Some(file), _) => {
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
        }
        (None, Ok(password)) if !password.is_empty() => password,
        (None, _) if io::stdin().is_terminal() => ask(user)?,
        (None, _) => bail!("whose password? Set {VARIABLE} or give --admin-password-file"),
    };
    match text.trim_end_matches(['\r', '\n']) {
        "" => bail!("the password is empty"),
        password => Ok(Secret::new(password)),
    }
}

fn first_line() -> Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read standard input")?;
    Ok(line)
}

/// Asks at the terminal, without showing what is typed.
fn ask(user: &str) -> Result<String> {
    let terminal = io::stdin();
    eprint!("Password of Keycloak's administrator {user}: ");
    io::stderr().flush()?;
    let shown = tcgetattr(&terminal).context("cannot read the terminal's settings")?;
    let mut hidden = shown.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&terminal, SetArg::TCSAFLUSH, &hidden).context("cannot hide the password")?;
    let line = first_line();
    let restored = tcsetattr(&terminal, SetArg::TCSAFLUSH, &shown);
    eprintln!();
    restored.context("cannot show typing again")?;
    line
}
