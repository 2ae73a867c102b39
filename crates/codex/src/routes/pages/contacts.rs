//! `GET /contacts/`: the list of contacts (codex-pages.md §4.1), as a page, as JSON and as a file.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, Response},
};
use hivematrix_shared::{
    auth::{PermissionLevel, UserOnly},
    extract::{Json, LenientQuery},
    pages::Page,
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    list::{self, Choice, Column, Filter, ListView, Toggle},
    parts,
};
use crate::{
    Codex,
    domain::listing::{ListQuery, Listing, Pagination},
    routes::api::{reader::Reader, refusals::ForUsers},
    store::contact_list::{self, ContactRow, SORT_KEYS, Selection},
};

const COLUMNS: &[Column] = &[
    Column::fixed("Name", Some("name")),
    Column::optional("Email", Some("email"), "contacts_column_email"),
    Column::optional("Phone", Some("phone"), "contacts_column_phone"),
    Column::optional("Company", Some("company"), "contacts_column_company"),
];

const COLUMNS_WITH_STATUS: &[Column] = &[
    COLUMNS[0],
    COLUMNS[1],
    COLUMNS[2],
    COLUMNS[3],
    Column::fixed("Active", Some("active")).class("text-center"),
];

/// What narrows the list beside the search.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filters {
    /// Only contacts of the company with this account number; `none` for those without a company.
    company: Option<String>,
    /// `1`: inactive contacts too.
    show_inactive: Option<String>,
    /// `1`: only VIPs; `0`: all others.
    vip: Option<String>,
}

impl Filters {
    fn selection<'a>(&'a self, reader: &'a Reader) -> Selection<'a> {
        let company = self
            .company
            .as_deref()
            .map(str::trim)
            .filter(|company| !company.is_empty() && !company.contains('\0'));
        Selection {
            only: reader.scope.account_numbers(),
            company: company.filter(|company| *company != "none"),
            inactive: self.show_inactive.as_deref() == Some("1"),
            vip: match self.vip.as_deref() {
                Some("1") => Some(true),
                Some("0") => Some(false),
                _ => None,
            },
            without_company: company == Some("none"),
        }
    }
}

#[derive(Template)]
#[template(path = "contacts.html")]
struct ContactsPage {
    page: Page,
    list: ListView,
    rows: Vec<ContactRow>,
    show_inactive: bool,
    may_create: bool,
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    UserOnly(user): UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
    page: Page,
) -> Result<Html<String>> {
    let listing = Listing::new(query, SORT_KEYS);
    let selection = filters.selection(&reader);
    let found = contact_list::page(&codex.pool, selection, &listing).await?;
    let html = ContactsPage {
        list: ListView {
            address: format!("{}/contacts/", page.prefix),
            one: "contact",
            many: "contacts",
            placeholder: "Name, address or phone number",
            nothing_yet: "They appear here after the first sync with your ticketing system.".to_owned(),
            columns: if selection.inactive { COLUMNS_WITH_STATUS } else { COLUMNS },
            filters: filters_of(&codex, &filters, selection).await?,
            toggles: vec![Toggle {
                name: "show_inactive",
                label: "Show Inactive",
                on: selection.inactive,
                default: false,
                stored: "",
            }],
            pagination: Pagination::of(&listing, found.total),
            listing,
        },
        rows: found.items,
        show_inactive: selection.inactive,
        may_create: matches!(user.permission_level, PermissionLevel::Admin | PermissionLevel::Technician),
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}

async fn filters_of(codex: &Codex, filters: &Filters, selection: Selection<'_>) -> Result<Vec<Filter>> {
    let mut company = parts::company_filter(&codex.pool, selection.only, filters.company.as_deref()).await?;
    if selection.only.is_none() {
        company
            .choices
            .insert(0, Choice { value: "none".into(), label: "Without company".into(), count: None });
    }
    let vip = Filter {
        name: "vip",
        label: "VIP",
        all: "VIP or not",
        choices: vec![
            Choice { value: "1".into(), label: "VIP".into(), count: None },
            Choice { value: "0".into(), label: "Not VIP".into(), count: None },
        ],
        chosen: selection.vip.map_or_else(String::new, |vip| if vip { "1".into() } else { "0".into() }),
    };
    Ok([company, vip]
        .into_iter()
        .filter(|filter| filter.choices.len() > 1 || !filter.chosen.is_empty())
        .collect())
}

/// A page of contacts.
#[derive(Serialize, ToSchema)]
pub struct FoundContacts {
    success: bool,
    contacts: Vec<ContactRow>,
    pagination: Pagination,
}

/// Contacts whose name, address or phone number contains the search.
#[utoipa::path(get, path = "/contacts/api/search", tag = "contacts", params(ListQuery, Filters), responses(
    (status = 200, body = FoundContacts), ForUsers
))]
pub async fn search(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<FoundContacts>> {
    let listing = Listing::new(query, SORT_KEYS);
    let found = contact_list::page(&codex.pool, filters.selection(&reader), &listing).await?;
    let pagination = Pagination::of(&listing, found.total);
    Ok(Json(FoundContacts { success: true, contacts: found.items, pagination }))
}

/// All contacts of a list as a file.
#[utoipa::path(get, path = "/contacts/export.csv", tag = "contacts", params(ListQuery, Filters), responses(
    (status = 200, description = "One line a contact; `page` and `per_page` are ignored", body = String, content_type = "text/csv"),
    ForUsers
))]
pub async fn export(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Response> {
    let _turn = codex.turn(1).await?;
    let listing = Listing::new(query, SORT_KEYS).whole();
    let found = contact_list::rows(&codex.pool, filters.selection(&reader), &listing).await?;
    let companies: Vec<String> = found
        .iter()
        .map(|contact| {
            contact.companies.iter().map(|company| company.name.as_str()).collect::<Vec<_>>().join("; ")
        })
        .collect();
    let headings = ["Name", "Email", "Title", "Mobile", "Work Phone", "Companies", "Active", "VIP"];
    let yes = |value: bool| if value { "yes" } else { "no" };
    let rows = found.iter().zip(&companies).map(|(contact, companies)| {
        vec![
            contact.name.as_str(),
            &contact.email,
            contact.job_title.as_deref().unwrap_or_default(),
            contact.mobile_phone_number.as_deref().unwrap_or_default(),
            contact.work_phone_number.as_deref().unwrap_or_default(),
            companies,
            yes(contact.active),
            yes(contact.vip_user),
        ]
    });
    Ok(list::csv("contacts", &headings, rows))
}
