//! Vendors behind two traits. A provider reads its vendor's wire and delivers normalised rows; it stores nothing.

mod budget;
mod configured;
pub mod datto;
pub mod error;
pub mod freshservice;
pub mod html;
mod http;
mod json;
pub mod registry;
pub mod rmm;
pub mod row;
pub mod superops;
pub mod types;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;

pub use budget::Quota;
pub use configured::Made;
pub use error::ProviderError;
pub use http::Retry;
pub use registry::{Kind, Registry};
pub use rmm::{DeviceAudit, RemoteCommand, RmmDevice, RmmProvider, RmmProviders, RmmSite};
pub use types::{
    Conversation, Description, Page, PageRef, PsaAgent, PsaCompany, PsaContact, PsaGroup, PsaTicket,
    PsaTimeEntry, TicketChange, TicketDetail,
};

/// All vendors of this instance.
#[derive(Clone, Debug, Default)]
pub struct Vendors {
    /// Ticketing systems.
    pub psa: Providers,
    /// Systems for monitoring and management.
    pub rmm: RmmProviders,
}

/// The answer of a provider, boxed so that providers can be chosen by name at run time.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ProviderError>>;

/// Which tickets a list contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketView {
    /// All ordinary tickets.
    Ordinary,
    /// Those in the vendor's bin.
    Deleted,
    /// Those in the vendor's spam folder.
    Spam,
}

/// Who waits for an answer, in the order in which they get a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A person: goes first, and gives up soon.
    Now,
    /// A sync that makes changes visible: leaves some of the account's requests to people.
    Routine,
    /// Nobody: leaves more of them to others.
    Background,
}

/// A ticketing system Codex can read (codex-api.md §6.1). Lists are read page by page, pages counted from 1, so that a
/// run can store each page at once and go on after an interruption. Single rows answer `None` when the vendor has none
/// of that id.
pub trait PsaProvider: Send + Sync {
    /// Name in configuration and rows, such as `freshservice`.
    fn name(&self) -> &'static str;
    /// Name for people, such as `Freshservice`.
    fn display_name(&self) -> &'static str;
    /// What work waits for now because of the account's limit of requests: the end of a sentence that begins with
    /// [`Self::display_name`]. `None` while nothing waits.
    fn holds_up(&self) -> Option<String>;
    /// Checks address and key.
    fn check(&self) -> Answer<'_, ()>;
    /// A page of companies.
    fn companies(&self, page: PageRef) -> Answer<'_, Page<PsaCompany>>;
    /// One company.
    fn company(&self, id: i64) -> Answer<'_, Option<PsaCompany>>;
    /// A page of contacts.
    fn contacts(&self, page: PageRef) -> Answer<'_, Page<PsaContact>>;
    /// One contact.
    fn contact(&self, id: i64) -> Answer<'_, Option<PsaContact>>;
    /// A page of agents.
    fn agents(&self, page: PageRef) -> Answer<'_, Page<PsaAgent>>;
    /// One agent.
    fn agent(&self, id: i64) -> Answer<'_, Option<PsaAgent>>;
    /// A page of groups.
    fn groups(&self, page: PageRef) -> Answer<'_, Page<PsaGroup>>;
    /// A page of the tickets changed since a moment, newest first, with requester, response times and tags.
    fn tickets(&self, view: TicketView, since: DateTime<Utc>, page: PageRef) -> Answer<'_, Page<PsaTicket>>;
    /// One ticket as the vendor has it now.
    fn ticket(&self, id: i64, pace: Pace) -> Answer<'_, Option<PsaTicket>>;
    /// All messages and bookings of one ticket, each once.
    fn ticket_detail(&self, id: i64, pace: Pace) -> Answer<'_, Option<TicketDetail>>;
    /// Changes a ticket at the vendor and answers it as it is afterwards; `None` when there is no such ticket.
    ///
    /// # Errors
    /// [`ProviderError::NotSupported`] where the vendor offers no such thing.
    fn update_ticket<'a>(&'a self, id: i64, change: &'a TicketChange) -> Answer<'a, Option<PsaTicket>> {
        let _ = (id, change);
        cannot(self.display_name(), "change tickets")
    }
    /// Adds a note that only agents see; `None` when there is no such ticket.
    ///
    /// # Errors
    /// [`ProviderError::NotSupported`] where the vendor offers no such thing.
    fn add_note<'a>(&'a self, id: i64, text: &'a str) -> Answer<'a, Option<Conversation>> {
        let _ = (id, text);
        cannot(self.display_name(), "add notes")
    }
    /// Writes the account number of a company to the vendor; `None` when there is no such company.
    ///
    /// # Errors
    /// [`ProviderError::NotSupported`] where the vendor offers no such thing.
    fn set_account_number<'a>(&'a self, company: i64, number: &'a str) -> Answer<'a, Option<()>> {
        let _ = (company, number);
        cannot(self.display_name(), "store account numbers")
    }
}

/// The refusal of something the vendor does not offer.
fn cannot<'a, T: Send + 'a>(provider: &'static str, what: &'static str) -> Answer<'a, T> {
    Box::pin(std::future::ready(Err(ProviderError::NotSupported { provider, what })))
}

impl Kind for dyn PsaProvider {
    const SYSTEM: &'static str = "PSA";
    const KNOWN: &'static [&'static str] = &["freshservice", "superops"];
    const DEFAULT: &'static str = "freshservice";

    fn key(&self) -> &'static str {
        self.name()
    }
}

/// The ticketing systems that are configured, by name.
pub type Providers = Registry<dyn PsaProvider>;
