//! `hivematrix-ledger scheduled-snapshots`: the run of the schedule by hand, or by somebody else's timer.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use hivematrix_shared::context::ServiceContext;
use sqlx::PgPool;

use super::say;
use crate::{
    Ledger,
    config::Settings,
    domain::billing::Period,
    jobs::{NotStarted, Order},
    store::schedule,
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
    let row = schedule::load(&ledger.pool).await?;
    let is_asked_for = args.all || args.accounts.is_some() || args.year.is_some();
    let schedule = row.map(|row| row.schedule);
    if !is_asked_for && schedule.is_none_or(|schedule| !schedule.enabled || !schedule.all_companies) {
        say("The schedule is switched off, or chooses no companies");
        return Ok(ExitCode::SUCCESS);
    }
    let period = match (args.year, args.month) {
        (Some(year), Some(month)) => Period::new(year, month).context("there is no such month")?,
        _ => {
            let now = ledger.context.clock.local();
            let due =
                schedule.and_then(|schedule| schedule.latest(&now)).context("the schedule says no month")?;
            due.1
        }
    };
    if ledger.bills.current_period().is_some_and(|current| period > current) {
        bail!("{period} has not begun");
    }
    if args.dry_run {
        return preview(args, ledger, period).await;
    }
    let order = Order {
        job_type: "manual",
        period,
        only: args.accounts.clone(),
        by: "scheduled_snapshots".to_owned(),
        notes: None,
    };
    let (id, tally, success) = match ledger.jobs.complete(order).await {
        Ok(done) => done,
        Err(error @ NotStarted::Running) => bail!("{error}"),
        Err(NotStarted::Database(error)) => return Err(error.into()),
    };
    for error in &tally.errors {
        say(&format!("FAILED {error}"));
    }
    say(&format!(
        "{period}: {} archived, {} of them before, {} skipped, {} failed (job {id})",
        tally.success_count, tally.already_archived_count, tally.skipped_count, tally.failed_count
    ));
    Ok(if success { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn preview(args: &ScheduledArgs, ledger: &Ledger, period: Period) -> anyhow::Result<ExitCode> {
    let mut each = ledger.bills.each(args.accounts.clone(), period).await?;
    let mut is_fine = true;
    while let Some(chunk) = each.next().await? {
        for material in &chunk.materials {
            let company = format!("{} {}", material.account_number(), material.company_name());
            let told = match material.bill() {
                _ if material.is_archived() => "archived already".to_owned(),
                _ if material.is_inactive() => "skipped: its plan is inactive".to_owned(),
                Ok(bill) => format!("would be archived with {}", bill.receipt.total),
                Err(reason) => {
                    is_fine = false;
                    format!("would fail: {reason}")
                }
            };
            say(&format!("{company}: {told}"));
        }
        for company in &chunk.bad {
            is_fine = false;
            say(&format!("{} {}: would fail: {}", company.account_number, company.name, company.reason));
        }
    }
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
