//! Numbers for rows whose own number another record has here.

use sqlx::{AssertSqlSafe, PgConnection};

use super::table::Table;

/// Draws numbers of a table that no row has, on either side.
#[derive(Debug)]
pub struct FreeNumbers(Source);

#[derive(Debug)]
enum Source {
    /// Rows of the table have no number.
    None,
    /// A sequence.
    Sequence(&'static str),
    /// The last one that is in use. A dry run counts by itself: what a sequence has given out cannot be taken back.
    Counted(i64),
}

impl FreeNumbers {
    /// Finds out which numbers are in use. In earnest the table's sequence is set behind all of them at once, so that
    /// what is added here meanwhile does not get the number of a row that is still to come.
    ///
    /// # Errors
    /// When a database fails.
    pub async fn begin(
        source: &mut PgConnection,
        target: &mut PgConnection,
        table: &'static Table,
        dry_run: bool,
    ) -> sqlx::Result<Self> {
        if !table.has_id() {
            return Ok(Self(Source::None));
        }
        // The names are our own.
        let sql = format!("select coalesce(max(id)::bigint, 0) from \"{}\"", table.name);
        let theirs: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(source).await?;
        let sql = format!(
            "select greatest((select coalesce(max(id), 0) from {0}), $1,
                 coalesce(pg_sequence_last_value(pg_get_serial_sequence('{0}', 'id')::regclass), 0))",
            table.name
        );
        let last: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).bind(theirs).fetch_one(&mut *target).await?;
        if dry_run {
            return Ok(Self(Source::Counted(last)));
        }
        if last > 0 {
            let sql = format!("select setval(pg_get_serial_sequence('{}', 'id'), $1)", table.name);
            sqlx::query(AssertSqlSafe(sql)).bind(last).execute(target).await?;
        }
        Ok(Self(Source::Sequence(table.name)))
    }

    /// The next one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(&mut self, target: &mut PgConnection) -> sqlx::Result<i64> {
        match &mut self.0 {
            Source::None => Ok(0),
            Source::Counted(last) => {
                *last += 1;
                Ok(*last)
            }
            Source::Sequence(name) => {
                let sql = format!("select nextval(pg_get_serial_sequence('{name}', 'id'))");
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(target).await
            }
        }
    }
}
