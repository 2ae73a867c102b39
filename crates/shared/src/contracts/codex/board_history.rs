//! `GET /api/tickets/active/history`: how the board looked (codex-api.md §4.3).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire;

/// The board over time.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct BoardHistory {
    /// Oldest first; moments at which nobody looked are missing.
    pub points: Vec<BoardPoint>,
}

/// The board at one moment.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct BoardPoint {
    /// When; a multiple of five minutes.
    #[serde(with = "wire::time")]
    #[schema(value_type = String, format = DateTime)]
    pub at: DateTime<Utc>,
    /// Tickets in section 1.
    pub section1: i64,
    /// Tickets in section 2.
    pub section2: i64,
    /// Tickets in section 3.
    pub section3: i64,
    /// Tickets in section 4.
    pub section4: i64,
    /// Tickets whose clock has run out.
    pub breached: i64,
    /// The PSA's id of each agent and how many active tickets it has.
    pub agents: BTreeMap<String, i64>,
}
