//! `GET /api/companies/bulk`: everything that bills need, in five queries whatever the number of companies
//! (codex-api.md §4.2).

use std::{collections::HashMap, hash::Hash, pin::pin, time::Duration};

use axum::{body::Body, extract::State, response::Response};
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream::Peekable};
use hivematrix_shared::{
    contracts::codex::{Asset, BulkCompany, Company, Contact, Location, wire::parse_time},
    extract::LenientQuery,
    problem::{Problem, Result},
};
use http::{HeaderValue, header};
use serde::Deserialize;
use sqlx::PgConnection;
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::reader::Reader;
use crate::{
    Codex,
    store::{
        assets, companies, contacts, locations,
        tickets::company::{self, Selection, TicketOfCompany},
    },
};

/// Longest a reader may take nothing: until then it holds a connection of the database.
const PATIENCE: Duration = Duration::from_secs(30);
/// Size from which collected JSON is sent on.
const CHUNK: usize = 64 * 1024;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list_bulk))
}

/// Which tickets, and how much of each; values of the wrong type are ignored.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct TicketQuery {
    /// Only tickets changed in this year, or with work done in it.
    year: Option<i32>,
    /// Only tickets changed since then (ISO 8601).
    updated_since: Option<String>,
    /// `billing` leaves out descriptions, conversations and notes.
    fields: Option<String>,
}

impl TicketQuery {
    /// The selection among the tickets of these companies, of all without a list.
    pub fn selection(&self, only: Option<Vec<String>>) -> Selection {
        Selection {
            only,
            year: self.year.filter(|year| (1..=9999).contains(year)),
            updated_since: self.since(),
            billing: self.fields.as_deref() == Some("billing"),
        }
    }

    fn since(&self) -> Option<DateTime<Utc>> {
        self.updated_since.as_deref().and_then(parse_time)
    }
}

/// Whether tickets are wanted at all.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct BulkQuery {
    /// `true` in any case of letters adds the tickets.
    include_tickets: Option<String>,
}

/// All companies with devices, people and addresses, and on demand their tickets.
#[utoipa::path(
    get,
    path = "/api/companies/bulk",
    tag = "companies",
    params(BulkQuery, TicketQuery),
    responses((status = 200, body = Vec<BulkCompany>))
)]
async fn list_bulk(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(bulk): LenientQuery<BulkQuery>,
    LenientQuery(tickets): LenientQuery<TicketQuery>,
) -> Result<Response> {
    let only = reader.narrowed(None)?;
    // One snapshot of the database, so that the queries agree on who there is and in which order.
    let mut transaction = codex.pool.begin_with("begin isolation level repeatable read, read only").await?;
    let companies = Companies::load(&mut transaction, only.as_deref()).await?;
    let with_tickets = bulk.include_tickets.is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let selection = with_tickets.then(|| tickets.selection(only));

    // Tickets are by far the most of it, so they are passed on row by row instead of being held all at once.
    let (sender, receiver) = mpsc::channel(4);
    let answer = Answer { sender, patience: PATIENCE };
    let writing = async move {
        let written = write(&mut transaction, companies, selection, &answer).await;
        // The connection goes back before anybody waits for the reader again.
        drop(transaction);
        match written {
            Ok(()) => {}
            Err(_) if answer.sender.is_closed() => tracing::debug!("the reader of the companies went away"),
            Err(error) => {
                tracing::error!(error = %error, "the list of companies was cut short");
                // An answer that ends in an error is not taken for a whole one.
                let _ = answer.sender.send(Err(error)).await;
            }
        }
    };
    tokio::spawn(writing.in_current_span());
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// All companies with what is small.
struct Companies {
    companies: Vec<Company>,
    assets: HashMap<String, Vec<Asset>>,
    contacts: HashMap<String, Vec<Contact>>,
    locations: HashMap<String, Vec<Location>>,
}

impl Companies {
    async fn load(connection: &mut PgConnection, only: Option<&[String]>) -> Result<Self> {
        let all = companies::Selection { only, ..companies::Selection::default() };
        let companies = companies::list(&mut *connection, all).await?;
        let all = assets::Selection { only, ..assets::Selection::default() };
        let assets = assets::list(&mut *connection, all).await?;
        let contacts = contacts::of_companies(&mut *connection, only).await?;
        let locations = locations::list(&mut *connection, only).await?;
        Ok(Self {
            companies,
            assets: grouped(assets.into_iter().map(|row| (row.company_id, row.asset))),
            contacts: grouped(contacts.into_iter().map(|row| (row.account_number, row.contact))),
            locations: grouped(locations.into_iter().map(|row| (row.account_number, row.location))),
        })
    }

    fn take(&mut self, company: Company, with_tickets: bool) -> BulkCompany {
        let number = &company.account_number;
        let contacts = self.contacts.remove(number).unwrap_or_default();
        BulkCompany {
            assets: self.assets.remove(number).unwrap_or_default(),
            users: contacts.clone(),
            contacts,
            locations: self.locations.remove(number).unwrap_or_default(),
            tickets: with_tickets.then(Vec::new),
            company,
        }
    }
}

fn grouped<K: Eq + Hash, V>(rows: impl Iterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in rows {
        groups.entry(key).or_default().push(value);
    }
    groups
}

/// The body of the answer, as far as the reader has taken it.
struct Answer {
    sender: mpsc::Sender<Result<Bytes>>,
    patience: Duration,
}

impl Answer {
    async fn send(&self, bytes: Bytes) -> Result<()> {
        match self.sender.send_timeout(Ok(bytes), self.patience).await {
            Ok(()) => Ok(()),
            Err(SendTimeoutError::Closed(_)) => Err(Problem::internal("the reader went away")),
            Err(SendTimeoutError::Timeout(_)) => Err(Problem::internal("the reader does not read on")),
        }
    }

    async fn send_when_large(&self, out: &mut BytesMut) -> Result<()> {
        if out.len() >= CHUNK { self.send(out.split().freeze()).await } else { Ok(()) }
    }
}

async fn write(
    connection: &mut PgConnection,
    mut all: Companies,
    tickets: Option<Selection>,
    answer: &Answer,
) -> Result<()> {
    let with_tickets = tickets.is_some();
    let rows = match tickets {
        Some(selection) => company::stream(connection, selection).boxed(),
        None => futures::stream::empty().boxed(),
    };
    let mut rows = pin!(rows.peekable());
    let mut out = BytesMut::from(&b"["[..]);
    for (index, company) in std::mem::take(&mut all.companies).into_iter().enumerate() {
        if index > 0 {
            out.put_u8(b',');
        }
        let element = all.take(company, with_tickets);
        put(&mut out, &element)?;
        if with_tickets {
            // The element ends with `"tickets":[]}`: its tickets go between the brackets.
            out.truncate(out.len() - b"]}".len());
            put_tickets(&mut out, rows.as_mut(), &element.company.account_number, answer).await?;
            out.extend_from_slice(b"]}");
        }
        answer.send_when_large(&mut out).await?;
    }
    if rows.next().await.is_some() {
        return Err(Problem::internal("tickets came in another order than their companies"));
    }
    out.put_u8(b']');
    answer.send(out.split().freeze()).await
}

/// Writes the rows of one company; they come in the order of the companies.
async fn put_tickets<S>(
    out: &mut BytesMut,
    mut rows: std::pin::Pin<&mut Peekable<S>>,
    account_number: &str,
    answer: &Answer,
) -> Result<()>
where
    S: futures::Stream<Item = sqlx::Result<TicketOfCompany>>,
{
    let mut first = true;
    loop {
        match rows.as_mut().peek().await {
            Some(Ok(row)) if row.account_number == account_number => {}
            Some(Err(_)) => {}
            _ => return Ok(()),
        }
        let Some(row) = rows.next().await.transpose()? else { return Ok(()) };
        if !std::mem::take(&mut first) {
            out.put_u8(b',');
        }
        put(out, &row.ticket)?;
        answer.send_when_large(out).await?;
    }
}

fn put(out: &mut BytesMut, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer(out.writer(), value).map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_that_stands_still_does_not_keep_the_database() {
        let (sender, mut receiver) = mpsc::channel(1);
        let answer = Answer { sender, patience: Duration::from_millis(1) };
        answer.send(Bytes::from_static(b"[")).await.unwrap();
        let refused = answer.send(Bytes::from_static(b"]")).await.unwrap_err();
        assert_eq!(refused.cause_text(), Some("the reader does not read on"));
        receiver.recv().await.unwrap().unwrap();
        answer.send(Bytes::from_static(b"]")).await.unwrap();
        drop(receiver);
        let refused = answer.send(Bytes::new()).await.unwrap_err();
        assert_eq!(refused.cause_text(), Some("the reader went away"));
    }
}
