//! The ticket as a page, so that links from a board lead somewhere in a demonstration.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::header::CONTENT_SECURITY_POLICY;

use super::Engine;
use super::answer::ApiError;
use crate::world::text::escape;

/// GET `/helpdesk/tickets/{id}`.
pub async fn ticket(State(engine): State<Arc<Engine>>, Path(id): Path<u64>) -> Result<Response, ApiError> {
    let sim = engine.state();
    let ticket = sim.world.ticket(id).ok_or(ApiError::NotFound)?;
    let words = sim.world.words(&ticket);
    let mut replies = String::new();
    for entry in sim.world.thread(&ticket) {
        let who = match (entry.private, entry.incoming) {
            (true, _) => "Note",
            (false, true) => "Customer",
            (false, false) => "Technician",
        };
        let (at, text) = (entry.at.format("%b %d, %H:%M"), escape(&entry.text));
        replies.push_str(&format!("<article><h2>{who} <small>{at} UTC</small></h2><p>{text}</p></article>"));
    }
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>#{id} {subject}</title><style>\
         body{{font:15px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1f2937}}\
         article{{border-top:1px solid #d1d5db;margin-top:1rem}}h1{{font-size:1.3rem}}h2{{font-size:1rem}}\
         small,.meta{{color:#6b7280;font-weight:400}}p{{white-space:pre-line}}</style></head><body>\
         <p class=\"meta\">Simulated help desk · ticket #{id} · status {status} · priority {priority}</p>\
         <h1>{subject}</h1><p>{text}</p>{replies}</body></html>",
        subject = escape(&words.subject),
        text = escape(&words.text),
        status = ticket.status,
        priority = ticket.priority,
    );
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    Ok(([(CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
}
