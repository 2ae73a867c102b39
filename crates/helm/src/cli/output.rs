//! Colours, where a person reads them.

use std::io::{IsTerminal, Write};

/// Writes a line to standard output. Whoever closed it has read enough: the program ends without a complaint.
pub fn line(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{text}") {
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
