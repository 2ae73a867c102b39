//! What must be written although the database is away for a while.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Between two tries.
const AGAIN: Duration = Duration::from_secs(2);

/// Tries until the database is there, or the service stops: once more then.
///
/// # Errors
/// When the database does not want it, or is away when the service stops.
pub(super) async fn patiently<T, F>(
    shutdown: &CancellationToken,
    mut write: impl FnMut() -> F,
) -> sqlx::Result<T>
where
    F: Future<Output = sqlx::Result<T>>,
{
    let mut is_told = false;
    loop {
        match write().await {
            Err(error) if is_away(&error) && !shutdown.is_cancelled() => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(%error, "the database is away; what has ended is written when it is back");
                }
                let _ = shutdown.run_until_cancelled(tokio::time::sleep(AGAIN)).await;
            }
            done => return done,
        }
    }
}

/// Whether it is the way to the database, or its stopping or starting, and nothing that it says about what was written.
fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::WorkerCrashed => true,
        // Connections (08), their number (53), the operator's interventions (57P), a server that only reads (25006).
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "53", "57P"].iter().any(|class| code.starts_with(class)) || code == "25006"
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, io};

    use super::*;

    fn gone() -> sqlx::Error {
        sqlx::Error::Io(io::ErrorKind::ConnectionRefused.into())
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_to_be_written_is_when_the_database_is_back_or_not_when_the_service_stops() {
        let (tries, shutdown) = (Cell::new(0), CancellationToken::new());
        let write = || {
            tries.set(tries.get() + 1);
            let is_there = tries.get() > 100;
            async move { if is_there { Ok("written") } else { Err(gone()) } }
        };
        assert_eq!(patiently(&shutdown, write).await.unwrap(), "written");

        let refused = || async { Err::<(), _>(sqlx::Error::RowNotFound) };
        assert!(patiently(&shutdown, refused).await.is_err(), "trying again would change nothing");

        tries.set(0);
        shutdown.cancel();
        let write = || {
            tries.set(tries.get() + 1);
            async { Err::<(), _>(gone()) }
        };
        assert!(patiently(&shutdown, write).await.is_err());
        assert_eq!(tries.get(), 1);
    }
}
