//! Tickets (knowledgetree.md §9.3): those that changed since the last run, or all.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{COMPANIES_SOURCE, SyncError, items, run::Run};
use crate::{
    clients::codex::{Head, Piece, Wanted},
    domain::{
        sync::{
            Key, Source,
            input::{Moment, Ticket},
            tickets,
        },
        sync_runs::{Progress, Reached},
        synced::TicketRow,
    },
};

/// Tickets of a company that are written together, and bytes of text after which no more are collected.
const COLLECTED: usize = 100;
const BYTES: usize = 4 * 1024 * 1024;
/// Before the latest change that was taken over, changes may have come to Codex later than that one.
const OVERLAP: TimeDelta = TimeDelta::hours(24);
/// After so long everything is gone through again: what is gone shows only then.
const WHOLE: TimeDelta = TimeDelta::days(7);
/// Between two lines that tell how far it is.
const TOLD: u64 = 50;

/// What has been gone through, and what of it is not written yet.
#[derive(Default)]
struct Work {
    /// Keys of companies whose tickets are written, over all passes.
    done: HashSet<String>,
    company: Option<Box<Head>>,
    /// Id of the company's folder: none where it has none, nothing where nobody has looked yet.
    folder: Option<Option<String>>,
    tickets: Vec<Ticket>,
    bytes: usize,
    changed_until: Option<DateTime<Utc>>,
}

/// Makes the tree what Codex says.
pub(super) async fn run(run: &Run) -> Result<Reached, SyncError> {
    let began = run.now();
    let since = run.runs.changed_until.filter(|_| {
        let is_fresh = run.runs.whole_at.is_some_and(|whole| began - whole < WHOLE);
        is_fresh && !run.overwrite()
    });
    let since = since.map(|since| since - OVERLAP);
    match since {
        Some(since) => run.say(&format!("Tickets that changed since {}", since.to_rfc3339())),
        None => run.say("All tickets"),
    }
    let mut work = Work::default();
    loop {
        let before = work.done.len();
        match work.pass(run, Wanted::Tickets(since)).await {
            Err(SyncError::Codex(error)) if work.done.len() > before => {
                tracing::info!(%error, companies = work.done.len(), "Codex's answer broke off and is asked for again");
                work.forget();
            }
            ended => break ended?,
        }
    }
    if work.done.is_empty() {
        return Err(SyncError::nothing(&run.progress()));
    }
    let Progress { tickets, unreadable, companies_without_folder: left_out, problems, .. } = run.progress();
    if unreadable > 0 {
        run.say(&format!("Not readable: {}. So nothing was removed.", problems.join("; ")));
    } else if since.is_none() {
        let author = run.author();
        let removed = run.patiently(|| run.store().sweep(run.sync_run(), &author)).await?;
        run.note(|progress| progress.removed += removed);
        if removed > 0 {
            run.say(&format!("Put into the trash, since Codex has it no more: {removed}"));
        }
    }
    if left_out > 0 {
        run.say(&format!("Companies that are not synced yet, and whose tickets were left out: {left_out}"));
    }
    run.say(&format!("Synced {tickets} tickets"));
    // What was left out shall come the next time, so that the time from which on is asked stays.
    let is_complete = unreadable == 0 && left_out == 0;
    Ok(Reached {
        is_whole: since.is_none(),
        // A clock that goes wrong somewhere shall not hide what comes after it.
        changed_until: work.changed_until.filter(|_| is_complete).map(|changed| changed.min(began)),
    })
}

impl Work {
    async fn pass(&mut self, run: &Run, wanted: Wanted) -> Result<(), SyncError> {
        let mut pieces = run.pieces(wanted);
        while let Some(piece) = run.next(&mut pieces).await? {
            match piece {
                Piece::Company(head) => {
                    self.end_company(run).await?;
                    self.company = Some(head).filter(|head| !self.is_done(head));
                }
                Piece::Ticket(ticket) if self.company.is_some() => {
                    self.bytes += weight(&ticket);
                    self.tickets.push(*ticket);
                    if self.tickets.len() >= COLLECTED || self.bytes >= BYTES {
                        self.flush(run).await?;
                    }
                }
                Piece::Ticket(_) => {}
                Piece::Bad(what) => run.note(|progress| progress.problem(what)),
            }
        }
        self.end_company(run).await
    }

    fn is_done(&self, head: &Head) -> bool {
        head.company.key().is_some_and(|key| self.done.contains(key))
    }

    /// The company that was not gone through to its end comes again.
    fn forget(&mut self) {
        (self.company, self.folder) = (None, None);
        (self.tickets, self.bytes) = (Vec::new(), 0);
    }

    async fn end_company(&mut self, run: &Run) -> Result<(), SyncError> {
        self.flush(run).await?;
        let Some(head) = self.company.take() else { return Ok(()) };
        self.done.extend(head.company.key().map(str::to_owned));
        let is_left_out = self.folder.take() == Some(None);
        run.note(|progress| {
            progress.companies += 1;
            progress.companies_without_folder += u64::from(is_left_out);
        });
        Ok(())
    }

    /// Writes the tickets that were collected.
    async fn flush(&mut self, run: &Run) -> Result<(), SyncError> {
        self.bytes = 0;
        let some = std::mem::take(&mut self.tickets);
        let Some(head) = self.company.as_deref().filter(|_| !some.is_empty()) else { return Ok(()) };
        if self.folder.is_none() {
            self.folder = Some(folder_of(run, head).await?);
        }
        let Some(Some(folder)) = &self.folder else { return Ok(()) };
        let Some((plan, links)) = tickets(&head.company, &head.contacts, &some) else { return Ok(()) };
        // The folder of the tickets stands first, in the company's own, which is of the other sync.
        let synced: Vec<_> = plan
            .into_iter()
            .map(|planned| {
                let parent = (planned.key.source == Source::Tickets).then_some(folder.as_str());
                items::synced(planned, parent)
            })
            .collect();
        let ids = run.write(&synced).await?;
        let articles: HashMap<&str, &String> =
            synced.iter().map(|item| item.source_id.as_str()).zip(&ids).collect();
        let wanted: Vec<String> =
            links.iter().filter_map(|link| link.requester.as_ref().map(items::source_id)).collect();
        let cards = run.patiently(|| run.store().synced_ids(COMPANIES_SOURCE, &wanted)).await?;
        let cards: HashMap<String, String> = cards.into_iter().collect();
        let rows: Vec<TicketRow> = links
            .iter()
            .map(|link| {
                let article = articles.get(items::source_id(&link.article).as_str()).map(|id| (*id).clone());
                let card = link.requester.as_ref().and_then(|key| cards.get(&items::source_id(key)).cloned());
                TicketRow { number: link.number.clone(), item_ids: article.into_iter().chain(card).collect() }
            })
            .collect();
        run.patiently(|| run.store().merge_tickets(&rows)).await?;
        for ticket in &some {
            if let Some(Moment::At(updated)) = &ticket.last_updated_at {
                self.changed_until = self.changed_until.max(Some(*updated));
            }
        }
        let before = run.progress().tickets;
        let after = before + rows.len() as u64;
        run.note(|progress| progress.tickets = after);
        if before / TOLD < after / TOLD {
            run.say(&format!("Synced {after} tickets so far"));
        }
        Ok(())
    }
}

/// The folder of a company, by what the other sync noted.
async fn folder_of(run: &Run, head: &Head) -> Result<Option<String>, SyncError> {
    let Some(key) = head.company.key() else { return Ok(None) };
    let wanted = [items::source_id(&Key { source: Source::Company, id: key.to_owned() })];
    let found = run.patiently(|| run.store().synced_ids(COMPANIES_SOURCE, &wanted)).await?;
    Ok(found.into_iter().next().map(|(_, id)| id))
}

/// About the bytes of text of a ticket.
fn weight(ticket: &Ticket) -> usize {
    let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let messages = ticket.conversations.iter().chain(&ticket.notes);
    let messages: usize =
        messages.map(|message| of(&message.body) + of(&message.body_text) + of(&message.body_html)).sum();
    of(&ticket.description) + of(&ticket.description_text) + messages
}
