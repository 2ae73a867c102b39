//! `GET /companies/`: the list of companies (codex-pages.md §3.1).

use askama::Template;
use axum::{extract::State, response::Html};
use chrono::NaiveDate;
use hivematrix_shared::{
    auth::{PermissionLevel, UserOnly},
    extract::LenientQuery,
    pages::Page,
    problem::{Problem, Result},
};

use super::list::{Add, Column, Filter, ListView, Toggle};
use crate::{
    Codex,
    domain::{
        contract::{self, Standing},
        listing::{ListQuery, Listing, Pagination},
        plan_badge,
    },
    routes::api::{lists::companies::Filters, reader::Reader},
    store::{
        Value,
        company_list::{self, CompanyRow, SORT_KEYS, Selection},
    },
};

const COLUMNS: &[Column] = &[
    Column::fixed("Account #", Some("account_number")),
    Column::fixed("Name", Some("name")),
    Column::optional("Description", Some("description"), "column_description"),
    Column::optional("Plan", Some("plan_selected"), "column_plan"),
    Column::optional("Email System", Some("email_system"), "column_email_system"),
    Column::optional("Phone System", Some("phone_system"), "column_phone_system"),
    Column::optional("Contract End", Some("contract_end_date"), "column_contract_end"),
];

/// A row as the page shows it.
struct Row {
    company: CompanyRow,
    today: NaiveDate,
}

impl Row {
    fn badge(&self) -> &'static str {
        plan_badge::class(self.company.plan_selected.as_deref().unwrap_or_default())
    }

    fn standing(&self) -> Standing {
        let company = &self.company;
        contract::standing(
            company.contract_end_date.as_deref(),
            company.contract_term_length.as_deref(),
            self.today,
        )
    }
}

#[derive(Template)]
#[template(path = "companies/list.html")]
struct CompaniesPage {
    page: Page,
    list: ListView,
    rows: Vec<Row>,
    /// Whether companies may be added by hand.
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
    let hide_inactive = filters.page_hides_inactive(&reader);
    let selection = filters.selection(&reader, hide_inactive);
    let found = company_list::page(&codex.pool, selection, &listing).await?;
    let values = company_list::values(&codex.pool, reader.scope.account_numbers()).await?;
    let nothing_yet = if reader.scope.account_numbers().is_some_and(<[String]>::is_empty) {
        "Your account is not linked to a company. Ask your service provider to add your e-mail address to its contacts."
    } else {
        "They appear here after the first sync with your ticketing system."
    };
    let today = codex.context.clock.now().date_naive();
    let may_create = user.permission_level == PermissionLevel::Admin;
    let html = CompaniesPage {
        list: ListView {
            title: "Companies",
            add: may_create.then_some(Add { dialog: "company-new", icon: "plus", label: "Add Company" }),
            address: format!("{}/companies/", page.prefix),
            one: "company",
            many: "companies",
            placeholder: "Name, account number, description or domain",
            nothing_yet: nothing_yet.to_owned(),
            columns: COLUMNS,
            filters: filters_of(&values, &selection),
            toggles: if reader.is_staff().is_ok() { vec![hide_toggle(hide_inactive)] } else { Vec::new() },
            pagination: Pagination::of(&listing, found.total),
            listing,
        },
        rows: found.items.into_iter().map(|company| Row { company, today }).collect(),
        may_create,
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}

const fn hide_toggle(on: bool) -> Toggle {
    Toggle {
        name: "hide_inactive",
        label: "Hide Inactive",
        on,
        default: true,
        stored: "hideInactiveCompanies",
    }
}

fn filters_of(values: &[Value], selection: &Selection<'_>) -> Vec<Filter> {
    let choices =
        |of: &str| Value::of(values, of).map(|value| (value.to_owned(), value.to_owned())).collect();
    Filter::with_a_choice([
        Filter::new("plan", "Plan", "All plans", choices("plan"), selection.plan),
        Filter::new("type", "Type", "All types", choices("type"), selection.kind),
    ])
}
