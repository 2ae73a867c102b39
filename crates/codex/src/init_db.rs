//! `hivematrix-codex init-db`, upstream's `init_db.py` (codex-api.md §11.3): makes role and database, writes the connection
//! into `codex.conf` and brings the tables up to date.

mod rebuild;

use std::{
    io::{IsTerminal as _, stdin},
    process::ExitCode,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hivematrix_shared::{
    config::{Secret, ServiceConfig as _, conf_path, home_from_environment},
    db::set_up::{self, PlaceArgs},
};

use crate::{MIGRATOR, cli::say, config::Settings, settings::Origin};

/// What a new conf file says beside the connection.
const DEFAULTS: [(&str, &str, &str); 6] = [
    ("psa", "default_provider", "freshservice"),
    ("psa", "enabled_providers", "freshservice"),
    ("rmm", "default_provider", "datto"),
    ("scheduler", "sync_psa_schedule", "daily"),
    ("scheduler", "sync_rmm_schedule", "daily"),
    ("scheduler", "sync_tickets_schedule", "frequent"),
];

/// What to prepare. Without `--headless`, `--test`, `--migrate-only` or `--force-rebuild` it asks at the terminal.
#[derive(Args, Clone, Debug)]
pub struct InitDbArgs {
    /// Ask nothing: everything comes from the arguments.
    #[arg(long)]
    pub headless: bool,
    /// Only bring the tables of the configured database up to date; with `--headless` that happens anyway.
    #[arg(long)]
    pub migrate_only: bool,
    /// Everything with defaults, and a password by chance where none is given.
    #[arg(long)]
    pub test: bool,
    /// Remove everything in the configured database and make it anew. Asks for a phrase, see `--confirm`.
    #[arg(long, conflicts_with_all = ["headless", "test", "migrate_only"])]
    pub force_rebuild: bool,
    /// The phrase of `--force-rebuild`, `rebuild <name of the database>`, where nobody can type it.
    #[arg(long, requires = "force_rebuild")]
    pub confirm: Option<String>,
    /// Where the database is.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// The role's password, required with `--headless`. In the environment it is hidden from other users of the machine.
    #[arg(long, env = "CODEX_DB_PASSWORD", hide_env_values = true)]
    pub db_password: Option<Secret>,
    /// Administrator of the server, who makes what is missing; without one the local account `postgres` is tried.
    #[arg(long, env = "CODEX_DB_ADMIN_URL", hide_env_values = true)]
    pub admin_url: Option<Secret>,
    /// Accepted and ignored, as in the original.
    #[arg(long, hide = true)]
    pub create_sample_data: bool,
}

/// Does it. Exit code 0 when the database is ready.
///
/// # Errors
/// Why it is not, without any password.
pub async fn run(args: &InitDbArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let configured = settings.database.database_url.as_ref();
    if args.force_rebuild {
        rebuild::rebuild(configured.context("no database is configured")?, args.confirm.as_deref()).await?;
    } else if args.migrate_only && !args.headless {
        migrate(configured.context("no database is configured")?).await?;
    } else {
        let interactive = !args.headless && !args.test;
        ensure!(
            !interactive || stdin().is_terminal(),
            "there is nobody to ask: give --headless, --test or --migrate-only"
        );
        let mut place = args.place.of(Settings::SERVICE);
        if interactive {
            place = place.asked(&mut stdin().lock(), &say)?;
        }
        let password = match &args.db_password {
            Some(password) => password.clone(),
            None if args.headless => bail!("--db-password is required with --headless"),
            None => set_up::password_by_chance(),
        };
        let usual = || conf_path(&home_from_environment(), Settings::SERVICE);
        let file = settings.origin.as_ref().map_or_else(usual, Origin::file);
        let admin_url = args.admin_url.as_ref();
        let url = set_up::ready(&place, &password, admin_url, (&file, &DEFAULTS), &say).await?;
        migrate(&url).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Brings the tables up to date.
async fn migrate(url: &Secret) -> anyhow::Result<()> {
    set_up::migrate(url, &MIGRATOR, &say).await
}
