//! The users of the realm, and who changed them.

use askama::Template;
use axum::{extract::State, response::Html};
use futures::{StreamExt, TryStreamExt, stream};
use hivematrix_shared::{
    extract::LenientQuery,
    pages::Page,
    problem::{Problem, Result},
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::render;
use crate::{
    ServeState,
    domain::{
        keycloak_realm::GROUPS,
        user_change::{Action, in_words},
        user_list::UserFilter,
    },
    realm_admin::{RealmAdmin, id_of, name_of},
    routes::{
        access::AdminUser,
        api::keycloak::{failed, history_page, realm},
    },
    store::{logs::SHORT_CORRELATION, user_changes::UserChange},
};

const PER_PAGE: usize = 50;
/// Questions about groups that the realm is asked at once.
const AT_ONCE: usize = 8;
const CHANGES: i64 = 20;

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct UsersQuery {
    search: String,
    enabled: Option<bool>,
    page: Option<usize>,
    /// Changes before this id.
    before: Option<i64>,
}

impl UsersQuery {
    /// The address of this list with another page or other changes.
    fn address(&self, page: usize, before: Option<i64>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if !self.search.is_empty() {
            query.append_pair("search", &self.search);
        }
        if let Some(enabled) = self.enabled {
            query.append_pair("enabled", if enabled { "true" } else { "false" });
        }
        if page > 1 {
            query.append_pair("page", &page.to_string());
        }
        if let Some(before) = before {
            query.append_pair("before", &before.to_string());
        }
        let query = query.finish();
        if query.is_empty() { String::new() } else { format!("?{query}") }
    }
}

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    page: Page,
    search: String,
    enabled: Option<bool>,
    /// The list, or why there is none.
    list: Result<List, Problem>,
    groups: [&'static str; 4],
    changes: Vec<Change>,
    newer: Option<String>,
    older: Option<String>,
}

struct List {
    rows: Vec<Row>,
    count: String,
    at: usize,
    pages: usize,
    previous: Option<String>,
    next: Option<String>,
}

struct Row {
    id: Option<Uuid>,
    username: String,
    name: String,
    email: String,
    is_unconfirmed: bool,
    is_enabled: bool,
    groups: String,
}

struct Change {
    time: String,
    iso: String,
    who: String,
    what: &'static str,
    outcome: String,
    username: String,
    details: String,
    correlation_id: String,
    correlation_short: String,
}

/// `GET /users`
pub async fn show(
    State(state): State<ServeState>,
    _: AdminUser,
    page: Page,
    LenientQuery(query): LenientQuery<UsersQuery>,
) -> Result<Html<String>> {
    // Without the realm the page still tells who changed what.
    let list = list(&state, &query).await;
    let (changes, next) = history_page(&state, None, query.before, CHANGES).await?;
    let at = query.page.unwrap_or(1).max(1);
    render(&UsersPage {
        page,
        list,
        groups: GROUPS,
        changes: changes.into_iter().map(Change::from).collect(),
        newer: query.before.map(|_| query.address(at, None)),
        older: next.map(|next| query.address(at, Some(next))),
        search: query.search,
        enabled: query.enabled,
    })
}

async fn list(state: &ServeState, query: &UsersQuery) -> Result<List> {
    let realm = &realm(state)?;
    let filter = UserFilter { search: query.search.clone(), enabled: query.enabled };
    let failed = failed("Failed to fetch users");
    let total = realm.count(&filter).await.map_err(&failed)?;
    let pages = total.div_ceil(PER_PAGE).max(1);
    let at = query.page.unwrap_or(1).clamp(1, pages);
    let users = realm.page(&filter, (at - 1) * PER_PAGE, PER_PAGE).await.map_err(failed)?;
    let rows = stream::iter(users).map(|user| row(realm, user)).buffered(AT_ONCE).try_collect().await?;
    let count = match (total, query.search.trim()) {
        (1, "") => "1 user".to_owned(),
        (total, "") => format!("{total} users"),
        (1, search) => format!("1 user matches “{search}”"),
        (total, search) => format!("{total} users match “{search}”"),
    };
    let link = |page: usize| query.address(page, None);
    Ok(List {
        rows,
        count,
        at,
        pages,
        previous: (at > 1).then(|| link(at - 1)),
        next: (at < pages).then(|| link(at + 1)),
    })
}

async fn row(realm: &RealmAdmin, user: Value) -> Result<Row> {
    let text = |name: &str| user[name].as_str().unwrap_or_default().trim().to_owned();
    let id = id_of(&user);
    let groups = match id {
        Some(id) => realm.groups_of(id).await.map_err(failed("Failed to fetch user groups"))?,
        None => None,
    };
    let groups: Vec<&str> = groups.iter().flatten().filter_map(name_of).collect();
    Ok(Row {
        id,
        username: text("username"),
        name: format!("{} {}", text("firstName"), text("lastName")).trim().to_owned(),
        email: text("email"),
        is_unconfirmed: user["emailVerified"] == false && !text("email").is_empty(),
        is_enabled: user["enabled"] == true,
        groups: groups.join(", "),
    })
}

impl From<UserChange> for Change {
    fn from(change: UserChange) -> Self {
        let correlation_id = change.correlation_id.filter(|id| id != "none").unwrap_or_default();
        Self {
            time: change.at.format("%Y-%m-%d %H:%M:%S").to_string(),
            iso: change.at.to_rfc3339(),
            who: change.by_name,
            what: Action::words(&change.action),
            outcome: change.outcome,
            username: change.username,
            details: in_words(&change.details),
            correlation_short: correlation_id.chars().take(SHORT_CORRELATION).collect(),
            correlation_id,
        }
    }
}
