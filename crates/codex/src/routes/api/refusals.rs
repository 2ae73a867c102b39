//! Whom routes refuse, for the document: one type for each class of caller (codex-api.md §1.1). What else every route may
//! answer, from a missing token to a body that is too large, the common layers add by the route's shape.

use utoipa::IntoResponses;

/// Class A.
#[derive(IntoResponses)]
pub enum ForAdmins {
    /// Not an administrator, or a service that would change something on its own
    #[response(status = 403)]
    Forbidden,
}

/// Classes TS and TU.
#[derive(IntoResponses)]
pub enum ForTechnicians {
    /// Neither technician nor administrator, or a service that would change something on its own
    #[response(status = 403)]
    Forbidden,
}

/// Class T where the data belongs to no customer.
#[derive(IntoResponses)]
pub enum ForStaff {
    /// A customer: this belongs to no single company
    #[response(status = 403)]
    Forbidden,
}

/// Class T.
#[derive(IntoResponses)]
pub enum ForReaders {
    /// A customer who asks for another company's data
    #[response(status = 403)]
    Forbidden,
}

/// Class U.
#[derive(IntoResponses)]
pub enum ForUsers {
    /// A service that acts for nobody
    #[response(status = 403)]
    Forbidden,
}
