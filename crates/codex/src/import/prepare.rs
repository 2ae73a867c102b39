//! What rows of the original need before they fit, beyond what their columns tell.

use hivematrix_shared::contracts::codex::wire::{iso, parse_time};
use serde_json::{Value, json};

use super::table::Row;
use crate::providers::html;

fn is_missing(row: &Row, name: &str) -> bool {
    row.get(name)
        .is_none_or(|value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()))
}

/// Both columns of the address have the same value there, and a name can be made up from the others.
pub(super) fn contact(row: &mut Row) -> Result<(), String> {
    for (missing, other) in [("email", "primary_email"), ("primary_email", "email"), ("title", "job_title")] {
        if is_missing(row, missing)
            && let Some(value) = row.get(other).cloned()
        {
            row.insert(missing.to_owned(), value);
        }
    }
    let email = row.get("email").and_then(Value::as_str).ok_or("it has no e-mail address")?.to_owned();
    if is_missing(row, "name") {
        let parts: Vec<&str> =
            ["first_name", "last_name"].into_iter().filter_map(|part| row.get(part)?.as_str()).collect();
        let full = parts.join(" ").trim().to_owned();
        let local = email.split('@').next().unwrap_or(&email).to_owned();
        row.insert("name".to_owned(), if full.is_empty() { local.into() } else { full.into() });
    }
    Ok(())
}

/// Notes that the original's own update has added get the shape of all others (codex-api.md §6.4).
pub(super) fn ticket(row: &mut Row) -> Result<(), String> {
    for note in row.get_mut("notes").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(text) = note.get("text").filter(|_| note.get("body").is_none()).and_then(Value::as_str)
        else {
            continue;
        };
        let at = note.get("created_at").and_then(Value::as_str).and_then(parse_time).map(iso);
        *note = json!({
            "id": null, "body": text, "body_html": html::from_text(text), "from_email": note.get("user"),
            "to_emails": [], "created_at": at, "updated_at": at, "incoming": false, "private": true, "user_id": null,
            "support_email": null,
        });
    }
    Ok(())
}

/// The original has two pairs of columns for one thing, and rows that fill only one of them.
pub(super) fn option(row: &mut Row) -> Result<(), String> {
    for (missing, other) in [("feature_category", "feature_type"), ("option_value", "display_name")] {
        if is_missing(row, missing)
            && let Some(value) = row.get(other).cloned()
        {
            row.insert(missing.to_owned(), value);
        }
    }
    row.remove("feature_type");
    Ok(())
}

/// A job that ran there does not run here.
pub(super) fn job(row: &mut Row) -> Result<(), String> {
    let id = row.get("id").and_then(Value::as_str).unwrap_or_default();
    if uuid::Uuid::parse_str(id).is_err() {
        return Err(format!("'{id}' is no id of a job"));
    }
    if row.get("status").and_then(Value::as_str) == Some("running") {
        row.insert("status".to_owned(), "failed".into());
        if is_missing(row, "error") {
            row.insert("error".to_owned(), "It had not ended when it was imported.".into());
        }
    }
    Ok(())
}
