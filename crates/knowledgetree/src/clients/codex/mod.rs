//! Codex: companies with their people, devices and tickets (knowledgetree.md §9).

mod all;
mod each;
mod pieces;

use std::time::Duration;

use chrono::{DateTime, Utc};
use hivematrix_shared::service_client::{ServiceClient, ServiceError};
use http::StatusCode;
use tokio::sync::mpsc::{self, Receiver};

use crate::domain::sync::input::{Asset, Company, Contact, Moment, Ticket};

const CODEX: &str = "codex";
/// Time for one company's part.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Pieces that may wait to be taken.
const AHEAD: usize = 64;

/// Why Codex's data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CodexError {
    /// It does not answer, or refuses.
    #[error("Codex cannot be asked: {0}")]
    Call(#[from] ServiceError),
    /// Its answer is not what the contract says, or broke off.
    #[error("Codex's answer cannot be used: {0}")]
    Answer(String),
}

/// A company with the people and devices it has.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The company; it has a key.
    pub company: Company,
    /// Its people.
    pub contacts: Vec<Contact>,
    /// Its devices; none where only tickets were wanted and each company was asked for.
    pub assets: Vec<Asset>,
}

/// What is wanted of each company.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wanted {
    /// People and devices.
    Belongings,
    /// People and tickets, all or those that changed since then.
    Tickets(Option<DateTime<Utc>>),
}

/// A piece of what Codex says, in Codex's order.
#[derive(Debug)]
pub enum Piece {
    /// A company; tickets that follow are its own.
    Company(Box<Head>),
    /// A ticket of the last company.
    Ticket(Box<Ticket>),
    /// Something that cannot be read, and what it is: the others can.
    Bad(String),
}

/// Calls Codex with KnowledgeTree's service token. Cheap to clone.
#[derive(Clone)]
pub struct Codex {
    client: ServiceClient,
}

/// The receiver has gone: nobody wants the rest.
struct Gone;

/// Why reading ended early.
enum Ended {
    /// Nobody wants the rest.
    Gone,
    /// Codex failed.
    Failed(CodexError),
}

impl From<CodexError> for Ended {
    fn from(error: CodexError) -> Self {
        Self::Failed(error)
    }
}

impl From<Gone> for Ended {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl Wanted {
    /// Whether a ticket is among those that are wanted. One that does not say when it changed is.
    fn includes(self, ticket: &Ticket) -> bool {
        match (self, &ticket.last_updated_at) {
            (Self::Tickets(Some(since)), Some(Moment::At(updated))) => *updated >= since,
            _ => true,
        }
    }
}

impl Codex {
    /// Uses `client` for all calls.
    pub fn new(client: ServiceClient) -> Self {
        Self { client }
    }

    /// Whether it is known where Codex is.
    pub fn is_configured(&self) -> bool {
        self.client.base_url(CODEX).is_ok()
    }

    /// All companies as they come, piece by piece, so that never more than a few are in memory. The last item is an error where
    /// the answer broke off. By one call where Codex knows that, else by some for each company.
    pub fn pieces(&self, wanted: Wanted) -> Receiver<Result<Piece, CodexError>> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let codex = self.clone();
        tokio::spawn(async move {
            if let Err(Ended::Failed(error)) = codex.pass_on(wanted, &sender).await {
                // Whoever has gone needs no reason.
                let _ = sender.send(Err(error)).await;
            }
        });
        receiver
    }

    async fn pass_on(&self, wanted: Wanted, sender: &Sender) -> Result<(), Ended> {
        match self.bulk(wanted).await? {
            Some(response) => all::pass_on(response, wanted, sender).await,
            None => self.each(wanted, sender).await,
        }
    }
}

type Sender = mpsc::Sender<Result<Piece, CodexError>>;

async fn send(sender: &Sender, piece: Piece) -> Result<(), Gone> {
    sender.send(Ok(piece)).await.map_err(|_| Gone)
}

fn status(code: StatusCode) -> CodexError {
    CodexError::Answer(format!("status {}", code.as_u16()))
}
