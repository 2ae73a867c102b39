//! Account numbers that became others: what is kept goes along, and comes back where that was a mistake.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, types::Json};

use super::KEPT;
use crate::store::snapshots::hold_chain;

/// Types of single devices and people go by Codex's ids; the number beside them is for the history.
const NOTED: [&str; 2] = ["asset_billing_overrides", "user_billing_overrides"];
/// Renames in a list.
const LISTED: i64 = 100;

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
struct Undo {
    /// Ids of the rows that went along, by table.
    rows: BTreeMap<String, Vec<i32>>,
    /// Earlier renames that led to the former number and lead on to the new one: former number and end of the archive.
    redirected: Vec<(String, i64)>,
    /// Earlier renames that ended, whole.
    ended: Vec<Value>,
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
async fn hold(connection: &mut PgConnection, from: &str, to: &str) -> sqlx::Result<()> {
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
fn unless_occupied<T>(done: sqlx::Result<T>) -> sqlx::Result<Option<T>> {
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

/// Why a rename stays.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fixed {
    /// This invoice was archived since under one of both numbers: it was computed from what went along, and from the hours that
    /// are billed already.
    Billed(String),
    /// This later one concerns the same numbers: former and new number.
    Later(String, String),
    /// It was done before it was kept what it changed.
    Old,
    /// The former number has own conditions or features again.
    Occupied,
}

/// An account number that became another one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rename {
    /// The number that it was.
    pub former_account_number: String,
    /// The number that it is now.
    pub account_number: String,
    /// Who carried it over.
    pub renamed_by: String,
    /// When.
    pub renamed_at: DateTime<Utc>,
    /// Why it cannot be taken back, where it cannot.
    pub fixed: Option<Fixed>,
}

/// The last renames, the newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(pool: &PgPool) -> sqlx::Result<Vec<Rename>> {
    let mut connection = pool.acquire().await?;
    Ok(read(&mut connection, None).await?.into_iter().map(|(rename, _)| rename).collect())
}

/// The last renames, of all numbers or of one, with where the archive ended.
async fn read(connection: &mut PgConnection, former: Option<&str>) -> sqlx::Result<Vec<(Rename, i64)>> {
    let rows = sqlx::query!(
        r#"select r.former_account_number, r.account_number, r.renamed_by, r.renamed_at, r.archive_end,
            r.undo is null as "is_old!",
            (select s.invoice_number from billing_snapshots s
              where s.company_account_number in (r.former_account_number, r.account_number) and s.position > r.archive_end
              order by s.position limit 1) as billed,
            later.former_account_number as "later_from?", later.account_number as "later_to?"
         from account_renames r
         left join lateral (
            select l.former_account_number, l.account_number from account_renames l
             where l.renamed_at > r.renamed_at
               and array[l.former_account_number, l.account_number] && array[r.former_account_number, r.account_number]
             order by l.renamed_at desc limit 1) later on true
         where $1::text is null or r.former_account_number = $1
         order by r.renamed_at desc, r.former_account_number limit $2"#,
        former,
        LISTED
    )
    .fetch_all(connection)
    .await?;
    let renames = rows.into_iter().map(|row| {
        let later = row.later_from.zip(row.later_to).map(|(from, to)| Fixed::Later(from, to));
        let fixed = later.or(row.billed.map(Fixed::Billed)).or(row.is_old.then_some(Fixed::Old));
        let rename = Rename {
            former_account_number: row.former_account_number,
            account_number: row.account_number,
            renamed_by: row.renamed_by,
            renamed_at: row.renamed_at,
            fixed,
        };
        (rename, row.archive_end)
    });
    Ok(renames.collect())
}

/// Takes the last rename of a former account number back, in the caller's transaction: what went along comes back as it is by now,
/// and archived months are the former number's again. What was added under the new number stays there. Answers the new number;
/// none where the number is nobody's former one.
///
/// # Errors
/// When the database does not do it.
pub async fn take_back(
    connection: &mut PgConnection,
    former: &str,
) -> sqlx::Result<Option<Result<String, Fixed>>> {
    let Some((known, _)) = read(connection, Some(former)).await?.into_iter().next() else { return Ok(None) };
    hold(connection, former, &known.account_number).await?;
    // Asked again: others may have archived or carried over until both were held.
    let Some((rename, archive_end)) = read(connection, Some(former)).await?.into_iter().next() else {
        return Ok(None);
    };
    if rename.account_number != known.account_number {
        let later = Fixed::Later(former.to_owned(), rename.account_number);
        return Ok(Some(Err(later)));
    }
    if let Some(fixed) = rename.fixed {
        return Ok(Some(Err(fixed)));
    }
    let undo = sqlx::query_scalar!(
        r#"delete from account_renames where former_account_number = $1 and archive_end = $2
           returning undo as "undo: Json<Undo>""#,
        former,
        archive_end
    )
    .fetch_one(&mut *connection)
    .await?;
    let Some(Json(undo)) = undo else { return Ok(Some(Err(Fixed::Old))) };
    for table in KEPT.into_iter().chain(NOTED) {
        let Some(ids) = undo.rows.get(table) else { continue };
        let query = format!(
            "update {table} set company_account_number = $1 where company_account_number = $2 and id = any($3)"
        );
        let moved = sqlx::query(AssertSqlSafe(query)).bind(former).bind(&rename.account_number).bind(ids);
        if unless_occupied(moved.execute(&mut *connection).await)?.is_none() {
            return Ok(Some(Err(Fixed::Occupied)));
        }
    }
    mend(connection, former, undo).await?;
    Ok(Some(Ok(rename.account_number)))
}

/// Earlier renames are as they were.
async fn mend(connection: &mut PgConnection, former: &str, undo: Undo) -> sqlx::Result<()> {
    for (earlier, archive_end) in undo.redirected {
        sqlx::query!(
            "update account_renames set account_number = $1 where former_account_number = $2 and archive_end = $3",
            former,
            earlier,
            archive_end
        )
        .execute(&mut *connection)
        .await?;
    }
    for row in undo.ended {
        sqlx::query!(
            "insert into account_renames select * from jsonb_populate_record(null::account_renames, $1)
             on conflict do nothing",
            row
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
