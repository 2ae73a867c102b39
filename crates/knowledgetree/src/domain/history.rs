//! Former states of items.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::item::ContentFormat;

/// A state of an item, the present one or a former one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Version {
    /// [`super::item::Item::version`] of this state.
    pub version: i64,
    /// Name then.
    pub name: String,
    /// Text then.
    pub content: String,
    /// How it was written.
    pub content_format: Option<ContentFormat>,
    /// Attached folder then.
    pub is_attached: bool,
    /// When this state began, where that is known.
    pub at: Option<DateTime<Utc>>,
    /// Who made it so, where that is known.
    pub by: Option<String>,
}

/// A state of an item in a list: without its text.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionSummary {
    /// Number of the state.
    pub version: i64,
    /// Name then.
    pub name: String,
    /// Characters of the text then.
    pub chars: i64,
    /// When this state began, where that is known.
    pub at: Option<DateTime<Utc>>,
    /// Who made it so, where that is known.
    pub by: Option<String>,
}
