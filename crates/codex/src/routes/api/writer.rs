//! What routes that change records have in common.

use hivematrix_shared::{auth::Caller, problem::Problem};
use serde::Serialize;
use sqlx::{PgPool, Postgres, Transaction};
use utoipa::ToSchema;

use crate::{Codex, store::changes};

/// A change that was made.
#[derive(Serialize, ToSchema)]
pub struct Changed {
    /// Always `true`.
    pub success: bool,
    /// What happened, for people.
    pub message: String,
}

impl Changed {
    /// An answer with this sentence.
    pub fn new(message: impl Into<String>) -> Self {
        Self { success: true, message: message.into() }
    }
}

/// A record that was made.
#[derive(Serialize, ToSchema)]
pub struct RecordMade {
    /// Always `true`.
    pub success: bool,
    /// Codex's id.
    pub id: i64,
    /// What happened, for people.
    pub message: String,
}

/// A transaction in which everything is this caller's doing.
///
/// # Errors
/// When the database cannot be reached.
pub async fn begin(pool: &PgPool, caller: &Caller) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = pool.begin().await?;
    changes::acting(&mut tx, &caller.label()).await?;
    Ok(tx)
}

/// 400 with upstream's members.
pub fn bad(text: impl Into<String>) -> Problem {
    Problem::new(http::StatusCode::BAD_REQUEST).with("success", false).error(text)
}

/// 409 with upstream's members.
pub fn clash(text: impl Into<String>) -> Problem {
    Problem::new(http::StatusCode::CONFLICT).with("success", false).error(text)
}

/// Whether a sync with this vendor runs here, which would bring back what is deleted by hand; its name for people.
pub fn synced_from(codex: &Codex, source: &str) -> Option<&'static str> {
    codex
        .sync
        .vendors()
        .psa
        .all()
        .find(|provider| provider.name() == source)
        .map(|provider| provider.display_name())
}
