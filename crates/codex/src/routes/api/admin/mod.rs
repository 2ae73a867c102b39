//! What administrators set and do: settings, connection tests, data, and the forms of the original's page
//! (codex-api.md §4.6, codex-pages.md §8).

mod connection;
mod data;
mod forms;
mod settings;

use std::collections::BTreeMap;

use hivematrix_shared::{
    audit,
    auth::Caller,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Codex,
    settings::{
        ChangeError,
        change::{self, Sent},
    },
};

/// The routes of this folder.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .merge(settings::router())
        .merge(connection::router())
        .merge(data::router())
        .merge(forms::router())
}

/// Checks, writes and takes up settings; answers which have changed, as `section.key`.
async fn save(codex: &Codex, caller: &Caller, sent: &Sent) -> Result<Vec<String>> {
    let (live, sent) = (codex.live.clone(), sent.clone());
    let made = tokio::task::spawn_blocking(move || live.change(&sent)).await.map_err(Problem::internal)?;
    let (changes, before) = made.map_err(|error| match error {
        ChangeError::Invalid(refused) => invalid(refused),
        ChangeError::Io(error) => Problem::internal(&error)
            .detail("The settings file cannot be written. Check the rights of its folder.")
            .with("error", "The settings file cannot be written"),
        error => Problem::new(StatusCode::CONFLICT).error(error.to_string()),
    })?;
    let changed: Vec<String> = changes.iter().map(|change| change.field.path()).collect();
    if changes.is_empty() {
        return Ok(changed);
    }
    let servers: Vec<(String, Option<String>, Option<String>)> = changes
        .iter()
        .filter(|change| change::secret_for(change.field.section, change.field.key).is_some())
        .map(|change| {
            let old = change::current(&before, change.field).0.map(str::to_owned);
            (change.field.path(), old, change.value.clone())
        })
        .collect();
    codex.sync.reload(&codex.settings());
    for (setting, old, new) in servers {
        audit!(caller = caller.label(), setting, old, new, "server of a vendor changed");
    }
    audit!(caller = caller.label(), settings = changed.join(", "), "settings changed");
    Ok(changed)
}

/// 422 with one sentence for each value that is not allowed.
fn invalid(refused: BTreeMap<String, String>) -> Problem {
    let all: Vec<String> = refused.iter().map(|(path, sentence)| format!("{path}: {sentence}")).collect();
    let errors: Value = json!(refused);
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY).error(all.join(" ")).with("errors", errors)
}
