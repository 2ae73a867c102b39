//! `GET /contacts/`: the list of contacts (codex-pages.md §4.1).

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::UserOnly,
    extract::LenientQuery,
    pages::Page,
    problem::{Problem, Result},
};

use super::{
    list::{Add, Column, Filter, ListView, Toggle},
    parts,
    phone::tel,
};
use crate::{
    Codex,
    domain::listing::{ListQuery, Listing, Pagination},
    routes::api::{lists::contacts::Filters, reader::Reader},
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
    let may_create = user.permission_level.may_edit();
    let html = ContactsPage {
        list: ListView {
            title: "Contacts",
            add: may_create.then_some(Add { dialog: "contact-new", icon: "user-plus", label: "Add Contact" }),
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
        may_create,
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}

async fn filters_of(codex: &Codex, filters: &Filters, selection: Selection<'_>) -> Result<Vec<Filter>> {
    let none = selection.only.is_none().then(|| ("none".to_owned(), "Without company".to_owned()));
    let chosen = filters.company.as_deref();
    let company = parts::company_filter(&codex.pool, selection.only, none, chosen).await?;
    let vip = Filter::yes_or_no("vip", "VIP", "VIP or not", ["VIP", "Not VIP"], selection.vip);
    Ok(Filter::with_a_choice([company, vip]))
}
