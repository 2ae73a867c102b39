//! Why a store did not do what it was asked.

use crate::domain::item::Item;

/// Something a store knows, for an answer that names what was not found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entity {
    /// A folder or an article.
    Item,
    /// The folder in which something was to be put.
    Parent,
    /// A former state.
    Version,
    /// A file.
    File,
    /// Something in the trash.
    Trash,
    /// A company.
    Company,
    /// Context of a ticket or a company.
    Context,
}

/// Why a store did not do what it was asked. Nothing has changed then, unless it says [`StoreError::Unavailable`]: a store that goes
/// away while it commits may have done it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not there, or hidden from the reader.
    #[error("not found: {entity:?} {id}")]
    NotFound {
        /// What.
        entity: Entity,
        /// Which.
        id: String,
    },
    /// A sibling has this name.
    #[error("the name is taken by {existing_id}")]
    NameTaken {
        /// The sibling.
        existing_id: String,
    },
    /// It is an article where a folder is needed.
    #[error("not a folder: {id}")]
    NotAFolder {
        /// The article.
        id: String,
    },
    /// A folder would come into itself or into something below it.
    #[error("a folder cannot be put into itself")]
    Cycle,
    /// A protected item, this one or one below it.
    #[error("read-only: {id}")]
    ReadOnly {
        /// The protected item.
        id: String,
    },
    /// The root cannot be changed like that.
    #[error("the root cannot be renamed, moved, copied or deleted")]
    Root,
    /// The item has changed since the editor saw it.
    #[error("the item has changed meanwhile")]
    Conflict {
        /// As it is now.
        current: Box<Item>,
    },
    /// Something in what was handed over cannot be done; the text is for the person who sent it.
    #[error("{0}")]
    Invalid(String),
    /// The store does not answer at the moment; trying again later may help.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The store answered with something nobody expects.
    #[error("the store failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// An item that is not there.
    pub fn no_item(id: &str) -> Self {
        Self::missing(Entity::Item, id)
    }

    /// Something that is not there.
    pub fn missing(entity: Entity, id: &str) -> Self {
        Self::NotFound { entity, id: id.to_owned() }
    }
}

/// What a store answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
