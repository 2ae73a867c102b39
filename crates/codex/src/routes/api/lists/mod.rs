//! JSON and files of the list pages, and how many rows their filters leave (codex-api.md §4.6, codex-pages.md §1.4).

pub mod assets;
pub mod companies;
pub mod contacts;
mod csv;

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Codex, store::Counted};

/// The routes of this folder.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(companies::search))
        .routes(routes!(companies::counts))
        .routes(routes!(companies::export))
        .routes(routes!(contacts::search))
        .routes(routes!(contacts::counts))
        .routes(routes!(contacts::export))
        .routes(routes!(assets::search))
        .routes(routes!(assets::counts))
        .routes(routes!(assets::export))
}

/// What a filter asks for; none for nothing, and for what no column can hold.
fn filled(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty() && !value.contains('\0'))
}

/// `1` and `0` of a filter by a mark; anything else filters nothing.
fn yes_or_no(value: &Option<String>) -> Option<bool> {
    match value.as_deref() {
        Some("1") => Some(true),
        Some("0") => Some(false),
        _ => None,
    }
}

/// Rows by filter and choice. Choices without rows are left out; words are in small letters.
#[derive(Serialize, ToSchema)]
pub struct Counts {
    success: bool,
    counts: BTreeMap<String, BTreeMap<String, i64>>,
}

impl From<Vec<Counted>> for Counts {
    fn from(found: Vec<Counted>) -> Self {
        let mut counts: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for Counted { of, value, count } in found {
            counts.entry(of).or_default().insert(value, count);
        }
        Self { success: true, counts }
    }
}
