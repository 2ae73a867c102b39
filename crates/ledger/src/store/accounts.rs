//! What is kept under which account number, and numbers that became others.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{PgConnection, PgExecutor};
use utoipa::ToSchema;

use super::snapshots::hold_chain;
use crate::domain::billing::Period;

/// What is kept under an account number beside the archive.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Kept {
    /// The number.
    pub account_number: String,
    /// Name on its newest archived invoice.
    pub company_name: Option<String>,
    /// Whether it has rates, a plan, a support level or hours of its own.
    pub has_conditions: bool,
    /// Features agreed on.
    pub features: i64,
    /// Devices entered by hand.
    pub manual_assets: i64,
    /// People entered by hand.
    pub manual_users: i64,
    /// Line items.
    pub line_items: i64,
    /// Archived invoices, which stay under their number.
    pub invoices: i64,
}

/// All account numbers under which something is kept that bills depend on, or that have an archived month
/// since `since`.
///
/// # Errors
/// When the database cannot be read.
pub async fn kept(executor: impl PgExecutor<'_>, since: Option<Period>) -> sqlx::Result<Vec<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"with kept (account_number, conditions, features, assets, users, items) as (
             select company_account_number, 1, 0, 0, 0, 0 from client_billing_overrides
             union all select company_account_number, 0, 1, 0, 0, 0 from client_feature_overrides
             union all select company_account_number, 0, 0, 1, 0, 0 from manual_assets
             union all select company_account_number, 0, 0, 0, 1, 0 from manual_users
             union all select company_account_number, 0, 0, 0, 0, 1 from custom_line_items
             union all select company_account_number, 0, 0, 0, 0, 0 from archived_months
              where current_account_number = company_account_number and (billing_year, billing_month) >= ($1, $2))
         select k.account_number as "account_number!",
             (select s.company_name from billing_snapshots s where s.company_account_number = k.account_number
               order by s.billing_year desc, s.billing_month desc limit 1) as company_name,
             sum(k.conditions) > 0 as "has_conditions!", sum(k.features) as "features!", sum(k.assets) as "manual_assets!",
             sum(k.users) as "manual_users!", sum(k.items) as "line_items!",
             (select count(*) from billing_snapshots s where s.company_account_number = k.account_number) as "invoices!"
           from kept k group by k.account_number order by k.account_number"#,
        since.map_or(0, Period::year),
        since.map_or(0, |since| since.month().cast_signed())
    )
    .fetch_all(executor)
    .await
}

/// The numbers that companies have now whose invoices of a month are archived under former ones, by those.
///
/// # Errors
/// When the database cannot be read.
pub async fn current_in(
    executor: impl PgExecutor<'_>,
    year: i32,
    month: i32,
) -> sqlx::Result<HashMap<String, String>> {
    let rows = sqlx::query!(
        r#"select company_account_number as "former!", current_account_number as "current!" from archived_months
            where billing_year = $1 and billing_month = $2 and current_account_number <> company_account_number"#,
        year,
        month
    );
    Ok(rows.fetch_all(executor).await?.into_iter().map(|row| (row.former, row.current)).collect())
}

/// The number that a company has now, by an archived invoice.
///
/// # Errors
/// When the database cannot be read.
pub async fn current_of(executor: impl PgExecutor<'_>, invoice_number: &str) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        r#"select current_account_number as "current!" from archived_months where invoice_number = $1"#,
        invoice_number
    )
    .fetch_optional(executor)
    .await
}

/// Why nothing was carried over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refused {
    /// Nothing is kept under the former number.
    Nothing,
    /// The new number has own conditions, or a feature agreed on, that the former one has as well.
    Occupied,
}

/// Removes everything that is kept under an account number, in the caller's transaction, and answers how many rows that were. The
/// archive stays as it is.
///
/// # Errors
/// When the database does not do it.
pub async fn remove(connection: &mut PgConnection, account_number: &str) -> sqlx::Result<u64> {
    let mut rows = 0;
    for table in [
        sqlx::query!(
            "delete from client_billing_overrides where company_account_number = $1",
            account_number
        ),
        sqlx::query!(
            "delete from client_feature_overrides where company_account_number = $1",
            account_number
        ),
        sqlx::query!("delete from manual_assets where company_account_number = $1", account_number),
        sqlx::query!("delete from manual_users where company_account_number = $1", account_number),
        sqlx::query!("delete from custom_line_items where company_account_number = $1", account_number),
    ] {
        rows += table.execute(&mut *connection).await?.rows_affected();
    }
    Ok(rows)
}

/// Lets everything that is kept under the account number `from` count under `to`, in the caller's transaction. The archive stays as
/// it is. Answers the months that are archived under both.
///
/// # Errors
/// When the database does not do it.
pub async fn carry_over(
    connection: &mut PgConnection,
    from: &str,
    to: &str,
    by: &str,
) -> sqlx::Result<Result<Vec<String>, Refused>> {
    // Nobody archives a month of either meanwhile, and what is being archived was computed before or is computed again.
    for number in if from < to { [from, to] } else { [to, from] } {
        hold_chain(connection, number).await?;
    }
    // Two at a time could each find the other's rows missing.
    sqlx::query!("lock table account_renames in share row exclusive mode").execute(&mut *connection).await?;
    let occupied = sqlx::query_scalar!(
        r#"select exists (select from client_billing_overrides a, client_billing_overrides b
                          where a.company_account_number = $1 and b.company_account_number = $2)
               or exists (select from client_feature_overrides a join client_feature_overrides b using (feature_type)
                          where a.company_account_number = $1 and b.company_account_number = $2) as "occupied!""#,
        from,
        to
    )
    .fetch_one(&mut *connection)
    .await?;
    if occupied {
        return Ok(Err(Refused::Occupied));
    }
    let moved = [
        sqlx::query!(
            "update client_billing_overrides set company_account_number = $2 where company_account_number = $1",
            from,
            to
        ),
        sqlx::query!(
            "update client_feature_overrides set company_account_number = $2 where company_account_number = $1",
            from,
            to
        ),
        sqlx::query!(
            "update manual_assets set company_account_number = $2 where company_account_number = $1",
            from,
            to
        ),
        sqlx::query!(
            "update manual_users set company_account_number = $2 where company_account_number = $1",
            from,
            to
        ),
        sqlx::query!(
            "update custom_line_items set company_account_number = $2 where company_account_number = $1",
            from,
            to
        ),
    ];
    let mut rows = 0;
    for table in moved {
        rows += match table.execute(&mut *connection).await {
            Ok(done) => done.rows_affected(),
            // Somebody has agreed on the same for the new number at this very moment.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                return Ok(Err(Refused::Occupied));
            }
            Err(error) => return Err(error),
        };
    }
    let archived = sqlx::query_scalar!(
        r#"select exists (select from billing_snapshots where company_account_number = $1) as "archived!""#,
        from
    )
    .fetch_one(&mut *connection)
    .await?;
    if rows == 0 && !archived {
        return Ok(Err(Refused::Nothing));
    }
    // Types of single devices and people go by Codex's ids; the number beside them is for the history.
    for noted in [
        sqlx::query!(
            "update asset_billing_overrides set company_account_number = $2 where company_account_number = $1",
            from,
            to
        ),
        sqlx::query!(
            "update user_billing_overrides set company_account_number = $2 where company_account_number = $1",
            from,
            to
        ),
    ] {
        noted.execute(&mut *connection).await?;
    }
    // A number that is in use again is nobody's former one.
    sqlx::query!("delete from account_renames where former_account_number = $1", to)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("update account_renames set account_number = $2 where account_number = $1", from, to)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "insert into account_renames (former_account_number, account_number, renamed_by, archive_end)
         values ($1, $2, $3, (select coalesce(max(position), 0) from billing_snapshots))
         on conflict (former_account_number, archive_end) do update set
             account_number = excluded.account_number, renamed_by = excluded.renamed_by, renamed_at = now()",
        from,
        to,
        by
    )
    .execute(&mut *connection)
    .await?;
    let twice = sqlx::query_scalar!(
        r#"select format('%s-%s', a.billing_year, lpad(a.billing_month::text, 2, '0')) as "month!"
             from archived_months a join billing_snapshots b using (billing_year, billing_month)
            where a.company_account_number = $1 and a.current_account_number = $2 and b.company_account_number = $2
            order by 1"#,
        from,
        to
    );
    Ok(Ok(twice.fetch_all(connection).await?))
}
