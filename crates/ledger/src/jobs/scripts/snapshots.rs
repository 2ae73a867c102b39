//! The run of the archive's schedule, asked for by a person, a job or somebody else's timer.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;

use super::Listener;
use crate::{
    Ledger,
    domain::billing::Period,
    jobs::{NotStarted, Order},
    store::{jobs, schedule},
};

/// Between two looks at how far the archiving is.
const LOOK: Duration = Duration::from_secs(3);
/// What is said where the schedule wants nothing.
pub const OFF: &str = "The schedule is switched off, or chooses no companies";

/// Which month of whom.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// This month; none is the one that the schedule says.
    pub period: Option<Period>,
    /// All companies, also when the schedule chooses none.
    pub all: bool,
    /// Only these companies.
    pub accounts: Option<Vec<String>>,
}

/// The month that is to be archived; none where only the schedule asks for it, and it is off.
///
/// # Errors
/// When the month has not begun, the schedule says none, or the database does not answer.
pub async fn month(ledger: &Ledger, wanted: &Wanted) -> anyhow::Result<Option<Period>> {
    let schedule = schedule::load(&ledger.pool).await?.map(|row| row.schedule);
    let is_asked_for = wanted.all || wanted.accounts.is_some() || wanted.period.is_some();
    if !is_asked_for && schedule.is_none_or(|schedule| !schedule.enabled || !schedule.all_companies) {
        return Ok(None);
    }
    let period = match wanted.period {
        Some(period) => period,
        None => {
            let now = ledger.context.clock.local();
            let due = schedule.and_then(|schedule| schedule.latest(&now));
            due.context("the schedule says no month")?.1
        }
    };
    if ledger.bills.current_period().is_some_and(|current| period > current) {
        bail!("{period} has not begun");
    }
    Ok(Some(period))
}

/// Archives a month; well when no company failed. Each company is archived whole, also when `stop` comes meanwhile.
///
/// # Errors
/// When nothing could start.
pub async fn archive(
    ledger: &Ledger,
    period: Period,
    only: Option<Vec<String>>,
    by: &str,
    listener: &dyn Listener,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let order =
        Order { job_type: "manual", period, only, by: by.to_owned(), notes: None, stop: stop.clone() };
    listener.progress(&format!("Archiving {period}"));
    let done = tokio::select! {
        done = ledger.jobs.complete(order) => done,
        never = watch(ledger, period, listener) => match never {},
    };
    let (id, tally, success) = match done {
        Ok(done) => done,
        Err(error @ NotStarted::Running) => bail!("{error}"),
        Err(NotStarted::Database(error)) => return Err(error.into()),
    };
    for error in &tally.errors {
        listener.say(&format!("FAILED {error}"));
    }
    listener.say(&format!(
        "{period}: {} archived, {} of them before, {} skipped, {} failed (job {id})",
        tally.success_count, tally.already_archived_count, tally.skipped_count, tally.failed_count
    ));
    if !success
        && tally.failed_count == 0
        && let Some(error) = jobs::find(&ledger.pool, id).await?.and_then(|job| job.error)
    {
        listener.say(&error);
    }
    Ok(success)
}

/// Tells which bills [`archive`] would archive, and archives none; well when no company would fail.
///
/// # Errors
/// When Codex or the database does not answer.
pub async fn preview(
    ledger: &Ledger,
    period: Period,
    only: Option<Vec<String>>,
    listener: &dyn Listener,
) -> anyhow::Result<bool> {
    let mut each = ledger.bills.each(only, period).await?;
    let mut is_fine = true;
    while let Some(chunk) = each.next().await? {
        for material in &chunk.materials {
            let company = format!("{} {}", material.account_number(), material.company_name());
            let told = if material.is_archived() {
                "archived already".to_owned()
            } else if material.is_inactive() {
                "skipped: its plan is inactive".to_owned()
            } else {
                let total = match material.incomplete() {
                    Some(reason) => Err(reason),
                    None => material.bill().map(|bill| bill.receipt.total).map_err(|why| why.to_string()),
                };
                is_fine &= total.is_ok();
                match total {
                    Ok(total) => format!("would be archived with {total}"),
                    Err(reason) => format!("would fail: {reason}"),
                }
            };
            listener.say(&format!("{company}: {told}"));
        }
        for company in &chunk.bad {
            is_fine = false;
            listener
                .say(&format!("{} {}: would fail: {}", company.account_number, company.name, company.reason));
        }
    }
    Ok(is_fine)
}

/// Tells how far the archiving of a month is, for as long as it is asked.
async fn watch(ledger: &Ledger, period: Period, listener: &dyn Listener) -> std::convert::Infallible {
    let mut last = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let running = jobs::list(&ledger.pool, 10, 0).await.unwrap_or_default().into_iter().find(|job| {
            job.status == "running"
                && (job.target_year, job.target_month) == (period.year(), period.month().cast_signed())
        });
        let Some(job) = running else { continue };
        let done = job.completed_companies + job.failed_companies;
        if done != last {
            last = done;
            listener.progress(&format!("{done} of {} companies are done", job.total_companies));
        }
    }
}
