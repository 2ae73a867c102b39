//! `helm install`: the whole suite for systemd (helm.md §11), or a module of it (platform.md §14).

mod dependency;
mod module;
mod neo4j;
mod status;
mod systemd;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use hivematrix_shared::config::CommonSettings;

use super::{UpdateConfigArgs, doctor, list, update_config};
use crate::instance::Layout;

/// Arguments of `helm install`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true
)]
pub struct InstallArgs {
    #[command(subcommand)]
    command: Option<InstallCommand>,
    /// A module of the suite: it is registered, gets its folder, secrets and database, and is started where the suite runs.
    /// `neo4j` is the server for KnowledgeTree's tree, below the instance directory.
    #[arg(value_name = "MODULE", required_unless_present = "systemd", conflicts_with_all = ["systemd", "prefix", "root", "dry_run", "undo"])]
    module: Option<String>,
    /// As JSON. Of a module: module, success, message, running, port, url. Of systemd: changed, accounts; with --dry-run
    /// steps; with --undo removed.
    #[arg(long)]
    json: bool,
    /// Of neo4j: a folder with its programs (*.jar), where this machine cannot fetch them.
    #[arg(long, value_name = "DIR", requires = "module")]
    from: Option<PathBuf>,
    /// As services of systemd: programs, units, timers, accounts, folders and permissions.
    #[arg(long)]
    pub systemd: bool,
    /// Where the programs go.
    #[arg(long, value_name = "DIR", requires = "systemd")]
    prefix: Option<PathBuf>,
    /// Put the files into a folder that stands for the machine; without accounts, data, and systemd itself.
    #[arg(long, value_name = "DIR", requires = "systemd")]
    root: Option<PathBuf>,
    /// Only say what would be done.
    #[arg(long, requires = "systemd")]
    dry_run: bool,
    /// Take away again what was put in place. Data, settings and accounts stay.
    #[arg(long, requires = "systemd")]
    undo: bool,
}

/// The words of the original suite's `install_manager.py`.
#[derive(Debug, Subcommand)]
pub enum InstallCommand {
    /// The same as `helm install MODULE`.
    Install(ModuleArgs),
    /// Every module that belongs to the suite by default and whose program is here.
    InstallDefaults(DefaultsArgs),
    /// What is known of a module, as JSON.
    Status(StatusArgs),
    /// The modules that are here.
    ListInstalled(list::ListArgs),
    /// What the suite needs of this machine: the same as `helm doctor`.
    CheckDeps(doctor::DoctorArgs),
    /// A server that the suite runs: by the package manager of this machine, Neo4j by Maven.
    InstallDep(DependencyArgs),
    /// Takes the suite's own Neo4j away again. Its data stays.
    RemoveDep(DependencyArgs),
    /// The same as `helm update-config`.
    UpdateConfig(UpdateConfigArgs),
    /// Nothing: the services are programs of one build.
    Clone(NothingArgs),
    /// Nothing: another build comes by `helm update`.
    Pull(NothingArgs),
}

/// A module for which there is nothing to do.
#[derive(Debug, Args)]
pub struct NothingArgs {
    /// Its name.
    module: String,
}

/// One module.
#[derive(Debug, Args)]
pub struct ModuleArgs {
    /// Its name.
    module: String,
    /// As JSON: module, success, message, running, port, url.
    #[arg(long)]
    json: bool,
}

/// Arguments of `helm install install-defaults`.
#[derive(Debug, Args)]
pub struct DefaultsArgs {
    /// As JSON, one object for each.
    #[arg(long)]
    json: bool,
}

/// Arguments of `helm install status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Name of the module.
    module: String,
}

/// Arguments of `helm install install-dep`.
#[derive(Debug, Args)]
pub struct DependencyArgs {
    /// Which one.
    #[arg(value_enum)]
    name: dependency::Dependency,
}

pub(super) async fn run(layout: &Layout, common: &CommonSettings, args: InstallArgs) -> Result<()> {
    if args.from.is_some() && args.module.as_deref() != Some("neo4j") {
        bail!("--from is for neo4j alone");
    }
    match (args.command, args.module) {
        (Some(InstallCommand::Install(args)), _) if args.module == "neo4j" => {
            neo4j::run(layout, &neo4j::Order { from: None, json: args.json })
        }
        (Some(InstallCommand::Install(args)), _) => {
            module::one(layout, common, &args.module, args.json).await
        }
        (Some(InstallCommand::InstallDefaults(args)), _) => module::defaults(layout, common, args.json).await,
        (Some(InstallCommand::Status(args)), _) => status::run(layout, &args.module).await,
        (Some(InstallCommand::ListInstalled(args)), _) => list::installed(layout, &args),
        (Some(InstallCommand::CheckDeps(args)), _) => doctor::run(layout, &args).await,
        (Some(InstallCommand::InstallDep(args)), _) => dependency::run(layout, args.name),
        (Some(InstallCommand::RemoveDep(args)), _) => dependency::remove(layout, args.name),
        (Some(InstallCommand::UpdateConfig(args)), _) => update_config::run(layout, &args).await,
        (Some(InstallCommand::Clone(NothingArgs { module })), _) => bail!(
            "nothing is cloned: the services are programs of one build, and `helm install {module}` puts one in place. A \
             service of the original suite is cloned by git, as hivematrix-{module} beside {}",
            layout.home().display()
        ),
        (Some(InstallCommand::Pull(NothingArgs { module })), _) => bail!(
            "nothing is pulled: the services are programs of one build, and `helm update` brings another one. A service of \
             the original suite is pulled by git, in its folder hivematrix-{module}"
        ),
        (None, Some(module)) if module == "neo4j" => {
            neo4j::run(layout, &neo4j::Order { from: args.from, json: args.json })
        }
        (None, Some(module)) => module::one(layout, common, &module, args.json).await,
        (None, None) => {
            let order = systemd::Order {
                prefix: args.prefix,
                root: args.root,
                dry_run: args.dry_run,
                undo: args.undo,
                json: args.json,
            };
            systemd::run(layout, &order, &common.version()).await
        }
    }
}
