//! Tickets as pages, so that links from a board lead somewhere in a demonstration. Through the gateway they get the look of the
//! suite; without it they are plain.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::header::CONTENT_SECURITY_POLICY;

use super::Engine;
use super::answer::ApiError;
use crate::world::text::escape;

/// Nothing from elsewhere and nothing inline. Behind the gateway the page gets its side panel and scripts, from this origin.
const POLICY: &str = "default-src 'self'; object-src 'none'; base-uri 'none'";

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
    let description = format!(
        "Simulated help desk · ticket #{id} · status {} · priority {}",
        ticket.status, ticket.priority
    );
    let content = card("Description", "", &escape(&words.text)) + &replies;
    Ok(page(&format!("#{id} {}", escape(&words.subject)), &escape(&words.subject), &description, &content))
}

/// GET `/`: the active tickets, the newest first.
pub async fn list(State(engine): State<Arc<Engine>>) -> Response {
    let sim = engine.state();
    let mut rows = String::new();
    for ticket in sim.world.active().iter().rev().filter_map(|id| sim.world.ticket(*id)) {
        let (id, subject) = (ticket.id, escape(&sim.world.words(&ticket).subject));
        rows.push_str(&format!(
            "<tr><td data-label=\"Ticket\">#{id}</td><td><a href=\"helpdesk/tickets/{id}\">{subject}</a></td></tr>"
        ));
    }
    let content = format!(
        "<div class=\"table-wrapper\"><table class=\"data-table data-table--cards\">\
         <thead><tr><th scope=\"col\">Ticket</th><th scope=\"col\">Subject</th></tr></thead><tbody>{rows}</tbody></table></div>"
    );
    let description = "The active tickets as the vendor has them. A demonstration brings its own vendor.";
    page("Simulated help desk", "Simulated help desk", description, &content)
}

/// A whole page; the texts are escaped.
fn page(title: &str, heading: &str, description: &str, content: &str) -> Response {
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head><body><main id=\"main\">\
         <header class=\"page-header\"><div class=\"page-header__content\"><h1 class=\"page-header__title\">{heading}</h1>\
         <p class=\"page-header__description\">{description}</p></div></header>{content}</main></body></html>"
    );
    ([(CONTENT_SECURITY_POLICY, POLICY)], Html(page)).into_response()
}

/// A part of the page; the texts are escaped.
fn card(title: &str, hint: &str, text: &str) -> String {
    format!(
        "<article class=\"card\"><div class=\"card__header\"><h2 class=\"card__title\">{title}</h2>\
         <span class=\"card__hint\">{hint}</span></div><div class=\"card__body\"><p class=\"ticket-description\">{text}</p></div></article>"
    )
}
