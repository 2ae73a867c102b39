//! KnowledgeTree's settings (knowledgetree.md §13).

use std::path::PathBuf;

use clap::{Args, Parser};
use hivematrix_shared::config::{self, CommonSettings, DatabaseSettings, FileKey, Secret, ServiceConfig};

use crate::cli::Command;

/// Port where `SERVICE_PORT` says nothing.
pub const DEFAULT_PORT: u16 = 5020;

/// What the team knows, as a tree of notes and files.
#[derive(Clone, Debug, Parser)]
#[command(name = "hivematrix-knowledgetree", version, about)]
pub struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings every service has.
    #[command(flatten)]
    pub common: CommonSettings,
    /// The graph, where there is one.
    #[command(flatten)]
    pub neo4j: Neo4jSettings,
    /// The tree's home where Neo4j is not set up.
    #[command(flatten)]
    pub database: DatabaseSettings,
    /// Base URL of Codex where the registry does not name it.
    #[arg(long, env = "CODEX_SERVICE_URL")]
    pub codex_url: Option<String>,
    /// When syncs begin by themselves.
    #[command(flatten)]
    pub sync: SyncSettings,
    /// Knowledge that a new tree begins with: a JSON file of items, as an export has them, and of tickets that know them. It is
    /// read once.
    #[arg(long, env = "KNOWLEDGETREE_SEED_FILE")]
    pub seed_file: Option<PathBuf>,
    /// Days that what was deleted stays in the trash.
    #[arg(long, env = "KNOWLEDGETREE_TRASH_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    pub trash_days: u16,
}

/// Where Neo4j is. It counts as set up when it has an address and a password; neither has a default, so that a machine without
/// Neo4j needs no setting to use PostgreSQL.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Neo4j")]
pub struct Neo4jSettings {
    /// Address of the server, such as `bolt://localhost:7687`; `bolt+s` and `neo4j+s` with TLS.
    #[arg(long, env = "NEO4J_URI")]
    pub neo4j_uri: Option<String>,
    /// User of the server.
    #[arg(long, env = "NEO4J_USER", default_value = "neo4j")]
    pub neo4j_user: String,
    /// Password of the user.
    #[arg(long, env = "NEO4J_PASSWORD", hide_env_values = true, hide_default_value = true)]
    pub neo4j_password: Option<Secret>,
}

/// When syncs begin by themselves: never, where nothing is set.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Sync")]
pub struct SyncSettings {
    /// Seconds from one sync of companies, people and devices to the next.
    #[arg(long, env = "KNOWLEDGETREE_COMPANY_SYNC_SECONDS")]
    pub company_sync_seconds: Option<u32>,
    /// Seconds from one sync of tickets to the next.
    #[arg(long, env = "KNOWLEDGETREE_TICKET_SYNC_SECONDS")]
    pub ticket_sync_seconds: Option<u32>,
}

impl Neo4jSettings {
    /// Address and password, where both are set.
    pub fn configured(&self) -> Option<(&str, &Secret)> {
        let uri = self.neo4j_uri.as_deref().filter(|uri| !uri.is_empty())?;
        let password = self.neo4j_password.as_ref().filter(|password| !password.is_empty())?;
        Some((uri, password))
    }
}

impl ServiceConfig for Settings {
    const SERVICE: &'static str = "knowledgetree";
    const FILE_KEYS: &'static [FileKey] = &[
        FileKey::new("database", "neo4j_uri", "NEO4J_URI"),
        FileKey::new("database", "neo4j_user", "NEO4J_USER"),
        FileKey::new("database", "neo4j_password", "NEO4J_PASSWORD"),
        FileKey::new("database", "connection_string", "DATABASE_URL"),
        // Older files; the newer section stands below and wins.
        FileKey::new("codex", "url", "CODEX_SERVICE_URL"),
        FileKey::new("services", "codex_url", "CODEX_SERVICE_URL"),
        FileKey::new("services", "core_url", "CORE_SERVICE_URL"),
        FileKey::new("sync", "company_seconds", "KNOWLEDGETREE_COMPANY_SYNC_SECONDS"),
        FileKey::new("sync", "ticket_seconds", "KNOWLEDGETREE_TICKET_SYNC_SECONDS"),
    ];

    fn common_mut(&mut self) -> &mut CommonSettings {
        &mut self.common
    }
}

/// Reads the settings; ends the process with a message when they are wrong.
pub fn load() -> Settings {
    config::load()
}
