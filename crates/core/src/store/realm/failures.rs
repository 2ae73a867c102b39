//! Failed sign-ins per account name and address.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

use crate::domain::lockout::{Failures, Subject, counted_address};

/// The subjects of one attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    account: String,
    address: String,
}

impl Attempt {
    /// An attempt from an address: for an account by its login name, however it was named in the form, so that name and
    /// e-mail count together; for no account by what was typed.
    pub fn new(name: &str, address: &str) -> Self {
        // Names of any length may be typed; the stored one has to fit into an index.
        let name: String = name.trim().to_lowercase().chars().take(200).collect();
        Self { account: format!("account:{name}"), address: format!("address:{}", counted_address(address)) }
    }

    fn subjects(&self) -> [(Subject, &str); 2] {
        // Always in this order, so that two attempts never wait for each other.
        [(Subject::Account, &self.account), (Subject::Address, &self.address)]
    }
}

/// Counts an attempt before its password is looked at, so that many at once cannot slip past the limit. `Err` holds the
/// seconds to wait when the attempt must not be looked at.
pub async fn begin(pool: &PgPool, attempt: &Attempt, now: DateTime<Utc>) -> sqlx::Result<Result<(), i64>> {
    let mut transaction = pool.begin().await?;
    let mut states = Vec::new();
    for (subject, key) in attempt.subjects() {
        let (state, last) = lock(&mut transaction, key, now).await?;
        if let Some(wait) = state.wait_seconds(now) {
            return Ok(Err(wait));
        }
        states.push((key, state.after_attempt(subject, last, now)));
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
    Ok(Ok(()))
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
    for (_, key) in attempt.subjects() {
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

/// Everything asked for was right: the account starts afresh, and the attempt no longer counts against the address.
pub async fn succeeded(pool: &PgPool, attempt: &Attempt) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sign_in_failures WHERE subject = $1", attempt.account).execute(pool).await?;
    uncount(pool, &attempt.address).await
}
