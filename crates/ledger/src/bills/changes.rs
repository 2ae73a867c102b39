//! A month beside the one before it: what changed, and why.

use super::{BillError, Bills};
use crate::{
    domain::{
        archive::ArchivedInvoice,
        billing::{Bill, Period},
    },
    store::snapshots,
};

impl Bills {
    /// The archived invoice of the month before, and the month itself as it is archived, or would be now. Nothing where the month
    /// before is not archived.
    ///
    /// # Errors
    /// When there is no bill, or a source does not answer.
    pub async fn changes(
        &self,
        account_number: &str,
        period: Period,
    ) -> Result<Option<(ArchivedInvoice, ArchivedInvoice)>, BillError> {
        let Some(before) = self.month_before(account_number, period).await? else { return Ok(None) };
        let mut connection = self.pool.acquire().await?;
        let archived = snapshots::of_company_month(&mut connection, account_number, period).await?;
        drop(connection);
        if let Some(archived) = archived {
            return Ok(Some((before, archived.invoice)));
        }
        let material = self.material(account_number, period).await?;
        let now = self.as_invoice(&material.bill()?)?;
        Ok(Some((before, now)))
    }

    /// The archived invoice of the month before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn month_before(
        &self,
        account_number: &str,
        period: Period,
    ) -> sqlx::Result<Option<ArchivedInvoice>> {
        let Some(before) = period.previous() else { return Ok(None) };
        let mut connection = self.pool.acquire().await?;
        let stored = snapshots::of_company_month(&mut connection, account_number, before).await?;
        Ok(stored.map(|stored| stored.invoice))
    }

    /// The invoice that an open bill would be now, to compare with.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn as_invoice(&self, bill: &Bill<'_>) -> sqlx::Result<ArchivedInvoice> {
        ArchivedInvoice::of(bill, self.clock.now(), "", None)
            .map_err(|error| sqlx::Error::Encode(error.into()))
    }
}
