//! `hivematrix-ledger scheduled-snapshots`: the run of the schedule by hand, or by somebody else's timer.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use hivematrix_shared::context::ServiceContext;
use sqlx::PgPool;

use super::{Shell, ended, say};
use crate::{
    Ledger,
    config::Settings,
    domain::billing::Period,
    jobs::scripts::snapshots::{self, Wanted},
};

/// Which month of whom.
#[derive(Args, Clone, Debug)]
pub struct ScheduledArgs {
    /// Year; without it and `--month`, the month that the schedule says.
    #[arg(long, requires = "month")]
    pub year: Option<i64>,
    /// Month, 1 to 12.
    #[arg(long, requires = "year")]
    pub month: Option<i64>,
    /// All companies, also when the schedule chooses none.
    #[arg(long, conflicts_with = "accounts")]
    pub all: bool,
    /// Only these companies, separated by commas.
    #[arg(long, value_delimiter = ',', value_name = "ACCOUNT NUMBERS")]
    pub accounts: Option<Vec<String>>,
    /// Tell which bills would be archived, and archive none.
    #[arg(long)]
    pub dry_run: bool,
}

/// Archives and tells.
///
/// # Errors
/// When nothing could start.
pub async fn run(args: &ScheduledArgs, settings: &Settings, pool: PgPool) -> anyhow::Result<ExitCode> {
    let context = ServiceContext::start_without_shipping("ledger", settings.common.clone())?;
    let ledger = Ledger::new(context.clone(), settings, pool);
    let outcome = archive(args, &ledger).await;
    context.stop().await;
    outcome
}

async fn archive(args: &ScheduledArgs, ledger: &Ledger) -> anyhow::Result<ExitCode> {
    let period = match (args.year, args.month) {
        (Some(year), Some(month)) => Some(Period::new(year, month).context("there is no such month")?),
        _ => None,
    };
    let wanted = Wanted { period, all: args.all, accounts: args.accounts.clone() };
    let Some(period) = snapshots::month(ledger, &wanted).await? else {
        say(snapshots::OFF);
        return Ok(ExitCode::SUCCESS);
    };
    if args.dry_run {
        return Ok(ended(snapshots::preview(ledger, period, wanted.accounts, &Shell).await?));
    }
    let (by, stop) = ("scheduled_snapshots", &ledger.context.shutdown);
    Ok(ended(snapshots::archive(ledger, period, wanted.accounts, by, &Shell, stop).await?))
}
