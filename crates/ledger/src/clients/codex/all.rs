//! All companies in one answer, which is read as it comes.

use std::{collections::HashMap, time::Duration};

use hivematrix_shared::service_client::read_elements;
use http::StatusCode;
use serde_json::{Value, value::RawValue};
use tokio::sync::mpsc::{self, Receiver};

use super::{BadCompany, CODEX, Codex, CodexError, CompanyData, status};
use crate::domain::billing::{inputs::Ticket, read::plain};

/// Time for everything about all companies.
const LONG: Duration = Duration::from_secs(300);
/// So long nobody takes what comes, and the answer is given up.
const STALLED: Duration = Duration::from_secs(30);
/// So long an answer about all companies waits for its turn.
const TURN: Duration = Duration::from_secs(60);
/// While Codex has no place for another answer about all companies.
const AGAIN: Duration = Duration::from_secs(1);
const TRIES: usize = 20;

/// One of all companies.
pub type Sent = Result<CompanyData, BadCompany>;

/// Reads an element of the answer about all companies.
fn element(json: &RawValue) -> Sent {
    serde_json::from_str(json.get()).map_err(|error| {
        let value: Value = serde_json::from_str(json.get()).unwrap_or_default();
        let text = |name: &str| value["company"][name].as_str().unwrap_or_default().to_owned();
        BadCompany { account_number: text("account_number"), name: text("name"), reason: plain(&error) }
    })
}

impl Codex {
    /// All companies in Codex's order as they come, with their tickets of a year. The last item is an error where the answer
    /// broke off.
    pub fn companies(&self, year: Option<i32>) -> Receiver<Result<Sent, CodexError>> {
        let (sender, receiver) = mpsc::channel(32);
        let codex = self.clone();
        tokio::spawn(async move {
            if let Err(error) = codex.pass_on(year, sender.clone()).await {
                let _ = sender.send(Err(error)).await;
            }
        });
        receiver
    }

    async fn pass_on(
        &self,
        year: Option<i32>,
        sender: mpsc::Sender<Result<Sent, CodexError>>,
    ) -> Result<(), CodexError> {
        let turn = tokio::time::timeout(TURN, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(CodexError::Answer("too many answers about all companies are being read".to_owned()));
        };
        let response = self.bulk(year).await?;
        read_elements(response, STALLED, move |json: Box<RawValue>| {
            sender.blocking_send(Ok(element(&json))).is_ok()
        })
        .await
        .map_err(CodexError::Answer)
    }

    /// The answer about all companies. While Codex has no place for another such answer, it is asked again.
    async fn bulk(&self, year: Option<i32>) -> Result<reqwest::Response, CodexError> {
        let mut left = TRIES;
        loop {
            let mut query = vec![("include_tickets", "true".to_owned()), ("fields", "billing".to_owned())];
            query.extend(year.map(|year| ("year", year.to_string())));
            let request = self.client.get(CODEX, "/api/companies/bulk").query(&query).timeout(LONG);
            let response = request.send().await?;
            let is_busy =
                matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            left -= 1;
            if response.status().is_success() {
                return Ok(response);
            }
            if !is_busy || left == 0 {
                return Err(status(response.status()));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Tickets of a year with hours, by company: where hours of it may still have to be billed.
    ///
    /// # Errors
    /// When Codex does not answer, or breaks off.
    pub async fn tickets_of_year(
        &self,
        year: i32,
    ) -> Result<HashMap<String, Result<Vec<Ticket>, BadCompany>>, CodexError> {
        let mut companies = self.companies(Some(year));
        let mut found = HashMap::new();
        while let Some(data) = companies.recv().await {
            let data = match data? {
                Ok(data) => data,
                Err(company) => {
                    found.insert(company.account_number.clone(), Err(company));
                    continue;
                }
            };
            let Some(number) = data.company.account_number.clone() else { continue };
            let has_hours =
                |ticket: &Ticket| !ticket.time_entries.is_empty() || !ticket.total_hours_spent.is_zero();
            let tickets: Vec<Ticket> = data.tickets.into_iter().filter(has_hours).collect();
            if !tickets.is_empty() {
                found.insert(number, Ok(tickets));
            }
        }
        Ok(found)
    }
}
