//! PostgreSQL as the store.

use std::io::{IsTerminal as _, stdin};

use anyhow::{Context as _, ensure};
use hivematrix_shared::{
    config::{Secret, ServiceConfig as _, conf_path, home_from_environment},
    db::set_up::{self, Place},
};

use super::{InitDbArgs, mirror};
use crate::{cli::say, config::Settings, store::MIGRATOR};

pub(super) async fn run(args: &InitDbArgs, settings: &Settings) -> anyhow::Result<()> {
    let url = if args.non_interactive {
        settings.database.database_url.clone().context("no database is configured")?
    } else if args.headless {
        let password = args.db_password.as_ref().context("--db-password is required with --headless")?;
        ready(place(args), password, args).await?
    } else {
        ensure!(stdin().is_terminal(), "there is nobody to ask: give --headless or --non-interactive");
        asked(args).await?
    };
    set_up::migrate(&url, &MIGRATOR, &say).await?;
    mirror::database();
    Ok(())
}

fn place(args: &InitDbArgs) -> Place {
    Place {
        host: args.db_host.clone(),
        port: args.db_port,
        name: args.db_name.clone(),
        user: args.db_user.clone(),
    }
}

/// Makes the place usable and writes it down; answers its address.
async fn ready(place: Place, password: &Secret, args: &InitDbArgs) -> anyhow::Result<Secret> {
    set_up::prepare(&place, password, args.admin_url.as_ref(), &say).await?;
    let url = place.url(Some(password))?;
    let file = conf_path(&home_from_environment(), Settings::SERVICE);
    let codex: Vec<_> =
        args.codex_url.as_deref().map(|url| ("services", "codex_url", url)).into_iter().collect();
    set_up::write_connection(&file, &place, &url, &codex, &say)?;
    Ok(url)
}

/// Asks until there is a database, or nobody answers any more. What was typed is the suggestion of the next round.
async fn asked(args: &InitDbArgs) -> anyhow::Result<Secret> {
    let password = args.db_password.clone().unwrap_or_else(set_up::password_by_chance);
    let mut place = place(args);
    loop {
        place = place.asked(&mut stdin().lock(), &say)?;
        match ready(place.clone(), &password, args).await {
            Ok(url) => return Ok(url),
            Err(error) => say(&format!("{error:#}. Once more, or Ctrl+C:")),
        }
    }
}
