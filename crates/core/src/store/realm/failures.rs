//! Failed sign-ins per typed name, account and address.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::lockout::{Failures, Subject, counted_address};

/// The subjects of one attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// In the order of their keys, so that two attempts never wait for each other.
    subjects: Vec<(Subject, String)>,
}

/// Why an attempt must not be looked at; the seconds to wait.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Barred {
    /// There were too many of this name or from this address, whether there is such an account or not.
    Known(i64),
    /// There were too many for the account, perhaps by another of its names: whoever is told so learns that the names
    /// belong together.
    Account(i64),
}

impl Attempt {
    /// An attempt from an address with what was typed, for the account of that name if there is one.
    pub fn new(typed: &str, account: Option<Uuid>, address: &str) -> Self {
        // Names of any length may be typed; the stored one has to fit into an index.
        let name: String = typed.trim().to_lowercase().chars().take(200).collect();
        let mut subjects = vec![
            (Subject::Name, format!("name:{name}")),
            (Subject::Address, format!("address:{}", counted_address(address))),
        ];
        subjects.extend(account.map(|id| (Subject::Account, format!("account:{id}"))));
        subjects.sort_by(|(_, one), (_, other)| one.cmp(other));
        Self { subjects }
    }
}

/// Counts an attempt before its password is looked at, so that many at once cannot slip past the limit. `Err` says that the
/// attempt must not be looked at.
pub async fn begin(pool: &PgPool, attempt: &Attempt, now: DateTime<Utc>) -> sqlx::Result<Result<(), Barred>> {
    let mut transaction = pool.begin().await?;
    let mut states = Vec::new();
    let mut account_waits = None;
    for (subject, key) in &attempt.subjects {
        let (state, last) = lock(&mut transaction, key, now).await?;
        match state.wait_seconds(now) {
            Some(wait) if *subject == Subject::Account => account_waits = Some(wait),
            Some(wait) => return Ok(Err(Barred::Known(wait))),
            // A name is counted the same whether its account can be tried or not.
            None => states.push((key, state.after_attempt(*subject, last, now))),
        }
    }
    for (key, state) in states {
        sqlx::query!(
            "UPDATE sign_in_failures SET failures = $2, locked_until = $3, updated_at = $4 WHERE subject = $1",
            key,
            state.count,
            state.locked_until,
            now
        )
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await?;
    Ok(account_waits.map_or(Ok(()), |wait| Err(Barred::Account(wait))))
}

async fn lock(
    connection: &mut PgConnection,
    key: &str,
    now: DateTime<Utc>,
) -> sqlx::Result<(Failures, DateTime<Utc>)> {
    sqlx::query!(
        "INSERT INTO sign_in_failures (subject, failures, updated_at) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING",
        key,
        now
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(
        "SELECT failures, locked_until, updated_at FROM sign_in_failures WHERE subject = $1 FOR UPDATE",
        key
    )
    .fetch_one(connection)
    .await?;
    Ok((Failures { count: row.failures, locked_until: row.locked_until }, row.updated_at))
}

/// What was given is right, but does not sign in by itself (the password where a code is asked for too): as if the attempt
/// had not been made. Earlier failures stay, or each right password would buy more tries at the code.
pub async fn take_back(pool: &PgPool, attempt: &Attempt) -> sqlx::Result<()> {
    for (_, key) in &attempt.subjects {
        uncount(pool, key).await?;
    }
    Ok(())
}

async fn uncount(pool: &PgPool, key: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE sign_in_failures SET failures = greatest(failures - 1, 0), locked_until = NULL WHERE subject = $1",
        key
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Everything asked for was right: name and account start afresh, and the attempt no longer counts against the address.
pub async fn succeeded(pool: &PgPool, attempt: &Attempt) -> sqlx::Result<()> {
    for (subject, key) in &attempt.subjects {
        if *subject == Subject::Address {
            uncount(pool, key).await?;
        } else {
            sqlx::query!("DELETE FROM sign_in_failures WHERE subject = $1", key).execute(pool).await?;
        }
    }
    Ok(())
}
