//! Additional locations of companies.

use hivematrix_shared::contracts::codex::Location;
use sqlx::{PgConnection, PgExecutor};

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

/// Adds a location; none when there is no such company.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(
    conn: &mut PgConnection,
    account_number: &str,
    new: &Location,
) -> sqlx::Result<Option<Location>> {
    sqlx::query_as!(
        Location,
        "insert into locations (name, address, phone_number, company_account_number)
         select $2, $3, $4, account_number from companies where account_number = $1
         returning id, name, address, phone_number",
        account_number,
        new.name,
        new.address,
        new.phone_number
    )
    .fetch_optional(conn)
    .await
}

/// Changes a location; whether the company has it.
///
/// # Errors
/// When the database cannot be written.
pub async fn change(conn: &mut PgConnection, account_number: &str, new: &Location) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "update locations set name = $3, address = $4, phone_number = $5
         where company_account_number = $1 and id = $2",
        account_number,
        new.id,
        new.name,
        new.address,
        new.phone_number
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes a location; whether the company had it.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(conn: &mut PgConnection, account_number: &str, id: i64) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from locations where company_account_number = $1 and id = $2",
        account_number,
        id
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() > 0)
}
