//! Lists as files.

use axum::response::{IntoResponse, Response};
use hivematrix_shared::csv;
use http::header;

/// A list as a file for spreadsheets.
pub fn file<'a>(name: &str, headings: &[&'a str], rows: impl Iterator<Item = Vec<&'a str>>) -> Response {
    let mut text = String::from(csv::BYTE_ORDER_MARK);
    csv::push_line(&mut text, headings.iter().copied());
    for row in rows {
        csv::push_line(&mut text, row);
    }
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, &disposition)];
    (headers, text).into_response()
}
