//! Changes at the vendor: tickets, notes, account numbers. Which of these shapes are verified is said in docs/SUPEROPS.md.

use serde_json::{Map, Value, json};

use super::super::html;
use super::super::row::Row;
use super::super::{Conversation, Pace, ProviderError, PsaTicket, TicketChange};
use super::client::{NAME, unusable};
use super::{SuperOps, queries, wire};

impl SuperOps {
    /// Changes a ticket and answers it as it is afterwards; `None` when there is no such ticket.
    pub(super) async fn change_ticket(
        &self,
        id: i64,
        change: &TicketChange,
    ) -> Result<Option<PsaTicket>, ProviderError> {
        let operation = "updateTicket";
        let mut input = Map::new();
        input.insert("ticketId".to_owned(), id.to_string().into());
        if let Some(key) = &change.status {
            input.insert("status".to_owned(), self.status_name(key).await?.into());
        }
        if let Some(agent) = change.responder_id {
            input.insert("technician".to_owned(), json!({ "userId": agent.to_string() }));
        }
        // Setting the same values twice does no harm.
        let document = queries::update_ticket();
        let data = self.client.change(operation, &document, Value::Object(input), Pace::Now, true).await?;
        let Some(changed) = data.get(operation).filter(|changed| !changed.is_null()) else { return Ok(None) };
        let changed = Row::of(changed).and_then(|mut row| wire::ticket(&mut row, &self.habits.statuses));
        match (self.one_ticket(id, Pace::Now).await, changed) {
            (Ok(ticket), _) => Ok(ticket),
            // It was taken; only who wrote last stays unknown, which the next sync finds out.
            (Err(_), Some(changed)) => Ok(Some(changed)),
            (Err(error), None) => Err(error),
        }
    }

    /// What the account calls a status. Its names are free texts, so it is asked which there are.
    async fn status_name(&self, key: &str) -> Result<String, ProviderError> {
        let operation = "getStatusList";
        let data = self.client.call(operation, queries::STATUSES, json!({}), Pace::Now).await?;
        let statuses = data.get(operation).and_then(Value::as_array);
        let names: Vec<&str> = statuses
            .ok_or_else(|| unusable(operation, "JSON without a list of statuses"))?
            .iter()
            .filter_map(|status| status.get("name")?.as_str())
            .collect();
        let name = self.habits.statuses.name_of(key, &names);
        let what = "give a ticket this status: the account has none that means it";
        name.map(str::to_owned).ok_or(ProviderError::NotSupported { provider: NAME, what })
    }

    /// Adds a private note; `None` when there is no such ticket.
    pub(super) async fn write_note(
        &self,
        id: i64,
        text: &str,
    ) -> Result<Option<Conversation>, ProviderError> {
        let operation = "createTicketNote";
        let input = json!({
            "ticket": { "ticketId": id.to_string() },
            "content": html::from_text(text),
            "privacyType": "PRIVATE",
        });
        let data = self.client.change(operation, queries::ADD_NOTE, input, Pace::Now, false).await?;
        let Some(note) = data.get(operation).filter(|note| !note.is_null()) else { return Ok(None) };
        let note = Row::of(note).and_then(|mut row| wire::note(&mut row)).ok_or_else(|| {
            let (provider, path) = (NAME, operation.to_owned());
            ProviderError::OutcomeUnknown { provider, path, detail: "JSON without the note".to_owned() }
        })?;
        // It was asked for as such, whatever the answer leaves out.
        Ok(Some(Conversation { private: true, ..note }))
    }

    /// Writes the account number of a client; `None` when there is no such client.
    pub(super) async fn write_account_number(
        &self,
        client: i64,
        number: &str,
    ) -> Result<Option<()>, ProviderError> {
        let operation = "updateClient";
        let mut fields = Map::new();
        fields.insert(self.habits.fields.account_number.clone(), number.into());
        let input = json!({ "accountId": client.to_string(), "customFields": fields });
        let data = self.client.change(operation, queries::UPDATE_CLIENT, input, Pace::Routine, true).await?;
        Ok(data.get(operation).filter(|client| !client.is_null()).map(|_| ()))
    }
}
