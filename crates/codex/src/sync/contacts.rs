//! Contacts: all of them are fetched first, since addresses move from one to another, and kept in the database meanwhile.

use std::collections::{HashMap, HashSet};

use futures::FutureExt as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::batches::Stored;
use super::contact_plan::{Planned, full_name, key, plan};
use super::{Sync, SyncError, attempts, batches};
use crate::providers::{PageRef, PsaContact};
use crate::store::reviews::{DUPLICATE_CONTACT, Finding};
use crate::store::staged_contacts::{self, ContactKey, ContactRun};
use crate::store::sync_contacts::{self, ContactRow, StoredContact};
use crate::store::{changes, unit};

/// Contacts written in one transaction.
const BATCH: usize = 200;

impl Sync {
    /// Contacts of the provider and the companies they belong to.
    pub(super) async fn contacts(&self) -> Result<(), SyncError> {
        let provider = self.provider.name();
        let run = self.fetch_contacts().await?;
        let fetched = staged_contacts::keys(&self.pool, provider, run).await?;
        let stored = sync_contacts::stored(&self.pool).await?;
        let gone = self.gone_contacts(&stored, &fetched).await?;
        let plan = plan(provider, &stored, fetched, &gone);
        drop(stored);
        self.report.warn_all(plan.warnings);
        if plan.without_address > 0 {
            self.report.line(format!("{} contacts without an address are left out", plan.without_address));
        }

        let (first, rest) = plan.rows.split_at(plan.moving);
        for batch in std::iter::once(first).chain(rest.chunks(BATCH)) {
            self.report.go_on().await?;
            let stored = attempts::persist(|| self.write_contacts(run, batch)).await?;
            self.report.warn_all(stored.refused);
            let written = stored.written;
            self.report.count(|counts| counts.contacts += written.created + written.updated);
        }
        let (removed, settled) = attempts::persist(|| self.end_contacts(&gone, &plan.duplicates)).await?;
        self.tell_settled(DUPLICATE_CONTACT, settled);
        if removed > 0 {
            self.report.line(format!("{removed} contacts are gone from {}", self.provider.display_name()));
            self.report.count(|counts| counts.removed += removed);
        }
        Ok(())
    }

    async fn write_contacts(&self, run: Uuid, batch: &[Planned]) -> sqlx::Result<Stored> {
        let provider = self.provider.name();
        let mut tx = unit::begin(&self.pool).await?;
        let rows = fetched_rows(&mut tx, run, batch).await?;
        let stored = batches::store(
            &mut tx,
            &rows,
            |row| format!("contact {}", row.contact.external_id),
            |conn, rows| sync_contacts::save(conn, provider, rows).boxed(),
        )
        .await?;
        tx.commit().await?;
        Ok(stored)
    }

    /// Removes what is gone and asks about what is there twice; how many were removed, how many questions have settled.
    async fn end_contacts(&self, gone: &[i64], duplicates: &[Finding]) -> sqlx::Result<(u64, u64)> {
        let provider = self.provider.name();
        let mut tx = unit::begin(&self.pool).await?;
        changes::removing(&mut tx, &format!("gone from {}", self.provider.display_name())).await?;
        let removed = sync_contacts::remove(&mut tx, provider, gone).await?;
        let settled = self.review(&mut tx, DUPLICATE_CONTACT, duplicates).await?;
        staged_contacts::end(&mut tx, provider).await?;
        tx.commit().await?;
        Ok((removed, settled))
    }

    /// Fetches the whole list, page by page into the database, and returns the run its rows belong to. A run that was
    /// broken off goes on one page earlier: rows may have moved towards the front meanwhile.
    async fn fetch_contacts(&self) -> Result<Uuid, SyncError> {
        let (provider, now) = (self.provider.name(), self.clock.now());
        let begun = staged_contacts::begun(&self.pool, provider).await?;
        let fresh = |run: &ContactRun| (now - run.started_at).abs() < self.rules.stale_after;
        let mut run = match begun.filter(fresh) {
            Some(run) => {
                self.report.line("Going on with the contacts of the run that was broken off");
                run
            }
            None => {
                self.report.line(format!("Reading contacts from {}", self.provider.display_name()));
                ContactRun { id: Uuid::new_v4(), started_at: now, page: Some(PageRef::FIRST) }
            }
        };
        let mut next = run.page.map(|page| match page.number {
            0 | 1 => PageRef::FIRST,
            number => PageRef::number(number - 1),
        });
        let mut before = HashSet::new();
        while let Some(at) = next {
            self.report.at("contacts", Some(at.number));
            self.report.go_on().await?;
            let page = self.provider.contacts(at).await?;
            self.report.warn_all(page.warnings);
            let ids: HashSet<i64> = page.items.iter().map(|contact| contact.external_id).collect();
            if page.next.is_some() && !ids.is_empty() && ids == before {
                return Err(SyncError::Endless {
                    provider: self.provider.display_name(),
                    list: "contacts",
                    page: at.number,
                });
            }
            before = ids;
            run.page = page.next;
            let rows: Vec<_> = page.items.into_iter().map(|contact| (key(&contact), contact)).collect();
            attempts::persist(|| self.stage(&run, &rows)).await?;
            next = page.next;
        }
        Ok(run.id)
    }

    async fn stage(&self, run: &ContactRun, rows: &[(ContactKey, PsaContact)]) -> sqlx::Result<()> {
        let mut tx = unit::begin(&self.pool).await?;
        staged_contacts::keep(&mut tx, self.provider.name(), run, rows).await?;
        tx.commit().await
    }

    pub(super) async fn gone_contacts(
        &self,
        stored: &[StoredContact],
        fetched: &[ContactKey],
    ) -> Result<Vec<i64>, SyncError> {
        let fetched: HashSet<i64> = fetched.iter().map(|contact| contact.external_id).collect();
        let mine = stored.iter().filter(|contact| *contact.external_source == *self.provider.name());
        let mine: Vec<i64> = mine.filter_map(|contact| contact.external_id).collect();
        let missing: Vec<i64> = mine.iter().copied().filter(|id| !fetched.contains(id)).collect();
        self.confirm_gone("contacts", &missing, mine.len(), |id| {
            async move { Ok(self.provider.contact(id).await?.is_none()) }.boxed()
        })
        .await
    }
}

/// The fetched contacts of a batch with what they become, in the order of the plan.
async fn fetched_rows(
    conn: &mut PgConnection,
    run: Uuid,
    batch: &[Planned],
) -> sqlx::Result<Vec<ContactRow>> {
    let ids: Vec<i64> = batch.iter().map(|planned| planned.external_id).collect();
    let contacts = staged_contacts::contacts(conn, run, &ids).await?;
    let mut contacts: HashMap<i64, _> =
        contacts.into_iter().map(|contact| (contact.external_id, contact)).collect();
    let row = |planned: &Planned| {
        let contact = contacts.remove(&planned.external_id)?;
        Some(ContactRow { id: planned.id, name: full_name(&contact), contact })
    };
    Ok(batch.iter().filter_map(row).collect())
}
