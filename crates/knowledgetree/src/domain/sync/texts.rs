//! The articles of the sync (knowledgetree.md §9.2, §9.3). The same input gives the same text, so that what did not
//! change is not written again. Values show as they are: nothing a customer wrote is taken for markup.

use hivematrix_shared::contracts::codex::wire;
use rust_decimal::Decimal;

use super::input::{Asset, Contact, Message, Moment, Ticket};
use crate::domain::content::{self, escape};

/// Where something is missing.
const MISSING: &str = "N/A";

/// Longest article of a ticket, in bytes.
const LONGEST: usize = 512 * 1024;

/// `Contact.md` of a person.
pub fn contact_article(contact: &Contact) -> String {
    let mut article = Article::new(&format!("Contact Information for {}", contact.shown_name()));
    article.bullet("Email", contact.email.as_deref());
    article.bullet("Title", contact.title.as_deref());
    article.bullet("Mobile Phone", contact.mobile_phone_number.as_deref());
    article.bullet("Work Phone", contact.work_phone_number.as_deref());
    article.bullet("Active", contact.active.map(|active| if active { "Yes" } else { "No" }));
    article.0
}

/// The article of a device.
pub fn asset_article(asset: &Asset) -> String {
    let mut article =
        Article::new(&format!("Computer Information: {}", asset.hostname.as_deref().unwrap_or("Unnamed")));
    article.bullet("Operating System", asset.operating_system.as_deref());
    article.bullet("Hardware Type", asset.hardware_type.as_deref());
    article.bullet("Internal IP", asset.int_ip_address.as_deref());
    article.bullet("External IP", asset.ext_ip_address.as_deref());
    article.bullet("Last Logged In User", asset.last_logged_in_user.as_deref());
    article.bullet("Status", asset.online.map(|online| if online { "✓ Online" } else { "✗ Offline" }));
    article.time("Last Seen", asset.last_seen.as_ref());
    article.bullet("Domain", asset.domain.as_deref());
    article.0
}

/// The article of a ticket.
pub fn ticket_article(ticket: &Ticket) -> String {
    let subject = ticket.subject.as_deref().unwrap_or("No Subject");
    let mut article = Article::new(&format!("Ticket #{}: {subject}", ticket.key().unwrap_or("Unknown")));
    article.heading("## Ticket Information");
    let name = ticket.requester_name.as_deref();
    let requester = match (name, ticket.requester_email.as_deref()) {
        (name, Some(email)) => format!("{} ({email})", name.unwrap_or("Unknown")),
        (name, None) => name.unwrap_or("Unknown").to_owned(),
    };
    article.bullet("Requester", Some(&requester));
    let status = ticket.status.as_deref().map_or_else(|| "Closed".to_owned(), wire::status_text);
    article.bullet("Status", Some(&status));
    let priority = ticket.priority.as_deref().map_or_else(|| "Medium".to_owned(), wire::priority_text);
    article.bullet("Priority", Some(&priority));
    article.time("Created", ticket.created_at.as_ref());
    article.time("Last Updated", ticket.last_updated_at.as_ref());
    article.time("Closed", ticket.closed_at.as_ref());
    article.bullet("Hours Spent", Some(&hours(ticket.total_hours_spent)));
    article.heading("## Description");
    let description = ticket.description_text.as_deref().or(ticket.description.as_deref());
    article.text(&content::markdown_of_message(description.unwrap_or_default()), "No description.");
    article.messages("## Conversation History", "Message", &ticket.conversations);
    article.messages("## Internal Notes", "Note", &ticket.notes);
    article.0.push_str("\n---\n\n*Synced from Codex*\n");
    article.0
}

/// Hours with two decimals, halves away from zero.
fn hours(hours: Option<Decimal>) -> String {
    let hours = hours.unwrap_or_default();
    format!("{:.2}", hours.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero))
}

/// Markdown as it grows.
struct Article(String);

impl Article {
    fn new(title: &str) -> Self {
        Self(format!("# {}\n\n", title_text(title)))
    }

    fn heading(&mut self, heading: &str) {
        if !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
        self.0.push_str(heading);
        self.0.push_str("\n\n");
    }

    fn bullet(&mut self, label: &str, value: Option<&str>) {
        let value = value.map(str::trim).filter(|value| !value.is_empty()).unwrap_or(MISSING);
        self.0.push_str(&format!("- **{label}:** {}\n", escape::inline(value)));
    }

    fn time(&mut self, label: &str, time: Option<&Moment>) {
        let shown = match time {
            Some(Moment::At(time)) => Some(wire::iso(*time)),
            Some(Moment::Text(text)) => Some(text.clone()),
            None => None,
        };
        self.bullet(label, shown.as_deref());
    }

    /// Markdown, or a quote of what is said when there is none.
    fn text(&mut self, markdown: &str, otherwise: &str) {
        let room = LONGEST.saturating_sub(self.0.len());
        match markdown.trim() {
            "" => self.0.push_str(&format!("> {otherwise}\n")),
            text if text.len() > room => {
                let end = text.floor_char_boundary(room);
                let end = text[..end].rfind('\n').unwrap_or(end);
                self.0.push_str(text[..end].trim_end());
                self.0.push_str("\n\n> Cut here: the text goes on in the ticket.\n");
            }
            text => {
                self.0.push_str(text);
                self.0.push('\n');
            }
        }
    }

    /// A section with its messages, numbered; none without any.
    fn messages(&mut self, heading: &str, kind: &str, messages: &[Message]) {
        if messages.is_empty() {
            return;
        }
        self.heading(heading);
        for (index, message) in messages.iter().enumerate() {
            if self.0.len() > LONGEST {
                let left = messages.len() - index;
                self.heading(&format!("> Cut here: {left} more in the ticket."));
                return;
            }
            let direction = match message.incoming {
                Some(true) => " (Incoming)",
                Some(false) => " (Outgoing)",
                None => "",
            };
            self.heading(&format!("### {kind} {}{direction}", index + 1));
            self.bullet("From", message.from_email.as_deref());
            self.time("Date", message.created_at.as_ref());
            self.0.push('\n');
            let body = [&message.body, &message.body_text, &message.body_html].into_iter().flatten().next();
            let body = body.map(String::as_str).unwrap_or_default();
            // A heading inside a message would look like one of the article.
            self.text(&content::markdown_of_message(body), "No text.");
        }
    }
}

/// A title: hashes at its end would count as the end of the heading.
fn title_text(title: &str) -> String {
    let text = escape::inline(title);
    match text.strip_suffix('#') {
        Some(rest) if rest.is_empty() || rest.ends_with([' ', '#']) => format!("{rest}\\#"),
        _ => text,
    }
}
