//! Account numbers that become others: what is kept goes along.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, types::Json};

use super::KEPT;
use crate::store::snapshots::hold_chain;

/// Types of single devices and people go by Codex's ids; the number beside them is for the history.
pub(super) const NOTED: [&str; 2] = ["asset_billing_overrides", "user_billing_overrides"];

/// Why nothing was carried over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refused {
    /// Nothing is kept under the former number.
    Nothing,
    /// The new number has own conditions, or a feature agreed on, that the former one has as well.
    Occupied,
}

/// What else a rename has changed.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct Undo {
    /// Ids of the rows that went along, by table.
    pub(super) rows: BTreeMap<String, Vec<i32>>,
    /// Earlier renames that led to the former number and lead on to the new one: former number and end of the archive.
    pub(super) redirected: Vec<(String, i64)>,
    /// Earlier renames that ended, whole.
    pub(super) ended: Vec<Value>,
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
    hold(connection, from, to).await?;
    if is_occupied(connection, from, to).await? {
        return Ok(Err(Refused::Occupied));
    }
    let mut rows = BTreeMap::new();
    for table in KEPT {
        let Some(ids) = move_rows(connection, table, from, to).await? else {
            return Ok(Err(Refused::Occupied));
        };
        rows.insert(table.to_owned(), ids);
    }
    if rows.values().all(Vec::is_empty) && !is_archived(connection, from).await? {
        return Ok(Err(Refused::Nothing));
    }
    for table in NOTED {
        rows.insert(table.to_owned(), move_rows(connection, table, from, to).await?.unwrap_or_default());
    }
    note(connection, (from, to, by), rows).await?;
    archived_twice(connection, from, to).await.map(Ok)
}

/// Nobody archives a month of either meanwhile, and what is being archived was computed before or is computed again. Two renames at
/// a time could each find the other's rows missing.
pub(super) async fn hold(connection: &mut PgConnection, from: &str, to: &str) -> sqlx::Result<()> {
    for number in if from < to { [from, to] } else { [to, from] } {
        hold_chain(connection, number).await?;
    }
    sqlx::query!("lock table account_renames in share row exclusive mode").execute(connection).await?;
    Ok(())
}

/// Whether both numbers have what one company can have but once.
async fn is_occupied(connection: &mut PgConnection, from: &str, to: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from client_billing_overrides a, client_billing_overrides b
                          where a.company_account_number = $1 and b.company_account_number = $2)
               or exists (select from client_feature_overrides a join client_feature_overrides b using (feature_type)
                          where a.company_account_number = $1 and b.company_account_number = $2) as "occupied!""#,
        from,
        to
    )
    .fetch_one(connection)
    .await
}

async fn is_archived(connection: &mut PgConnection, account_number: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select from billing_snapshots where company_account_number = $1) as "archived!""#,
        account_number
    )
    .fetch_one(connection)
    .await
}

/// Ids of the rows of a table that go along. None: somebody has agreed on the same for the new number at this very moment.
async fn move_rows(
    connection: &mut PgConnection,
    table: &str,
    from: &str,
    to: &str,
) -> sqlx::Result<Option<Vec<i32>>> {
    let query = format!(
        "update {table} set company_account_number = $2 where company_account_number = $1 returning id"
    );
    let moved = sqlx::query_scalar(AssertSqlSafe(query)).bind(from).bind(to).fetch_all(connection).await;
    unless_occupied(moved)
}

/// None where a row is there already.
pub(super) fn unless_occupied<T>(done: sqlx::Result<T>) -> sqlx::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Notes a rename, and what it changes of earlier ones.
async fn note(
    connection: &mut PgConnection,
    (from, to, by): (&str, &str, &str),
    rows: BTreeMap<String, Vec<i32>>,
) -> sqlx::Result<()> {
    // A number that is in use again is nobody's former one; and of one moment a number has one successor.
    let ended = sqlx::query_scalar!(
        r#"delete from account_renames r where former_account_number = $1 or former_account_number = $2
                and archive_end = (select coalesce(max(position), 0) from billing_snapshots)
           returning to_jsonb(r) as "row!""#,
        to,
        from
    )
    .fetch_all(&mut *connection)
    .await?;
    let redirected = sqlx::query!(
        "update account_renames set account_number = $2 where account_number = $1
         returning former_account_number, archive_end",
        from,
        to
    )
    .fetch_all(&mut *connection)
    .await?;
    let redirected = redirected.into_iter().map(|row| (row.former_account_number, row.archive_end)).collect();
    sqlx::query!(
        "insert into account_renames (former_account_number, account_number, renamed_by, archive_end, undo)
         values ($1, $2, $3, (select coalesce(max(position), 0) from billing_snapshots), $4)",
        from,
        to,
        by,
        Json(Undo { rows, redirected, ended }) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Months that are archived under both numbers.
async fn archived_twice(connection: &mut PgConnection, from: &str, to: &str) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select format('%s-%s', a.billing_year, lpad(a.billing_month::text, 2, '0')) as "month!"
             from archived_months a join billing_snapshots b using (billing_year, billing_month)
            where a.company_account_number = $1 and a.current_account_number = $2 and b.company_account_number = $2
            order by 1"#,
        from,
        to
    )
    .fetch_all(connection)
    .await
}
