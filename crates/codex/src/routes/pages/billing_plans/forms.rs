//! The forms of the page: each does what a JSON route does, and leads back to the page, which says how it went. The gateway
//! lets a form act with the session only when it comes from our own pages (`docs/GATEWAY.md`); without the gateway, the
//! cookie counts only for requests of the same origin.

use axum::{
    extract::{FromRequest, Multipart, Request, State},
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
    domain::{
        plan_file,
        plans::{PRICES, TERMS},
    },
    routes::{
        api::plans::actions::{self, Removal},
        flash::{Flash, Kind},
    },
};

/// Errors of an import that are told; the others are counted.
const TOLD: usize = 3;

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
struct Back<'a> {
    page: &'a Page,
    features: bool,
    plan: &'a str,
}

impl<'a> Back<'a> {
    fn plans(page: &'a Page) -> Self {
        Self { page, features: false, plan: "" }
    }

    fn features(page: &'a Page) -> Self {
        Self { page, features: true, plan: "" }
    }

    fn open(self, plan: &'a str) -> Self {
        Self { plan, ..self }
    }

    /// The redirect. What the caller did wrong is said on the page; other failures have a page of their own.
    fn with(self, outcome: Result<String>) -> Result<Response> {
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

    fn saying(self, flashes: &[Flash]) -> Response {
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
        if let Some(cookie) = Flash::cookie(flashes) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// `new_plan_name`: a plan with four terms.
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

/// `plan_name`, `plan_ids` and a field `<name>_<id>` for each number and feature; with `bulk_edit` all terms get the values
/// of the first.
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

/// `plan_name`; `reassign_to` or `force` when companies have it.
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

/// `plan_name`, `source_term`.
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

/// `category_name`.
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

/// `category_name`.
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

/// `confirm` when plans or companies have it.
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

/// `feature_type`, `option_name`, perhaps `description`.
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

/// `option_name`, perhaps `description`.
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

/// `replace_with` or `confirm` when plans or companies have it.
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
fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// An id of a path; one that is none names no option.
fn number(id: &str) -> i64 {
    id.parse().unwrap_or(-1)
}

/// The file `json_file` of a multipart form.
pub(super) async fn import(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: Multipart,
) -> Result<Response> {
    let file =
        match read_upload(form).await.and_then(|bytes| plan_file::read(&bytes).map_err(Problem::bad_request))
        {
            Ok(file) => file,
            Err(problem) => return Back::plans(&page).with(Err(problem)),
        };
    let done = actions::import(&codex, &caller, file, false).await?;
    let mut flashes = vec![Flash::new(
        if done.errors.is_empty() { Kind::Success } else { Kind::Warning },
        format!(
            "Imported {} and {}; left {} and {} as they were; {}",
            counted(done.plans_imported, "plan term"),
            counted(done.features_imported, "option"),
            counted(done.plans_skipped, "plan term"),
            counted(done.features_skipped, "option"),
            counted(done.errors.len(), "error")
        ),
    )];
    if !done.errors.is_empty() {
        let told = done.errors.iter().take(TOLD).cloned().collect::<Vec<_>>().join(" · ");
        let more = done.errors.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(" · and {more} more") } else { String::new() };
        flashes.push(Flash::new(Kind::Warning, format!("{told}{more}")));
    }
    Ok(Back::plans(&page).saying(&flashes))
}

async fn read_upload(mut form: Multipart) -> Result<Vec<u8>> {
    let unreadable = |error: axum::extract::multipart::MultipartError| {
        Problem::new(error.status()).detail(match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "The file is larger than 16 MB.".to_owned(),
            _ => error.body_text(),
        })
    };
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("json_file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_lowercase();
        if name.is_empty() {
            return Err(Problem::bad_request("Choose a file to import."));
        }
        if !name.ends_with(".json") {
            return Err(Problem::bad_request("The name of the file must end in .json."));
        }
        return Ok(field.bytes().await.map_err(unreadable)?.to_vec());
    }
    Err(Problem::bad_request("Choose a file to import."))
}
