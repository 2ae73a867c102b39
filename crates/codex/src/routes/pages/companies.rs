//! `GET /companies/`: the list of companies (codex-pages.md §3.1), as a page, as JSON and as a file.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, Response},
};
use chrono::NaiveDate;
use hivematrix_shared::{
    auth::UserOnly,
    extract::{Json, LenientQuery},
    pages::Page,
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::list::{self, Choice, Column, Filter, ListView, Toggle};
use crate::{
    Codex,
    domain::{
        contract::{self, Standing},
        listing::{ListQuery, Listing, Pagination},
        plan_badge,
    },
    routes::api::{reader::Reader, refusals::ForUsers},
    store::company_list::{self, CompanyRow, Counted, SORT_KEYS, Selection},
};

const COLUMNS: &[Column] = &[
    Column::fixed("Account #", Some("account_number")),
    Column::fixed("Name", Some("name")),
    Column::optional("Description", None, "column_description"),
    Column::optional("Plan", Some("plan_selected"), "column_plan"),
    Column::optional("Email System", Some("email_system"), "column_email_system"),
    Column::optional("Phone System", Some("phone_system"), "column_phone_system"),
    Column::optional("Contract End", Some("contract_end_date"), "column_contract_end"),
];

/// What narrows the list beside the search.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct Filters {
    /// Only companies of this plan.
    plan: Option<String>,
    /// Only companies of this kind, as `profit_or_non_profit` has it.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `1` leaves out companies whose plan is `Inactive`. The page does unless it is `0`, the JSON only with `1`.
    hide_inactive: Option<String>,
}

impl Filters {
    fn selection<'a>(&'a self, reader: &'a Reader, hide_inactive: bool) -> Selection<'a> {
        let plan = self.plan.as_deref().unwrap_or_default().trim();
        Selection {
            only: reader.scope.account_numbers(),
            plan,
            kind: self.kind.as_deref().unwrap_or_default().trim(),
            // Who asks for the inactive ones wants to see them.
            hide_inactive: hide_inactive && !plan.eq_ignore_ascii_case("inactive"),
        }
    }

    /// Staff has to ask for companies that are no customers any more; of a client's own none is hidden.
    fn page_hides_inactive(&self, reader: &Reader) -> bool {
        reader.is_staff().is_ok() && self.hide_inactive.as_deref() != Some("0")
    }
}

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
    let html = CompaniesPage {
        list: ListView {
            address: format!("{}/companies/", page.prefix),
            one: "company",
            many: "companies",
            placeholder: "Name, account number or description",
            nothing_yet: nothing_yet.to_owned(),
            columns: COLUMNS,
            filters: filters_of(&values, &selection),
            toggles: if reader.is_staff().is_ok() { vec![hide_toggle(hide_inactive)] } else { Vec::new() },
            pagination: Pagination::of(&listing, found.total),
            listing,
        },
        rows: found.items.into_iter().map(|company| Row { company, today }).collect(),
        may_create: user.permission_level == hivematrix_shared::auth::PermissionLevel::Admin,
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

/// Filters with a choice; one that all rows share is none.
fn filters_of(values: &[Counted], selection: &Selection<'_>) -> Vec<Filter> {
    let filter = |of: &str, name, label, all, chosen: &str| {
        let choices = values.iter().filter(|value| value.of == of).map(|value| Choice {
            value: value.value.clone(),
            label: value.value.clone(),
            count: Some(value.count),
        });
        Filter { name, label, all, choices: choices.collect(), chosen: chosen.to_owned() }
    };
    let plan = filter("plan", "plan", "Plan", "All plans", selection.plan);
    let kind = filter("kind", "type", "Type", "All types", selection.kind);
    [plan, kind].into_iter().filter(|filter| filter.choices.len() > 1 || !filter.chosen.is_empty()).collect()
}

/// A page of companies.
#[derive(Serialize, ToSchema)]
pub struct Found {
    success: bool,
    companies: Vec<CompanyRow>,
    pagination: Pagination,
}

/// Companies whose name, account number or description contains the search.
#[utoipa::path(get, path = "/companies/api/search", tag = "companies", params(ListQuery, Filters), responses(
    (status = 200, body = Found), ForUsers
))]
pub async fn search(
    State(codex): State<Codex>,
    _: UserOnly,
    reader: Reader,
    LenientQuery(query): LenientQuery<ListQuery>,
    LenientQuery(filters): LenientQuery<Filters>,
) -> Result<Json<Found>> {
    let listing = Listing::new(query, SORT_KEYS);
    let selection = filters.selection(&reader, filters.hide_inactive.as_deref() == Some("1"));
    let found = company_list::page(&codex.pool, selection, &listing).await?;
    let pagination = Pagination::of(&listing, found.total);
    Ok(Json(Found { success: true, companies: found.items, pagination }))
}

/// All companies of a list as a file.
#[utoipa::path(get, path = "/companies/export.csv", tag = "companies", params(ListQuery, Filters), responses(
    (status = 200, description = "The columns of the page; `page` and `per_page` are ignored", body = String, content_type = "text/csv"),
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
    let selection = filters.selection(&reader, filters.page_hides_inactive(&reader));
    let found = company_list::page(&codex.pool, selection, &listing).await?;
    let headings: Vec<_> = COLUMNS.iter().map(|column| column.heading).collect();
    let rows = found.items.iter().map(|company| {
        let optional = [
            &company.description,
            &company.plan_selected,
            &company.email_system,
            &company.phone_system,
            &company.contract_end_date,
        ];
        let optional = optional.map(|value| value.as_deref().unwrap_or_default());
        [company.account_number.as_str(), &company.name].into_iter().chain(optional).collect()
    });
    Ok(list::csv("companies", &headings, rows))
}
