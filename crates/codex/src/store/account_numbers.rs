//! Which account number the next company gets (codex-api.md §7.3): one place for those made by hand and those the PSA has.

use sqlx::PgConnection;

/// Reserves the next free number of six digits. Not given out again are those of companies, of removed companies (bills and
/// archives still carry them), those reserved before, and those in `taken`. None when all are used up.
///
/// # Errors
/// When the database cannot be written.
pub async fn reserve(conn: &mut PgConnection, taken: &[String]) -> sqlx::Result<Option<String>> {
    // Two who ask at once get two numbers; kept until the end of the transaction.
    sqlx::query!("select pg_advisory_xact_lock(hashtext('codex.account_number'))")
        .execute(&mut *conn)
        .await?;
    sqlx::query_scalar!(
        r#"
        with used as materialized (
            select number::int as number from (
                select account_number as number from companies
                union all select key from tombstones where kind = 'companies'
                union all select number from account_numbers
                union all select unnest($1::text[])
            ) as numbers
            where number ~ '^[1-9][0-9]{5}$'),
        next as (
            select case when max(number) is null then 100001
                when max(number) < 999999 then max(number) + 1
                else (select min(gap) from generate_series(100001, 999999) as gap
                    where not exists (select from used where used.number = gap))
                end as number
            from used)
        insert into account_numbers (number) select number::text from next where number is not null
        returning number
        "#,
        taken
    )
    .fetch_optional(conn)
    .await
}

/// Whether a number was given out and its company is not stored.
///
/// # Errors
/// When the database cannot be read.
pub async fn is_reserved(conn: &mut PgConnection, number: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists(select from account_numbers where number = $1) as "reserved!""#,
        number
    )
    .fetch_one(conn)
    .await
}
