//! Companies with their people and devices (knowledgetree.md §9.2).

use std::collections::HashSet;

use super::{SyncError, items::synced, run::Run};
use crate::{
    clients::codex::{Head, Piece, Wanted},
    domain::{
        names,
        sync::{companies_folder, company},
        sync_runs::{Progress, Reached},
        synced::{CompanyRow, SyncedItem},
    },
};

/// Items that are collected before they are written.
const COLLECTED: usize = 500;

/// What has been gone through, and what of it is not written yet.
#[derive(Default)]
struct Work {
    /// Keys of companies, over all passes.
    seen: HashSet<String>,
    /// Ids of companies, to be kept.
    kept: Vec<String>,
    items: Vec<SyncedItem>,
    /// Companies among the items, with the place of their folder.
    companies: Vec<(usize, CompanyRow)>,
}

/// Makes the tree what Codex says.
pub(super) async fn run(run: &Run) -> Result<Reached, SyncError> {
    let mut work = Work { items: vec![synced(companies_folder(), None)], ..Work::default() };
    // Codex lets nobody read for ever: where its answer breaks off, it is asked again, as long as something new came each time.
    loop {
        let before = work.seen.len();
        match work.pass(run).await {
            Err(SyncError::Codex(error)) if work.seen.len() > before => {
                tracing::info!(%error, companies = work.seen.len(), "Codex's answer broke off and is asked for again");
            }
            ended => break ended?,
        }
    }
    let progress = run.progress();
    if work.seen.is_empty() {
        return Err(SyncError::nothing(&progress));
    }
    work.flush(run).await?;
    if progress.unreadable == 0 {
        let author = run.author();
        let removed = run.patiently(|| run.store().sweep(run.sync_run(), &author)).await?;
        run.patiently(|| run.store().keep_companies(&work.kept)).await?;
        run.note(|progress| progress.removed += removed);
        if removed > 0 {
            run.say(&format!("Put into the trash, since Codex has it no more: {removed}"));
        }
    } else {
        // Whether what was not shown is gone, nobody knows.
        run.say(&format!("Not readable: {}. So nothing was removed.", progress.problems.join("; ")));
    }
    let Progress { companies, created, updated, unchanged, .. } = run.progress();
    run.say(&format!(
        "Companies: {companies}. Items: {created} new, {updated} changed, {unchanged} as before"
    ));
    Ok(Reached { is_whole: true, changed_until: None })
}

impl Work {
    async fn pass(&mut self, run: &Run) -> Result<(), SyncError> {
        let mut pieces = run.pieces(Wanted::Belongings);
        while let Some(piece) = run.next(&mut pieces).await? {
            match piece {
                Piece::Company(head) => self.company(run, &head),
                Piece::Bad(what) => run.note(|progress| progress.problem(what)),
                // Not asked for.
                Piece::Ticket(_) => {}
            }
            if self.items.len() >= COLLECTED {
                self.flush(run).await?;
            }
        }
        Ok(())
    }

    fn company(&mut self, run: &Run, head: &Head) {
        let Some(key) = head.company.key() else { return };
        if !self.seen.insert(key.to_owned()) {
            return;
        }
        let name = names::synced(head.company.shown_name(), "", "Unnamed");
        let Some(plan) = company(&head.company, &name, &head.contacts, &head.assets) else { return };
        let number = head.company.account_number.as_deref().unwrap_or(key);
        let row = CompanyRow {
            id: key.to_owned(),
            name: head.company.shown_name().to_owned(),
            account_number: number.to_owned(),
            folder_id: None,
        };
        // The folder stands first in the plan.
        self.companies.push((self.items.len(), row));
        self.items.extend(plan.into_iter().map(|planned| synced(planned, None)));
        self.kept.push(key.to_owned());
        run.note(|progress| progress.companies += 1);
        run.say(&format!(
            "{} ({number}): {} people, {} devices",
            head.company.shown_name(),
            head.contacts.len(),
            head.assets.len()
        ));
    }

    async fn flush(&mut self, run: &Run) -> Result<(), SyncError> {
        if self.items.is_empty() {
            return Ok(());
        }
        let ids = run.write(&self.items).await?;
        let rows: Vec<CompanyRow> = self
            .companies
            .drain(..)
            .map(|(place, row)| CompanyRow { folder_id: ids.get(place).cloned(), ..row })
            .collect();
        self.items.clear();
        let now = run.now();
        run.patiently(|| run.store().merge_companies(&rows, now)).await
    }
}
