//! Assets, as the RMM has them: identified by their uids, following their sites, removed only when the vendor confirms that they
//! are gone (codex-api.md §7.1).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::FutureExt as _;
use hivematrix_shared::clock::Clock;
use sqlx::PgPool;
use uuid::Uuid;

use super::batches::Stored;
use super::removal::Allowance;
use super::sites::KnownSite;
use super::streak::Streak;
use super::{Report, SyncError, SyncRules, attempts, batches};
use crate::providers::{PageRef, RmmDevice, RmmProvider};
use crate::store::sync_assets::{self, AssetRow, AssetRun, Unmet};
use crate::store::{asset_history, changes, reviews, unit};

/// A device without a flag of its own counts as online when it was seen this recently.
const FRESH: TimeDelta = TimeDelta::minutes(30);

/// One run against one RMM.
#[derive(Clone)]
pub struct AssetSync {
    /// The store.
    pub pool: PgPool,
    /// The time.
    pub clock: Clock,
    /// The vendor.
    pub provider: Arc<dyn RmmProvider>,
    /// Its limits.
    pub rules: SyncRules,
    /// Where it tells how far it is.
    pub report: Report,
}

impl AssetSync {
    /// Assets of all sites that belong to a company. A site that cannot be listed keeps its assets and makes the run
    /// fail in the end, after all others have been read.
    ///
    /// # Errors
    /// When the vendor cannot be used, or a site could not be listed.
    pub async fn assets(&self) -> Result<(), SyncError> {
        let sites = self.sites().await?;
        let mut run = self.begin().await?;
        let (mut failed, streak) = (Vec::new(), Streak::default());
        let total = sites.len();
        for (index, site) in sites.iter().enumerate() {
            let uid = site.site.external_id.as_str();
            let first_page = match &run.next {
                Some((next, _)) if uid < next.as_str() => continue,
                Some((next, None)) if uid == next => continue,
                Some((next, Some(page))) if uid == next => PageRef::number(*page),
                _ => PageRef::FIRST,
            };
            self.report.at("assets", u32::try_from(index + 1).ok());
            match self.site_assets(site, first_page, &mut run).await {
                Ok(()) => streak.answered(),
                Err(SyncError::Provider(error)) if !streak.ends_with(&error) => {
                    self.report
                        .warn(format!("site {}: {error}; its assets stay as they are", site.site.name));
                    run.complete = false;
                    failed.push(site.site.name.as_str());
                }
                Err(error) => return Err(error),
            }
        }
        let companies: HashMap<&str, &str> = sites
            .iter()
            .filter_map(|site| Some((site.site.external_id.as_str(), site.company.certain()?)))
            .collect();
        self.finish(&run, &companies).await?;
        if failed.is_empty() {
            return Ok(());
        }
        Err(SyncError::Incomplete(format!(
            "{} of {total} sites could not be listed: {}",
            failed.len(),
            failed.join(", ")
        )))
    }

    /// A new run, or the one that was broken off.
    async fn begin(&self) -> Result<AssetRun, SyncError> {
        let (now, name) = (self.clock.now(), self.provider.name());
        if let Some(run) = sync_assets::load_run(&self.pool, name).await? {
            let age = now - run.started_at;
            if age >= TimeDelta::zero() && age < self.rules.stale_after {
                self.report.line("Going on with the run that was broken off");
                return Ok(run);
            }
        }
        Ok(AssetRun { id: Uuid::new_v4(), started_at: now, next: None, complete: true })
    }

    /// The assets of one site, each page one transaction that also keeps where to go on.
    async fn site_assets(
        &self,
        site: &KnownSite,
        first_page: PageRef,
        run: &mut AssetRun,
    ) -> Result<(), SyncError> {
        let uid = &site.site.external_id;
        let (mut seen, mut next) = (HashSet::new(), Some(first_page));
        while let Some(at) = next {
            self.report.go_on().await?;
            let page = self.provider.devices(uid, at).await?;
            self.report.warn_all(page.warnings);
            let (before, received) = (seen.len(), page.items.len());
            let mut devices = page.items;
            devices.retain(|device| seen.insert(device.external_id.clone()));
            if received > 0 && seen.len() == before && page.next.is_some() {
                return Err(self.endless("devices", at.number));
            }
            run.next = Some((uid.clone(), page.next.map(|next| next.number)));
            match site.company.certain() {
                Some(company) => self.store(devices, company, Some(run)).await?,
                // Nobody's devices cannot be stored, but those that were somebody's are not gone.
                None => {
                    let uids: Vec<String> = devices.into_iter().map(|device| device.external_id).collect();
                    let (name, now) = (self.provider.name(), self.clock.now());
                    attempts::persist(|| sync_assets::met(&self.pool, name, &uids, now)).await?;
                }
            }
            next = page.next;
        }
        Ok(())
    }

    /// Stores assets of one company.
    async fn store(
        &self,
        devices: Vec<RmmDevice>,
        company: &str,
        run: Option<&AssetRun>,
    ) -> Result<(), SyncError> {
        let now = self.clock.now();
        let mut rows = Vec::with_capacity(devices.len());
        for mut device in devices {
            if device.hostname.is_empty() {
                self.report.warn(format!("device {}: without a host name, left out", device.external_id));
                continue;
            }
            if device.online.is_none() {
                device.online = device.last_seen.map(|seen| now - seen < FRESH);
            }
            rows.push(AssetRow { device, company: company.to_owned() });
        }
        let stored = attempts::persist(|| self.write(&rows, run, now)).await?;
        self.report.warn_all(stored.refused);
        let written = stored.written;
        self.report.count(|counts| {
            counts.assets += written.created + written.updated;
            counts.assets_created += written.created;
        });
        Ok(())
    }

    async fn write(
        &self,
        rows: &[AssetRow],
        run: Option<&AssetRun>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Stored> {
        let name = self.provider.name();
        let mut tx = unit::begin(&self.pool).await?;
        sync_assets::adopt(&mut tx, name, rows).await?;
        let stored = batches::store(
            &mut tx,
            rows,
            |row| format!("device {} ({})", row.device.external_id, row.device.hostname),
            |conn, rows| sync_assets::upsert(conn, name, rows, now).boxed(),
        )
        .await?;
        let uids: Vec<String> = rows.iter().map(|row| row.device.external_id.clone()).collect();
        asset_history::record(&mut tx, name, &uids, now).await?;
        if let Some(run) = run {
            sync_assets::keep_run(&mut tx, name, run).await?;
        }
        tx.commit().await?;
        Ok(stored)
    }

    /// Removes what the vendor confirms to be gone, and asks about what looks like one device twice.
    async fn finish(&self, run: &AssetRun, companies: &HashMap<&str, &str>) -> Result<(), SyncError> {
        let name = self.provider.name();
        let unmet = sync_assets::unmet(&self.pool, name, run.started_at).await?;
        let gone = if run.complete {
            self.confirm_gone(&unmet, companies).await?
        } else {
            if !unmet.is_empty() {
                let count = unmet.len();
                self.report
                    .line(format!("{count} assets were not met; none is removed while sites are missing"));
            }
            Vec::new()
        };
        let (removed, doubtful) = attempts::persist(|| self.end(&gone)).await?;
        self.report.count(|counts| counts.removed += removed);
        if removed > 0 {
            self.report.line(format!("{removed} assets are gone from {}", self.provider.display_name()));
        }
        if doubtful > 0 {
            self.report.line(format!("{doubtful} pairs of assets have one name"));
        }
        Ok(())
    }

    /// Removes assets and ends the run; how many were removed, and how many pairs are asked about.
    async fn end(&self, gone: &[String]) -> sqlx::Result<(u64, u64)> {
        let name = self.provider.name();
        let mut tx = unit::begin(&self.pool).await?;
        changes::removing(&mut tx, &format!("gone from {}", self.provider.display_name())).await?;
        let removed = sync_assets::remove(&mut tx, name, gone).await?;
        let doubtful = reviews::ask_about_assets(&mut tx, name, self.clock.now()).await?;
        sync_assets::end_run(&mut tx, name).await?;
        tx.commit().await?;
        Ok((removed, doubtful))
    }

    /// Asks the vendor about each device that no list had; the ones it still has are stored where they are now.
    async fn confirm_gone(
        &self,
        unmet: &[Unmet],
        companies: &HashMap<&str, &str>,
    ) -> Result<Vec<String>, SyncError> {
        let stored = sync_assets::count(&self.pool, self.provider.name()).await?;
        let mut allowance = Allowance::new(stored.unsigned_abs(), self.rules.delete_share);
        if let Err(refusal) = allowance.take(unmet.len()) {
            self.report.warn(format!("assets: {refusal}"));
            return Ok(Vec::new());
        }
        let (mut gone, streak) = (Vec::new(), Streak::default());
        for device in unmet {
            self.report.go_on().await?;
            match self.provider.device(&device.external_id).await {
                Ok(None) => {
                    streak.answered();
                    gone.push(device.external_id.clone());
                }
                Ok(Some(found)) => {
                    streak.answered();
                    if let Some(company) = companies.get(found.site_id.as_str()) {
                        self.store(vec![found], company, None).await?;
                    }
                }
                Err(error) if streak.ends_with(&error) => return Err(error.into()),
                Err(error) => self.report.warn(format!("device {}: {error}", device.hostname)),
            }
        }
        Ok(gone)
    }
}
