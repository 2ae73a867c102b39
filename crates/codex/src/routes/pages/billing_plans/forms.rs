//! The forms of the page: each does what a JSON route does, and leads back to the page, which says how it went. The gateway
//! lets a form act with the session only when it comes from our own pages (`docs/GATEWAY.md`); without the gateway, the
//! cookie counts only for requests of the same origin.

use axum::{
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    auth::AdminOnly,
    extract::Path,
    pages::Page,
    problem::{Problem, Result},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

use crate::{
    Codex,
    domain::plans::{PRICES, TERMS},
    routes::{
        api::{
            plans::actions::{self, Removal},
            refusals::ForAdmins,
        },
        flash::{self, Flash, Kind},
    },
};

/// The fields of a form, in their order.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first value of a name.
    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn given(&self, name: &str) -> Option<String> {
        Some(self.get(name).trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// Whether a box is ticked.
    fn says(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "on" | "1" | "yes")
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Form::<Vec<(String, String)>>::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(error) => Err(Problem::new(error.status()).detail(error.body_text())),
        }
    }
}

/// Back to the page, at a tab, with a plan open.
pub(super) struct Back<'a> {
    page: &'a Page,
    features: bool,
    plan: &'a str,
}

impl<'a> Back<'a> {
    pub(super) fn plans(page: &'a Page) -> Self {
        Self { page, features: false, plan: "" }
    }

    fn features(page: &'a Page) -> Self {
        Self { page, features: true, plan: "" }
    }

    fn open(self, plan: &'a str) -> Self {
        Self { plan, ..self }
    }

    /// The redirect. What the caller did wrong is said on the page; other failures have a page of their own.
    pub(super) fn with(self, outcome: Result<String>) -> Result<Response> {
        let flash = match outcome {
            Ok(text) => Flash::new(Kind::Success, text),
            Err(problem) if problem.status().is_client_error() => {
                let text = problem.detail_text().unwrap_or(problem.title_text()).to_owned();
                Flash::new(Kind::Error, text)
            }
            Err(problem) => return Err(problem),
        };
        Ok(self.saying(&[flash]))
    }

    pub(super) fn saying(self, flashes: &[Flash]) -> Response {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if self.features {
            query.append_pair("tab", "features");
        }
        if !self.plan.is_empty() {
            query.append_pair("plan", self.plan);
        }
        let query = query.finish();
        let question = if query.is_empty() { "" } else { "?" };
        let target = format!("{}/billing-plans/{question}{query}", self.page.prefix);
        let mut response = StatusCode::FOUND.into_response();
        if let Ok(target) = HeaderValue::from_str(&target) {
            response.headers_mut().insert(header::LOCATION, target);
        }
        if let Some(cookie) = flash::COOKIE.set(flashes) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// Makes a plan with four terms.
#[utoipa::path(post, path = "/billing-plans/create", tag = "plan forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`new_plan_name`"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn create(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let name = form.get("new_plan_name").trim().to_owned();
    let made = actions::create_in_all_terms(&codex, &caller, &name).await;
    let outcome = made.map(|(name, _)| format!("Plan “{name}” created with the terms {}", TERMS.join(", ")));
    Back::plans(&page).open(&name).with(outcome)
}

/// Saves terms of a plan.
#[utoipa::path(post, path = "/billing-plans/save", tag = "plan forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`plan_name`, `plan_ids` and a field `<name>_<id>` for each number, support level and feature (`feature_<category>_<id>`); with `bulk_edit=true` all terms get the values of the first"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn save(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let name = form.get("plan_name").trim().to_owned();
    let ids: Vec<&str> = form.all("plan_ids").collect();
    let bulk = form.get("bulk_edit") == "true";
    let terms: Vec<Map<String, Value>> = ids
        .iter()
        .map(|id| {
            let from = if bulk { ids.first().unwrap_or(id) } else { id };
            term(&form, id, from)
        })
        .collect();
    let saved = actions::save(&codex, &caller, &name, &terms).await;
    Back::plans(&page).open(&name).with(saved.map(|_| format!("Plan “{name}” saved")))
}

/// The fields of one term as the JSON route takes them. Features are found by the end of their names, since keys may hold
/// underscores and digits.
fn term(form: &Fields, id: &str, from: &str) -> Map<String, Value> {
    let mut term = Map::new();
    term.insert("id".to_owned(), id.parse::<i64>().map_or(Value::Null, Value::from));
    let names = PRICES.iter().map(|(name, _)| *name).chain(["support_level"]);
    for name in names {
        let field = format!("{name}_{from}");
        if let Some((_, value)) = form.0.iter().find(|(found, _)| *found == field) {
            term.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    let ending = format!("_{from}");
    let features = form.0.iter().filter_map(|(field, value)| {
        let key = field.strip_prefix("feature_")?.strip_suffix(&ending)?;
        Some((key.to_owned(), Value::from(value.as_str())))
    });
    term.insert("features".to_owned(), Value::Object(features.collect()));
    term
}

/// Removes a plan with all its terms.
#[utoipa::path(post, path = "/billing-plans/delete", tag = "plan forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`plan_name`; `reassign_to` or `force` when companies have it"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn delete(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let name = form.get("plan_name");
    let removal = Removal { reassign_to: form.given("reassign_to"), force: form.says("force") };
    let removed = actions::remove(&codex, &caller, name, None, &removal).await;
    Back::plans(&page).with(removed.map(|removed| {
        let terms = format!("Plan “{name}” deleted with {}", counted(removed.terms as usize, "term"));
        match (removed.reassigned, &removal.reassign_to) {
            (0, _) | (_, None) => terms,
            (1, Some(to)) => format!("{terms}; 1 company now has “{to}”"),
            (n, Some(to)) => format!("{terms}; {n} companies now have “{to}”"),
        }
    }))
}

/// Gives the other terms of a plan the values of one.
#[utoipa::path(post, path = "/billing-plans/copy-terms", tag = "plan forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`plan_name`, `source_term`"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn copy_terms(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let (name, source) = (form.get("plan_name"), form.get("source_term"));
    let copied = actions::copy_terms(&codex, &caller, name, source).await;
    let outcome =
        copied.map(|terms| format!("“{source}” of “{name}” copied to {}", counted(terms, "other term")));
    Back::plans(&page).open(name).with(outcome)
}

/// Adds a category of features.
#[utoipa::path(post, path = "/billing-plans/features/categories/add", tag = "plan forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`category_name`"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn add_category(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let name = form.get("category_name").trim();
    let added = actions::add_category(&codex, &caller, name).await;
    Back::features(&page).with(added.map(|_| format!("Category “{name}” added")))
}

/// Renames a category.
#[utoipa::path(post, path = "/billing-plans/features/categories/{key}/edit", tag = "plan forms", params(("key" = String, Path, description = "Key of the category, such as `web_filtering`")),
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`category_name`"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn rename_category(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(key): Path<String>,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let name = form.get("category_name").trim();
    let renamed = actions::rename_category(&codex, &caller, &key, name).await;
    Back::features(&page).with(renamed.map(|_| format!("Category renamed to “{name}”")))
}

/// Removes a category.
#[utoipa::path(post, path = "/billing-plans/features/categories/{key}/delete", tag = "plan forms", params(("key" = String, Path, description = "Key of the category, such as `web_filtering`")),
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`confirm` when plans or companies have it"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn delete_category(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(key): Path<String>,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let removed = actions::remove_category(&codex, &caller, &key, form.says("confirm")).await;
    let outcome = removed.map(|used| match used.none() {
        true => format!("Category “{key}” removed"),
        false => format!("Category “{key}” removed, also from {}", used.words()),
    });
    Back::features(&page).with(outcome)
}

/// Adds an option to a category.
#[utoipa::path(post, path = "/billing-plans/features/add", tag = "plan forms",
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`feature_type`, `option_name`, perhaps `description`"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn add_option(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let name = form.get("option_name").trim();
    let description = form.given("description");
    let added =
        actions::add_option(&codex, &caller, form.get("feature_type"), name, description.as_deref()).await;
    Back::features(&page).with(added.and_then(|(_, is_new)| match is_new {
        true => Ok(format!("Option “{name}” added")),
        false => Err(Problem::conflict(format!("The category has the option “{name}” already"))),
    }))
}

/// Renames or describes an option.
#[utoipa::path(post, path = "/billing-plans/features/{id}/edit", tag = "plan forms", params(("id" = String, Path, description = "Id of the option")),
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`option_name`, perhaps `description`"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn edit_option(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<String>,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let description = form.0.iter().any(|(field, _)| field == "description").then(|| form.get("description"));
    let changed =
        actions::change_option(&codex, &caller, number(&id), Some(form.get("option_name")), description)
            .await;
    Back::features(&page)
        .with(changed.map(|option| format!("Option “{}” saved; plans follow", option.option_value)))
}

/// Removes an option.
#[utoipa::path(post, path = "/billing-plans/features/{id}/delete", tag = "plan forms", params(("id" = String, Path, description = "Id of the option")),
    request_body(content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "`replace_with` or `confirm` when plans or companies have it"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn delete_option(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<String>,
    page: Page,
    form: Fields,
) -> Result<Response> {
    let new = form.given("replace_with");
    let removed =
        actions::remove_option(&codex, &caller, number(&id), new.as_deref(), form.says("confirm")).await;
    let outcome = removed.map(|used| match (used.none(), &new) {
        (true, _) => "Option removed".to_owned(),
        (false, Some(new)) => format!("Option removed; {} now with “{new}”", used.words()),
        (false, None) => format!("Option removed, also from {}", used.words()),
    });
    Back::features(&page).with(outcome)
}

/// `1 term`, `2 terms`.
pub(super) fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// An id of a path; one that is none names no option.
fn number(id: &str) -> i64 {
    id.parse().unwrap_or(-1)
}
