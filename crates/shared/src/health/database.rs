//! The PostgreSQL check.

use std::{io, time::Duration};

use sqlx::PgPool;
use tokio::time::{Instant, timeout};

use super::CheckResult;

/// Shorter than the limit of a check, since a supervisor waits for `/readyz`.
const TIMEOUT: Duration = Duration::from_secs(3);

pub(super) async fn check(pool: PgPool) -> CheckResult {
    let started = Instant::now();
    let result = match timeout(TIMEOUT, sqlx::raw_sql("SELECT 1").execute(&pool)).await {
        Ok(Ok(_)) => {
            let latency = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            CheckResult::healthy().with("message", "Connected").with("latency_ms", latency)
        }
        Ok(Err(error)) => CheckResult::unhealthy(describe(&error)),
        Err(_) => CheckResult::unhealthy("timeout"),
    };
    result.with("type", "postgresql")
}

/// A short text without addresses and names.
fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => "timeout".into(),
        sqlx::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "connection_refused".into()
        }
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("database error {code}"),
            None => "database error".into(),
        },
        _ => "unavailable".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_tell_no_internals() {
        for (error, expected) in [
            (sqlx::Error::PoolTimedOut, "timeout"),
            (
                sqlx::Error::Io(io::Error::new(io::ErrorKind::ConnectionRefused, "10.0.0.5:5432")),
                "connection_refused",
            ),
            (sqlx::Error::PoolClosed, "unavailable"),
        ] {
            assert_eq!(describe(&error), expected);
        }
    }
}
