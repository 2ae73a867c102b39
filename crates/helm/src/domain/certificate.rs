//! What a certificate says.

use chrono::{DateTime, Utc};

/// The facts of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it names.
    pub subject: String,
    /// Who vouches for it.
    pub issuer: String,
    /// Valid from.
    pub not_before: DateTime<Utc>,
    /// Valid until.
    pub not_after: DateTime<Utc>,
    /// Names and addresses it is for.
    pub names: Vec<String>,
    /// Made by the suite itself, or by the one it names.
    pub is_self_made: bool,
}
