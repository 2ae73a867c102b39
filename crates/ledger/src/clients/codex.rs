//! Codex: companies with their devices, people and tickets, and the plans (ledger.md §8).

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt as _;
use hivematrix_shared::{
    clock::Clock,
    problem::Problem,
    service_client::{ServiceClient, ServiceError, ServiceRequest},
};
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use tokio::sync::{
    Semaphore,
    mpsc::{self, Receiver},
};

use super::elements::{Incoming, each};
use crate::domain::billing::{
    Plan,
    inputs::{Asset, Company, Contact, Ticket},
    read::{Kept, plain, time},
};

const CODEX: &str = "codex";
/// Time for one company, or the plans.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Time for everything about all companies.
const LONG: Duration = Duration::from_secs(300);
/// Time for what a bill can do without.
const SHORT: Duration = Duration::from_secs(3);
/// What Codex says of its syncs where it reads no tickets.
const NO_PROVIDER: &str = "no provider is configured";
/// So long nobody takes what comes, and the answer is given up.
const STALLED: Duration = Duration::from_secs(30);
/// So long an answer about all companies waits for its turn.
const TURN: Duration = Duration::from_secs(60);
/// Plans are asked for again after this many seconds.
const PLANS_FOR: i64 = 60;
/// Answers about all companies that are asked for at the same time: Codex gives each service so many.
const AT_A_TIME: usize = 2;
/// While Codex has no place for another one.
const AGAIN: Duration = Duration::from_secs(1);
const TRIES: usize = 20;

/// Why Codex's data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CodexError {
    /// It does not answer, or refuses.
    #[error(transparent)]
    Call(#[from] ServiceError),
    /// Its answer is not what the contract says, or broke off.
    #[error("Codex's answer cannot be used: {0}")]
    Answer(String),
}

impl From<CodexError> for Problem {
    /// 503 in any case: no bill is made of half an answer.
    fn from(error: CodexError) -> Self {
        match error {
            CodexError::Call(ServiceError::ActingUser) => ServiceError::ActingUser.into(),
            error => Self::unavailable("Codex is not available, so that no bill can be made.", 10)
                .with("error", "Unable to fetch company data from Codex")
                .cause(error),
        }
    }
}

/// A company with everything that a bill needs. What is missing in an answer is an error, never an empty list.
#[derive(Debug, Deserialize)]
pub struct CompanyData {
    /// The company.
    pub company: Kept<Company>,
    /// Its devices.
    pub assets: Vec<Kept<Asset>>,
    /// Its people. Our Codex sends them under a second name as well.
    pub contacts: Vec<Kept<Contact>>,
    /// Its tickets.
    pub tickets: Vec<Ticket>,
}

/// A company whose data cannot be used; the others can.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadCompany {
    /// Account number, empty where that cannot be read either.
    pub account_number: String,
    /// Name, likewise.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

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

/// Plans, and when they were asked for.
#[derive(Clone)]
struct KnownPlans {
    at: i64,
    plans: Arc<[Plan]>,
}

/// Calls Codex with Ledger's service token. Cheap to clone.
#[derive(Clone)]
pub struct Codex {
    client: ServiceClient,
    clock: Clock,
    turns: Arc<Semaphore>,
    plans: Arc<Mutex<Option<KnownPlans>>>,
}

impl Codex {
    /// Uses `client` for all calls.
    pub fn new(client: ServiceClient, clock: Clock) -> Self {
        Self { client, clock, turns: Arc::new(Semaphore::new(AT_A_TIME)), plans: Arc::default() }
    }

    /// One company with its tickets of these years; none where Codex does not know it.
    ///
    /// # Errors
    /// When any part of it cannot be had.
    pub async fn company(
        &self,
        account_number: &str,
        years: &[i32],
    ) -> Result<Option<CompanyData>, CodexError> {
        let path = |part: &str| company_path(account_number, part);
        let (company, assets, contacts, tickets) = tokio::join!(
            self.found::<Kept<Company>>(self.client.get(CODEX, &path(""))),
            self.found::<Vec<Kept<Asset>>>(self.client.get(CODEX, &path("/assets"))),
            self.found::<Vec<Kept<Contact>>>(self.client.get(CODEX, &path("/contacts"))),
            self.tickets(account_number, years),
        );
        let Some(company) = company? else { return Ok(None) };
        let gone = || CodexError::Answer("the company is there, and its parts are not".to_owned());
        Ok(Some(CompanyData {
            company,
            assets: assets?.ok_or_else(gone)?,
            contacts: contacts?.ok_or_else(gone)?,
            tickets: tickets?.ok_or_else(gone)?,
        }))
    }

    async fn tickets(&self, account_number: &str, years: &[i32]) -> Result<Option<Vec<Ticket>>, CodexError> {
        let mut all: Vec<Ticket> = Vec::new();
        for year in years {
            let request = self
                .client
                .get(CODEX, &company_path(account_number, "/tickets"))
                .query(&[("year", year.to_string().as_str()), ("fields", "billing")]);
            let Some(tickets) = self.found::<Vec<Ticket>>(request).await? else { return Ok(None) };
            let known: std::collections::HashSet<_> =
                all.iter().map(|ticket| ticket.ticket_number.clone()).collect();
            all.extend(tickets.into_iter().filter(|ticket| !known.contains(&ticket.ticket_number)));
        }
        Ok(Some(all))
    }

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
        let (chunks, incoming) = mpsc::channel(8);
        let reading = tokio::task::spawn_blocking(move || {
            each(Incoming::new(incoming), |json: Box<RawValue>| {
                sender.blocking_send(Ok(element(&json))).is_ok()
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

    /// Names of all companies by account number.
    ///
    /// # Errors
    /// When Codex does not answer.
    pub async fn names(&self) -> Result<Vec<(String, String)>, CodexError> {
        let companies: Vec<Company> = self.answer(self.client.get(CODEX, "/api/companies")).await?;
        let named = companies.into_iter().filter_map(|company| {
            let number = company.account_number?;
            Some((number.clone(), company.name.unwrap_or(number)))
        });
        Ok(named.collect())
    }

    /// Asks for the plans anew the next time: before something becomes final.
    pub fn forget_plans(&self) {
        *self.plans.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// All plans, at most a minute old.
    ///
    /// # Errors
    /// When Codex does not answer.
    pub async fn plans(&self) -> Result<Arc<[Plan]>, CodexError> {
        #[derive(Deserialize)]
        struct Plans {
            plans: Vec<Box<RawValue>>,
        }
        let now = self.clock.steady();
        let known = self.plans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known
            && now - known.at < PLANS_FOR
        {
            return Ok(known.plans);
        }
        let Plans { plans } = self.answer(self.client.get(CODEX, "/billing-plans/api/plans")).await?;
        // One that cannot be read leaves its companies without a bill, and the others alone.
        let plans: Arc<[Plan]> = plans
            .iter()
            .filter_map(|json| {
                let read = serde_json::from_str(json.get());
                read.inspect_err(|error| tracing::warn!(%error, "a billing plan of Codex cannot be used"))
                    .ok()
            })
            .collect();
        *self.plans.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(KnownPlans { at: now, plans: plans.clone() });
        Ok(plans)
    }

    /// Categories of features, and what each can be, as Codex's pages have them.
    ///
    /// # Errors
    /// When Codex does not answer.
    pub async fn features(&self) -> Result<(Value, Value), CodexError> {
        let (categories, options) = tokio::try_join!(
            self.answer::<Value>(self.client.get(CODEX, "/billing-plans/api/feature-categories")),
            self.answer::<Value>(self.client.get(CODEX, "/billing-plans/api/feature-options")),
        )?;
        Ok((categories["categories"].clone(), options["features"].clone()))
    }

    /// When Codex last read the tickets; nothing where it does not tell, as the original's does not, or reads none at all. One
    /// that has never read them says the beginning of time.
    ///
    /// # Errors
    /// When Codex does not answer.
    pub async fn tickets_as_of(&self) -> Result<Option<DateTime<Utc>>, CodexError> {
        let unclear = |error: reqwest::Error| CodexError::Answer(error.without_url().to_string());
        let url = format!("{}/health", self.client.base_url(CODEX)?);
        let answer = self.client.http().get(url).timeout(SHORT).send().await.map_err(unclear)?;
        let health: Value = answer.json().await.map_err(unclear)?;
        let sync = &health["checks"]["sync"];
        if !sync.is_object() || sync["message"] == NO_PROVIDER {
            return Ok(None);
        }
        let at = sync["last_sync_time"].as_str().and_then(time);
        Ok(Some(at.map_or(DateTime::UNIX_EPOCH, |at| at.with_timezone(&Utc))))
    }

    /// A JSON answer; nothing for 404.
    async fn found<T: DeserializeOwned>(&self, request: ServiceRequest) -> Result<Option<T>, CodexError> {
        let response = request.timeout(TIMEOUT).send().await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            code if code.is_success() => {
                let body = response
                    .bytes()
                    .await
                    .map_err(|error| CodexError::Answer(error.without_url().to_string()))?;
                serde_json::from_slice(&body).map(Some).map_err(|error| CodexError::Answer(error.to_string()))
            }
            code => Err(status(code)),
        }
    }

    async fn answer<T: DeserializeOwned>(&self, request: ServiceRequest) -> Result<T, CodexError> {
        self.found(request).await?.ok_or_else(|| status(StatusCode::NOT_FOUND))
    }
}

fn status(code: StatusCode) -> CodexError {
    CodexError::Answer(format!("status {}", code.as_u16()))
}

/// Path of a company or a part of it. Account numbers are texts of people.
fn company_path(account_number: &str, part: &str) -> String {
    format!("/api/companies/{}{part}", utf8_percent_encode(account_number, NON_ALPHANUMERIC))
}
