//! Codex: companies with their devices, people and tickets, and the plans (ledger.md §8).

mod all;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use hivematrix_shared::{
    clock::Clock,
    health::{PROBE_HEADER, PROBE_SHALLOW},
    problem::Problem,
    service_client::{ServiceClient, ServiceError, ServiceRequest},
};
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use tokio::sync::Semaphore;

pub use self::all::{Sent, Years};
use crate::domain::billing::{
    Plan,
    inputs::{Asset, Company, Contact, Ticket},
    read::{Kept, time},
};

const CODEX: &str = "codex";
/// Time for one company, or the plans.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Time for saying when it last read the tickets.
const SHORT: Duration = Duration::from_secs(10);
/// What Codex says of its syncs where it reads no tickets.
const NO_PROVIDER: &str = "no provider is configured";
/// Plans are asked for again after this many seconds.
const PLANS_FOR: i64 = 60;
/// Answers about all companies that are asked for at the same time: Codex gives each service so many.
const AT_A_TIME: usize = 2;

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

    /// The tickets of a company with anything in this year.
    ///
    /// # Errors
    /// When they cannot be had.
    pub async fn tickets_of(&self, account_number: &str, year: i32) -> Result<Vec<Ticket>, CodexError> {
        let tickets = self.tickets(account_number, &[year]).await?;
        tickets.ok_or_else(|| CodexError::Answer("the company is there, and its tickets are not".to_owned()))
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
        // Of those it depends on nothing is asked: their being slow or away is no reason for having no bill.
        let request = self.client.http().get(url).header(PROBE_HEADER, PROBE_SHALLOW);
        let answer = request.timeout(SHORT).send().await.map_err(unclear)?;
        let health: Value = answer.json().await.map_err(unclear)?;
        if !health["checks"].is_object() {
            return Err(CodexError::Answer("it does not say how it is".to_owned()));
        }
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
