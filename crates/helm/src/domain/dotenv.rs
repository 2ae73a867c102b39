//! `.flaskenv`: `KEY=VALUE` lines, as the original suite's services read them.

/// Names and values of a file, in its order: comments and blanks skipped, quotes around a value taken off.
#[must_use]
pub fn parse(text: &str) -> Vec<(String, String)> {
    text.lines().filter_map(entry).collect()
}

fn entry(line: &str) -> Option<(String, String)> {
    let (name, value) = line.trim().split_once('=')?;
    let name = name.trim().trim_start_matches("export ").trim();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    plain.then(|| (name.to_owned(), unquoted(value.trim())))
}

fn unquoted(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        return inner.to_owned();
    }
    match value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) {
        Some(inner) => unescaped(inner),
        None => value.to_owned(),
    }
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, letters.clone().next()) {
            ('\\', Some(escaped @ ('\\' | '"' | 'n' | 'r'))) => {
                letters.next();
                plain.push(match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    other => other,
                });
            }
            _ => plain.push(letter),
        }
    }
    plain
}

/// A value as it can stand in a line: in quotes unless it is plain. None becomes a second line.
#[must_use]
pub fn quoted(value: &str) -> String {
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_./:@,+-%=?&~[]".contains(&b));
    if plain {
        return value.to_owned();
    }
    let escapes = [("\\", "\\\\"), ("\"", "\\\""), ("\n", "\\n"), ("\r", "\\r")];
    let escaped = escapes.iter().fold(value.to_owned(), |text, (from, to)| text.replace(from, to));
    format!("\"{escaped}\"")
}

/// The text of a file with these values in it: a name that is there gets its value in its place, others follow at the end,
/// and everything else stays as it is.
#[must_use]
pub fn merged(text: &str, values: &[(&str, &str)]) -> String {
    let mut open: Vec<(&str, &str)> = values.to_vec();
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let name = entry(line).map(|(name, _)| name);
        let known = name.as_ref().and_then(|name| values.iter().find(|(known, _)| known == name));
        match known {
            None => lines.push(line.to_owned()),
            Some((name, value)) => {
                // A second line of the same name would win over the first.
                if open.iter().any(|(left, _)| left == name) {
                    lines.push(format!("{name}={}", quoted(value)));
                    open.retain(|(left, _)| left != name);
                }
            }
        }
    }
    lines.extend(open.iter().map(|(name, value)| format!("{name}={}", quoted(value))));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_the_original_suite_reads_them() {
        let text =
            "# comment\n\nA=1\nexport B = two words \nC=\"x \\\"y\\\" \\\\ z\"\nD='a#b'\nE=\nno line\n-x=1\n";
        let expected = [("A", "1"), ("B", "two words"), ("C", "x \"y\" \\ z"), ("D", "a#b"), ("E", "")];
        let read = parse(text);
        assert_eq!(read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for value in [
            "plain",
            "",
            "two words",
            "a\"b",
            "back\\slash",
            "#x",
            "p%40ss$word",
            "a\nB=1\r",
            "a\\nb",
            "\\\"\\",
            "caf\u{e9}",
            "'q'",
        ] {
            let text = merged("", &[("NAME", value)]);
            assert_eq!(parse(&text), [("NAME".to_owned(), value.to_owned())], "{text}");
        }
    }

    #[test]
    fn own_lines_and_comments_stay_where_they_are() {
        let text = "# ours\nLOG_LEVEL=DEBUG\nOWN=1\nLOG_LEVEL=ERROR\n";
        let after = merged(text, &[("FLASK_APP", "run.py"), ("LOG_LEVEL", "INFO")]);
        assert_eq!(after, "# ours\nLOG_LEVEL=INFO\nOWN=1\nFLASK_APP=run.py\n");
        assert_eq!(merged(&after, &[("FLASK_APP", "run.py"), ("LOG_LEVEL", "INFO")]), after);
    }
}
