//! Parts that several pages show: heads, tickets, history, times.

use hivematrix_shared::{
    contracts::codex::{PsaConfig, wire::status_text},
    pages::format,
};

use sqlx::PgPool;

use super::list::Filter;
use crate::{
    Codex,
    domain::features::title_of,
    store::{changes::Change, companies, related_tickets::RelatedTicket},
};

pub use hivematrix_shared::pages::format::{Moment, capitalised};

/// Changes that a page shows.
pub const CHANGES: i64 = 50;
/// Tickets that a page shows.
pub const TICKETS: i64 = 20;

/// The head of a record's page.
#[derive(Clone, Debug)]
pub struct Head {
    /// Name of the record.
    pub title: String,
    /// What tells it from others; empty for none.
    pub note: String,
    /// Where else the record is found.
    pub links: Vec<HeadLink>,
    /// Path of the list it belongs to.
    pub back: &'static str,
}

/// A button of a head.
#[derive(Clone, Debug)]
pub struct HeadLink {
    /// Address.
    pub href: String,
    /// Icon.
    pub icon: &'static str,
    /// Words.
    pub label: &'static str,
}

impl HeadLink {
    /// Opens the record where it comes from.
    pub fn psa(href: String) -> Self {
        Self { href, icon: "external-link", label: "Open in PSA" }
    }

    /// Whether it leads out of the suite.
    pub fn leaves(&self) -> bool {
        self.icon == "external-link"
    }
}

/// How to link into the PSA: not at all for customers, who cannot sign in there.
pub fn psa(codex: &Codex, is_staff: bool) -> PsaConfig {
    if is_staff { codex.settings().psa_config() } else { PsaConfig::default() }
}

/// Companies that a filter lists; of more, one is found by its name.
const MOST_COMPANIES: i64 = 400;

/// The filter by company; `first` is another choice before them.
///
/// # Errors
/// When the database cannot be read.
pub async fn company_filter(
    pool: &PgPool,
    only: Option<&[String]>,
    first: Option<(String, String)>,
    chosen: Option<&str>,
) -> sqlx::Result<Filter> {
    let chosen = chosen.map(str::trim).filter(|chosen| !chosen.contains('\0')).unwrap_or_default();
    let mut found = companies::list(
        pool,
        companies::Selection { only, limit: Some(MOST_COMPANIES + 1), ..companies::Selection::default() },
    )
    .await?;
    let has_more = i64::try_from(found.len()).is_ok_and(|found| found > MOST_COMPANIES);
    if has_more {
        found.clear();
        found.extend(
            companies::find(pool, chosen)
                .await?
                .filter(|company| only.is_none_or(|only| only.contains(&company.account_number))),
        );
    }
    let companies = found.into_iter().map(|company| (company.account_number, company.name));
    let choices = first.into_iter().chain(companies).collect();
    let filter = Filter::new("company", "Company", "All companies", choices, chosen);
    Ok(if has_more { filter.finding_more() } else { filter })
}

/// A line of a table of tickets.
#[derive(Clone, Debug)]
pub struct TicketLine {
    /// The number people know it by, else the PSA's id.
    pub number: String,
    /// Its page in the PSA.
    pub link: Option<String>,
    /// Subject line.
    pub subject: String,
    /// Status in words.
    pub status: String,
    /// Whether somebody still works on it.
    pub is_active: bool,
    /// Priority in words.
    pub priority: String,
    /// Class of the priority's badge; empty for none.
    pub priority_class: &'static str,
    /// Name of the requester, else its address.
    pub requester: String,
    /// When it was last changed.
    pub updated: Option<Moment>,
}

/// The lines of some tickets, with the links that the PSA's configuration gives.
pub fn tickets(found: Vec<RelatedTicket>, psa: &PsaConfig) -> Vec<TicketLine> {
    found
        .into_iter()
        .map(|ticket| {
            let template =
                psa.providers.get(&ticket.external_source).and_then(|p| p.ticket_url_template.as_deref());
            let id = ticket.external_id.to_string();
            TicketLine {
                link: template.map(|template| template.replace("{ticket_id}", &id)),
                number: ticket.ticket_number.filter(|number| !number.is_empty()).unwrap_or(id),
                subject: ticket
                    .subject
                    .filter(|subject| !subject.is_empty())
                    .unwrap_or_else(|| "(no subject)".to_owned()),
                status: status_text(ticket.status.as_deref().unwrap_or("unknown")),
                is_active: ticket.is_active,
                priority: capitalised(ticket.priority.as_deref().unwrap_or("unknown")),
                priority_class: match ticket.priority.as_deref() {
                    Some("urgent") => "badge--urgent",
                    Some("high") => "badge--high",
                    Some("medium") => "badge--medium",
                    Some("low") => "badge--low",
                    _ => "",
                },
                requester: ticket.requester.unwrap_or_default(),
                updated: Moment::maybe(ticket.last_updated_at.or(ticket.created_at)),
            }
        })
        .collect()
}

/// A line of a history.
#[derive(Clone, Debug)]
pub struct ChangeLine {
    /// When.
    pub at: Moment,
    /// What, in words.
    pub field: String,
    /// Value before, cut short.
    pub old: String,
    /// Value after, cut short.
    pub new: String,
    /// Who; none for a sync.
    pub actor: Option<String>,
}

/// The lines of a history.
pub fn history(changes: Vec<Change>) -> Vec<ChangeLine> {
    changes
        .into_iter()
        .map(|change| ChangeLine {
            at: Moment::of(change.at),
            field: field_label(&change.field),
            old: shown(change.old_value.as_deref()),
            new: shown(change.new_value.as_deref()),
            actor: Some(change.actor).filter(|actor| actor != "sync"),
        })
        .collect()
}

/// The name of a column for people.
pub fn field_label(field: &str) -> String {
    if let Some(key) = field.strip_prefix("feature:") {
        return format!("Feature {}", title_of(key));
    }
    match field {
        "vip_user" => "VIP".to_owned(),
        "is_agent" => "Agent".to_owned(),
        "active" => "Status".to_owned(),
        "mobile_phone_number" => "Mobile".to_owned(),
        "work_phone_number" => "Work phone".to_owned(),
        "job_title" => "Title".to_owned(),
        "location_name" => "Location".to_owned(),
        "company_account_number" => "Company".to_owned(),
        "company_account_numbers" => "Companies".to_owned(),
        "rmm_site_name" => "RMM site".to_owned(),
        "external_id" => "Id at the vendor".to_owned(),
        "external_source" => "Vendor".to_owned(),
        "secondary_emails" => "Secondary emails".to_owned(),
        other => capitalised(&other.replace('_', " ")),
    }
}

fn shown(value: Option<&str>) -> String {
    const MOST: usize = 120;
    let value = match value {
        None | Some("" | "null" | "[]") => return "\u{2013}".to_owned(),
        Some("true") => return "yes".to_owned(),
        Some("false") => return "no".to_owned(),
        // Lists are stored as JSON.
        Some(list) if list.starts_with('[') => match serde_json::from_str::<Vec<String>>(list) {
            Ok(items) => items.join(", "),
            Err(_) => list.to_owned(),
        },
        Some(text) => text.to_owned(),
    };
    format::shortened(&value, MOST)
}

/// `1 asset`, `2 assets`, `no company`.
pub fn counted(number: impl TryInto<i64>, what: &str) -> String {
    let many = what.strip_suffix('y').map_or_else(|| format!("{what}s"), |stem| format!("{stem}ies"));
    match number.try_into().unwrap_or(i64::MAX) {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        number => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_history_are_short_and_readable() {
        let long = "x".repeat(200);
        for (value, text) in [
            (None, "\u{2013}".to_owned()),
            (Some("[]"), "\u{2013}".to_owned()),
            (Some("true"), "yes".to_owned()),
            (Some(r#"["a@b.example", "c@d.example"]"#), "a@b.example, c@d.example".to_owned()),
            (Some("[broken"), "[broken".to_owned()),
            (Some(long.as_str()), format!("{}\u{2026}", "x".repeat(119))),
        ] {
            assert_eq!(shown(value), text);
        }
    }

    #[test]
    fn numbers_have_their_words() {
        assert_eq!(
            ["no asset", "1 company", "2 companies"],
            [counted(0, "asset"), counted(1, "company"), counted(2_usize, "company")]
        );
    }

    #[test]
    fn columns_have_names_for_people() {
        for (field, label) in [
            ("vip_user", "VIP"),
            ("hostname", "Hostname"),
            ("time_zone", "Time zone"),
            ("feature:web_filtering", "Feature Web Filtering"),
            ("", ""),
        ] {
            assert_eq!(field_label(field), label);
        }
    }
}
