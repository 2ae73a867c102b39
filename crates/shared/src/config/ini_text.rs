//! Changes single values in the text of an INI file. Everything else, comments and unknown keys, stays as it is.

/// A value that is to change.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// Section without brackets.
    pub section: &'a str,
    /// Key in the section.
    pub key: &'a str,
    /// The new value; without one the key goes.
    pub value: Option<&'a str>,
}

/// A value as the file's reader gives it back: quoted where white space or quotes would be lost. `None` when no line
/// can hold it.
pub fn written(value: &str) -> Option<String> {
    if value.contains(['\n', '\r', '\0']) {
        return None;
    }
    if value.trim() == value && !value.starts_with(['"', '\'']) {
        return Some(value.to_owned());
    }
    let quote = ['"', '\''].into_iter().find(|quote| !value.contains(*quote))?;
    Some(format!("{quote}{value}{quote}"))
}

/// The text with one value changed. `value` must have come through [`written`].
pub fn edit(text: &str, edit: Edit<'_>) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let line = edit.value.map(|value| format!("{} = {value}{end}", edit.key));
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push_str(end);
    }
    let found = occurrences(&lines, edit.section, edit.key);
    for &index in found.iter().skip(1).rev() {
        lines.remove(index);
    }
    match (found.first(), line) {
        (Some(&index), Some(line)) => lines[index] = line,
        (Some(&index), None) => {
            lines.remove(index);
        }
        (None, Some(line)) => match end_of_section(&lines, edit.section) {
            Some(index) => lines.insert(index, line),
            None => {
                if lines.last().is_some_and(|last| !last.trim().is_empty()) {
                    lines.push(end.to_owned());
                }
                lines.push(format!("[{}]{end}", edit.section));
                lines.push(line);
            }
        },
        (None, None) => {}
    }
    lines.concat()
}

/// The lines that set a key of a section.
fn occurrences(lines: &[String], section: &str, key: &str) -> Vec<usize> {
    let mut inside = false;
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if let Some(name) = heading(line) {
            inside = name == section;
        } else if inside && key_of(line) == Some(key) {
            found.push(index);
        }
    }
    found
}

/// Where a new key of a section goes: behind the last line of the section that says something.
fn end_of_section(lines: &[String], section: &str) -> Option<usize> {
    let begin = lines.iter().position(|line| heading(line) == Some(section))?;
    let body = lines[begin + 1..].iter().take_while(|line| heading(line).is_none());
    let said = body.enumerate().filter(|(_, line)| key_of(line).is_some()).last();
    Some(begin + 1 + said.map_or(0, |(index, _)| index + 1))
}

fn heading(line: &str) -> Option<&str> {
    Some(line.trim().strip_prefix('[')?.strip_suffix(']')?.trim())
}

fn key_of(line: &str) -> Option<&str> {
    let line = line.trim();
    if line.starts_with(['#', ';', '[']) {
        return None;
    }
    line.find(['=', ':']).map(|index| line[..index].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "; ours\n[psa]\n# which one\ndefault_provider = freshservice\n\n[freshservice]\ndomain=a.example\nunknown = kept\n";

    #[test]
    fn only_the_named_value_changes() {
        let set = |section, key, value| edit(FILE, Edit { section, key, value: Some(value) });
        for (case, changed, expected) in [
            (
                "a value is replaced in its line",
                set("freshservice", "domain", "b.example"),
                FILE.replace("domain=a.example", "domain = b.example"),
            ),
            (
                "a new key stands at the end of its section",
                set("psa", "enabled_providers", "freshservice"),
                FILE.replace("= freshservice\n", "= freshservice\nenabled_providers = freshservice\n"),
            ),
            (
                "a new section stands at the end",
                set("datto", "public_key", "k"),
                format!("{FILE}\n[datto]\npublic_key = k\n"),
            ),
            (
                "the key of another section is another key",
                set("psa", "domain", "x"),
                FILE.replace("= freshservice\n", "= freshservice\ndomain = x\n"),
            ),
            (
                "a key goes",
                edit(FILE, Edit { section: "freshservice", key: "domain", value: None }),
                FILE.replace("domain=a.example\n", ""),
            ),
            (
                "a key that is not there does not go",
                edit(FILE, Edit { section: "datto", key: "x", value: None }),
                FILE.to_owned(),
            ),
        ] {
            assert_eq!(changed, expected, "{case}");
        }
    }

    #[test]
    fn doubles_line_ends_and_missing_last_line_ends_are_borne() {
        let double = edit("[a]\r\nk = 1\r\nk = 2", Edit { section: "a", key: "k", value: Some("3") });
        assert_eq!(double, "[a]\r\nk = 3\r\n");
        assert_eq!(edit("", Edit { section: "a", key: "k", value: Some("1") }), "[a]\nk = 1\n");
        let comment = "[a]\n#k = 1\n";
        let kept = edit(comment, Edit { section: "a", key: "k", value: Some("2") });
        assert_eq!(kept, "[a]\nk = 2\n#k = 1\n", "a comment is no value");
    }

    #[test]
    fn a_value_that_no_line_can_hold_is_refused() {
        for (value, line) in [
            ("plain % \\ ; # value", Some("plain % \\ ; # value")),
            (" spaced", Some("\" spaced\"")),
            ("\"quoted\"", Some("'\"quoted\"'")),
            ("\"'", None),
            ("two\nlines", None),
        ] {
            assert_eq!(written(value).as_deref(), line, "{value:?}");
        }
    }
}
