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
        replies.push_str(&card(who, &format!("{at} UTC"), &text));
    }
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>#{id} {subject}</title></head><body><main>\
         <header class=\"page-header\"><div class=\"page-header__content\"><h1 class=\"page-header__title\">{subject}</h1>\
         <p class=\"page-header__description\">Simulated help desk · ticket #{id} · status {status} · priority {priority}</p>\
         </div></header>{description}{replies}</main></body></html>",
        subject = escape(&words.subject),
        description = card("Description", "", &escape(&words.text)),
        status = ticket.status,
        priority = ticket.priority,
    );
    // Through the gateway, which a demo's links lead through, it gets the look of the suite; without, it is plain.
    let policy = "default-src 'none'; style-src 'self'";
    Ok(([(CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response())
}

/// A part of the page; the texts are escaped.
fn card(title: &str, hint: &str, text: &str) -> String {
    format!(
        "<article class=\"card\"><div class=\"card__header\"><h2 class=\"card__title\">{title}</h2>\
         <span class=\"card__hint\">{hint}</span></div><div class=\"card__body\"><p class=\"ticket-description\">{text}</p></div></article>"
    )
}
