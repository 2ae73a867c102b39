//! Reading tickets: the list with who wrote last, one ticket, and its messages, notes and hours.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::super::row::Row;
use super::super::{Pace, Page, PageRef, ProviderError, PsaTicket, TicketDetail};
use super::client::unusable;
use super::listing::{Listed, Wanted, read_rows};
use super::wire::{self, LastWords};
use super::{SuperOps, queries};

/// Tickets whose messages are asked for in one request.
const TOGETHER: usize = 25;

/// Lists of tickets changed since this moment or before are lists of all tickets: the year 2000.
const BEGINNING: i64 = 946_684_800;

impl SuperOps {
    /// A page of tickets changed since a moment, newest first by entry: that order never changes while a list is read,
    /// new and changed tickets only lengthen it. A ticket that is deleted meanwhile moves those behind it one row towards
    /// the front, possibly onto the page before; then that page is read once more.
    pub(super) async fn ticket_page(
        &self,
        since: DateTime<Utc>,
        page: PageRef,
    ) -> Result<Page<PsaTicket>, ProviderError> {
        let Listed { page: mut read, total } = self.ticket_rows(since, page).await?;
        let has_shrunk = matches!((page.rows, total), (Some(before), Some(now)) if now < before);
        if page.number > 1 && has_shrunk {
            let again = PageRef::number(page.number - 1);
            let before = self.ticket_rows(since, again).await?.page;
            read.items.extend(before.items);
            let mut seen = HashSet::new();
            read.items.retain(|ticket| seen.insert(ticket.external_id));
        }
        self.add_last_words(&mut read).await?;
        Ok(read)
    }

    async fn ticket_rows(
        &self,
        since: DateTime<Utc>,
        page: PageRef,
    ) -> Result<Listed<PsaTicket>, ProviderError> {
        let mut wanted = Wanted { condition: None, newest_by: Some("createdTime") };
        if since.timestamp() > BEGINNING {
            // `after` leaves the moment itself out, and times have no fractions.
            let after = (since - TimeDelta::seconds(1)).format("%Y-%m-%dT%H:%M:%S").to_string();
            wanted.condition =
                Some(json!({ "attribute": "updatedTime", "operator": "after", "value": after }));
        }
        let read = |row: &mut Row<'_>| wire::ticket(row, &self.habits.statuses);
        self.client.page(&queries::TICKETS, &wanted, page, Pace::Routine, read).await
    }

    /// Finds out which open tickets of a page wait for us because their requester wrote last. The list does not tell, and
    /// a request for each ticket would be one too many; but GraphQL takes many questions in one request. So a page costs
    /// at most four further requests, an incremental run seldom more than one. Where the vendor will not answer, the
    /// tickets keep their status by name: a board that is a little behind is better than none.
    async fn add_last_words(&self, page: &mut Page<PsaTicket>) -> Result<(), ProviderError> {
        let mut open: Vec<&mut PsaTicket> =
            page.items.iter_mut().filter(|ticket| wire::is_open(ticket)).collect();
        for part in open.chunks_mut(TOGETHER) {
            let ids: Vec<i64> = part.iter().map(|ticket| ticket.external_id).collect();
            let document = queries::last_words(&ids);
            let asked = self.client.call("getLastConversations", &document, json!({}), Pace::Routine);
            let data = match asked.await {
                Ok(data) => data,
                Err(error) if error.is_fatal() || error.is_outage() => return Err(error),
                Err(error) => {
                    page.warnings.push(format!("who wrote last is unknown: {error}"));
                    return Ok(());
                }
            };
            for (place, ticket) in part.iter_mut().enumerate() {
                // Without an answer about a ticket, it may just have been deleted.
                if let Some(messages) = data.get(format!("t{place}")).and_then(Value::as_array) {
                    LastWords::of(messages).apply(ticket);
                }
            }
        }
        Ok(())
    }

    /// One ticket as it is now, with its description.
    pub(super) async fn one_ticket(&self, id: i64, pace: Pace) -> Result<Option<PsaTicket>, ProviderError> {
        let operation = "getTicket";
        let variables = json!({ "input": { "ticketId": id.to_string() } });
        let data = self.client.call(operation, &queries::ticket(), variables, pace).await?;
        let Some(value) = data.get(operation).filter(|value| !value.is_null()) else { return Ok(None) };
        let mut ticket = Row::of(value)
            .and_then(|mut row| wire::ticket(&mut row, &self.habits.statuses))
            .ok_or_else(|| unusable(operation, "JSON without a usable 'getTicket'"))?;
        let messages = messages(&data, "getTicketConversationList")?;
        LastWords::of(messages).apply(&mut ticket);
        if let Some(description) = wire::description(messages) {
            ticket.description_apart = false;
            ticket.description = Some(description.html);
            ticket.description_text = Some(description.text);
        }
        Ok(Some(ticket))
    }

    /// Messages, notes and hours of a ticket, in one request.
    pub(super) async fn detail_of(&self, id: i64, pace: Pace) -> Result<Option<TicketDetail>, ProviderError> {
        let operation = "getTicketDetail";
        let variables = json!({ "input": { "ticketId": id.to_string() } });
        let data = self.client.call(operation, &queries::ticket_detail(), variables, pace).await?;
        let Some(ticket) = data.get("getTicket").filter(|value| !value.is_null()) else { return Ok(None) };
        let time_entries = Row::of(ticket)
            .ok_or("JSON without a usable 'getTicket'".to_owned())
            .and_then(|mut row| wire::hours(&mut row, self.habits.worklog_unit))
            .map_err(|what| unusable(operation, what))?;
        let messages = messages(&data, "getTicketConversationList")?;
        let answers: Vec<Value> =
            messages.iter().filter(|message| wire::is_answer(message)).cloned().collect();
        let (mut conversations, mut warnings) =
            read_rows("conversation", "conversationId", &answers, &wire::conversation);
        let (notes, more) =
            read_rows("note", "noteId", self::messages(&data, "getTicketNoteList")?, &wire::note);
        conversations.extend(notes);
        warnings.extend(more);
        let mut seen = HashSet::new();
        conversations.retain(|entry| seen.insert((entry.private, entry.id)));
        conversations.sort_by_key(|entry| (entry.created_at, entry.id));
        Ok(Some(TicketDetail {
            description: wire::description(messages),
            conversations,
            time_entries: time_entries.into_iter().collect(),
            // An unreadable time is an error of the whole answer above.
            unread_entries: Vec::new(),
            warnings,
        }))
    }
}

/// A plain list below `data`. One that is missing is an error, or a ticket would lose its messages over it.
fn messages<'a>(data: &'a Value, operation: &str) -> Result<&'a [Value], ProviderError> {
    data.get(operation)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .ok_or_else(|| unusable(operation, "JSON without a list"))
}
