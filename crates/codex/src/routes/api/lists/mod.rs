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
