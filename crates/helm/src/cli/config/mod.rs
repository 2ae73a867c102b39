//! `helm config`: the master configuration, with the words of the original suite's `config_manager.py` (helm.md §8).

mod differ;
mod edit;
mod files;
mod show;

use anyhow::Result;
use clap::{Args, Subcommand};

pub(super) use self::files::make_database;
use crate::instance::{Layout, foreign::File};

/// What `helm config` can do.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// One value, or everything below a key, as JSON.
    Get(GetArgs),
    /// Set a value. Services take it up at their next start.
    Set(SetArgs),
    /// Take a value away, so that its default holds again.
    Unset(UnsetArgs),
    /// Every setting with its value and where it comes from.
    Show(JsonArgs),
    /// Which services run with other settings, and which files of foreign services are out of date. Exit code 3 when there
    /// are any.
    Diff(JsonArgs),
    /// Write the files of foreign services: `.flaskenv`, their settings file, the registry.
    #[command(visible_alias = "sync-all")]
    Sync(SyncArgs),
    /// Print the environment of a service as `KEY=VALUE` lines.
    GenDotenv(GenArgs),
    /// Print the settings file of a foreign service.
    GenConf(GenArgs),
    /// Write the `.flaskenv` of a foreign service.
    WriteDotenv(AppArgs),
    /// Write the settings file of a foreign service.
    WriteConf(AppArgs),
    /// Make the database and the role of a service on the server that Helm manages.
    SetupDb(AppArgs),
}

/// Arguments of `helm config get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// A key such as system.log_level, or the name of a service for all of its settings.
    pub key: String,
    /// As JSON, also a single text.
    #[arg(long)]
    pub json: bool,
    /// Show secrets as they are.
    #[arg(long)]
    pub secrets: bool,
}

/// Arguments of `helm config set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// A key such as system.log_level, or the name of a service to replace all of its settings.
    pub key: String,
    /// The value: a text, a number, true, false, or JSON; `-` reads it from standard input, `@FILE` from a file. Secrets
    /// must come by one of these, since everybody on the machine can read arguments.
    #[arg(allow_hyphen_values = true)]
    pub value: String,
    /// Say as JSON what was done: key, version, restart (services that run with other settings).
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm config unset`.
#[derive(Debug, Args)]
pub struct UnsetArgs {
    /// A key such as system.log_level, or the name of a service.
    pub key: String,
    /// Say as JSON what was done: key, version, restart (services that run with other settings).
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm config show` and `diff`.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm config sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// Only this service.
    pub service: Option<String>,
    /// As JSON: service, written, error.
    #[arg(long)]
    pub json: bool,
}

/// One service whose files are shown.
#[derive(Debug, Args)]
pub struct GenArgs {
    /// Service name.
    pub app: String,
    /// Show secrets as they are.
    #[arg(long)]
    pub secrets: bool,
}

/// One service for which something is made.
#[derive(Debug, Args)]
pub struct AppArgs {
    /// Service name.
    pub app: String,
    /// Say as JSON what was done: service, and path (null when the file was up to date) or database.
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn run(layout: &Layout, command: ConfigCommand) -> Result<()> {
    match command {
        ConfigCommand::Get(args) => show::get(layout, &args),
        ConfigCommand::Show(args) => show::all(layout, args.json),
        ConfigCommand::Set(args) => edit::set(layout, &args).await,
        ConfigCommand::Unset(args) => edit::unset(layout, &args).await,
        ConfigCommand::Diff(args) => differ::run(layout, args.json).await,
        ConfigCommand::Sync(args) => files::sync(layout, args.service.as_deref(), args.json),
        ConfigCommand::GenDotenv(args) => files::gen_dotenv(layout, &args),
        ConfigCommand::GenConf(args) => files::gen_conf(layout, &args),
        ConfigCommand::WriteDotenv(args) => files::write(layout, &args, File::Dotenv),
        ConfigCommand::WriteConf(args) => files::write(layout, &args, File::Conf),
        ConfigCommand::SetupDb(args) => files::setup_db(layout, &args).await,
    }
}
