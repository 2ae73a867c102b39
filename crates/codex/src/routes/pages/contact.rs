//! `GET /contacts/{id}`: a contact (codex-pages.md §4.2).

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::{PermissionLevel, UserOnly},
    extract::Path,
    pages::Page,
    problem::{Problem, Result},
};

use super::{
    parts::{self, ChangeLine, Head, HeadLink, Moment, TicketLine, counted, field_label},
    phone::tel,
};
use crate::{
    Codex,
    routes::api::{
        contacts::no_such_contact,
        reader::{Reader, foreign_company},
        writer,
    },
    store::{
        changes,
        contact_page::{self, AssetLink, CompanyLink, ContactFacts},
        related_tickets,
    },
};

/// Time zones to choose from.
const ZONES: [&str; 8] = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "UTC",
];

#[derive(Template)]
#[template(path = "contact.html")]
struct ContactPage {
    page: Page,
    head: Head,
    contact: ContactFacts,
    companies: Vec<CompanyLink>,
    assets: Vec<AssetLink>,
    tickets: Vec<TicketLine>,
    history: Vec<ChangeLine>,
    created: Option<Moment>,
    zones: Vec<String>,
    /// Where it comes from, in words.
    origin: String,
    /// The vendor whose sync keeps it up to date.
    vendor: Option<&'static str>,
    is_staff: bool,
    may_edit: bool,
    may_delete: bool,
}

impl ContactPage {
    /// Whether a person changed this column, so that no sync overwrites it.
    fn edited(&self, field: &str) -> bool {
        self.is_staff
            && self.contact.external_id.is_some()
            && self.contact.edited_fields.iter().any(|known| known == field)
    }

    /// The edited columns with their names.
    fn edited_fields(&self) -> Vec<(&str, String)> {
        self.contact
            .edited_fields
            .iter()
            .filter(|field| self.edited(field))
            .map(|field| (field.as_str(), field_label(field)))
            .collect()
    }

    /// Which of its tickets are shown.
    fn tickets_hint(&self) -> String {
        if usize::try_from(parts::TICKETS).is_ok_and(|most| self.tickets.len() >= most) {
            format!("the last {} opened by this contact", parts::TICKETS)
        } else {
            "opened by this contact".to_owned()
        }
    }

    /// What is lost with the contact, for whoever is about to delete it.
    fn lost(&self) -> String {
        format!(
            "{} ({}) is removed from {} and {}. Tickets keep the name of their requester.",
            self.contact.person.name,
            self.contact.person.email,
            counted(self.companies.len(), "company"),
            counted(self.assets.len(), "asset"),
        )
    }

    fn secondary_emails(&self) -> String {
        self.contact.person.secondary_emails.join(", ")
    }
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    UserOnly(user): UserOnly,
    reader: Reader,
    Path(id): Path<i64>,
    page: Page,
) -> Result<Html<String>> {
    let only = reader.scope.account_numbers();
    let contact = contact_page::facts(&codex.pool, id).await?.ok_or_else(no_such_contact)?;
    let companies = contact_page::companies(&codex.pool, id, only).await?;
    if only.is_some() && companies.is_empty() {
        return Err(foreign_company());
    }
    let is_staff = user.permission_level != PermissionLevel::Client;
    let may_edit = user.permission_level.may_edit();
    let psa = parts::psa(&codex, is_staff);
    let vendor = contact.external_id.and_then(|_| writer::synced_from(&codex, &contact.external_source));
    let history = if is_staff {
        parts::history(changes::of(&codex.pool, "contacts", &id.to_string(), parts::CHANGES).await?)
    } else {
        Vec::new()
    };
    let psa_link = contact.external_id.filter(|_| is_staff).and_then(|external| {
        let template = psa.providers.get(&contact.external_source)?.contact_url_template.as_deref()?;
        Some(template.replace("{contact_id}", &external.to_string()))
    });
    let mut zones: Vec<String> = ZONES.map(str::to_owned).into();
    if let Some(zone) = contact.person.time_zone.as_ref().filter(|zone| !zones.contains(zone)) {
        zones.push(zone.clone());
    }
    let company = companies.first().map(|company| company.name.as_str());
    let note = [contact.person.job_title.as_deref(), company].into_iter().flatten();
    let head = Head {
        title: contact.person.name.clone(),
        note: note.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", "),
        links: psa_link.map(HeadLink::psa).into_iter().collect(),
        back: "/contacts/",
    };
    let html = ContactPage {
        head,
        assets: contact_page::assets(&codex.pool, id, only).await?,
        tickets: parts::tickets(
            related_tickets::of_contact(&codex.pool, id, only, parts::TICKETS).await?,
            &psa,
        ),
        history,
        created: Moment::maybe(contact.created_at),
        zones,
        origin: match (vendor, contact.external_id) {
            (Some(vendor), _) => vendor.to_owned(),
            (None, Some(_)) => format!("{} (no longer synced)", contact.external_source),
            (None, None) => "made by hand".to_owned(),
        },
        vendor,
        is_staff,
        may_edit,
        may_delete: user.permission_level == PermissionLevel::Admin && vendor.is_none(),
        companies,
        contact,
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}
