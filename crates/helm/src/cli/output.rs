//! What commands say: in colours where a person reads it, apart from an answer where a program does.

use std::{
    io::{IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether standard output is kept for [`answer`].
static KEPT: AtomicBool = AtomicBool::new(false);

/// Keeps standard output for an answer in JSON: what is said on the way to it goes to standard error from now on.
pub fn keep_for_answer() {
    KEPT.store(true, Ordering::Relaxed);
}

/// Whether a program reads what this command says.
#[must_use]
pub fn is_kept() -> bool {
    KEPT.load(Ordering::Relaxed)
}

/// Writes the answer of a command that is asked for JSON.
///
/// # Errors
/// When the answer is none in JSON.
pub fn answer(value: &impl serde::Serialize) -> serde_json::Result<()> {
    to_stdout(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Says a line, on standard output where that is not kept for an answer.
pub fn line(text: impl std::fmt::Display) {
    if is_kept() {
        eprintln!("{text}");
    } else {
        to_stdout(text);
    }
}

/// Writes a line to standard output. Whoever closed it has read enough: the program ends without a complaint.
fn to_stdout(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
        let is_closed = error.kind() == std::io::ErrorKind::BrokenPipe;
        std::process::exit(if is_closed { 0 } else { 1 });
    }
}

/// Writes bytes to standard output as they are, with the same manners.
pub fn write_raw(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        let is_closed = error.kind() == std::io::ErrorKind::BrokenPipe;
        std::process::exit(if is_closed { 0 } else { 1 });
    }
}

/// [`line`] with a format string.
macro_rules! say {
    ($($argument:tt)+) => { $crate::cli::output::line(format_args!($($argument)+)) };
}
pub(crate) use say;

/// Whether standard output is a terminal that shows colours.
#[must_use]
pub fn coloured() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Colours of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Errors.
    Red,
    /// What works.
    Green,
    /// Warnings.
    Yellow,
    /// Details.
    Blue,
    /// Of no importance.
    Grey,
}

/// The text in a colour, or as it is where nobody sees colours.
#[must_use]
pub fn paint(text: &str, colour: Colour, coloured: bool) -> String {
    let code = match colour {
        Colour::Red => 31,
        Colour::Green => 32,
        Colour::Yellow => 33,
        Colour::Blue => 34,
        Colour::Grey => 90,
    };
    if coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Text of others without characters that steer the terminal or turn the reading direction. Further lines are indented,
/// so that none of them passes for a log line of its own.
#[must_use]
pub fn harmless(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let plain: String = text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect();
    plain.replace('\n', "\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_cannot_steer_the_terminal() {
        assert_eq!(
            harmless("a\u{1b}[31mb\tc\n2025-11-22 [INFO] forged\r\u{202e}"),
            "a\u{fffd}[31mb\tc\n    2025-11-22 [INFO] forged\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn without_a_terminal_there_are_no_colours() {
        assert_eq!(paint("x", Colour::Red, false), "x");
        assert_eq!(paint("x", Colour::Red, true), "\u{1b}[31mx\u{1b}[0m");
    }
}
