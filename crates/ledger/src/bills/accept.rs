//! Accepting a bill: computed once, and what was computed goes into the archive in one transaction (ledger.md §7.2).

use sqlx::{PgConnection, PgPool};

use super::{BillError, Bills, Material};
use crate::{
    domain::{
        archive::ArchivedInvoice,
        billing::{Period, number::Money},
    },
    store::snapshots::{self, Outcome},
};

/// A bill that is to be archived.
#[derive(Clone, Debug)]
pub struct Accept {
    /// Whose.
    pub account_number: String,
    /// Which month.
    pub period: Period,
    /// For people.
    pub notes: Option<String>,
    /// Who accepts it.
    pub by: String,
    /// What was shown to whoever accepts it; another total is not archived.
    pub expected_total: Option<Money>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Accepted {
    /// It is in the archive now.
    Archived {
        /// Its number.
        invoice_number: String,
        /// Its total.
        total: Money,
        /// Its seal.
        content_hash: String,
        /// What should be looked at all the same.
        warnings: Vec<String>,
    },
    /// It was there already.
    Already {
        /// Its number.
        invoice_number: String,
    },
    /// Its total is another one than was looked at: this one.
    Changed(Money),
    /// It cannot be final, for this reason.
    Incomplete(String),
}

impl Accepted {
    /// Writes the audit line, once it is certain.
    pub fn audit(&self, by: &str, company: &str) {
        if let Self::Archived { invoice_number, total, content_hash, .. } = self {
            hivematrix_shared::audit!(
                user = by, company, invoice = invoice_number, total = %total, seal = content_hash, "Bill archived"
            );
        }
    }
}

/// Others may archive months of the same company at the same time; then the bill is computed again.
const TRIES: usize = 3;

impl Bills {
    /// Archives one bill.
    ///
    /// # Errors
    /// When there is no bill, or a source does not answer.
    pub async fn accept(&self, accept: &Accept) -> Result<Accepted, BillError> {
        // What is archived stays so, whatever has become of the company since.
        let there = snapshots::number_of(&self.pool, &accept.account_number, accept.period).await?;
        if let Some(invoice_number) = there {
            return Ok(Accepted::Already { invoice_number });
        }
        self.codex.forget_plans();
        for _ in 0..TRIES {
            let material = self.material(&accept.account_number, accept.period).await?;
            if let (Some(expected), Ok(bill)) = (accept.expected_total, material.bill())
                && bill.receipt.total != expected
            {
                return Ok(Accepted::Changed(bill.receipt.total));
            }
            let mut tx = self.pool.begin().await?;
            if let Some(done) = self.archive(&mut tx, &material, &accept.by, accept.notes.clone()).await? {
                tx.commit().await?;
                return Ok(done);
            }
        }
        Ok(Accepted::Incomplete("others are archiving months of this company; try again".to_owned()))
    }

    /// Archives what was brought together, in the caller's transaction. `None`: the archive of the company has moved on since,
    /// so it has to be brought together again.
    ///
    /// # Errors
    /// When there is no bill, or the database does not answer.
    pub async fn archive(
        &self,
        connection: &mut PgConnection,
        material: &Material,
        by: &str,
        notes: Option<String>,
    ) -> Result<Option<Accepted>, BillError> {
        if let Some(reason) = material.incomplete() {
            return Ok(Some(Accepted::Incomplete(reason)));
        }
        let bill = material.bill()?;
        let invoice = ArchivedInvoice::of(&bill, self.clock.now(), by, notes)
            .map_err(|error| sqlx::Error::Encode(error.into()))?;
        let total = bill.receipt.total;
        let invoice_number = invoice.invoice_number.clone();
        Ok(match snapshots::archive(connection, &invoice, material.rows().archive_end).await? {
            Outcome::Archived(content_hash) => {
                let warnings = material.warnings(&bill);
                Some(Accepted::Archived { invoice_number, total, content_hash, warnings })
            }
            Outcome::Already => Some(Accepted::Already { invoice_number }),
            Outcome::Moved => None,
        })
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}
