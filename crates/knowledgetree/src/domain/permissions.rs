//! Who may do what: one table for people and services (knowledgetree.md §6 "Read-only", §16 W2 and W3; platform.md
//! §7, §8).

use hivematrix_shared::auth::{Caller, PermissionLevel};

/// Who asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Who {
    /// A person with a browser or a token.
    User(PermissionLevel),
    /// A service that acts for a person: it has that person's rights, but no pages.
    ServiceFor(PermissionLevel),
    /// A service on its own: it reads, and writes only while the switch for upstream's rule is on.
    Service {
        /// `HIVEMATRIX_COMPAT_SERVICE_WRITES`.
        may_write: bool,
    },
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Browse, search, read articles and files, export a context.
    Read,
    /// Former versions, who wrote them, and the trash.
    ReadHistory,
    /// An HTML page for users.
    OpenPage,
    /// An HTML page for administrators.
    OpenAdminPage,
    /// A new item or a copy in this folder.
    CreateIn,
    /// A file at this item.
    Upload,
    /// Removing a file of this item.
    RemoveFile,
    /// Linking this item to a ticket or a company, and taking the link away.
    Link,
    /// Changing the text or the flags of this item; an old version coming back.
    Edit,
    /// Changing its name.
    Rename,
    /// Changing its parent.
    Move,
    /// Putting it into the trash, with all below it.
    Delete,
    /// Taking it out of the trash.
    Restore,
    /// Removing it from the trash for ever.
    Purge,
    /// Export, status of syncs, connection.
    ReadAdministration,
    /// Import, wipe, starting a sync.
    Administer,
}

/// The item that the action is about, as far as rights go.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Target {
    /// The root of the tree.
    pub is_root: bool,
    /// It belongs to the sync.
    pub read_only: bool,
    /// Something below it belongs to the sync. Asked for before [`Action::Delete`] only.
    pub holds_read_only: bool,
    /// It is the folder `Companies` of the sync or below it, by the folder's id: it may have been renamed or moved.
    pub in_companies: bool,
}

/// Why something may not be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// For people only.
    #[error("This endpoint is for users only")]
    UsersOnly,
    /// The level does not suffice.
    #[error("This needs the permission level {0}.")]
    Level(&'static str),
    /// A service without a person.
    #[error("A service may change this only on behalf of a user.")]
    ServiceAlone,
    /// For this person the item does not exist: 404, so that nobody learns of names by trying.
    #[error("Node not found")]
    Hidden,
    /// The root stays where and what it is.
    #[error("The root cannot be renamed, moved or deleted.")]
    Root,
    /// The item belongs to the sync.
    #[error("This item is read-only: it comes from the sync with Codex.")]
    ReadOnly,
    /// Something below it belongs to the sync.
    #[error(
        "This folder holds read-only items from the sync with Codex; only an administrator can delete it."
    )]
    HoldsReadOnly,
}

impl Refusal {
    /// The HTTP status of the answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::Root => 400,
            Self::Hidden => 404,
            Self::UsersOnly | Self::Level(_) | Self::ServiceAlone | Self::ReadOnly | Self::HoldsReadOnly => {
                403
            }
        }
    }
}

/// Whether `who` sees nothing of `Companies`, in lists, trees, search results, exports and links back too.
pub fn companies_are_hidden(who: Who) -> bool {
    who.level() == Some(PermissionLevel::Client)
}

/// Whether `who` may do `action` with `target`. Checked in this order: what the person sees, the level, the item.
///
/// # Errors
/// The reason why not.
pub fn check(who: Who, action: Action, target: Target) -> Result<(), Refusal> {
    if target.in_companies && companies_are_hidden(who) {
        return Err(Refusal::Hidden);
    }
    may(who, action)?;
    let is_admin = who.level() == Some(PermissionLevel::Admin);
    match action {
        Action::Rename | Action::Move | Action::Delete if target.is_root => Err(Refusal::Root),
        Action::Edit | Action::Rename | Action::Move if target.read_only => Err(Refusal::ReadOnly),
        Action::Delete if target.read_only && !is_admin => Err(Refusal::ReadOnly),
        Action::Delete if target.holds_read_only && !is_admin => Err(Refusal::HoldsReadOnly),
        _ => Ok(()),
    }
}

/// Whether `who` may do `action` at all, with an item that nothing protects.
///
/// # Errors
/// The reason why not.
pub fn may(who: Who, action: Action) -> Result<(), Refusal> {
    let is_page = matches!(action, Action::OpenPage | Action::OpenAdminPage);
    let needs = Needs::of(action);
    match who {
        Who::Service { .. } | Who::ServiceFor(_) if is_page => Err(Refusal::UsersOnly),
        Who::Service { may_write } if needs.is_write && !may_write => Err(Refusal::ServiceAlone),
        Who::Service { .. } => Ok(()),
        Who::User(level) | Who::ServiceFor(level) if (needs.level)(level) => Ok(()),
        Who::User(_) | Who::ServiceFor(_) => Err(Refusal::Level(needs.words)),
    }
}

impl Who {
    /// Who makes a request; `may_write` is the switch for upstream's rule.
    pub fn of(caller: &Caller, may_write: bool) -> Self {
        match (caller, caller.level()) {
            (Caller::User(user), _) => Self::User(user.permission_level),
            (Caller::Service(_), Some(level)) => Self::ServiceFor(level),
            (Caller::Service(_), None) => Self::Service { may_write },
        }
    }

    /// The level that counts; none for a service on its own.
    pub const fn level(self) -> Option<PermissionLevel> {
        match self {
            Self::User(level) | Self::ServiceFor(level) => Some(level),
            Self::Service { .. } => None,
        }
    }
}

struct Needs {
    level: fn(PermissionLevel) -> bool,
    words: &'static str,
    is_write: bool,
}

impl Needs {
    fn of(action: Action) -> Self {
        let (level, words, is_write): (fn(PermissionLevel) -> bool, _, _) = match action {
            Action::Read | Action::OpenPage => (|_| true, "", false),
            Action::ReadHistory => (PermissionLevel::is_staff, "admin, technician or billing", false),
            Action::CreateIn
            | Action::Upload
            | Action::RemoveFile
            | Action::Link
            | Action::Edit
            | Action::Rename
            | Action::Move
            | Action::Delete
            | Action::Restore => (PermissionLevel::may_edit, "admin or technician", true),
            Action::OpenAdminPage | Action::ReadAdministration => (is_admin, "admin", false),
            Action::Purge | Action::Administer => (is_admin, "admin", true),
        };
        Self { level, words, is_write }
    }
}

fn is_admin(level: PermissionLevel) -> bool {
    level == PermissionLevel::Admin
}

#[cfg(test)]
mod tests;
