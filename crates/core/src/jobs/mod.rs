//! What runs in the background.

pub mod revocations;

use std::time::Duration;

use hivematrix_shared::db;

use crate::{MIGRATOR, realm::Realm, state::AppState, store::realm::housekeeping};

/// How often expired rows are removed.
const HOUSEKEEPING: Duration = Duration::from_secs(600);
/// Pause before the realm's set-up is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Starts all jobs.
pub fn start(core: &AppState) {
    core.ctx.spawn("sessions", core.sessions.clone().maintain());
    core.ctx.spawn("signing keys", core.keys.clone().watch());
    core.ctx.spawn("service secrets", core.secrets.clone().watch());
    if let Some(realm) = &core.realm {
        core.ctx.spawn("local realm", keep_realm(core.clone(), realm.clone()));
    }
}

/// Waits for the database, brings it up to date, makes the first users, then keeps it tidy. Tokens and sessions do not wait
/// for any of this.
async fn keep_realm(core: AppState, realm: Realm) {
    if let Err(error) = db::migrate(&realm.pool, &MIGRATOR, &core.ctx.shutdown).await {
        if !core.ctx.shutdown.is_cancelled() {
            tracing::error!(error = %error, "the local realm cannot be used");
            core.ctx.shutdown.cancel();
        }
        return;
    }
    core.ctx.spawn("owed sign-outs", revocations::settle(realm.clone()));
    core.ctx.spawn("ended sessions", revocations::keep(realm.clone()));
    while let Err(error) = realm.bootstrap(&core.settings).await {
        tracing::error!(error = %error, "the local realm could not be set up, trying again");
        tokio::time::sleep(RETRY).await;
    }
    realm.set_ready();
    tracing::info!(realm = realm.name, "the local realm is ready");
    loop {
        tokio::time::sleep(HOUSEKEEPING).await;
        if let Err(error) = housekeeping::run(&realm.pool, core.ctx.clock.now()).await {
            tracing::warn!(error = %error, "expired sign-in data could not be removed");
        }
    }
}
