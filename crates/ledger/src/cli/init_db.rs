//! `hivematrix-ledger init-db`, the original's `init_db.py` (ledger.md §10.2), for a Ledger on its own: makes role and database,
//! writes the connection into `ledger.conf` and brings the tables up to date.

use std::{
    io::{BufRead, IsTerminal as _, stdin},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};
use clap::Args;
use hivematrix_shared::{
    clock::Clock,
    config::{Secret, ServiceConfig as _, conf_path, home_from_environment},
    db::{
        self,
        set_up::{self, Place, PlaceArgs},
    },
};

use super::say;
use crate::{MIGRATOR, config::Settings, store::pullers};

/// What to prepare. Without `--headless` and `--migrate-only` it asks at the terminal.
#[derive(Args, Clone, Debug)]
pub struct InitDbArgs {
    /// Ask nothing: everything comes from the arguments.
    #[arg(long)]
    pub headless: bool,
    /// Only bring the tables of the configured database up to date; with `--headless` that happens anyway.
    #[arg(long)]
    pub migrate_only: bool,
    /// Make an example of a job, which is switched off.
    #[arg(long)]
    pub create_sample_data: bool,
    /// Where the database is.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// The role's password, required with `--headless`. In the environment it is hidden from other users of the machine.
    #[arg(long, env = "LEDGER_DB_PASSWORD", hide_env_values = true)]
    pub db_password: Option<Secret>,
    /// Administrator of the server, who makes what is missing; without one the local account `postgres` is tried.
    #[arg(long, env = "LEDGER_DB_ADMIN_URL", hide_env_values = true)]
    pub admin_url: Option<Secret>,
}

/// Does it. Exit code 0 when the database is ready.
///
/// # Errors
/// Why it is not, without any password.
pub async fn run(args: &InitDbArgs, settings: &Settings) -> anyhow::Result<ExitCode> {
    let (url, wants_sample) = if args.migrate_only && !args.headless {
        let configured = settings.database.database_url.clone();
        (configured.context("no database is configured")?, args.create_sample_data)
    } else if args.headless {
        let password = args.db_password.as_ref().context("--db-password is required with --headless")?;
        (ready(&args.place.of(Settings::SERVICE), password, args).await?, args.create_sample_data)
    } else {
        ensure!(stdin().is_terminal(), "there is nobody to ask: give --headless or --migrate-only");
        let url = asked(args).await?;
        let wants_sample = args.create_sample_data
            || is_yes("Make an example of a job, switched off? [y/N]:", &mut stdin().lock())?;
        (url, wants_sample)
    };
    set_up::migrate(&url, &MIGRATOR, &say).await?;
    if wants_sample {
        let pool = db::connect(Some(&url), 1)?;
        let made = pullers::create_sample_job(&pool, Clock::system().now()).await?;
        pool.close().await;
        say(if made { "The example of a job is made" } else { "The example of a job is there" });
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the place usable and writes it down; answers its address.
async fn ready(place: &Place, password: &Secret, args: &InitDbArgs) -> anyhow::Result<Secret> {
    let file = conf_path(&home_from_environment(), Settings::SERVICE);
    set_up::ready(place, password, args.admin_url.as_ref(), (&file, &[]), &say).await
}

/// Asks until there is a database, or nobody answers any more. What was typed is the suggestion of the next round.
async fn asked(args: &InitDbArgs) -> anyhow::Result<Secret> {
    let password = args.db_password.clone().unwrap_or_else(set_up::password_by_chance);
    let mut place = args.place.of(Settings::SERVICE);
    loop {
        place = place.asked(&mut stdin().lock(), &say)?;
        match ready(&place, &password, args).await {
            Ok(url) => return Ok(url),
            Err(error) => say(&format!("{error:#}. Once more, or Ctrl+C:")),
        }
    }
}

fn is_yes(question: &str, input: &mut dyn BufRead) -> anyhow::Result<bool> {
    say(question);
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
