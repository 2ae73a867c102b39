//! Drawing PDFs: work for threads of its own, and of few documents at a time.

use std::sync::Arc;

use hivematrix_shared::problem::{Problem, Result};
use tokio::sync::Semaphore;

use super::{Source, Stationery};
use crate::{bills::BillError, domain::documents::pdf::write};

/// PDFs that one instance draws at the same time: each keeps a processor busy, and its pages and the logo in memory.
pub const AT_A_TIME: usize = 2;

/// Draws a document; its number and the file. Whoever has no turn waits for one, and holds nothing meanwhile but what the document
/// is made from.
///
/// # Errors
/// When there is no bill, or drawing fails.
pub async fn pdf(turns: &Arc<Semaphore>, source: Source, own: &Arc<Stationery>) -> Result<(String, Vec<u8>)> {
    let turn = turns.clone().acquire_owned().await.map_err(Problem::internal)?;
    let own = own.clone();
    let drawing = tokio::task::spawn_blocking(move || {
        // Kept to the end, also where nobody waits for the file any more.
        let _turn = turn;
        source.document(&own.sender, |document| (document.number.clone(), write(document, own.paper)))
    });
    let drawn = drawing.await.map_err(Problem::internal)?;
    Ok(drawn.map_err(BillError::from)?)
}
