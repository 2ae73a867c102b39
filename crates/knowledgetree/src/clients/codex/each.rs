//! One company after the other, for a Codex that does not tell of all at once.

use chrono::SecondsFormat;
use hivematrix_shared::service_client::read_elements;
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{
    CODEX, Codex, CodexError, Ended, Head, Piece, Sender, TIMEOUT, Wanted,
    pieces::{self, checked},
    send, status,
};
use crate::domain::sync::input::Company;

impl Codex {
    pub(super) async fn each(&self, wanted: Wanted, sender: &Sender) -> Result<(), Ended> {
        let companies: Vec<Company> =
            self.found("/api/companies").await?.ok_or_else(|| status(StatusCode::NOT_FOUND))?;
        for company in companies {
            let number = number_of(&company);
            match self.one(company, wanted).await? {
                Some(Ok(head)) => send(sender, Piece::Company(Box::new(head))).await?,
                Some(Err(reason)) => {
                    send(sender, Piece::Bad(reason)).await?;
                    continue;
                }
                // Gone since the list was made.
                None => continue,
            }
            if matches!(wanted, Wanted::Tickets(_)) {
                self.tickets(&number, wanted, sender).await?;
            }
        }
        Ok(())
    }

    /// A company with what belongs to it; none where Codex does not know it any more.
    async fn one(
        &self,
        company: Company,
        wanted: Wanted,
    ) -> Result<Option<Result<Head, String>>, CodexError> {
        let head = match checked(Head { company, ..Head::default() }) {
            Ok(head) => head,
            Err(reason) => return Ok(Some(Err(reason))),
        };
        let number = number_of(&head.company);
        let Some(contacts) = self.found(&path(&number, "/users")).await? else { return Ok(None) };
        let assets = match wanted {
            Wanted::Belongings => self.found(&path(&number, "/assets")).await?.unwrap_or_default(),
            Wanted::Tickets(_) => Vec::new(),
        };
        Ok(Some(Ok(Head { contacts, assets, ..head })))
    }

    /// Passes the tickets of a company on.
    async fn tickets(&self, number: &str, wanted: Wanted, sender: &Sender) -> Result<(), Ended> {
        let mut request = self.client.get(CODEX, &path(number, "/tickets")).timeout(TIMEOUT);
        if let Wanted::Tickets(Some(since)) = wanted {
            request = request.query(&[("updated_since", since.to_rfc3339_opts(SecondsFormat::Secs, true))]);
        }
        let response = request.send().await.map_err(CodexError::from)?;
        match response.status() {
            StatusCode::NOT_FOUND => return Ok(()),
            code if code.is_success() => {}
            // One row that it cannot read makes the original refuse all tickets of a company, always.
            StatusCode::INTERNAL_SERVER_ERROR => {
                send(sender, Piece::Bad(format!("the tickets of company {number}: status 500"))).await?;
                return Ok(());
            }
            code => return Err(status(code).into()),
        }
        let pieces = sender.clone();
        let read = read_elements(response, TIMEOUT, move |json: Box<RawValue>| match pieces::ticket(&json) {
            Piece::Ticket(ticket) if !wanted.includes(&ticket) => !pieces.is_closed(),
            piece => pieces.blocking_send(Ok(piece)).is_ok(),
        });
        read.await.map_err(|reason| match sender.is_closed() {
            true => Ended::Gone,
            false => Ended::Failed(CodexError::Answer(reason)),
        })
    }

    /// A JSON answer; nothing for 404.
    async fn found<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, CodexError> {
        let response = self.client.get(CODEX, path).timeout(TIMEOUT).send().await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            code if code.is_success() => {
                let answer = response.json().await;
                answer.map(Some).map_err(|error| CodexError::Answer(error.without_url().to_string()))
            }
            code => Err(status(code)),
        }
    }
}

fn number_of(company: &Company) -> String {
    company.account_number.as_ref().or(company.id.as_ref()).cloned().unwrap_or_default()
}

/// Path of a part of a company. Account numbers are texts of people.
fn path(account_number: &str, part: &str) -> String {
    format!("/api/companies/{}{part}", utf8_percent_encode(account_number, NON_ALPHANUMERIC))
}
