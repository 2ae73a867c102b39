//! The command line (helm.md §8).

mod alerts;
mod args;
mod audit;
mod auth;
mod backup;
mod call;
mod caller;
mod cleanup;
mod completion;
mod config;
mod control;
mod core;
mod doctor;
mod install;
mod keycloak;
mod keys;
mod list;
mod logs;
mod man;
mod offline;
mod output;
mod prompt;
mod ready;
mod replace;
mod restore;
mod secret;
mod status;
mod store;
mod systemd;
mod token;
mod up;
mod update;
mod update_config;
mod users;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{CommandFactory, Subcommand, error::ErrorKind};

pub use self::args::{
    AlertsArgs, CleanupArgs, DownArgs, LogsArgs, Mode, NameArgs, Permission, ServeArgs, ServiceArgs, Size,
    StatusArgs, StopArgs, TokenArgs, UpArgs, UpdateConfigArgs,
};
use crate::{
    config::Settings,
    daemon,
    instance::{
        Layout,
        installation::{self, Installation},
    },
};

/// What `helm` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring the whole suite up and wait until it is ready. A second call is harmless.
    Up(UpArgs),
    /// Stop everything.
    Down(DownArgs),
    /// Start one service.
    Start(ServiceArgs),
    /// Stop one service; it stays down until it is started.
    Stop(StopArgs),
    /// Stop and start one service.
    Restart(ServiceArgs),
    /// State of every service.
    Status(StatusArgs),
    /// The services of the registry.
    List(list::ListArgs),
    /// What is wrong now, by the rules for alerts. Exits 1 while something critical is.
    Alerts(AlertsArgs),
    /// Log lines out of the central log, oldest first.
    Logs(LogsArgs),
    /// A token for tests and scripts.
    Token(TokenArgs),
    /// A token that is kept in a file of your own, for some calls.
    #[command(subcommand)]
    Auth(auth::AuthCommand),
    /// Call a route of a service with a token of some level and print what it answers.
    Call(call::CallArgs),
    /// The keys that sign tokens: look at them, or replace them.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// The secret by which a service proves to Core who it is, for scripts that ask Core in its place.
    Secret(NameArgs),
    /// Let people sign in by Keycloak instead of Core's own realm.
    #[command(subcommand)]
    Keycloak(keycloak::KeycloakCommand),
    /// The users of the realm: list, make, change, remove.
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// Audit the security of this machine, or write a firewall script. Exit code 1: a service is exposed.
    Audit(audit::AuditArgs),
    /// Write the generated registries (services.json and its companions).
    UpdateConfig(UpdateConfigArgs),
    /// The master configuration: look at it, change it, write the files of foreign services.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Remove old log lines and samples.
    CleanupLogs(CleanupArgs),
    /// Save everything into one encrypted archive.
    Backup(backup::BackupArgs),
    /// Bring an archive back, all of it or a part. The suite must be stopped.
    Restore(restore::RestoreArgs),
    /// Put a module in place, or the whole suite for systemd, or take that away again.
    Install(install::InstallArgs),
    /// Put a program of ours in the place of a service of the original suite, or that one back.
    Replace(replace::ReplaceArgs),
    /// Find out why the suite does not come up, and what mends it. Works without a running daemon.
    Doctor(doctor::DoctorArgs),
    /// Replace the programs by those of another build: backup first, back to the old ones when the new are not healthy.
    Update(update::UpdateArgs),
    /// Run the daemon in the foreground: supervision and the Helm service.
    Serve(ServeArgs),
    /// Print what a shell needs to complete these commands.
    Completion(completion::CompletionArgs),
    /// Print the manual page, or write one for each command.
    Man(man::ManArgs),
}

/// The end of a command that has said everything already, with an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("exit code {0}")]
pub(crate) struct Quit(pub u8);

/// Says what is wrong with a call, or prints the help that was asked for.
pub fn not_understood(error: &clap::Error) -> ExitCode {
    // Whoever closed the output has read enough.
    let _ = error.print();
    ExitCode::from(misuse(error, std::env::args_os().skip(1)))
}

/// Commands in the place of scripts that ended with 1 whatever was wrong with their words.
const WITHOUT_MISUSE: [&str; 3] = ["auth", "config", "install"];

/// The exit code of a call with these arguments that is not understood (helm.md §8): one without a command gets help and is
/// not done; words and arguments that are wrong are another thing for most commands.
fn misuse(error: &clap::Error, arguments: impl Iterator<Item = OsString>) -> u8 {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => 0,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => 1,
        _ if named(arguments).is_some_and(|name| WITHOUT_MISUSE.iter().any(|command| name == *command)) => 1,
        _ => 2,
    }
}

/// The command that the arguments name: the first word that is no option and no value of one.
fn named(mut arguments: impl Iterator<Item = OsString>) -> Option<OsString> {
    let command = Settings::command();
    let takes_value = |option: &str| {
        command.get_arguments().any(|known| {
            known.get_action().takes_values()
                && known.get_long().is_some_and(|long| option == format!("--{long}"))
        })
    };
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some(option) if takes_value(option) => _ = arguments.next(),
            Some(option) if option.starts_with('-') => {}
            _ => return Some(argument),
        }
    }
    None
}

/// Runs one command; errors go to standard error.
pub async fn run(settings: Settings) -> ExitCode {
    match dispatch(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match error.downcast_ref::<Quit>() {
            Some(Quit(code)) => ExitCode::from(*code),
            None => {
                eprintln!("helm: {}", output::harmless(&format!("{error:#}")));
                ExitCode::FAILURE
            }
        },
    }
}

async fn dispatch(settings: Settings) -> Result<()> {
    let layout = Layout::new(home(&settings)?);
    match settings.command {
        Command::Users(command) => users::run(&layout, command).await,
        Command::Audit(args) => audit::run(&layout, &args).await,
        Command::Up(args) => up::run(&layout, &settings.common, &args).await,
        Command::Down(args) => control::down(&layout, args).await,
        Command::Start(args) => control::start(&layout, args).await,
        Command::Stop(args) => control::stop(&layout, args).await,
        Command::Restart(args) => control::restart(&layout, args).await,
        Command::Status(args) => status::run(&layout, &args).await,
        Command::List(args) => list::run(&layout, &args),
        Command::Auth(command) => auth::run(&layout, command).await,
        Command::Call(args) => call::run(&layout, &args).await,
        Command::Config(command) => config::run(&layout, command).await,
        Command::Completion(args) => completion::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Alerts(args) => alerts::run(&layout, &args).await,
        Command::Logs(args) => logs::run(&layout, args).await,
        Command::Token(args) => token::run(&layout, &args).await,
        Command::Keys(command) => keys::run(&layout, &command).await,
        Command::Secret(args) => secret::run(&layout, &args.service),
        Command::Keycloak(command) => keycloak::run(&layout, &settings.common, command).await,
        Command::UpdateConfig(args) => update_config::run(&layout, &args).await,
        Command::CleanupLogs(args) => cleanup::run(&layout, &args).await,
        Command::Backup(args) => backup::run(&layout, args).await,
        Command::Restore(args) => restore::run(&layout, args).await,
        Command::Install(args) => install::run(&layout, &settings.common, args).await,
        Command::Replace(args) => replace::run(&layout, &args).await,
        Command::Doctor(args) => doctor::run(&layout, &args).await,
        Command::Update(args) => update::run(&layout, &args).await,
        Command::Serve(args) => {
            if args.detach {
                nix::unistd::setsid().context("cannot leave the session")?;
            }
            daemon::run(layout, settings.common).await
        }
    }
}

/// An installation for systemd is one of the machine, wherever its build lies.
fn home(settings: &Settings) -> Result<PathBuf> {
    let given = &settings.common.home;
    match &settings.command {
        Command::Install(args) if args.systemd && given.as_os_str() == DEFAULT_HOME => {
            Ok(PathBuf::from(INSTALLED_HOME))
        }
        _ => absolute(given),
    }
}

/// Services are started in other working directories, so the instance directory must be absolute.
fn absolute(home: &std::path::Path) -> Result<PathBuf> {
    if home.as_os_str() == DEFAULT_HOME {
        if let Some(installation) = Installation::read(&installation::programs()?)? {
            return Ok(installation.places.home);
        }
        if is_installed() {
            return Ok(PathBuf::from(INSTALLED_HOME));
        }
    }
    let absolute = std::path::absolute(home).context("the instance directory is not valid")?;
    // Links are followed, so that one instance has one name.
    Ok(std::fs::canonicalize(&absolute).unwrap_or(absolute))
}

const DEFAULT_HOME: &str = "instance";
const INSTALLED_HOME: &str = "/var/lib/hivematrix";

/// Whether this program lies where packages put programs, not in a checkout.
fn is_installed() -> bool {
    std::env::current_exe().is_ok_and(|program| program.starts_with("/usr") || program.starts_with("/opt"))
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;
