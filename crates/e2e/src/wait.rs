//! Waiting for what will be so.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Asks until the answer is there.
///
/// # Errors
///
/// `what` and the last error, when it is not there in time.
pub async fn eventually<T>(
    what: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let began = Instant::now();
    loop {
        let trouble = match ask().await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => String::new(),
            Err(error) => format!(": {error:#}"),
        };
        if began.elapsed() > patience {
            bail!("after {} s still not so: {what}{trouble}", patience.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// `Some(())` for true.
#[must_use]
pub fn when(condition: bool) -> Option<()> {
    condition.then_some(())
}
