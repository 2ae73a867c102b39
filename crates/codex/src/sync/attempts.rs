//! Trying a unit of work again that the database broke off.

use std::time::Duration;

use super::SyncError;
use crate::store::unit::is_passing;

/// Attempts for one unit.
const MOST: u32 = 5;
/// Pause before the second attempt; doubled before each further one.
const PAUSE: Duration = Duration::from_millis(100);

/// Does a unit of work: one page, one company, one contact, in a transaction of its own. When it meets another writer (a
/// person, an event, another job) and the database breaks it off, it is done again a little later, so that one such meeting
/// does not cost the run.
///
/// # Errors
/// The last attempt's.
pub(crate) async fn persist<T, E, F>(work: impl Fn() -> F) -> Result<T, SyncError>
where
    E: Into<SyncError>,
    F: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    loop {
        match work().await.map_err(Into::into) {
            Err(SyncError::Database(error)) if attempt < MOST && is_passing(&error) => {
                tracing::info!(%error, attempt, "the database broke off a unit of work, it is done again");
                tokio::time::sleep(pause(attempt, rand::random())).await;
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// Between half and all of the doubled pause, so that two who met do not meet again.
fn pause(attempt: u32, chance: u8) -> Duration {
    let whole = PAUSE * 2_u32.saturating_pow(attempt - 1);
    whole / 2 + whole / 2 * u32::from(chance) / u32::from(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        for (attempt, least, most) in [(1, 50, 100), (2, 100, 200), (4, 400, 800)] {
            assert_eq!(pause(attempt, 0), Duration::from_millis(least));
            assert_eq!(pause(attempt, u8::MAX), Duration::from_millis(most));
        }
    }
}
