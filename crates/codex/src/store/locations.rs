//! Additional locations of companies.

use hivematrix_shared::contracts::codex::Location;
use sqlx::PgExecutor;

/// A location and its company.
#[derive(Clone, Debug)]
pub struct CompanyLocation {
    /// The company.
    pub account_number: String,
    /// The location.
    pub location: Location,
}

/// The locations of some companies, or of all, by company and id.
pub async fn list(
    executor: impl PgExecutor<'_>,
    only: Option<&[String]>,
) -> sqlx::Result<Vec<CompanyLocation>> {
    let rows = sqlx::query!(
        "select company_account_number, id, name, address, phone_number from locations \
         where $1::text[] is null or company_account_number = any($1) order by company_account_number, id",
        only
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| CompanyLocation {
            account_number: row.company_account_number,
            location: Location {
                id: row.id,
                name: row.name,
                address: row.address,
                phone_number: row.phone_number,
            },
        })
        .collect())
}
