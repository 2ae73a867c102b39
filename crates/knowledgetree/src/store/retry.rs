//! Trying again what failed for a reason that passes.

use std::time::Duration;

use super::{Result, StoreError};

/// Tries of one call.
const TRIES: u32 = 6;

/// A try that failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// For good.
    Final(StoreError),
    /// Two calls stood in each other's way; nothing was done, and the next try may succeed.
    Passing(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Final(error)
    }
}

/// What a try gives.
pub(super) type Attempt<T> = std::result::Result<T, Failure>;

/// Tries until it succeeds or fails for good, a few times at most.
pub(super) async fn retry<T, F: Future<Output = Attempt<T>>>(mut attempt: impl FnMut() -> F) -> Result<T> {
    let mut pause = Duration::from_millis(4);
    for _ in 1..TRIES {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Failure::Final(error)) => return Err(error),
            Err(Failure::Passing(reason)) => tracing::debug!(%reason, "the store is asked again"),
        }
        // Two that met once must not meet again.
        tokio::time::sleep(pause.mul_f64(0.5 + rand::random::<f64>())).await;
        pause *= 3;
    }
    attempt().await.map_err(|failure| match failure {
        Failure::Final(error) | Failure::Passing(error) => error,
    })
}
