//! Lists as files.

use axum::response::{IntoResponse, Response};
use http::header;

/// A file of comma-separated values (RFC 4180) with a byte order mark, so that spreadsheets read it as UTF-8.
pub fn file<'a>(name: &str, headings: &[&str], rows: impl Iterator<Item = Vec<&'a str>>) -> Response {
    let mut text = String::from('\u{feff}');
    let mut line = |cells: &[&str]| {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            push_cell(&mut text, cell);
        }
        text.push_str("\r\n");
    };
    line(headings);
    for row in rows {
        line(&row);
    }
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, &disposition)];
    (headers, text).into_response()
}

/// Writes a cell. What a spreadsheet would run as a formula becomes text.
fn push_cell(text: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    // A semicolon or a tab separates cells where a spreadsheet's language says so.
    if !formula && !cell.contains([',', ';', '\t', '"', '\n', '\r']) {
        return text.push_str(cell);
    }
    text.push('"');
    if formula {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
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
        ] {
            let mut text = String::new();
            push_cell(&mut text, cell);
            assert_eq!(text, expected);
        }
    }
}
