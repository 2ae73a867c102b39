//! `GET /api/companies/bulk`: everything that bills need, in two queries whatever the number of companies
//! (codex-api.md §4.2).

use std::{pin::pin, time::Duration};

use axum::{body::Body, extract::State, response::Response};
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{BoxStream, Peekable},
};
use hivematrix_shared::{
    contracts::codex::{BulkCompany, wire::parse_time},
    extract::LenientQuery,
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{reader::Reader, refusals::ForReaders, tagged::Tag};
use crate::{
    Codex, Patience,
    domain::scope::Scope,
    store::{
        self,
        data_version::Part,
        tickets::company::{self, Selection, TicketOfCompany},
    },
};

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
    pub fn selection(&self, reader: &Reader, only: Option<Vec<String>>) -> Selection {
        Selection {
            public: reader.scope != Scope::Everything,
            only,
            year: self.year.filter(|year| (1..=9999).contains(year)),
            updated_since: self.since(),
            billing: self.fields.as_deref() == Some("billing"),
        }
    }

    /// What it asks for, whatever is beside it in the address.
    fn meaning(&self) -> String {
        let year = self.year.filter(|year| (1..=9999).contains(year));
        format!(
            "year {year:?} since {:?} fields {:?}",
            self.since(),
            self.fields.as_deref() == Some("billing")
        )
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
///
/// One caller is given one such answer at a time, and a reader that takes nothing for 30 seconds is cut off.
#[utoipa::path(
    get,
    path = "/api/companies/bulk",
    tag = "companies",
    params(
        BulkQuery,
        TicketQuery,
        ("If-None-Match" = Option<String>, Header, description = "Entity tag of an earlier answer")
    ),
    responses(
        (status = 200, body = Vec<BulkCompany>), (status = 304, description = "Unchanged"),
        (status = 429, description = "The caller is being given such an answer already"),
        (status = 503, description = "Too many others are, or the database is away"), ForReaders
    )
)]
async fn list_bulk(
    State(codex): State<Codex>,
    reader: Reader,
    LenientQuery(bulk): LenientQuery<BulkQuery>,
    LenientQuery(tickets): LenientQuery<TicketQuery>,
    headers: HeaderMap,
) -> Result<Response> {
    let only = reader.narrowed(None)?;
    let with_tickets = bulk.include_tickets.is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let selection = with_tickets.then(|| tickets.selection(&reader, only.clone()));
    let (parts, asked): (&[Part], _) = if with_tickets {
        (&[Part::Companies, Part::Belongings, Part::Tickets], format!("bulk with {}", tickets.meaning()))
    } else {
        (&[Part::Companies, Part::Belongings], "bulk".to_owned())
    };
    let tag = Tag::of(&codex, &reader, parts, &asked).await?;
    if tag.is_known(&headers) {
        return Ok(tag.not_modified());
    }
    // Companies and tickets are read side by side, from one snapshot of the database, so that they agree on who there is
    // and in which order; and row by row, since all of them together would not fit into memory.
    let places = if with_tickets { 2 } else { 1 };
    let Patience { turn: wait, reader: reader_wait, answer: longest, .. } = codex.patience;
    // Instances of one service share its name.
    let at_a_time = if reader.caller.acting_user().is_some() { 1 } else { 2 };
    let turn = codex.large_answers.turn_of(&reader.caller.rate_key(), at_a_time, places, wait).await?;
    let mut companies = codex.pool.begin_with(SNAPSHOT).await?;
    let tickets = match selection {
        Some(selection) => Some((same_snapshot(&codex.pool, &mut companies).await?, selection)),
        None => None,
    };

    let (sender, receiver) = mpsc::channel(4);
    let answer = Answer { sender, patience: reader_wait };
    let writing = async move {
        let whole = async {
            match tickets {
                Some((mut second, selection)) => {
                    let rows = company::stream(&mut *second, selection).boxed();
                    write(store::bulk::stream(&mut *companies, only), Some(rows), &answer).await
                }
                None => write(store::bulk::stream(&mut *companies, only), None, &answer).await,
            }
        };
        let written = tokio::time::timeout(longest, whole)
            .await
            .unwrap_or_else(|_| Err(Problem::internal("the reader takes too long")));
        // Connections and turn go back before anybody waits for the reader again: this one may never take the end.
        drop((companies, turn));
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
    response.headers_mut().extend(tag.headers());
    Ok(response)
}

/// Begins a transaction that sees the database as it is now, whatever is written meanwhile.
const SNAPSHOT: &str = "begin isolation level repeatable read, read only";

/// A second connection with the same view of the database.
async fn same_snapshot(
    pool: &PgPool,
    first: &mut PgConnection,
) -> sqlx::Result<Transaction<'static, Postgres>> {
    let snapshot =
        sqlx::query_scalar!(r#"select pg_export_snapshot() as "snapshot!""#).fetch_one(first).await?;
    let mut second = pool.begin_with(SNAPSHOT).await?;
    // The name comes from PostgreSQL itself, and the statement takes no parameter.
    let adopt = format!("set transaction snapshot '{}'", snapshot.replace('\'', ""));
    sqlx::raw_sql(AssertSqlSafe(adopt)).execute(&mut *second).await?;
    Ok(second)
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

type Tickets<'a> = BoxStream<'a, sqlx::Result<TicketOfCompany>>;

async fn write(
    companies: impl Stream<Item = sqlx::Result<BulkCompany>>,
    tickets: Option<Tickets<'_>>,
    answer: &Answer,
) -> Result<()> {
    let mut companies = pin!(companies);
    let mut tickets = tickets.map(|rows| Box::pin(rows.peekable()));
    let mut out = BytesMut::from(&b"["[..]);
    let mut first = true;
    while let Some(mut element) = companies.try_next().await? {
        if !std::mem::take(&mut first) {
            out.put_u8(b',');
        }
        element.tickets = tickets.is_some().then(Vec::new);
        put(&mut out, &element)?;
        if let Some(rows) = &mut tickets {
            // The element ends with `"tickets":[]}`: its tickets go between the brackets.
            out.truncate(out.len() - b"]}".len());
            put_tickets(&mut out, rows.as_mut(), &element.company.account_number, answer).await?;
            out.extend_from_slice(b"]}");
        }
        answer.send_when_large(&mut out).await?;
    }
    if let Some(mut rows) = tickets
        && rows.next().await.is_some()
    {
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
    S: Stream<Item = sqlx::Result<TicketOfCompany>>,
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
