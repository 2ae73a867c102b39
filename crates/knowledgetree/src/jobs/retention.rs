//! What has been in the trash for its time goes for ever (knowledgetree.md §6 "Trash").

use std::time::Duration;

use chrono::TimeDelta;

use crate::{KnowledgeTree, store};

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(60 * 60);
/// Time before the first one, and between two parts of one.
const BREATH: Duration = Duration::from_secs(5);

/// Looks into the trash once an hour, for ever.
pub async fn run(tree: KnowledgeTree) {
    tokio::time::sleep(BREATH).await;
    loop {
        match empty(&tree).await {
            Ok(0) => {}
            Ok(items) => tracing::info!(items, days = tree.trash_days, "items left the trash for ever"),
            // It is looked into again later.
            Err(error) => tracing::warn!(%error, "the trash was not looked through"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Removes what has been in the trash for longer than it may be; how many items that were.
///
/// # Errors
/// When the store fails; what was removed until then is gone.
pub async fn empty(tree: &KnowledgeTree) -> store::Result<i64> {
    let Some(before) = tree.context.clock.now().checked_sub_signed(TimeDelta::days(tree.trash_days.into()))
    else {
        return Ok(0);
    };
    let mut items = 0;
    loop {
        let purged = tree.store.purge_expired(before).await?;
        tree.files.forget(tree.store.as_ref(), &purged.files).await;
        if purged.items == 0 {
            return Ok(items);
        }
        items += purged.items;
        // Others want to write too.
        tokio::task::yield_now().await;
    }
}
