//! Freshservice, REST API v2 (codex-api.md §6.3 and §13.1).

mod client;
mod link;
mod paging;
mod wire;
mod wire_people;

use std::collections::HashSet;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::FutureExt as _;
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

pub use client::Connection;

pub use super::Retry;

use super::html;
use super::row::Row;
use super::{
    Answer, Conversation, Pace, Page, PageRef, ProviderError, PsaAgent, PsaCompany, PsaContact, PsaGroup,
    PsaProvider, PsaTicket, TicketChange, TicketDetail, TicketView,
};
use crate::domain::status::StatusMap;
use client::Client;
use paging::PAGE_SIZE;
use wire::Booking;

/// Freshservice as a provider.
#[derive(Debug, Clone)]
pub struct Freshservice {
    client: Client,
    statuses: StatusMap,
}

impl Freshservice {
    /// The provider for one account, whose status codes mean what `statuses` says.
    ///
    /// # Errors
    /// [`ProviderError::NotConfigured`] when the address is no URL or the key is empty.
    pub fn new(connection: Connection, statuses: StatusMap) -> Result<Self, ProviderError> {
        Ok(Self { client: Client::new(connection)?, statuses })
    }

    fn read_ticket(&self, row: &mut Row<'_>) -> Option<PsaTicket> {
        wire::ticket(row, &self.statuses)
    }
}

impl PsaProvider for Freshservice {
    fn name(&self) -> &'static str {
        "freshservice"
    }

    fn display_name(&self) -> &'static str {
        client::NAME
    }

    fn holds_up(&self) -> Option<String> {
        self.client.holds_up()
    }

    fn check(&self) -> Answer<'_, ()> {
        async { self.client.get("agents/me", &[], Pace::Now).await.map(|_| ()) }.boxed()
    }

    fn companies(&self, page: PageRef) -> Answer<'_, Page<PsaCompany>> {
        self.client.page("departments", "departments", Vec::new(), page, wire_people::company).boxed()
    }

    fn company(&self, id: i64) -> Answer<'_, Option<PsaCompany>> {
        async move {
            let path = format!("departments/{id}");
            self.client.single(&path, "department", &[], Pace::Routine, wire_people::company).await
        }
        .boxed()
    }

    fn contacts(&self, page: PageRef) -> Answer<'_, Page<PsaContact>> {
        self.client.page("requesters", "requesters", Vec::new(), page, wire_people::contact).boxed()
    }

    fn contact(&self, id: i64) -> Answer<'_, Option<PsaContact>> {
        async move {
            let path = format!("requesters/{id}");
            self.client.single(&path, "requester", &[], Pace::Routine, wire_people::contact).await
        }
        .boxed()
    }

    fn agents(&self, page: PageRef) -> Answer<'_, Page<PsaAgent>> {
        self.client.page("agents", "agents", Vec::new(), page, wire_people::agent).boxed()
    }

    fn agent(&self, id: i64) -> Answer<'_, Option<PsaAgent>> {
        async move {
            let path = format!("agents/{id}");
            self.client.single(&path, "agent", &[], Pace::Routine, wire_people::agent).await
        }
        .boxed()
    }

    fn groups(&self, page: PageRef) -> Answer<'_, Page<PsaGroup>> {
        self.client.page("groups", "groups", Vec::new(), page, wire_people::group).boxed()
    }

    fn tickets(&self, view: TicketView, since: DateTime<Utc>, page: PageRef) -> Answer<'_, Page<PsaTicket>> {
        let mut query = vec![("updated_since", since.to_rfc3339_opts(SecondsFormat::Secs, true))];
        match view {
            TicketView::Ordinary => query.push(("include", "stats,requester,tags".to_owned())),
            // Only the marks are wanted here, and every include costs credits.
            TicketView::Deleted => query.push(("filter", "deleted".to_owned())),
            TicketView::Spam => query.push(("filter", "spam".to_owned())),
        }
        self.client.page("tickets", "tickets", query, page, |row: &mut Row<'_>| self.read_ticket(row)).boxed()
    }

    fn ticket(&self, id: i64, pace: Pace) -> Answer<'_, Option<PsaTicket>> {
        let query = [("include", "stats,requester,tags".to_owned())];
        async move {
            let read = |row: &mut Row<'_>| self.read_ticket(row);
            self.client.single(&format!("tickets/{id}"), "ticket", &query, pace, read).await
        }
        .boxed()
    }

    fn ticket_detail(&self, id: i64, pace: Pace) -> Answer<'_, Option<TicketDetail>> {
        async move {
            let path = format!("tickets/{id}/conversations");
            let conversations = self.client.all(&path, "conversations", pace, wire::conversation).await?;
            let Some((mut conversations, mut warnings)) = conversations else { return Ok(None) };
            let path = format!("tickets/{id}/time_entries");
            let read = |row: &mut Row<'_>| Some(wire::booking(row));
            let bookings = self.client.all(&path, "time_entries", pace, read).await?;
            // Without this, a refusal would look like a ticket nobody worked on.
            let (bookings, more) = bookings.ok_or_else(|| client::not_found(&path))?;
            warnings.extend(more);
            let (mut time_entries, mut unread_entries) = (Vec::new(), Vec::new());
            for booking in bookings {
                match booking {
                    Booking::Read(entry) => time_entries.push(entry),
                    Booking::Unread(id) => unread_entries.push(id),
                }
            }
            // Some servers repeat rows from page to page.
            let mut seen = HashSet::new();
            conversations.retain(|entry| seen.insert(entry.id));
            conversations.sort_by_key(|entry| (entry.created_at, entry.id));
            let mut seen = HashSet::new();
            time_entries.retain(|entry| seen.insert(entry.external_id));
            Ok(Some(TicketDetail {
                conversations,
                time_entries,
                unread_entries,
                warnings,
                ..TicketDetail::default()
            }))
        }
        .boxed()
    }

    fn update_ticket<'a>(&'a self, id: i64, change: &'a TicketChange) -> Answer<'a, Option<PsaTicket>> {
        async move {
            let mut body = Map::new();
            if let Some(key) = &change.status {
                let what = "give a ticket this status";
                let cannot = ProviderError::NotSupported { provider: client::NAME, what };
                body.insert("status".to_owned(), self.statuses.code(key).ok_or(cannot)?.into());
            }
            if let Some(agent) = change.responder_id {
                body.insert("responder_id".to_owned(), agent.into());
            }
            let path = format!("tickets/{id}");
            // Setting the same values twice does no harm, so this may be repeated. Whether the last attempt was carried
            // out is another question.
            let reply =
                self.client.put(&path, &Value::Object(body), Pace::Now).await.map_err(
                    |error| match error {
                        ProviderError::Network { .. } => client::unknown(&path, &error),
                        ProviderError::Api { status, .. } if !(300..500).contains(&status) => {
                            client::unknown(&path, &error)
                        }
                        error => error,
                    },
                )?;
            let Some(reply) = reply else { return Ok(None) };
            let row = reply.body.get("ticket").and_then(Row::of);
            let ticket =
                row.and_then(|mut row| self.read_ticket(&mut row)).filter(|ticket| ticket.external_id == id);
            match ticket {
                Some(ticket) => Ok(Some(ticket)),
                // It was taken; what the ticket looks like now has to be asked for.
                None => self.ticket(id, Pace::Now).await,
            }
        }
        .boxed()
    }

    fn add_note<'a>(&'a self, id: i64, text: &'a str) -> Answer<'a, Option<Conversation>> {
        async move {
            let path = format!("tickets/{id}/notes");
            let body = json!({ "body": html::from_text(text), "private": true });
            let Some(reply) = self.client.post(&path, &body).await? else { return Ok(None) };
            let row = ["conversation", "note"].iter().find_map(|name| reply.body.get(*name));
            let note = Row::of(row.unwrap_or(&reply.body)).and_then(|mut row| wire::conversation(&mut row));
            let note = note.ok_or_else(|| {
                client::unknown(
                    &path,
                    &client::api(&path, StatusCode::OK, "JSON without the note".to_owned()),
                )
            })?;
            // Some accounts leave the mark out of the answer.
            Ok(Some(Conversation { private: true, ..note }))
        }
        .boxed()
    }

    fn set_account_number<'a>(&'a self, company: i64, number: &'a str) -> Answer<'a, Option<()>> {
        async move {
            let path = format!("departments/{company}");
            // The account's field is one for numbers; one for text takes them as well.
            let number = number.parse::<i64>().map_or_else(|_| Value::from(number), Value::from);
            let body = json!({ "custom_fields": { "account_number": number } });
            Ok(self.client.put(&path, &body, Pace::Routine).await?.map(|_| ()))
        }
        .boxed()
    }
}

const _: () = assert!(PAGE_SIZE <= 100, "the vendor serves at most 100 rows a page");
