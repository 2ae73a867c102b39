//! `helm keycloak`: Keycloak as the identity provider of an instance (platform.md §13).

mod configure;
pub(super) mod fresh;
mod password;
mod setup;
mod status;
mod unconfirmed;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use hivematrix_shared::config::CommonSettings;

use super::output::say;
use crate::{
    domain::{keycloak_realm::RealmModel, master_config::MasterConfig},
    instance::{Layout, master_config, options::Options},
};

/// What `helm keycloak` can do.
#[derive(Debug, Subcommand)]
pub enum KeycloakCommand {
    /// Set up the suite's realm at a running Keycloak and remember it for `helm up`. A second call changes nothing.
    Configure(ConfigureArgs),
    /// Whether people can sign in by the identity provider of this instance.
    Status(StatusArgs),
    /// Go back to Core's own realm. Keycloak itself is left as it is.
    Forget,
    /// Print the realm as a file for Keycloak's import at its first start, without secrets.
    Realm,
}

/// Arguments of `helm keycloak status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// As JSON: ok, keycloak (url, realm, issuer; null for Core's own realm), reason, unconfirmed.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm keycloak configure`.
#[derive(Debug, Args)]
pub struct ConfigureArgs {
    /// Keycloak's address for calls from this machine; default KEYCLOAK_BACKEND_URL, the remembered one, or
    /// `http://localhost:8080`.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// Name of the realm; default KEYCLOAK_REALM, the remembered one, or `hivematrix`.
    #[arg(long, value_name = "NAME")]
    pub realm: Option<String>,
    /// An administrator of Keycloak's realm `master`. The password is asked for, unless KC_BOOTSTRAP_ADMIN_PASSWORD or
    /// --admin-password-file say it.
    #[arg(long, env = "KC_BOOTSTRAP_ADMIN_USERNAME", value_name = "NAME", default_value = "admin")]
    pub admin_user: String,
    /// File with the administrator's password; `-` reads it from standard input.
    #[arg(long, value_name = "FILE")]
    pub admin_password_file: Option<PathBuf>,
    /// Also make the users tech, billing and client.
    #[arg(long)]
    pub demo: bool,
    /// Say as JSON what was done: url, realm, changes (how many), users (made now), password_file.
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn run(layout: &Layout, common: &CommonSettings, command: KeycloakCommand) -> Result<()> {
    match command {
        KeycloakCommand::Configure(args) => configure::run(layout, common, &args).await,
        KeycloakCommand::Status(args) => status::run(layout, common, args.json).await,
        KeycloakCommand::Forget => forget(layout),
        KeycloakCommand::Realm => {
            let text = serde_json::to_string_pretty(&RealmModel::template().import());
            say!("{}", text.context("the realm is no JSON")?);
            Ok(())
        }
    }
}

fn forget(layout: &Layout) -> Result<()> {
    let mut options = Options::read(layout)?;
    let config = MasterConfig::from(master_config::ensure(layout, &options)?.document);
    match config.keycloak() {
        None => say!("This instance uses no Keycloak."),
        Some(keycloak) => {
            master_config::change(layout, None, |document| {
                document.unset(&["keycloak", "url"]);
                Ok(())
            })?;
            options.keycloak = None;
            options.write(layout)?;
            say!("{} is forgotten and left as it is, with its users.", keycloak.url);
            say!("`helm up` goes back to Core's own realm, which has its own users.");
        }
    }
    Ok(())
}
