//! The last lines that a process wrote (helm.md §3, Process logs).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, Path, Query},
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ServeState,
    domain::process_line::Stream,
    instance::process_logs,
    routes::{access::AdminUser, api::services::not_found},
};

/// Lines of each stream unless asked otherwise.
pub const LINES: usize = 100;
/// Most lines of each stream.
pub const MOST_LINES: usize = 1000;

/// What is asked for. Values that mean nothing take their default, as upstream's do.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    lines: Option<String>,
    r#type: Option<String>,
}

impl Wanted {
    /// Lines of each stream.
    #[must_use]
    pub fn lines(&self) -> usize {
        let given = self.lines.as_deref().and_then(|lines| lines.trim().parse().ok());
        given.unwrap_or(LINES).clamp(1, MOST_LINES)
    }

    /// The one stream that is wanted; both when there is none.
    #[must_use]
    pub fn only(&self) -> Option<Stream> {
        Stream::ALL.into_iter().find(|stream| self.r#type.as_deref() == Some(stream.as_str()))
    }
}

/// The last lines of one service's processes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProcessLogs {
    service_name: String,
    /// Absent when not asked for; null when there is no such file.
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout: Option<Option<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr: Option<Option<Vec<String>>>,
    /// Where systemd runs the service its lines are in the journal, and both are null: the command that shows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<String>,
}

/// The last lines that a service wrote to standard output and standard error, oldest first.
#[utoipa::path(
    get, path = "/api/services/{name}/logs", tag = "services",
    params(
        ("name" = String, Path, description = "Service name"),
        ("lines" = Option<usize>, Query, description = "Lines of each: 100, at most 1000; of the last MiB of a file"),
        ("type" = Option<String>, Query, description = "`both` (default), `stdout` or `stderr`"),
    ),
    responses((status = 200, description = "Lines", body = ProcessLogs), (status = 404, description = "No such service"))
)]
pub async fn last_lines(
    State(state): State<ServeState>,
    _: AdminUser,
    Path(name): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<ProcessLogs>> {
    if !state.control.knows(&name) {
        return Err(not_found());
    }
    let journal = state.control.journal(&name);
    let mut answer = ProcessLogs { service_name: name.clone(), stdout: None, stderr: None, journal };
    for stream in Stream::ALL.into_iter().filter(|stream| wanted.only().is_none_or(|only| only == *stream)) {
        let lines = read(&state, &name, stream, wanted.lines()).await?;
        match stream {
            Stream::Stdout => answer.stdout = Some(lines),
            Stream::Stderr => answer.stderr = Some(lines),
        }
    }
    Ok(Json(answer))
}

/// The last lines of one stream of a known service; none where it has no such file, as under systemd.
pub async fn read(
    state: &ServeState,
    name: &str,
    stream: Stream,
    lines: usize,
) -> Result<Option<Vec<String>>> {
    if state.control.is_by_systemd() {
        return Ok(None);
    }
    let specs = state.board.specs();
    let folder = specs.into_iter().find(|spec| spec.name == name).map(|spec| spec.logs);
    let path = process_logs::file(&folder.unwrap_or_else(|| state.layout.logs(name)), name, stream);
    let read = tokio::task::spawn_blocking(move || process_logs::last_lines(&path, lines));
    read.await.map_err(Problem::internal)?.map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_type_take_their_defaults() {
        let wanted =
            |lines: &str, kind: &str| Wanted { lines: Some(lines.into()), r#type: Some(kind.into()) };
        let table = [
            (Wanted::default(), 100, None),
            (wanted("5", "both"), 5, None),
            (wanted("0", "stdout"), 1, Some(Stream::Stdout)),
            (wanted("99999", "stderr"), 1000, Some(Stream::Stderr)),
            (wanted("x", "all"), 100, None),
        ];
        for (wanted, lines, only) in table {
            assert_eq!((wanted.lines(), wanted.only()), (lines, only), "{wanted:?}");
        }
    }
}
