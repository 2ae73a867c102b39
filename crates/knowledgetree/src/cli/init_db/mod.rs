//! `hivematrix-knowledgetree init-db`, the original's `init_db.py` (knowledgetree.md §13): says where the tree is kept, tries it, writes
//! it into `knowledgetree.conf`, and tells Helm.

mod database;
mod graph;
mod mirror;

use std::process::ExitCode;

use clap::Args;
use hivematrix_shared::config::Secret;

use crate::config::Settings;

/// Where the tree is kept. Without `--headless` and `--non-interactive` it asks at the terminal.
#[derive(Args, Clone, Debug)]
pub struct InitDbArgs {
    /// Ask nothing: everything comes from the arguments.
    #[arg(long, conflicts_with = "non_interactive")]
    pub headless: bool,
    /// Ask nothing: what is configured already is tried and written down.
    #[arg(long)]
    pub non_interactive: bool,
    /// Keep the tree in PostgreSQL, and make role, database and tables.
    #[arg(long)]
    pub postgres: bool,
    /// Address of Neo4j.
    #[arg(long)]
    pub neo4j_uri: Option<String>,
    /// User of Neo4j.
    #[arg(long)]
    pub neo4j_user: Option<String>,
    /// Its password, required with `--headless`. In the environment it is hidden from other users of the machine.
    #[arg(long, env = "KNOWLEDGETREE_INIT_NEO4J_PASSWORD", hide_env_values = true)]
    pub neo4j_password: Option<Secret>,
    /// Base URL of Codex.
    #[arg(long)]
    pub codex_url: Option<String>,
    /// Host of PostgreSQL.
    #[arg(long, default_value = "localhost")]
    pub db_host: String,
    /// Its port.
    #[arg(long, default_value_t = 5432)]
    pub db_port: u16,
    /// Name of the database.
    #[arg(long, default_value = "knowledgetree_db")]
    pub db_name: String,
    /// Role that owns it.
    #[arg(long, default_value = "knowledgetree_user")]
    pub db_user: String,
    /// The role's password, required with `--postgres --headless`.
    #[arg(long, env = "KNOWLEDGETREE_DB_PASSWORD", hide_env_values = true)]
    pub db_password: Option<Secret>,
    /// Administrator of PostgreSQL, who makes what is missing; without one the local account `postgres` is tried.
    #[arg(long, env = "KNOWLEDGETREE_DB_ADMIN_URL", hide_env_values = true)]
    pub admin_url: Option<Secret>,
}

/// Does it. Exit code 0 when it is written down.
///
/// # Errors
/// Why it is not, without any password.
pub async fn run(args: &InitDbArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    if args.postgres {
        database::run(args, settings).await?;
    } else {
        graph::run(args, settings).await?;
    }
    Ok(ExitCode::SUCCESS)
}
