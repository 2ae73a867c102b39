//! Names for synced items among the children of their folders.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::{
    sync::{Place, Stored, stored},
    write::named,
};
use crate::{
    domain::synced::SyncedItem,
    store::{StoreError, retry::Attempt, rules::second_names},
};

/// Who has which name in the folders of a wave.
pub(super) struct Names {
    taken: HashMap<(i64, String), Option<Stored>>,
}

impl Names {
    pub(super) async fn load(
        connection: &mut PgConnection,
        placed: &[(&SyncedItem, Place)],
    ) -> Attempt<Self> {
        let parents: Vec<i64> = placed.iter().flat_map(|(_, place)| [place.key; 2]).collect();
        let names: Vec<String> =
            placed.iter().flat_map(|(item, _)| [item.name.clone(), item.second_name.clone()]).collect();
        let rows = stored!(
            "where (i.parent_key, i.name) in (select * from unnest($1::bigint[], $2::text[]))",
            &parents,
            &names
        );
        let rows = rows.fetch_all(connection).await?;
        let taken = rows.into_iter().filter_map(|row| Some(((row.parent_key?, row.name.clone()), Some(row))));
        Ok(Self { taken: taken.collect() })
    }

    /// An item without a source that is what the sync wants: upstream's sync made it, or it is a folder to share.
    pub(super) fn take_over(&mut self, parent_key: i64, item: &SyncedItem) -> Option<Stored> {
        let slot = self.taken.get_mut(&(parent_key, item.name.clone()))?;
        let fits = slot.as_ref().is_some_and(|row| {
            row.source_id.is_none()
                && row.is_folder == item.is_folder
                && (row.read_only || item.is_folder && !item.read_only)
        });
        // The name stays taken; the item cannot be taken over twice.
        if fits { slot.take() } else { None }
    }

    /// Whether an item has its second name for a reason that still holds.
    pub(super) fn is_second(&self, row: &Stored, item: &SyncedItem, parent_key: i64) -> bool {
        let first_is_taken = self.taken.contains_key(&(parent_key, item.name.clone()));
        first_is_taken && row.name.starts_with(&item.second_name)
    }

    /// A name for an item that no sibling has.
    pub(super) async fn free(
        &mut self,
        connection: &mut PgConnection,
        place: &Place,
        item: &SyncedItem,
        own_key: Option<i64>,
    ) -> Attempt<String> {
        for name in second_names(item) {
            let slot = (place.key, name.clone());
            let taken = match self.taken.get(&slot) {
                Some(owner) => owner.as_ref().is_none_or(|owner| Some(owner.key) != own_key),
                None => {
                    named(connection, place.key, &name).await?.is_some_and(|(key, _)| Some(key) != own_key)
                }
            };
            if !taken {
                self.taken.insert(slot, None);
                return Ok(name);
            }
        }
        Err(StoreError::Invalid(format!("There is no name left for {}", item.source_id)).into())
    }
}
