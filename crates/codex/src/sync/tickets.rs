//! The list phase of the ticket sync: makes all changed tickets visible, page by page (codex-api.md §6.5).

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::batches::Stored;
use super::gone::Cleaned;
use super::removal::Allowance;
use super::streak::Streak;
use super::{Sync, SyncError, attempts, batches, plan};
use crate::providers::{Pace, Page, PageRef, PsaTicket, TicketView};
use crate::store::sync_state::{self, TICKETS, TICKETS_FULL, TicketRun};
use crate::store::sync_tickets::{self, Gone};
use crate::store::unit;

/// Which tickets a list phase reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those that changed since the last run.
    Changes,
    /// All of them, and compares what is stored with what the vendor has.
    Full,
}

impl Sync {
    /// Reads and stores tickets. Returns when all of them are visible.
    ///
    /// # Errors
    /// When the vendor does not deliver or the database does not take it. What was stored until then stays, and the
    /// next run goes on there.
    pub async fn tickets(&self, reach: Reach) -> Result<(), SyncError> {
        let provider = self.provider.name();
        let state = sync_state::load(&self.pool, provider, TICKETS).await?;
        let mut run = plan::ticket_run(&state, reach, self.clock.now(), &self.rules, Uuid::new_v4());
        self.announce(&run, state.unfinished.as_ref());
        let stored = sync_tickets::count(&self.pool, provider).await?;
        let mut allowance = Allowance::new(stored.unsigned_abs(), self.rules.delete_share);

        let pages = self.read_list(&mut run, &mut allowance).await?;
        let removed_meanwhile = self.read_marked(&run, &mut allowance).await?;
        if pages > 1 && removed_meanwhile {
            // Every ticket that vanishes moves those behind it one row towards the front, possibly onto a page that
            // was read already.
            self.report.line("Tickets were removed meanwhile, reading the list again");
            let mut again = TicketRun { page: PageRef::FIRST, ..run.clone() };
            self.read_list(&mut again, &mut allowance).await?;
        }
        if run.full {
            self.reconcile(&run, &mut allowance).await?;
        }
        self.finish(&run).await
    }

    fn announce(&self, run: &TicketRun, unfinished: Option<&TicketRun>) {
        let what =
            if run.full { "all tickets".to_owned() } else { format!("tickets changed since {}", run.since) };
        let how = if unfinished.is_some_and(|unfinished| unfinished.id == run.id) {
            format!(", going on at page {}", run.page.number)
        } else {
            String::new()
        };
        self.report.line(format!("Reading {what} from {}{how}", self.provider.display_name()));
    }

    /// Reads the ordinary list from the run's page to its end; returns the number of its last page. While a page is being
    /// stored the vendor prepares the next one.
    async fn read_list(&self, run: &mut TicketRun, allowance: &mut Allowance) -> Result<u32, SyncError> {
        let since = run.since;
        let fetch = |at| self.provider.tickets(TicketView::Ordinary, since, at);
        let mut at = run.page;
        let mut before = HashSet::new();
        self.report.at("tickets", Some(at.number));
        let mut page = fetch(at).await?;
        run.vendor_time = run.vendor_time.or(page.answered_at);
        loop {
            self.report.go_on().await?;
            let ids: HashSet<i64> = page.items.iter().map(|ticket| ticket.external_id).collect();
            if page.next.is_some() && !ids.is_empty() && ids == before {
                return Err(SyncError::Endless {
                    provider: self.provider.display_name(),
                    list: "tickets",
                    page: at.number,
                });
            }
            before = ids;
            let next = page.next;
            let resume = TicketRun { page: next.unwrap_or(at), ..run.clone() };
            let store = self.store_page(&resume, page, allowance);
            let Some(next) = next else {
                store.await?;
                return Ok(at.number);
            };
            let (stored, fetched) = tokio::join!(store, fetch(next));
            stored?;
            at = next;
            self.report.at("tickets", Some(at.number));
            page = fetched?;
        }
    }

    /// One page and where to go on, in one transaction.
    async fn store_page(
        &self,
        resume: &TicketRun,
        page: Page<PsaTicket>,
        allowance: &mut Allowance,
    ) -> Result<(), SyncError> {
        self.report.warn_all(page.warnings);
        let received = page.items.len() as u64;
        let ids: Vec<i64> = page.items.iter().map(|ticket| ticket.external_id).collect();
        let mut ordinary = newest_only(page.items);
        let marked: Vec<Gone> = ordinary.iter().filter_map(Gone::marked).collect();
        ordinary.retain(|ticket| Gone::marked(ticket).is_none());
        let left = *allowance;
        let write = || self.write_page(resume, &ids, &marked, &ordinary, left);
        let (stored, cleaned) = attempts::persist(write).await?;
        self.account(&cleaned, allowance);
        self.report.count(|counts| {
            counts.tickets += received;
            counts.tickets_created += stored.written.created;
            counts.tickets_updated += stored.written.updated;
        });
        self.report.warn_all(stored.refused);
        Ok(())
    }

    async fn write_page(
        &self,
        resume: &TicketRun,
        ids: &[i64],
        marked: &[Gone],
        ordinary: &[PsaTicket],
        left: Allowance,
    ) -> Result<(Stored, Cleaned), SyncError> {
        let mut tx = unit::begin(&self.pool).await?;
        if resume.full {
            sync_state::saw(&mut tx, resume.id, ids).await?;
        }
        let cleaned = self.mark(&mut tx, marked, left).await?;
        let stored = self.store_tickets(&mut tx, ordinary).await?;
        sync_state::keep(&mut tx, self.provider.name(), TICKETS, resume).await?;
        tx.commit().await?;
        Ok((stored, cleaned))
    }

    pub(super) async fn store_tickets(
        &self,
        conn: &mut PgConnection,
        tickets: &[PsaTicket],
    ) -> sqlx::Result<Stored> {
        let (provider, now) = (self.provider.name(), self.clock.now());
        batches::store(
            conn,
            tickets,
            |ticket| format!("ticket {}", ticket.external_id),
            |conn, rows| sync_tickets::upsert(conn, provider, rows, now).boxed(),
        )
        .await
    }

    /// Asks the vendor about every stored ticket that a complete list lacked.
    async fn reconcile(&self, run: &TicketRun, allowance: &mut Allowance) -> Result<(), SyncError> {
        let missing = sync_tickets::not_seen(&self.pool, self.provider.name(), run.id).await?;
        if missing.is_empty() {
            return Ok(());
        }
        if let Err(refusal) = allowance.take(missing.len()) {
            self.report.warn(format!("tickets that the list lacks: {refusal}"));
            return Ok(());
        }
        self.report.line(format!("Asking about {} tickets that the list lacks", missing.len()));
        let streak = Streak::default();
        for id in missing {
            self.report.at("reconcile", None);
            self.report.go_on().await?;
            self.settle(id, &streak).await?;
        }
        Ok(())
    }

    /// Gives a stored ticket the state the vendor has now.
    pub(super) async fn settle(&self, id: i64, streak: &Streak) -> Result<(), SyncError> {
        let ticket = match self.provider.ticket(id, Pace::Routine).await {
            Ok(ticket) => {
                streak.answered();
                ticket
            }
            Err(error) if !streak.ends_with(&error) => {
                self.report.warn(format!("ticket {id}: {error}"));
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        match ticket {
            None => {
                let gone = Gone::lost(id);
                if attempts::persist(|| self.mark_one(&gone)).await? {
                    self.report.count(|counts| counts.tickets_deleted += 1);
                    let vendor = self.provider.display_name();
                    self.report
                        .line(format!("ticket {id}: no longer at {vendor}, kept as deleted with its hours"));
                }
            }
            Some(ticket) => match Gone::marked(&ticket) {
                Some(gone) => {
                    if attempts::persist(|| self.mark_one(&gone)).await? {
                        self.tell_marked(&gone);
                    }
                }
                None => {
                    let stored = attempts::persist(|| self.store_one(&ticket)).await?;
                    self.report.warn_all(stored.refused);
                    self.report.count(|counts| counts.tickets_reconciled += 1);
                }
            },
        }
        Ok(())
    }

    async fn store_one(&self, ticket: &PsaTicket) -> sqlx::Result<Stored> {
        let mut tx = unit::begin(&self.pool).await?;
        let stored = self.store_tickets(&mut tx, std::slice::from_ref(ticket)).await?;
        tx.commit().await?;
        Ok(stored)
    }

    async fn end(&self, run: &TicketRun) -> sqlx::Result<()> {
        let (provider, now): (_, DateTime<Utc>) = (self.provider.name(), self.clock.now());
        let mut tx = unit::begin(&self.pool).await?;
        sync_state::finish(&mut tx, provider, TICKETS, run.mark(), now).await?;
        if run.full {
            sync_state::finish(&mut tx, provider, TICKETS_FULL, run.started_at, now).await?;
        }
        sync_state::forget_runs(&mut tx).await?;
        tx.commit().await
    }

    async fn finish(&self, run: &TicketRun) -> Result<(), SyncError> {
        attempts::persist(|| self.end(run)).await?;
        let counts = self.report.counts();
        self.report.line(format!(
            "{} tickets received, {} new, {} changed",
            counts.tickets, counts.tickets_created, counts.tickets_updated
        ));
        Ok(())
    }
}

/// Each ticket once, in its newest state; some servers repeat rows.
fn newest_only(tickets: Vec<PsaTicket>) -> Vec<PsaTicket> {
    let mut newest: BTreeMap<i64, PsaTicket> = BTreeMap::new();
    for ticket in tickets {
        match newest.get(&ticket.external_id) {
            Some(known) if known.updated_at > ticket.updated_at => {}
            _ => {
                newest.insert(ticket.external_id, ticket);
            }
        }
    }
    newest.into_values().collect()
}
