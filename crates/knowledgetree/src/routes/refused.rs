//! What the store refuses, in the words of upstream (knowledgetree.md §5).

use hivematrix_shared::problem::Problem;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    domain::item::Item,
    store::{Entity, StoreError},
};

/// Seconds after which a store that is away may be back.
const RETRY_SECONDS: u64 = 5;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { entity, id } => not_found(entity, &id),
            StoreError::NameTaken { existing_id } => Self::new(StatusCode::CONFLICT)
                .error("A node with this name already exists in this location")
                .with("existing_id", existing_id),
            StoreError::NotAFolder { id } => bad("Target must be a folder").with("id", id),
            StoreError::Cycle => bad("Cannot move a folder into itself or its descendants"),
            StoreError::ReadOnly { id } => Self::forbidden(
                "This item, or one below it, is read-only: it comes from the sync, and only an administrator can delete it.",
            )
            .with("error", "Node is read-only")
            .with("id", id),
            StoreError::Root => bad("The root cannot be renamed, moved, copied or deleted"),
            StoreError::Conflict { current } => {
                Self::conflict("Somebody has changed this item since you opened it. Nothing was saved.")
                    .with("error", "Node has been changed")
                    .with("current", state(&current))
            }
            StoreError::Invalid(text) => bad(text),
            StoreError::Unavailable(cause) => {
                Self::unavailable("The database is temporarily unavailable.", RETRY_SECONDS)
                    .with("error", "Database not configured")
                    .cause(cause)
            }
            StoreError::Failed(cause) => Self::internal(cause),
        }
    }
}

/// An item as it is now, for an editor who has to decide. Only editors get here, so it names who changed it.
fn state(item: &Item) -> Value {
    json!({
        "id": item.id,
        "name": item.name,
        "content": item.content,
        "content_format": item.content_format,
        "is_attached": item.is_attached,
        "updated_at": item.updated_at,
        "updated_by": item.updated_by,
        "version": item.version,
    })
}

fn not_found(entity: Entity, id: &str) -> Problem {
    let text = match entity {
        Entity::Item => "Node not found",
        Entity::Parent => "Parent folder not found",
        Entity::Version => "Version not found",
        Entity::File => "File not found",
        Entity::Trash => "Not in the trash",
        Entity::Company => "Company not found",
        Entity::Context => "Not linked",
    };
    Problem::new(StatusCode::NOT_FOUND).error(text).with("id", id)
}

/// 400 in words.
pub fn bad(text: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST).error(text)
}

/// 400: what is wrong with a member or a parameter.
pub fn wrong(field: &str, text: impl Into<String>) -> Problem {
    bad(text).with("field", field)
}
