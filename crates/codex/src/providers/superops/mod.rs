//! SuperOps, one GraphQL API for tickets and for devices (codex-api.md §13.3).

mod answer;
mod changes;
mod client;
mod devices;
mod listing;
mod queries;
mod tickets;
mod wire;
mod wire_assets;
mod wire_people;

use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use serde_json::{Value, json};

pub use client::{Connection, PER_MINUTE};
pub use wire::WorklogUnit;
pub use wire_people::{CLIENT_COLUMNS, ClientFields};

use super::row::Row;
use super::{
    Answer, Conversation, Pace, Page, PageRef, ProviderError, PsaAgent, PsaCompany, PsaContact, PsaGroup,
    PsaProvider, PsaTicket, TicketChange, TicketDetail, TicketView,
};
use crate::domain::vendor_words::StatusNames;
use client::{Client, unusable};
use listing::Wanted;

/// How one account names things.
#[derive(Debug, Clone)]
pub struct Habits {
    /// Its statuses.
    pub statuses: StatusNames,
    /// Its custom fields of clients.
    pub fields: ClientFields,
    /// Unit of the time spent on tickets.
    pub worklog_unit: WorklogUnit,
}

/// SuperOps as a provider, of tickets as well as of devices.
#[derive(Debug)]
pub struct SuperOps {
    client: Client,
    habits: Habits,
}

impl SuperOps {
    /// The provider for one account.
    ///
    /// # Errors
    /// [`ProviderError::NotConfigured`] when the address is no URL, or token or subdomain are empty.
    pub fn new(connection: Connection, habits: Habits) -> Result<Self, ProviderError> {
        Ok(Self { client: Client::new(connection)?, habits })
    }

    fn read_company(&self, row: &mut Row<'_>) -> Option<PsaCompany> {
        wire_people::company(row, &self.habits.fields)
    }

    /// The cheapest question that needs both headers.
    async fn authenticate(&self) -> Result<(), ProviderError> {
        self.client.call("getTechnicianGroupList", queries::GROUPS, json!({}), Pace::Now).await.map(|_| ())
    }
}

impl PsaProvider for SuperOps {
    fn name(&self) -> &'static str {
        "superops"
    }

    fn display_name(&self) -> &'static str {
        client::NAME
    }

    fn holds_up(&self) -> Option<String> {
        self.client.holds_up()
    }

    fn check(&self) -> Answer<'_, ()> {
        self.authenticate().boxed()
    }

    fn companies(&self, page: PageRef) -> Answer<'_, Page<PsaCompany>> {
        async move {
            let read = |row: &mut Row<'_>| self.read_company(row);
            Ok(self.client.page(&queries::CLIENTS, &Wanted::default(), page, Pace::Routine, read).await?.page)
        }
        .boxed()
    }

    fn company(&self, id: i64) -> Answer<'_, Option<PsaCompany>> {
        async move {
            let input = json!({ "accountId": id.to_string() });
            let read = |row: &mut Row<'_>| self.read_company(row);
            self.client.single("getClient", &queries::client(), input, Pace::Routine, read).await
        }
        .boxed()
    }

    fn contacts(&self, page: PageRef) -> Answer<'_, Page<PsaContact>> {
        async move {
            let (list, all) = (&queries::CLIENT_USERS, Wanted::default());
            Ok(self.client.page(list, &all, page, Pace::Routine, wire_people::contact).await?.page)
        }
        .boxed()
    }

    fn contact(&self, id: i64) -> Answer<'_, Option<PsaContact>> {
        async move {
            let input = json!({ "userId": id.to_string() });
            let document = queries::client_user();
            self.client.single("getClientUser", &document, input, Pace::Routine, wire_people::contact).await
        }
        .boxed()
    }

    fn agents(&self, page: PageRef) -> Answer<'_, Page<PsaAgent>> {
        async move {
            let (list, all) = (&queries::TECHNICIANS, Wanted::default());
            Ok(self.client.page(list, &all, page, Pace::Routine, wire_people::agent).await?.page)
        }
        .boxed()
    }

    /// The vendor has no question about one technician, so the list is asked for those of this id.
    fn agent(&self, id: i64) -> Answer<'_, Option<PsaAgent>> {
        async move {
            let wanted = Wanted::only("userId", &id.to_string());
            let found = self.client.first(&queries::TECHNICIANS, &wanted, wire_people::agent).await?;
            // A server that passes over the condition would confirm anybody.
            Ok(found.filter(|agent| agent.external_id == id))
        }
        .boxed()
    }

    /// All groups come at once.
    fn groups(&self, page: PageRef) -> Answer<'_, Page<PsaGroup>> {
        async move {
            if page != PageRef::FIRST {
                return Ok(Page::EMPTY);
            }
            let operation = "getTechnicianGroupList";
            let data = self.client.call(operation, queries::GROUPS, json!({}), Pace::Routine).await?;
            let rows = data
                .get(operation)
                .and_then(Value::as_array)
                .ok_or_else(|| unusable(operation, "JSON without a list of groups"))?;
            let (items, warnings) = listing::read_rows("groups", "groupId", rows, &wire_people::group);
            Ok(Page { items, warnings, ..Page::EMPTY })
        }
        .boxed()
    }

    fn tickets(&self, view: TicketView, since: DateTime<Utc>, page: PageRef) -> Answer<'_, Page<PsaTicket>> {
        async move {
            match view {
                TicketView::Ordinary => self.ticket_page(since, page).await,
                // The vendor has neither folder: what is deleted there is gone from every list, and found by asking
                // about the tickets that a complete list lacks.
                TicketView::Deleted | TicketView::Spam => Ok(Page::EMPTY),
            }
        }
        .boxed()
    }

    fn ticket(&self, id: i64, pace: Pace) -> Answer<'_, Option<PsaTicket>> {
        self.one_ticket(id, pace).boxed()
    }

    fn ticket_detail(&self, id: i64, pace: Pace) -> Answer<'_, Option<TicketDetail>> {
        self.detail_of(id, pace).boxed()
    }

    fn update_ticket<'a>(&'a self, id: i64, change: &'a TicketChange) -> Answer<'a, Option<PsaTicket>> {
        self.change_ticket(id, change).boxed()
    }

    fn add_note<'a>(&'a self, id: i64, text: &'a str) -> Answer<'a, Option<Conversation>> {
        self.write_note(id, text).boxed()
    }

    fn set_account_number<'a>(&'a self, company: i64, number: &'a str) -> Answer<'a, Option<()>> {
        self.write_account_number(company, number).boxed()
    }
}
