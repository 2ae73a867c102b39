//! `/api/displays`: links to ticket boards on screens without a user (codex-api.md §4.3).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::wire;

/// Display links.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct Displays {
    /// Oldest first.
    pub displays: Vec<Display>,
}

/// A display link.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct Display {
    /// Its id, part of what is signed.
    pub id: Uuid,
    /// Where the screen hangs, say.
    pub name: String,
    /// Which view of the board.
    pub view: String,
    /// Whether it shows subjects.
    pub subjects: bool,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made.
    #[serde(with = "wire::time")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: DateTime<Utc>,
    /// When it ends; `null`: never.
    #[serde(default, with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was taken back.
    #[serde(default, with = "wire::optional_time")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<DateTime<Utc>>,
}
