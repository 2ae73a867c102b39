//! What a run would do: reads everything it would read, compares, and stores nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::{BasePart, Reach, Sync, SyncError, companies, contact_plan, plan};
use crate::providers::{PageRef, PsaTicket, TicketView};
use crate::store::staged_contacts::ContactKey;
use crate::store::sync_state::{self, SyncState, TICKETS};
use crate::store::{contact_merge, sync_companies, sync_contacts, sync_staff, sync_tickets};

impl Sync {
    /// Compares what the vendor has with what is stored. Counts say what would be stored, the report what would be
    /// removed or renamed. A part that fails does not stop the others, unless the vendor cannot be used at all.
    ///
    /// # Errors
    /// The first error of a part.
    pub async fn compare(&self, parts: &[BasePart], tickets: Option<Reach>) -> Result<(), SyncError> {
        let mut first = None;
        for part in parts {
            let done = match part {
                BasePart::Companies => self.compare_companies().await,
                BasePart::Agents => self.compare_agents().await,
                BasePart::Contacts => self.compare_contacts().await,
            };
            if let Err(error) = done {
                self.report.error(format!("{part:?}: {error}"));
                let fatal =
                    matches!(&error, SyncError::Provider(error) if error.is_fatal() || error.is_outage());
                first.get_or_insert(error);
                if fatal {
                    return first.map_or(Ok(()), Err);
                }
            }
        }
        if let Some(reach) = tickets
            && let Err(error) = self.compare_tickets(reach).await
        {
            self.report.error(format!("Tickets: {error}"));
            first.get_or_insert(error);
        }
        first.map_or(Ok(()), Err)
    }

    async fn compare_companies(&self) -> Result<(), SyncError> {
        let fetched =
            self.whole_list("companies", |page| self.provider.companies(page), |row| row.external_id).await?;
        let stored = sync_companies::stored(&self.pool).await?;
        let gone = self.gone_companies(&stored, &fetched).await?;
        let provider = self.provider.name();
        let plan = companies::plan(provider, &stored, fetched, &gone);
        let known: HashSet<i64> = stored
            .iter()
            .filter(|company| company.external_source == provider)
            .filter_map(|company| company.external_id)
            .collect();
        for (old, new) in &plan.renames {
            self.report.would(format!("give company {old} the account number {new}"));
        }
        for company in stored.iter().filter(|company| company.external_source == provider) {
            if company.external_id.is_some_and(|id| gone.contains(&id)) {
                self.report.would(format!("remove company {}", company.account_number));
            }
        }
        let new = plan.rows.iter().filter(|row| !known.contains(&row.external_id)).count();
        self.tell("companies", plan.rows.len(), new, gone.len(), plan.warnings.len());
        self.report.warn_all(plan.warnings);
        self.report.count(|counts| {
            counts.companies = plan.rows.len() as u64;
            counts.removed += gone.len() as u64;
        });
        Ok(())
    }

    async fn compare_contacts(&self) -> Result<(), SyncError> {
        let fetched = self.contact_keys().await?;
        let stored = sync_contacts::stored(&self.pool).await?;
        let gone = self.gone_contacts(&stored, &fetched).await?;
        let provider = self.provider.name();
        let plan = contact_plan::plan(provider, &stored, fetched, &gone);
        for contact in stored.iter().filter(|contact| *contact.external_source == *provider) {
            if contact.external_id.is_some_and(|id| gone.contains(&id)) {
                self.report.would(format!("remove contact {}", contact.email));
            }
        }
        let new = plan.rows.iter().filter(|row| row.id.is_none()).count();
        self.tell("contacts", plan.rows.len(), new, gone.len(), plan.warnings.len() + plan.without_address);
        self.report.warn_all(plan.warnings);
        self.report.count(|counts| {
            counts.contacts = plan.rows.len() as u64;
            counts.removed += gone.len() as u64;
        });
        Ok(())
    }

    /// What identifies the vendor's contacts, without those that a person has merged into others.
    async fn contact_keys(&self) -> Result<Vec<ContactKey>, SyncError> {
        let merged = contact_merge::aliases(&self.pool, self.provider.name()).await?;
        let (mut keys, mut next) = (BTreeMap::new(), Some(PageRef::FIRST));
        while let Some(at) = next {
            self.report.at("contacts", Some(at.number));
            self.report.go_on().await?;
            let page = self.provider.contacts(at).await?;
            self.report.warn_all(page.warnings);
            let (before, received) = (keys.len(), page.items.len());
            keys.extend(page.items.iter().map(|contact| (contact.external_id, contact_plan::key(contact))));
            if received > 0 && keys.len() == before && page.next.is_some() {
                return Err(SyncError::Endless {
                    provider: self.provider.display_name(),
                    list: "contacts",
                    page: at.number,
                });
            }
            next = page.next;
        }
        keys.retain(|id, _| !merged.contains(id));
        Ok(keys.into_values().collect())
    }

    async fn compare_agents(&self) -> Result<(), SyncError> {
        let agents =
            self.whole_list("agents", |page| self.provider.agents(page), |row| row.external_id).await?;
        let groups =
            self.whole_list("groups", |page| self.provider.groups(page), |row| row.external_id).await?;
        let gone = self.gone_agents(&agents).await?;
        let stored = sync_staff::agent_ids(&self.pool, self.provider.name()).await?;
        let stored: HashSet<i64> = stored.into_iter().collect();
        for id in &gone {
            self.report.would(format!("remove agent {id}"));
        }
        let new = agents.iter().filter(|agent| !stored.contains(&agent.external_id)).count();
        self.tell("agents", agents.len(), new, gone.len(), 0);
        self.report.count(|counts| {
            counts.agents = agents.len() as u64;
            counts.groups = groups.len() as u64;
            counts.removed += gone.len() as u64;
        });
        Ok(())
    }

    fn tell(&self, what: &str, stored: usize, new: usize, gone: usize, left_out: usize) {
        self.report.line(format!(
            "{what}: {stored} would be stored ({new} of them new), {gone} removed, {left_out} left out"
        ));
    }

    /// Reads the list a ticket run would read. What a run of everything would then ask about one by one is only counted.
    async fn compare_tickets(&self, reach: Reach) -> Result<(), SyncError> {
        let provider = self.provider.name();
        let state = sync_state::load(&self.pool, provider, TICKETS).await?;
        // A run that was broken off is not gone on with here, its page says nothing about the rows before it.
        let state = SyncState { unfinished: None, ..state };
        let run = plan::ticket_run(&state, reach, self.clock.now(), &self.rules, Uuid::nil());
        let (mut seen, mut next) = (HashSet::new(), Some(PageRef::FIRST));
        while let Some(at) = next {
            self.report.at("tickets", Some(at.number));
            self.report.go_on().await?;
            let page = self.provider.tickets(TicketView::Ordinary, run.since, at).await?;
            self.report.warn_all(page.warnings);
            let (before, received) = (seen.len(), page.items.len());
            let rows: Vec<PsaTicket> =
                page.items.into_iter().filter(|ticket| seen.insert(ticket.external_id)).collect();
            if received > 0 && seen.len() == before && page.next.is_some() {
                let provider = self.provider.display_name();
                return Err(SyncError::Endless { provider, list: "tickets", page: at.number });
            }
            self.compare_page(&rows).await?;
            next = page.next;
        }
        let missing = if run.full { self.unlisted(&seen).await? } else { 0 };
        if missing > 0 {
            self.report.would(format!("ask about {missing} tickets that the list lacks"));
        }
        let counts = self.report.counts();
        self.report.line(format!(
            "tickets: {} listed, {} new, {} changed, {missing} stored ones not listed",
            counts.tickets, counts.tickets_created, counts.tickets_updated
        ));
        Ok(())
    }

    async fn compare_page(&self, rows: &[PsaTicket]) -> Result<(), SyncError> {
        let ids: Vec<i64> = rows.iter().map(|row| row.external_id).collect();
        let known: HashMap<i64, _> =
            sync_tickets::last_changes(&self.pool, self.provider.name(), &ids).await?.into_iter().collect();
        self.report.count(|counts| {
            for row in rows {
                counts.tickets += 1;
                match known.get(&row.external_id) {
                    None => counts.tickets_created += 1,
                    Some(stored) if *stored < row.updated_at => counts.tickets_updated += 1,
                    Some(_) => {}
                }
            }
        });
        Ok(())
    }

    /// How many stored tickets, not marked as gone, a complete list lacked.
    async fn unlisted(&self, seen: &HashSet<i64>) -> Result<usize, SyncError> {
        let stored = sync_tickets::not_seen(&self.pool, self.provider.name(), Uuid::nil()).await?;
        Ok(stored.iter().filter(|id| !seen.contains(id)).count())
    }
}
