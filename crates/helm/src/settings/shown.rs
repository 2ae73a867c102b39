//! What is said of the gateway's certificate.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::certificate;

/// The gateway's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Certificate {
    /// Whether there is one.
    pub exists: bool,
    /// Its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whom it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Who signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Its end, such as `Nov 22 10:30:00 2026 GMT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Certificate {
    pub(super) fn missing() -> Self {
        Self { exists: false, path: None, subject: None, issuer: None, expires: None, error: None }
    }

    pub(super) fn unreadable(path: String) -> Self {
        let error = Some("Failed to read certificate".to_owned());
        Self { exists: true, path: Some(path), error, ..Self::missing() }
    }
}

/// What a certificate says.
pub(super) fn described(path: String, read: certificate::Certificate) -> Certificate {
    Certificate {
        exists: true,
        path: Some(path),
        subject: Some(read.subject),
        issuer: Some(read.issuer),
        expires: Some(read.not_after.format("%b %e %H:%M:%S %Y GMT").to_string()),
        error: None,
    }
}
