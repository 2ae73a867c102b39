//! Names for synced items among the children of their folders.

use std::collections::HashMap;

use neo4rs::query;

use super::{
    connection::Work,
    props::Props,
    sync::{Place, Stored},
    write::child,
};
use crate::{
    domain::synced::SyncedItem,
    store::{StoreError, retry::Attempt, rules::second_names},
};

/// Who has which name in the folders of a wave.
pub(super) struct Names {
    taken: HashMap<(String, String), Option<Stored>>,
}

impl Names {
    pub(super) async fn load(work: &mut Work, placed: &[(&SyncedItem, Place)]) -> Attempt<Self> {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        for (item, place) in placed {
            names.entry(&place.id).or_default().extend([item.name.as_str(), item.second_name.as_str()]);
        }
        let mut taken = HashMap::new();
        for (parent_id, names) in names {
            let rows = work.rows(
                query(
                    "MATCH (p:ContextItem {id: $parent}) WITH p MATCH (p)-[:PARENT_OF]->(n:ContextItem)
                     WHERE n.name IN $names RETURN n",
                )
                .param("parent", parent_id)
                .param("names", names),
            );
            for row in rows.await? {
                let props = Props::of(&row, "n")?;
                let slot = (parent_id.to_owned(), props.name());
                let stored = Stored { props, parent_id: Some(parent_id.to_owned()), is_in_tree: true };
                taken.insert(slot, Some(stored));
            }
        }
        Ok(Self { taken })
    }

    /// An item without a source that is what the sync wants: upstream's sync made it, or it is a folder to share.
    pub(super) fn take_over(&mut self, parent_id: &str, item: &SyncedItem) -> Option<Stored> {
        let slot = self.taken.get_mut(&(parent_id.to_owned(), item.name.clone()))?;
        let fits = slot.as_ref().is_some_and(|stored| {
            stored.props.source_id.is_none()
                && stored.props.is_folder() == item.is_folder
                && (stored.props.read_only() || item.is_folder && !item.read_only)
        });
        // The name stays taken; the item cannot be taken over twice.
        if fits { slot.take() } else { None }
    }

    /// Whether an item has its second name for a reason that still holds.
    pub(super) fn is_second(&self, name: &str, item: &SyncedItem, parent_id: &str) -> bool {
        let first_is_taken = self.taken.contains_key(&(parent_id.to_owned(), item.name.clone()));
        first_is_taken && name.starts_with(&item.second_name)
    }

    /// A name for an item that no sibling has.
    pub(super) async fn free(
        &mut self,
        work: &mut Work,
        place: &Place,
        item: &SyncedItem,
        own_id: Option<&str>,
    ) -> Attempt<String> {
        for name in second_names(item) {
            let slot = (place.id.clone(), name.clone());
            let taken = match self.taken.get(&slot) {
                Some(owner) => owner.as_ref().is_none_or(|owner| Some(owner.props.id.as_str()) != own_id),
                None => child(work, &place.id, &name).await?.is_some_and(|id| Some(id.as_str()) != own_id),
            };
            if !taken {
                self.taken.insert(slot, None);
                return Ok(name);
            }
        }
        Err(StoreError::Invalid(format!("There is no name left for {}", item.source_id)).into())
    }
}
