//! How a unit file is written.

use std::{
    fmt::{Display, Write},
    path::Path,
};

/// Its first line in every file: the place where a change belongs.
const NOTE: &str = "# Generated from the registry by `helm install --systemd`; changes belong in a drop-in (systemctl edit).\n";

/// A unit file that is being written.
pub(super) struct UnitText(String);

impl UnitText {
    /// A file with its description.
    pub(super) fn new(description: &str) -> Self {
        let mut text = Self(NOTE.to_owned());
        text.section("Unit").set_text("Description", description);
        text
    }

    /// Begins a section.
    pub(super) fn section(&mut self, name: &str) -> &mut Self {
        let gap = if self.0.len() == NOTE.len() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}[{name}]");
        self
    }

    /// One line, whatever the value holds.
    pub(super) fn set(&mut self, key: &str, value: impl Display) -> &mut Self {
        let value = value.to_string().replace(char::is_control, " ");
        let _ = writeln!(self.0, "{key}={value}");
        self
    }

    /// One line whose value is text or a path: `%` begins nothing in it.
    pub(super) fn set_text(&mut self, key: &str, value: impl Display) -> &mut Self {
        self.set(key, value.to_string().replace('%', "%%"))
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// A command line: systemd splits at spaces and gives `%`, `$`, quotes and backslashes a meaning. Signs before the program
/// are orders to it; the registry takes no such program.
pub(super) fn command(program: &Path, args: &[String]) -> String {
    // No variable is looked for in the program.
    let program = in_quotes(escaped(&program.display().to_string()));
    let words = args.iter().map(|argument| in_quotes(escaped(argument).replace('$', "$$")));
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}

fn escaped(word: &str) -> String {
    word.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%")
}

fn in_quotes(word: String) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,%$@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word } else { format!("\"{word}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_would_read_differently_is_quoted() {
        let args = ["a b", "50%", "$x", "say \"hi\"", "", "-c", "x=y"].map(str::to_owned);
        assert_eq!(command(Path::new("/bin/x"), &args), r#"/bin/x "a b" 50%% $$x "say \"hi\"" "" -c x=y"#);
    }

    #[test]
    fn no_value_begins_a_line_or_a_command() {
        let mut text = UnitText::new("X\n[Service]\nUser=root 50%");
        text.set("After", "a\r\u{85}b\0").set_text("WorkingDirectory", "/a%h");
        let text = text.finish();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            ["[Unit]", "Description=X [Service] User=root 50%%", "After=a  b ", "WorkingDirectory=/a%%h"]
        );
        let args = [";", "+/bin/sh"].map(str::to_owned);
        assert_eq!(command(Path::new("/a b/50%$"), &args), r#""/a b/50%%$" ";" +/bin/sh"#);
    }
}
