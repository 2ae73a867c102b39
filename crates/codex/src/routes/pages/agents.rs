//! `GET /agents`: who may sign in to the platform, and the agents of the PSA (codex-pages.md §6).

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::{AdminOnly, UserOnly},
    contracts::codex::PsaAgent,
    pages::{Page, format::iso_z},
    problem::{Problem, Result},
};

use crate::{
    Codex,
    store::{psa_agents, users},
};

#[derive(Template)]
#[template(path = "agents.html")]
struct AgentsPage {
    page: Page,
    agents: Vec<Row>,
    enabled: usize,
    psa_agents: Vec<PsaAgent>,
    psa_active: usize,
}

/// A platform user as the table shows it.
struct Row {
    id: String,
    username: String,
    name: String,
    email: String,
    enabled: bool,
    synced: Option<String>,
}

/// The page.
pub async fn page(State(codex): State<Codex>, _: UserOnly, _: AdminOnly, page: Page) -> Result<Html<String>> {
    let agents: Vec<Row> = users::list(&codex.pool).await?.into_iter().map(row).collect();
    let psa_agents = psa_agents::list(&codex.pool, None).await?;
    let html = AgentsPage {
        page,
        enabled: agents.iter().filter(|agent| agent.enabled).count(),
        psa_active: psa_agents.iter().filter(|agent| agent.active).count(),
        agents,
        psa_agents,
    };
    html.render().map(Html).map_err(Problem::internal)
}

fn row(user: users::User) -> Row {
    let names = [user.first_name, user.last_name].into_iter().flatten().filter(|name| !name.is_empty());
    let name = names.collect::<Vec<_>>().join(" ");
    Row {
        id: user.keycloak_id,
        username: user.username,
        name: if name.is_empty() { "-".to_owned() } else { name },
        email: user.email.unwrap_or_else(|| "-".to_owned()),
        enabled: user.enabled,
        synced: user.last_synced_at.map(iso_z),
    }
}
