//! Secrets from standard input or the terminal: never an argument, which everybody on the machine could read.

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};
use hivematrix_shared::config::Secret;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};

/// The first line of standard input.
///
/// # Errors
/// When it cannot be read.
pub(super) fn first_line() -> Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read standard input")?;
    Ok(line)
}

/// Asks at the terminal, without showing what is typed.
///
/// # Errors
/// When there is no terminal, or its settings cannot be changed.
pub(super) fn hidden(question: &str) -> Result<String> {
    let terminal = io::stdin();
    eprint!("{question}: ");
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

/// A new password: the first line of standard input, or asked for twice at the terminal.
///
/// # Errors
/// When it is empty, or what is typed differs.
pub(super) fn new_password(user: &str) -> Result<Secret> {
    let line = if io::stdin().is_terminal() {
        let first = hidden(&format!("New password of {user}"))?;
        if hidden("The same again")? != first {
            bail!("the two passwords differ");
        }
        first
    } else {
        first_line()?
    };
    match line.trim_end_matches(['\r', '\n']) {
        "" => bail!("the password is empty"),
        password => Ok(Secret::new(password)),
    }
}

/// Whether somebody at the terminal says yes.
///
/// # Errors
/// When nobody is there to be asked.
pub(super) fn confirmed(question: &str) -> Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("{question} Say so with --yes");
    }
    eprint!("{question} [y/N] ");
    io::stderr().flush()?;
    Ok(matches!(first_line()?.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
