//! Account numbers that became others, and how that is taken back where it was a mistake.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, types::Json};

use super::{
    KEPT,
    renames::{NOTED, Undo, hold, unless_occupied},
};

/// Renames in a list.
const LISTED: i64 = 100;

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
