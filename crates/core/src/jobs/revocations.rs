//! Ended sessions and the database: what is still to be ended, and what outlives a process that keeps its sessions in
//! memory.

use std::time::Duration;

use chrono::TimeDelta;

use crate::{
    domain::session::LONGEST_LIFETIME,
    realm::Realm,
    store::{
        realm::{pending, revocations},
        sessions::StoreUnavailable,
    },
};

/// Pause before something that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How often sign-outs are looked for that another instance, or this one before a crash, left behind.
const LOOK: Duration = Duration::from_secs(30);
/// Clocks of two instances may differ by as much: a session that seems to be younger than its sign-out, but not by more, is
/// ended too. Its browser gets a new one unasked.
const SKEW: i64 = 5;

/// Why sign-outs are still owed.
#[derive(Debug, thiserror::Error)]
enum Unsettled {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Store(#[from] StoreUnavailable),
}

/// Ends the sessions that could not be ended when somebody asked for it.
pub async fn settle(realm: Realm) {
    let mut warned = false;
    loop {
        let pause = match settle_all(&realm).await {
            Ok(()) => {
                warned = false;
                LOOK
            }
            Err(error) => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(error = %error, "sessions are still to be ended");
                }
                RETRY
            }
        };
        // What was noted meanwhile failed a moment ago: the store gets the pause in any case.
        tokio::time::sleep(RETRY).await;
        let _ = tokio::time::timeout(pause - RETRY, realm.owed.notified()).await;
    }
}

async fn settle_all(realm: &Realm) -> Result<(), Unsettled> {
    for owed in pending::all(&realm.pool).await? {
        let age = realm.clock.now() - owed.asked_at;
        // By then every session that was meant has run out.
        if age <= TimeDelta::seconds(LONGEST_LIFETIME) {
            let until = owed.asked_at.timestamp() + SKEW;
            let ended = realm.sessions.revoke_all(&owed.whose, Some(until)).await?;
            hivematrix_shared::audit!(whose = ?owed.whose, ended, "Sessions were ended that could not be ended before");
        }
        pending::done(&realm.pool, &owed).await?;
    }
    Ok(())
}

/// Brings back the ended sessions that the database kept, then keeps those that are written down nowhere else.
pub async fn keep(realm: Realm) {
    let mut news = realm.sessions.watch();
    let mut warned = false;
    while let Err(error) = restore(&realm).await {
        if !std::mem::replace(&mut warned, true) {
            tracing::warn!(error = %error, "earlier ended sessions could not be brought back, trying again");
        }
        tokio::time::sleep(RETRY).await;
    }
    let mut kept = None;
    loop {
        let (position, entries) = realm.sessions.revocations(kept);
        let to_keep = realm.sessions.is_own_log() && !entries.is_empty();
        match if to_keep { revocations::insert(&realm.pool, &entries).await } else { Ok(()) } {
            Ok(()) => {
                (kept, warned) = (Some(position), false);
                if news.changed().await.is_err() {
                    return;
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut warned, true) {
                    tracing::warn!(error = %error, "ended sessions cannot be kept at the moment");
                }
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn restore(realm: &Realm) -> Result<(), Unsettled> {
    let ended = revocations::live(&realm.pool, realm.clock.now()).await?;
    Ok(realm.sessions.restore(&ended).await?)
}
