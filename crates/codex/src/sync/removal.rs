//! What a run may remove: what the vendor confirms, and not too much of it.

use futures::future::BoxFuture;

use super::streak::Streak;
use super::{Sync, SyncError};
use crate::providers::ProviderError;

/// Counts what a run removes and refuses more than a share of what is stored: a vendor that suddenly lacks a fifth of
/// its rows is more likely broken than tidied up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    stored: u64,
    left: u64,
}

impl Allowance {
    pub(super) fn new(stored: u64, share: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a share of a row count; exact enough"
        )]
        let left = (stored as f64 * share.clamp(0.0, 1.0)).floor() as u64;
        Self { stored, left: left.max(1) }
    }

    /// Takes `count` removals, all or none.
    ///
    /// # Errors
    /// Why that is too many.
    pub(super) fn take(&mut self, count: usize) -> Result<(), String> {
        let count = count as u64;
        match self.left.checked_sub(count) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(format!(
                "refused to remove {count} of {} rows, only {} more may go",
                self.stored, self.left
            )),
        }
    }
}

impl Sync {
    /// Asks the vendor about each row that a complete list lacked, and returns those it does not have. Too many are not
    /// even asked about; then nothing is gone. A row the vendor does not tell about stays.
    pub(super) async fn confirm_gone<'a>(
        &'a self,
        list: &str,
        missing: &[i64],
        stored: usize,
        is_gone: impl Fn(i64) -> BoxFuture<'a, Result<bool, ProviderError>>,
    ) -> Result<Vec<i64>, SyncError> {
        if let Err(refusal) = Allowance::new(stored as u64, self.rules.delete_share).take(missing.len()) {
            self.report.warn(format!("{list}: {refusal}"));
            return Ok(Vec::new());
        }
        let (mut gone, streak) = (Vec::new(), Streak::default());
        for id in missing {
            self.report.go_on().await?;
            match is_gone(*id).await {
                Ok(answer) => {
                    streak.answered();
                    gone.extend(answer.then_some(*id));
                }
                Err(error) if streak.ends_with(&error) => return Err(error.into()),
                Err(error) => self.report.warn(format!("{list} {id}: {error}")),
            }
        }
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_may_go_and_one_row_always() {
        for (stored, removals, allowed) in [
            (100, vec![20], true),
            (100, vec![21], false),
            (100, vec![15, 6], false),
            (100, vec![15, 5], true),
            (3, vec![1], true),
            (3, vec![2], false),
            (0, vec![0], true),
        ] {
            let mut allowance = Allowance::new(stored, 0.2);
            let taken = removals.iter().all(|count| allowance.take(*count).is_ok());
            assert_eq!(taken, allowed, "{removals:?} of {stored}");
        }
    }
}
