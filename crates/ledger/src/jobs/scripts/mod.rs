//! What commands and jobs do alike: one code, whether somebody calls it from a shell, an administrator presses a button or a
//! schedule comes.

mod codex;
pub mod snapshots;
mod verify;

use tokio_util::sync::CancellationToken;

pub use codex::sync_from_codex;
pub use verify::verify;

use crate::{Ledger, domain::pullers::Script};

/// Between two words of what takes long.
const WORD: usize = 100;

/// Who listens.
pub trait Listener: Send + Sync {
    /// A line of the result.
    fn say(&self, line: &str);

    /// How far it is, for those who watch.
    fn progress(&self, _line: &str) {}
}

/// The work was ended before its end.
#[derive(Debug, thiserror::Error)]
#[error("ended before its end")]
pub struct Ended;

/// Runs one; whether all is well. `by` is noted as having wanted it. It ends soon after `stop`.
///
/// # Errors
/// When it could not do its work.
pub async fn run(
    script: Script,
    ledger: &Ledger,
    by: &str,
    listener: &dyn Listener,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    match script {
        // Neither changes anything, so they end where they are.
        Script::SyncFromCodex => {
            stop.run_until_cancelled(sync_from_codex(ledger, listener)).await.ok_or(Ended)?
        }
        Script::Verify => {
            let work = async {
                // It reads the whole archive: one at a time.
                let _turn = ledger.verifying.acquire().await?;
                verify(&ledger.pool, None, listener).await
            };
            stop.run_until_cancelled(work).await.ok_or(Ended)?
        }
        Script::ScheduledSnapshots => {
            let wanted = snapshots::Wanted::default();
            let Some(period) = snapshots::month(ledger, &wanted).await? else {
                listener.say(snapshots::OFF);
                return Ok(true);
            };
            snapshots::archive(ledger, period, wanted.accounts, by, listener, stop).await
        }
    }
}
