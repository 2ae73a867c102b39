//! The command line: `sync psa` and `sync rmm`, and the scripts of upstream by their names (codex-api.md §8.1, §7.3, §11.3).

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand, ValueEnum};

use crate::import::command::ImportArgs;
use crate::init_db::InitDbArgs;
use crate::jobs::{Details, StartError, SyncService, Work};
use crate::providers::row::storable;
use crate::providers::{Kind as _, Providers, PsaProvider, RmmProvider};
use crate::sync::{BasePart, Mode, Reach};

/// What the binary does instead of serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Reads vendor data once, now.
    #[command(subcommand)]
    Sync(SyncCommand),
    /// `sync psa` by the name of the original's script.
    #[command(alias = "sync_psa")]
    SyncPsa(PsaArgs),
    /// `sync rmm` by the name of the original's script.
    #[command(alias = "sync_rmm")]
    SyncRmm(RmmArgs),
    /// Writes the account numbers of companies to their sites at the RMM.
    #[command(alias = "push_account_numbers")]
    PushAccountNumbers(NumberArgs),
    /// Gives an account number to every company at the PSA that has none.
    #[command(alias = "create_account_numbers")]
    CreateAccountNumbers(NumberArgs),
    /// Makes role and database, writes the connection into `codex.conf`, brings the tables up to date.
    #[command(alias = "init_db")]
    InitDb(InitDbArgs),
    /// Takes billing plans and feature options from an exported file; what exists is left as it is.
    ImportPlans(ImportPlansArgs),
    /// Takes over a database of the original Codex; can be repeated.
    Import(ImportArgs),
}

/// At which vendor, and whether in earnest.
#[derive(Clone, Debug, Args)]
pub struct NumberArgs {
    /// Provider to write to instead of the default one.
    #[arg(long)]
    pub provider: Option<String>,
    /// Only tell what would be written.
    #[arg(long)]
    pub dry_run: bool,
}

impl NumberArgs {
    fn mode(&self) -> Mode {
        if self.dry_run { Mode::DryRun } else { Mode::Write }
    }
}

/// Which file.
#[derive(Clone, Debug, Args)]
pub struct ImportPlansArgs {
    /// JSON with `plans` and `feature_options`, as the page of plans exports it.
    pub file: PathBuf,
    /// Change nothing, only say what would happen.
    #[arg(long)]
    pub dry_run: bool,
}

/// What to read.
#[derive(Clone, Debug, Subcommand)]
pub enum SyncCommand {
    /// Companies, contacts, agents and tickets of the ticketing system.
    Psa(PsaArgs),
    /// Assets of the system for monitoring and management.
    Rmm(RmmArgs),
}

/// Which RMM, and what besides reading.
#[derive(Clone, Debug, Args)]
pub struct RmmArgs {
    /// Provider to read instead of the default one.
    #[arg(long)]
    pub provider: Option<String>,
    /// Only check address and keys.
    #[arg(long)]
    pub test_connection: bool,
    /// Afterwards write the account numbers of companies to their sites.
    #[arg(long)]
    pub push_account_numbers: bool,
    /// With `--push-account-numbers`: read no assets, and only tell what would be written.
    #[arg(long, requires = "push_account_numbers")]
    pub dry_run: bool,
}

impl RmmArgs {
    /// The job these arguments ask for.
    pub fn work(&self) -> Work {
        match (self.push_account_numbers, self.dry_run) {
            (true, true) => Work::PushAccountNumbers(Mode::DryRun),
            (push, _) => Work::Assets { push: push.then_some(Mode::Write) },
        }
    }
}

/// Which data, of which provider, how thoroughly.
#[derive(Clone, Debug, Args)]
pub struct PsaArgs {
    /// What to read.
    #[arg(long = "type", value_enum, default_value_t = Kind::All)]
    pub kind: Kind,
    /// Tickets: only what changed, without messages and hours.
    #[arg(long)]
    pub light: bool,
    /// Tickets: what changed, with messages and hours of all that changed within the last 48 hours.
    #[arg(long)]
    pub detail: bool,
    /// Tickets: all there ever were, with messages and hours of every one.
    #[arg(long)]
    pub full_history: bool,
    /// Tickets: all, with messages and hours of every one, and a comparison with what is stored.
    #[arg(long)]
    pub full_sync: bool,
    /// Tickets: compare all with what is stored, with messages and hours of those that are not done or changed lately.
    #[arg(long)]
    pub force_reconcile: bool,
    /// Provider to read instead of the default one.
    #[arg(long, conflicts_with = "all_providers")]
    pub provider: Option<String>,
    /// Read all enabled providers.
    #[arg(long)]
    pub all_providers: bool,
    /// Only compare: store nothing, and tell what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// List the providers and stop.
    #[arg(long)]
    pub list_providers: bool,
}

/// Value of `--type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Companies.
    Companies,
    /// Contacts.
    Contacts,
    /// Agents and groups.
    Agents,
    /// Tickets.
    Tickets,
    /// Companies, agents, contacts.
    Base,
    /// Everything.
    All,
}

impl PsaArgs {
    /// The jobs these arguments ask for. Of several ticket modes light wins over detail over the full ones, as upstream.
    pub fn work(&self) -> Vec<Work> {
        if !self.dry_run {
            return self.syncs();
        }
        let (mut parts, mut tickets) = (Vec::new(), None);
        for work in self.syncs() {
            match work {
                Work::Base(more) => parts.extend(more),
                Work::Tickets { reach, .. } => tickets = Some(reach),
                _ => {}
            }
        }
        vec![Work::DryRun { parts, tickets }]
    }

    fn syncs(&self) -> Vec<Work> {
        let tickets = || {
            let (reach, details) = if self.light {
                (Reach::Changes, Details::Skip)
            } else if self.detail {
                (Reach::Changes, Details::Recent)
            } else if self.full_history || self.full_sync {
                (Reach::Full, Details::All)
            } else if self.force_reconcile {
                (Reach::Full, Details::Refresh)
            } else {
                (Reach::Changes, Details::Due)
            };
            Work::Tickets { reach, details }
        };
        match self.kind {
            Kind::Companies => vec![Work::Base(vec![BasePart::Companies])],
            Kind::Contacts => vec![Work::Base(vec![BasePart::Contacts])],
            Kind::Agents => vec![Work::Base(vec![BasePart::Agents])],
            Kind::Base => vec![Work::base()],
            Kind::Tickets => vec![tickets()],
            Kind::All => vec![Work::base(), tickets()],
        }
    }
}

/// The text of a command that only asks what there is.
pub fn answer(command: &Command, providers: &Providers) -> Option<String> {
    match command {
        Command::Sync(SyncCommand::Psa(args)) | Command::SyncPsa(args) => {
            args.list_providers.then(|| list(providers))
        }
        _ => None,
    }
}

/// Runs a command that talks to vendors in this process, without a server. Exit code 0 when all went well, 1 otherwise.
pub async fn run(command: &Command, service: &SyncService) -> ExitCode {
    let vendors = service.vendors();
    match command {
        Command::Sync(SyncCommand::Psa(args)) | Command::SyncPsa(args) => psa(args, service).await,
        Command::Sync(SyncCommand::Rmm(args)) | Command::SyncRmm(args) => rmm(args, service).await,
        Command::PushAccountNumbers(args) => {
            let name = args.provider.as_deref().unwrap_or_else(|| vendors.rmm.default_name());
            code(one(service, name, Work::PushAccountNumbers(args.mode())).await)
        }
        Command::CreateAccountNumbers(args) => {
            let name = args.provider.as_deref().unwrap_or_else(|| vendors.psa.default_name());
            code(one(service, name, Work::CreateAccountNumbers(args.mode())).await)
        }
        Command::InitDb(_) | Command::ImportPlans(_) | Command::Import(_) => {
            say("ERROR: this command talks to no vendor");
            ExitCode::FAILURE
        }
    }
}

fn code(fine: bool) -> ExitCode {
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn rmm(args: &RmmArgs, service: &SyncService) -> ExitCode {
    let vendors = service.vendors();
    let name = args.provider.as_deref().unwrap_or_else(|| vendors.rmm.default_name());
    let fine = if args.test_connection {
        match vendors.rmm.get(Some(name)) {
            Ok(provider) => test(&*provider).await,
            Err(error) => {
                say(&format!("ERROR: {error}"));
                false
            }
        }
    } else {
        one(service, name, args.work()).await
    };
    code(fine)
}

async fn test(provider: &dyn RmmProvider) -> bool {
    match provider.check().await {
        Ok(()) => {
            say(&format!("{}: the connection works", provider.display_name()));
            true
        }
        Err(error) => {
            say(&format!("ERROR: {error}"));
            false
        }
    }
}

async fn psa(args: &PsaArgs, service: &SyncService) -> ExitCode {
    let vendors = service.vendors();
    let names = match (&args.provider, args.all_providers) {
        (Some(name), _) => vec![name.as_str()],
        (None, true) => vendors.psa.names(),
        (None, false) => vec![vendors.psa.default_name()],
    };
    let mut failed = names.is_empty();
    if failed {
        say("ERROR: no provider is configured");
    }
    for name in names {
        if let Err(error) = vendors.psa.get(Some(name)) {
            say(&format!("ERROR: {error}"));
            failed = true;
            continue;
        }
        for work in args.work() {
            failed |= !one(service, name, work).await;
        }
    }
    code(!failed)
}

async fn one(service: &SyncService, provider: &str, work: Work) -> bool {
    match service.run_here(provider, work, "command line").await {
        Ok(outcome) => outcome.error.is_none(),
        Err(error) => {
            say(&format!("ERROR: {error}"));
            if let StartError::Running(_) = error {
                say("Wait for it to end, or cancel it with POST /sync/cancel/<job>");
            }
            false
        }
    }
}

fn list(providers: &Providers) -> String {
    let default = providers.default_name();
    let lines = <dyn PsaProvider>::KNOWN.iter().map(|name| {
        let state = match providers.get(Some(name)) {
            Ok(_) if *name == default => "ready, default".to_owned(),
            Ok(_) => "ready".to_owned(),
            Err(error) => error.to_string(),
        };
        format!("{name}: {state}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Writes to standard output, without the control characters that other people's data may steer a terminal by.
pub fn say(text: &str) {
    use std::io::Write as _;
    let text = storable(text);
    // Nothing is left to do about a reader that went away.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

#[cfg(test)]
mod tests;
