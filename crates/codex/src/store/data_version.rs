//! How far the data of companies has come (`migrations/codex/0022_data_version.sql`): what is the same as long as the answers
//! are, and different as soon as a change of them is committed.

use sqlx::PgPool;

/// What an answer is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// Companies themselves.
    Companies,
    /// Their devices, people and addresses.
    Belongings,
    /// Their tickets with the time spent on them.
    Tickets,
}

impl Part {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Belongings => "belongings",
            Self::Tickets => "tickets",
        }
    }
}

/// The version of these parts together. Whoever asks before reading the data never has a version that is newer than them.
///
/// # Errors
/// When the database cannot be read.
pub async fn of(pool: &PgPool, parts: &[Part]) -> sqlx::Result<i64> {
    let names: Vec<String> = parts.iter().map(|part| part.as_str().to_owned()).collect();
    sqlx::query_scalar!(
        r#"select coalesce(sum(step), 0)::bigint as "version!" from data_changes where part = any ($1)"#,
        &names
    )
    .fetch_one(pool)
    .await
}

/// Adds up the steps, so that they stay few. No version changes by that.
///
/// # Errors
/// When the database cannot be written.
pub async fn fold(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        "with steps as (delete from data_changes returning part, step)
         insert into data_changes (part, step) select part, sum(step)::bigint from steps group by part"
    )
    .execute(pool)
    .await?;
    Ok(())
}
