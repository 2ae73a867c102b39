//! What a process wrote to standard output and standard error (helm.md §3, Process logs).

use std::time::Duration;

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    extract::{LenientQuery, Path},
    pages::Page,
    problem::Result,
};

use super::{
    render,
    view::{health_class, or_dash, state_class},
};
use crate::{
    ServeState,
    domain::process_line::Stream,
    routes::{
        access::AdminUser,
        api::{
            process_logs::{self, Wanted},
            services::not_found,
        },
    },
};

const MAX_AGE: Duration = Duration::from_secs(3);
/// Choices of the page; the address takes any number.
const CHOICES: [usize; 4] = [50, 100, 500, 1000];

#[derive(Template)]
#[template(path = "process_logs.html")]
struct ProcessLogs {
    page: Page,
    name: String,
    title: String,
    state: &'static str,
    state_class: &'static str,
    health: &'static str,
    health_class: &'static str,
    pid: String,
    lines: usize,
    choices: Vec<usize>,
    chosen: &'static str,
    /// The command that shows the lines where systemd keeps them; then there are no blocks.
    journal: Option<String>,
    blocks: Vec<Block>,
}

struct Block {
    id: &'static str,
    title: &'static str,
    /// The lines, or why there are none.
    text: Result<String, &'static str>,
}

/// `GET /service/{service_name}/logs`
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUser,
    page: Page,
    Path(name): Path<String>,
    LenientQuery(wanted): LenientQuery<Wanted>,
) -> Result<Html<String>> {
    let units = state.board.statuses(MAX_AGE).await;
    let Some(unit) = units.iter().find(|unit| unit.name == name) else { return Err(not_found()) };
    let (lines, only) = (wanted.lines(), wanted.only());
    let journal = state.control.journal(&name);
    let mut blocks = Vec::new();
    let files = Stream::ALL.into_iter().filter(|_| journal.is_none());
    for stream in files.filter(|stream| only.is_none_or(|only| only == *stream)) {
        let read = process_logs::read(&state, &name, stream, lines).await;
        let text = match read {
            Ok(Some(lines)) if lines.is_empty() => Err("Nothing was written."),
            Ok(Some(lines)) => Ok(lines.join("\n")),
            Ok(None) => Err("There is no such file on this machine."),
            Err(problem) => {
                tracing::warn!(service = name, cause = problem.cause_text(), "a process log cannot be read");
                Err("The file cannot be read.")
            }
        };
        let title = match stream {
            Stream::Stderr => "Standard error",
            Stream::Stdout => "Standard output",
        };
        blocks.push(Block { id: stream.as_str(), title, text });
    }
    let mut choices = CHOICES.to_vec();
    if !choices.contains(&lines) {
        choices.push(lines);
        choices.sort_unstable();
    }
    render(&ProcessLogs {
        page,
        title: super::title(&state, &name),
        name,
        state: unit.state.as_str(),
        state_class: state_class(unit.state),
        health: unit.health.as_str(),
        health_class: health_class(unit.health),
        pid: or_dash(unit.pid, |pid| pid.to_string()),
        lines,
        choices,
        chosen: only.map_or("both", Stream::as_str),
        journal,
        blocks,
    })
}
