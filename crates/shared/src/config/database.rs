//! The settings of a service that has a database.

use clap::Args;

use super::Secret;

/// Where the data lives.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Database")]
pub struct DatabaseSettings {
    /// PostgreSQL connection string.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, hide_default_value = true)]
    pub database_url: Option<Secret>,
    /// Most connections kept open at the same time, at least 5.
    #[arg(long, env = "DATABASE_CONNECTIONS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(5..))]
    pub database_connections: u32,
}
