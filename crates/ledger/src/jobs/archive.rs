//! Archiving a month of many companies: each in a transaction of its own, so that one that fails stops no other, and a job that
//! is killed leaves nothing half done. Started again, it goes on with what is missing.

use std::collections::BTreeMap;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Jobs, held::Held, patience::patiently};
use crate::{
    bills::{
        BillError, Material,
        accept::{Accept, Accepted},
    },
    clients::codex::CodexError,
    domain::billing::Period,
    store::jobs::{self, CompanyOutcome, NewJob, Tally},
};

/// What is to be archived.
#[derive(Clone, Debug)]
pub struct Order {
    /// `manual`, `scheduled` or `bulk`.
    pub job_type: &'static str,
    /// Which month.
    pub period: Period,
    /// Only these companies.
    pub only: Option<Vec<String>>,
    /// Who wants it.
    pub by: String,
    /// Kept with each bill.
    pub notes: Option<String>,
    /// Ends the job between two companies.
    pub stop: CancellationToken,
}

/// Why a job did not start.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// One for the same month runs.
    #[error("A job for this month is running already")]
    Running,
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How a company ended.
type Outcome = (CompanyOutcome, Option<String>);

impl Jobs {
    /// Starts a job in the background; its id.
    ///
    /// # Errors
    /// When one for this month runs, or the database does not answer.
    pub async fn start(&self, order: Order) -> Result<Uuid, NotStarted> {
        let (id, held) = self.begin(&order).await?;
        let jobs = self.clone();
        tokio::spawn(async move {
            if let Err(error) = jobs.carry_out(id, held, order).await {
                tracing::error!(job = %id, %error, "a job could not be ended");
            }
        });
        Ok(id)
    }

    /// Runs a job to its end. Where nobody waits for that any more, it goes on to its end nevertheless, and that is written.
    ///
    /// # Errors
    /// When one for this month runs, or the database does not answer.
    pub async fn complete(&self, order: Order) -> Result<(Uuid, Tally, bool), NotStarted> {
        let (id, held) = self.begin(&order).await?;
        let jobs = self.clone();
        let work = tokio::spawn(async move { jobs.carry_out(id, held, order).await }.in_current_span());
        let success = match work.await {
            Ok(done) => done?,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends.
                Err(_) => return Err(NotStarted::Database(sqlx::Error::WorkerCrashed)),
            },
        };
        Ok((id, jobs::tally(&self.pool, id).await?, success))
    }

    /// Notes the job, and holds a lock as long as this process lives: that tells others that somebody works on it.
    async fn begin(&self, order: &Order) -> Result<(Uuid, Held), NotStarted> {
        let id = Self::new_id();
        let mut held = Held::take(&self.pool, id).await?;
        let job = NewJob {
            id,
            job_type: order.job_type,
            year: order.period.year(),
            month: order.period.month().cast_signed(),
            only: order.only.as_deref(),
            triggered_by: &order.by,
            now: self.clock.now(),
        };
        if !jobs::begin(held.connection(), &job).await? {
            return Err(NotStarted::Running);
        }
        Ok((id, held))
    }

    async fn carry_out(&self, id: Uuid, held: Held, order: Order) -> sqlx::Result<bool> {
        tracing::info!(job = %id, period = %order.period, by = order.by, "archiving a month");
        // Two months at a time: others shall have connections too.
        let ended = match order.stop.run_until_cancelled(self.turns.acquire()).await {
            Some(Ok(_turn)) => self.work(id, &order).await,
            _ => Err(BillError::Stopped),
        };
        let success = patiently(&self.shutdown, || self.write_end(id, &ended)).await?;
        tracing::info!(job = %id, success, "archiving a month has ended");
        held.release().await;
        Ok(success)
    }

    /// Writes how the work of a job ended; whether all is well.
    async fn write_end(&self, id: Uuid, ended: &Result<(), BillError>) -> sqlx::Result<bool> {
        let now = self.clock.now();
        match ended {
            Ok(()) => {
                let tally = jobs::tally(&self.pool, id).await?;
                let success = tally.failed_count == 0;
                let output = json!({
                    "success_count": tally.success_count,
                    "failed_count": tally.failed_count,
                    "already_archived_count": tally.already_archived_count,
                    "skipped_count": tally.skipped_count,
                    "errors": tally.errors,
                    "warnings": tally.warnings,
                });
                jobs::end(&self.pool, id, now, Ok((output, success))).await?;
                Ok(success)
            }
            Err(error) => {
                jobs::end(&self.pool, id, now, Err(&error.to_string())).await?;
                Ok(false)
            }
        }
    }

    async fn work(&self, id: Uuid, order: &Order) -> Result<(), BillError> {
        self.bills.forget_plans();
        let names = stoppable(&order.stop, self.bills.names()).await?;
        let mut left: BTreeMap<String, String> = names.into_iter().collect();
        if let Some(only) = &order.only {
            let mut wanted = BTreeMap::new();
            for number in only {
                wanted.insert(number.clone(), left.get(number).cloned().unwrap_or_default());
            }
            left = wanted;
        }
        jobs::expect(&self.pool, id, left.len()).await?;
        let mut end = "Codex knows no such company";
        // Codex lets nobody read for ever: where its answer breaks off, it is asked again for what is missing, as long as
        // something came each time.
        loop {
            let before = left.len();
            let is_whole = self.pass(id, order, &mut left).await?;
            if is_whole {
                break;
            }
            if left.is_empty() || left.len() == before {
                end = "Codex's answer broke off before this company";
                break;
            }
        }
        for (number, name) in left {
            self.note(id, (&number, &name), (CompanyOutcome::Failed, Some(end.to_owned()))).await?;
        }
        Ok(())
    }

    /// Archives what Codex sends of the companies that are left. False where its answer broke off.
    async fn pass(
        &self,
        id: Uuid,
        order: &Order,
        left: &mut BTreeMap<String, String>,
    ) -> Result<bool, BillError> {
        let only = left.keys().cloned().collect();
        let mut each = match stoppable(&order.stop, self.bills.each(Some(only), order.period)).await {
            Err(BillError::Codex(error)) => return broke_off(id, &error),
            each => each?,
        };
        loop {
            let chunk = match stoppable(&order.stop, each.next()).await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(true),
                Err(BillError::Codex(error)) => return broke_off(id, &error),
                Err(error) => return Err(error),
            };
            for material in &chunk.materials {
                if self.shutdown.is_cancelled() || order.stop.is_cancelled() {
                    return Err(BillError::Stopped);
                }
                left.remove(material.account_number());
                self.one(id, order, material).await?;
            }
            for company in &chunk.bad {
                left.remove(&company.account_number);
                let outcome = (CompanyOutcome::Failed, Some(company.reason.clone()));
                self.note(id, (&company.account_number, &company.name), outcome).await?;
            }
        }
    }

    /// Archives the bill of one company, and notes it in the same transaction.
    async fn one(&self, id: Uuid, order: &Order, material: &Material) -> Result<(), BillError> {
        let company = (material.account_number(), material.company_name());
        if company.0.is_empty() {
            return Ok(());
        }
        if material.is_archived() {
            return Ok(self.note(id, company, (CompanyOutcome::Already, None)).await?);
        }
        if material.is_inactive() {
            let reason = Some("its plan is inactive".to_owned());
            return Ok(self.note(id, company, (CompanyOutcome::Skipped, reason)).await?);
        }
        let mut tx = self.pool.begin().await?;
        let done = self.bills.archive(&mut tx, material, &order.by, order.notes.clone()).await;
        let outcome = match done {
            Ok(Some(done)) => {
                let (outcome, reason) = outcome_of(&done);
                jobs::note(&mut tx, id, company, outcome, reason.as_deref()).await?;
                tx.commit().await?;
                done.audit(&order.by, company.0);
                return Ok(());
            }
            // Others are at this company: it is brought together anew.
            Ok(None) => {
                tx.rollback().await?;
                let accept = Accept {
                    account_number: company.0.to_owned(),
                    period: order.period,
                    notes: order.notes.clone(),
                    by: order.by.clone(),
                    expected_total: None,
                };
                match self.bills.accept(&accept).await {
                    Ok(done) => {
                        done.audit(&order.by, company.0);
                        outcome_of(&done)
                    }
                    Err(error) => failure(error)?,
                }
            }
            Err(error) => {
                tx.rollback().await?;
                failure(error)?
            }
        };
        Ok(self.note(id, company, outcome).await?)
    }

    async fn note(&self, id: Uuid, company: (&str, &str), (outcome, reason): Outcome) -> sqlx::Result<()> {
        let mut tx = self.pool.begin().await?;
        jobs::note(&mut tx, id, company, outcome, reason.as_deref()).await?;
        tx.commit().await
    }
}

/// What only reads does not have to come to its end.
async fn stoppable<T>(
    stop: &CancellationToken,
    reading: impl Future<Output = Result<T, BillError>>,
) -> Result<T, BillError> {
    stop.run_until_cancelled(reading).await.unwrap_or(Err(BillError::Stopped))
}

fn broke_off(id: Uuid, error: &CodexError) -> Result<bool, BillError> {
    tracing::warn!(job = %id, %error, "Codex's answer broke off");
    Ok(false)
}

fn outcome_of(done: &Accepted) -> Outcome {
    match done {
        Accepted::Archived { warnings, .. } => {
            (CompanyOutcome::Archived, (!warnings.is_empty()).then(|| warnings.join("; ")))
        }
        Accepted::Already { .. } => (CompanyOutcome::Already, None),
        Accepted::Changed(total) => {
            (CompanyOutcome::Failed, Some(format!("its total has become {total} meanwhile")))
        }
        Accepted::Incomplete(reason) => (CompanyOutcome::Failed, Some(reason.clone())),
    }
}

/// What is wrong with one company; a database that is away is wrong with all.
fn failure(error: BillError) -> Result<Outcome, BillError> {
    match error {
        BillError::Database(error) if error.as_database_error().is_none() => Err(error.into()),
        BillError::Database(error) => {
            tracing::error!(%error, "a bill could not be stored");
            Ok((CompanyOutcome::Failed, Some("the bill could not be stored; the log says why".to_owned())))
        }
        BillError::Stopped => Err(BillError::Stopped),
        error => Ok((CompanyOutcome::Failed, Some(error.to_string()))),
    }
}
