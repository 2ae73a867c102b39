//! Tickets that are gone at the vendor: in its bin, in its spam folder, or no longer there. They are marked, never removed
//! (codex-api.md §6.5).

use std::collections::HashSet;

use sqlx::PgConnection;

use super::removal::Allowance;
use super::{Sync, SyncError, attempts};
use crate::providers::{PageRef, ProviderError, TicketView};
use crate::store::sync_state::TicketRun;
use crate::store::sync_tickets::{self, Gone};
use crate::store::unit;

/// What became of tickets that the vendor marks as spam or deleted.
pub(super) struct Cleaned {
    /// Those that are marked as gone now and were not before.
    marked: Vec<Gone>,
    /// How many may still go afterwards.
    left: Allowance,
    /// Why none was marked.
    refusal: Option<String>,
}

impl Sync {
    /// Tickets in the vendor's bin and spam folder since the run's start of view. Returns whether any of them may have
    /// got there after the run began.
    pub(super) async fn read_marked(
        &self,
        run: &TicketRun,
        allowance: &mut Allowance,
    ) -> Result<bool, SyncError> {
        let mut meanwhile = false;
        // The vendor tells whole seconds.
        let about_the_start = run.mark() - self.rules.overlap;
        for (view, name) in [(TicketView::Deleted, "deleted tickets"), (TicketView::Spam, "spam")] {
            let (mut next, mut before) = (Some(PageRef::FIRST), HashSet::new());
            while let Some(at) = next {
                self.report.at(name, Some(at.number));
                self.report.go_on().await?;
                let page = match self.provider.tickets(view, run.since, at).await {
                    Ok(page) => page,
                    // An account that does not offer the folder must not lose its tickets over it; the nightly
                    // comparison finds what is gone.
                    Err(error @ ProviderError::Api { status: 400..=499, .. }) => {
                        self.report.warn(format!("{name}: {error}"));
                        break;
                    }
                    Err(error) => return Err(error.into()),
                };
                let marked: Vec<Gone> = page.items.iter().filter_map(Gone::marked).collect();
                meanwhile |=
                    marked.iter().any(|ticket| ticket.updated_at.is_some_and(|at| at >= about_the_start));
                let left = *allowance;
                let cleaned = attempts::persist(|| self.clean(&marked, left)).await?;
                self.account(&cleaned, allowance);
                let all: HashSet<i64> = page.items.iter().map(|ticket| ticket.external_id).collect();
                // A server that does not know the folder answers with the ordinary list; its first page says so.
                next = page.next.filter(|_| !marked.is_empty() && all != before);
                before = all;
            }
        }
        Ok(meanwhile)
    }

    async fn clean(&self, marked: &[Gone], left: Allowance) -> Result<Cleaned, SyncError> {
        let mut tx = unit::begin(&self.pool).await?;
        let cleaned = self.mark(&mut tx, marked, left).await?;
        tx.commit().await?;
        Ok(cleaned)
    }

    pub(super) async fn mark(
        &self,
        conn: &mut PgConnection,
        gone: &[Gone],
        mut left: Allowance,
    ) -> sqlx::Result<Cleaned> {
        let mut cleaned = Cleaned { marked: Vec::new(), left, refusal: None };
        if gone.is_empty() {
            return Ok(cleaned);
        }
        let (provider, ids) = (self.provider.name(), gone.iter().map(|ticket| ticket.external_id));
        let ids: Vec<i64> = ids.collect();
        let present = sync_tickets::present_among(conn, provider, &ids).await?;
        match left.take(present.len()) {
            Err(refusal) => cleaned.refusal = Some(refusal),
            Ok(()) => {
                let marked = sync_tickets::mark_gone(conn, provider, gone).await?;
                cleaned.marked =
                    gone.iter().filter(|one| marked.contains(&one.external_id)).cloned().collect();
                cleaned.left = left;
            }
        }
        Ok(cleaned)
    }

    /// Tells what was cleaned, now that it is.
    pub(super) fn account(&self, cleaned: &Cleaned, allowance: &mut Allowance) {
        *allowance = cleaned.left;
        for ticket in &cleaned.marked {
            self.tell_marked(ticket);
        }
        if let Some(refusal) = &cleaned.refusal {
            self.report.warn(format!("tickets marked as spam or deleted: {refusal}"));
        }
    }

    /// One line for each ticket that is gone, so that nobody has to guess where it is.
    pub(super) fn tell_marked(&self, ticket: &Gone) {
        self.report.count(|counts| counts.tickets_cleaned += 1);
        let folder = if ticket.status == "spam" { "spam folder" } else { "bin" };
        self.report.line(format!(
            "ticket {}: in the {folder} of {}, kept as {} with its hours",
            ticket.external_id,
            self.provider.display_name(),
            ticket.status
        ));
    }

    /// Whether the ticket was not marked before.
    pub(super) async fn mark_one(&self, gone: &Gone) -> sqlx::Result<bool> {
        let mut tx = unit::begin(&self.pool).await?;
        let marked =
            sync_tickets::mark_gone(&mut tx, self.provider.name(), std::slice::from_ref(gone)).await?;
        tx.commit().await?;
        Ok(!marked.is_empty())
    }
}
