//! All companies in one answer, which is read as it comes.

use std::{io, time::Duration};

use bytes::Bytes;
use chrono::Datelike as _;
use futures::TryStreamExt as _;
use http::StatusCode;
use serde_json::{Value, value::RawValue};
use tokio::sync::mpsc::{self, Receiver};

use super::{
    super::elements::{Incoming, each},
    BadCompany, CODEX, Codex, CodexError, CompanyData, status,
};
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

/// Which tickets come with the companies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Years {
    /// All.
    All,
    /// Those changed in this year, or with work done in it.
    One(i32),
    /// Those, and of the year before those with hours.
    WithLast(i32),
}

impl Years {
    /// What Codex is asked for. It takes one year at a time, or a time since when tickets changed: half a year more than two
    /// years, for work that is entered before it is done. The original's Codex knows no such time and sends all.
    fn query(self) -> Option<(&'static str, String)> {
        match self {
            Self::All => None,
            Self::One(year) => Some(("year", year.to_string())),
            Self::WithLast(year) => Some(("updated_since", format!("{:04}-07-01T00:00:00Z", year - 2))),
        }
    }

    /// Leaves out what Codex sent and nobody asked for.
    fn narrow(self, tickets: &mut Vec<Ticket>) {
        let Self::WithLast(year) = self else { return };
        tickets.retain(|ticket| {
            is_of(ticket, year)
                || is_of(ticket, year - 1)
                    && (!ticket.time_entries.is_empty() || !ticket.total_hours_spent.is_zero())
        });
    }
}

/// Whether a ticket was changed in this year, or work was done on it.
fn is_of(ticket: &Ticket, year: i32) -> bool {
    let executed = ticket.time_entries.iter().map(|entry| entry.executed_at);
    executed.chain([ticket.last_updated_at]).flatten().any(|at| at.to_utc().year() == year)
}

/// Reads an element of the answer about all companies.
fn element(json: &RawValue, years: Years) -> Sent {
    let read = serde_json::from_str::<CompanyData>(json.get());
    let read = read.map(|mut data| {
        years.narrow(&mut data.tickets);
        data
    });
    read.map_err(|error| {
        let value: Value = serde_json::from_str(json.get()).unwrap_or_default();
        let text = |name: &str| value["company"][name].as_str().unwrap_or_default().to_owned();
        BadCompany { account_number: text("account_number"), name: text("name"), reason: plain(&error) }
    })
}

impl Codex {
    /// All companies in Codex's order as they come, with their tickets. The last item is an error where the answer broke off.
    pub fn companies(&self, years: Years) -> Receiver<Result<Sent, CodexError>> {
        let (sender, receiver) = mpsc::channel(32);
        let codex = self.clone();
        tokio::spawn(async move {
            if let Err(error) = codex.pass_on(years, sender.clone()).await {
                let _ = sender.send(Err(error)).await;
            }
        });
        receiver
    }

    async fn pass_on(
        &self,
        years: Years,
        sender: mpsc::Sender<Result<Sent, CodexError>>,
    ) -> Result<(), CodexError> {
        let turn = tokio::time::timeout(TURN, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(CodexError::Answer("too many answers about all companies are being read".to_owned()));
        };
        let response = self.bulk(years).await?;
        let (chunks, incoming) = mpsc::channel(8);
        let reading = tokio::task::spawn_blocking(move || {
            each(Incoming::new(incoming), |json: Box<RawValue>| {
                sender.blocking_send(Ok(element(&json, years))).is_ok()
            })
        });
        let mut body = response.bytes_stream();
        loop {
            let chunk = body.try_next().await.map_err(|error| io::Error::other(error.without_url()));
            match chunk {
                Ok(None) => break,
                Ok(Some(chunk)) => match tokio::time::timeout(STALLED, chunks.send(Ok(chunk))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => break,
                    Err(_) => {
                        drop(chunks);
                        return Err(CodexError::Answer("nobody takes what Codex sends".to_owned()));
                    }
                },
                Err(error) => {
                    let _ = chunks.send(Err::<Bytes, _>(error)).await;
                    break;
                }
            }
        }
        drop(chunks);
        match reading.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(CodexError::Answer(error.to_string())),
            Err(error) => Err(CodexError::Answer(error.to_string())),
        }
    }

    /// The answer about all companies. While Codex has no place for another such answer, it is asked again.
    async fn bulk(&self, years: Years) -> Result<reqwest::Response, CodexError> {
        let mut left = TRIES;
        loop {
            let mut query = vec![("include_tickets", "true".to_owned()), ("fields", "billing".to_owned())];
            query.extend(years.query());
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
}
