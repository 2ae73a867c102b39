//! Who calls, and what follows from it for the tree (knowledgetree.md §16 W2; platform.md §7, §8).

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::{AdminOnly, Authenticated, Caller, PermissionLevel, StaffOnly, TechnicianOnly},
    problem::Problem,
};
use http::request::Parts;
use utoipa::IntoResponses;

use crate::{
    KnowledgeTree,
    domain::item::{Author, Visibility},
};

/// What a caller is shown: people of the level `client` see nothing of companies.
pub fn visibility(caller: &Caller) -> Visibility {
    visible_to(caller.level())
}

/// What people of a level are shown; all of it to a service on its own.
pub fn visible_to(level: Option<PermissionLevel>) -> Visibility {
    match level {
        Some(PermissionLevel::Client) => Visibility::WithoutCompanies,
        _ => Visibility::All,
    }
}

/// Whoever has a token, and what is shown to them.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// What exists for them.
    pub visibility: Visibility,
    /// Whether they may know who wrote what.
    pub is_staff: bool,
}

impl FromRequestParts<KnowledgeTree> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, tree: &KnowledgeTree) -> Result<Self, Problem> {
        // What changes nothing may be asked for by any method: texts that are only converted come as POST. So the method does not
        // count here, as it does for a service on its own elsewhere.
        let caller = match parts.extensions.get::<Caller>().cloned() {
            Some(caller) => caller,
            None => Authenticated::from_request_parts(parts, tree).await?.0,
        };
        Ok(Self {
            visibility: visibility(&caller),
            is_staff: caller.level().is_none_or(PermissionLevel::is_staff),
        })
    }
}

/// Everybody but customers: former states, who wrote them, the trash.
#[derive(Clone, Copy, Debug)]
pub struct Staff;

impl FromRequestParts<KnowledgeTree> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, tree: &KnowledgeTree) -> Result<Self, Problem> {
        StaffOnly::from_request_parts(parts, tree).await.map(|_| Self)
    }
}

/// Who changes something, and when.
#[derive(Clone, Debug)]
pub struct Writer {
    /// Name for the tree and for the log.
    pub name: String,
    is_admin: bool,
    at: DateTime<Utc>,
}

impl Writer {
    fn of(caller: &Caller, tree: &KnowledgeTree) -> Self {
        Self {
            name: caller.label(),
            is_admin: caller.level() == Some(PermissionLevel::Admin),
            at: tree.context.clock.now(),
        }
    }

    /// As the store wants it.
    pub fn author(&self) -> Author<'_> {
        Author { user: &self.name, is_admin: self.is_admin, at: self.at }
    }
}

/// Administrators and technicians, and services that act for one.
#[derive(Clone, Debug)]
pub struct Editor(pub Writer);

impl FromRequestParts<KnowledgeTree> for Editor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, tree: &KnowledgeTree) -> Result<Self, Problem> {
        let TechnicianOnly(caller) = TechnicianOnly::from_request_parts(parts, tree).await?;
        Ok(Self(Writer::of(&caller, tree)))
    }
}

/// Administrators, and services that act for one; services on their own may read.
#[derive(Clone, Debug)]
pub struct Administrator(pub Writer);

impl FromRequestParts<KnowledgeTree> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, tree: &KnowledgeTree) -> Result<Self, Problem> {
        let AdminOnly(caller) = AdminOnly::from_request_parts(parts, tree).await?;
        Ok(Self(Writer::of(&caller, tree)))
    }
}

/// Whom [`Reader`] refuses, for the document.
#[derive(IntoResponses)]
pub enum ForReaders {
    /// Not for this token
    #[response(status = 403)]
    Forbidden,
}

/// Whom [`Staff`] refuses, for the document.
#[derive(IntoResponses)]
pub enum ForStaff {
    /// A customer
    #[response(status = 403)]
    Forbidden,
}

/// Whom [`Editor`] refuses, for the document.
#[derive(IntoResponses)]
pub enum ForEditors {
    /// Neither technician nor administrator, or a service that would change something on its own, or a read-only item
    #[response(status = 403)]
    Forbidden,
}

/// Whom [`Administrator`] refuses, for the document.
#[derive(IntoResponses)]
pub enum ForAdministrators {
    /// Not an administrator, or a service that would change something on its own
    #[response(status = 403)]
    Forbidden,
}
