//! Makes bills: brings together what Codex says and what Ledger's own tables hold, for one company or for all.
//!
//! Nothing that is missing ever makes a bill cheaper: an answer of Codex that fails or breaks off is an error for all bills it
//! was needed for.

pub mod accept;
mod changes;
mod each;
mod late;
mod material;
pub mod overview;
pub mod papers;
pub mod verify;

use chrono::{DateTime, Datelike as _, FixedOffset, Utc};
use hivematrix_shared::{clock::Clock, problem::Problem};
use http::StatusCode;
use sqlx::PgPool;

pub use each::{Chunk, Each};
pub use material::{AsOf, Material};

use crate::{
    clients::codex::{Codex, CodexError, CompanyData, Years},
    domain::billing::{NoBill, Period},
    store::{self, inputs::Whose},
};

/// Makes bills. Cheap to clone.
#[derive(Clone)]
pub struct Bills {
    codex: Codex,
    pool: PgPool,
    clock: Clock,
}

/// Why a bill cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// Codex knows no such company.
    #[error("Company {0} not found")]
    NoCompany(String),
    /// Codex does not answer, or not as it should.
    #[error(transparent)]
    Codex(#[from] CodexError),
    /// The database does not.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The service stops.
    #[error("The service stops. What was archived stays archived; start it again for the rest.")]
    Stopped,
    /// The rules say that there is none.
    #[error(transparent)]
    NoBill(#[from] NoBill),
}

impl From<BillError> for Problem {
    fn from(error: BillError) -> Self {
        match error {
            BillError::NoCompany(_) => Self::new(StatusCode::NOT_FOUND).error(error.to_string()),
            BillError::Codex(error) => error.into(),
            BillError::Database(error) => error.into(),
            BillError::Stopped => Self::unavailable(error.to_string(), 10),
            BillError::NoBill(why) => Self::new(StatusCode::UNPROCESSABLE_ENTITY)
                .detail(format!("There is no bill: {why}."))
                .error("Unable to calculate billing. Check plan configuration."),
        }
    }
}

impl Bills {
    /// Over these sources.
    pub fn new(codex: Codex, pool: PgPool, clock: Clock) -> Self {
        Self { codex, pool, clock }
    }

    /// Now, in the zone in which the operator counts days.
    pub fn now(&self) -> DateTime<FixedOffset> {
        self.clock.local().fixed_offset()
    }

    /// The month that runs.
    pub fn current_period(&self) -> Option<Period> {
        let today = self.now().date_naive();
        Period::new(today.year().into(), today.month().into())
    }

    /// Everything that the bill of one company depends on.
    ///
    /// # Errors
    /// When there is no such company, or a source does not answer.
    pub async fn material(&self, account_number: &str, period: Period) -> Result<Material, BillError> {
        let mut years = vec![period.year()];
        if self.may_take_last_years(Some(&[account_number.to_owned()]), period).await? {
            years.push(period.year() - 1);
        }
        let (data, plans, as_of) = tokio::join!(
            self.codex.company(account_number, &years),
            self.codex.plans(),
            self.codex.tickets_as_of(),
        );
        let (data, plans, as_of) = (data?, plans?, AsOf::heard(as_of));
        let mut data = data.ok_or_else(|| BillError::NoCompany(account_number.to_owned()))?;
        let mut rows = self.rows(std::slice::from_ref(&data), period).await?;
        if years.len() == 1 && late::needs_last_year(&data, &rows, period) {
            self.add_last_year(&mut data, period).await?;
            rows = self.rows(std::slice::from_ref(&data), period).await?;
        }
        let made = Material::of(vec![data], rows, plans, period, self.now(), as_of);
        made.into_iter().next().ok_or_else(|| BillError::NoCompany(account_number.to_owned()))
    }

    /// Everything that the bills of these companies depend on, of all without a list, as Codex sends it.
    ///
    /// # Errors
    /// When a source does not answer. What breaks off later is an error of [`Each::next`].
    pub async fn each(&self, only: Option<Vec<String>>, period: Period) -> Result<Each, BillError> {
        let (plans, as_of, with_last_year) = tokio::join!(
            self.codex.plans(),
            self.codex.tickets_as_of(),
            self.may_take_last_years(only.as_deref(), period),
        );
        let (plans, as_of, with_last_year) = (plans?, AsOf::heard(as_of), with_last_year?);
        let year = period.year();
        let years = if with_last_year { Years::WithLast(year) } else { Years::One(year) };
        let companies = self.codex.companies(years);
        Ok(Each::new(self.clone(), companies, with_last_year, only, period, plans, as_of))
    }

    /// When Codex last read the tickets.
    ///
    /// # Errors
    /// When Codex does not answer.
    pub async fn tickets_as_of(&self) -> Result<Option<DateTime<Utc>>, BillError> {
        Ok(self.codex.tickets_as_of().await?)
    }

    /// Has the plans asked for anew: before something becomes final.
    pub fn forget_plans(&self) {
        self.codex.forget_plans();
    }

    /// Names of all companies by account number.
    ///
    /// # Errors
    /// When Codex does not answer.
    pub async fn names(&self) -> Result<Vec<(String, String)>, BillError> {
        Ok(self.codex.names().await?)
    }

    /// Whether bills of this month may have to take hours of tickets that were last touched in the year before.
    async fn may_take_last_years(&self, only: Option<&[String]>, period: Period) -> sqlx::Result<bool> {
        store::billed_hours::may_take_last_years(&self.pool, only, period).await
    }

    /// Adds the company's tickets of the year before.
    async fn add_last_year(&self, data: &mut CompanyData, period: Period) -> Result<(), CodexError> {
        let number = data.company.account_number.clone().unwrap_or_default();
        let tickets = self.codex.tickets_of(&number, period.year() - 1).await?;
        late::add(data, tickets);
        Ok(())
    }

    /// Ledger's own rows about these companies, as they are at one moment.
    async fn rows(&self, companies: &[CompanyData], period: Period) -> sqlx::Result<store::inputs::Rows> {
        let numbers: Vec<String> =
            companies.iter().filter_map(|data| data.company.account_number.clone()).collect();
        let assets: Vec<i64> =
            companies.iter().flat_map(|data| &data.assets).filter_map(|asset| asset.id).collect();
        let users: Vec<i64> =
            companies.iter().flat_map(|data| &data.contacts).filter_map(|contact| contact.id).collect();
        let entries: Vec<i64> = companies
            .iter()
            .flat_map(|data| &data.tickets)
            .flat_map(|ticket| &ticket.time_entries)
            .filter_map(|entry| entry.id)
            .collect();
        let mut snapshot = self.pool.begin_with("begin isolation level repeatable read, read only").await?;
        let whose = Whose { companies: &numbers, assets: &assets, users: &users, entries: &entries };
        let rows = store::inputs::read(&mut snapshot, Some(whose), period.year()).await?;
        snapshot.commit().await?;
        Ok(rows)
    }
}
