//! What Codex answers and other services read (codex-api.md §4, §5).
//!
//! Reading is tolerant: the same types also accept what upstream's Codex sends, and missing members become their
//! neutral value. Writing is exact: every member is present, missing values are `null`, times are UTC to the second
//! with `Z`.

mod board_history;
mod company;
mod display;
mod psa;
mod ticket;
pub mod wire;

pub use board_history::{BoardHistory, BoardPoint};
pub use company::{Asset, BulkCompany, Company, CompanyTicket, Contact, Detail, Location, TimeEntry};
pub use display::{Display, Displays};
pub use psa::{PsaAgent, PsaConfig, PsaGroupIds, PsaProviderConfig};
pub use ticket::{ActiveTickets, SlaColor, Ticket};
pub use wire::PsaId;

#[cfg(test)]
mod tests;
