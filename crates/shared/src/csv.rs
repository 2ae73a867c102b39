//! Comma-separated values (RFC 4180) that spreadsheets open without running anything.

/// Stands at the beginning of a file, so that spreadsheets read it as UTF-8.
pub const BYTE_ORDER_MARK: char = '\u{feff}';

/// Writes a line of cells.
pub fn push_line<'a>(text: &mut String, cells: impl IntoIterator<Item = &'a str>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        push_cell(text, cell);
    }
    text.push_str("\r\n");
}

/// Where in a cell a letter stands.
#[derive(Clone, Copy)]
enum Place {
    /// At its beginning.
    Cell,
    /// At the beginning of what another spreadsheet takes for a cell.
    Part,
    Inside,
}

/// Writes a cell. What a spreadsheet would run as a formula becomes text.
fn push_cell(text: &mut String, cell: &str) {
    if cell.parse::<f64>().is_ok() || !cell.contains([',', ';', '"', '=', '+', '-', '@', '\t', '\n', '\r']) {
        return text.push_str(cell);
    }
    let begins = text.len();
    let mut quoted = cell.contains([',', ';', '\t', '"', '\n', '\r']);
    // A semicolon, a tab or an end of line separates cells where a spreadsheet's language says so, and for such a spreadsheet
    // our quotes, which then stand in the middle of a cell, are letters, and those of the text may open a cell.
    let mut place = Place::Cell;
    for letter in cell.chars() {
        let formula = match place {
            Place::Cell => matches!(letter, '=' | '+' | '-' | '@' | '\t' | '\r'),
            Place::Part => matches!(letter, '=' | '+' | '-' | '@'),
            Place::Inside => false,
        };
        if formula {
            text.push('\'');
            quoted = true;
        }
        if letter == '"' {
            text.push('"');
        }
        text.push(letter);
        place = match (letter, place) {
            (';' | '\t' | '\n' | '\r', _) => Place::Part,
            ('"', Place::Cell | Place::Part) => place,
            _ => Place::Inside,
        };
    }
    if quoted {
        text.insert(begins, '"');
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_value_and_no_formula() {
        for (cell, expected) in [
            ("plain", "plain"),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("-12.5", "-12.5"),
            ("-1+cmd", "\"'-1+cmd\""),
            ("a-b@c.example", "a-b@c.example"),
            ("+49 30 1234", "\"'+49 30 1234\""),
            ("x;=cmd|' /C calc'!A0;y", "\"x;'=cmd|' /C calc'!A0;y\""),
            ("x, @SUM(1)\n+2; -3", "\"x, @SUM(1)\n'+2; -3\""),
            ("x;\"=1+1", "\"x;\"\"'=1+1\""),
            ("a\n\"\"@b", "\"a\n\"\"\"\"'@b\""),
            ("\"=1", "\"\"\"'=1\""),
            ("say \"=\"", "\"say \"\"=\"\"\""),
        ] {
            let mut text = String::new();
            push_cell(&mut text, cell);
            assert_eq!(text, expected);
        }
    }
}
