//! Changes to master data: companies, requesters, technicians and groups.
//!
//! The world makes these up from their index; what was changed, removed or added lies over it as plain JSON.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A kind of master data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// Companies.
    Departments,
    /// People at companies.
    Requesters,
    /// Technicians.
    Agents,
    /// Groups of technicians.
    Groups,
}

impl Collection {
    /// Name of one object on the wire.
    pub(super) const fn single(self) -> &'static str {
        match self {
            Self::Departments => "department",
            Self::Requesters => "requester",
            Self::Agents => "agent",
            Self::Groups => "group",
        }
    }

    /// Name of the list on the wire.
    pub(super) const fn plural(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::Requesters => "requesters",
            Self::Agents => "agents",
            Self::Groups => "groups",
        }
    }
}

/// What was changed in one collection.
#[derive(Debug, Default)]
pub struct Overlay {
    patches: HashMap<u64, Map<String, Value>>,
    removed: BTreeSet<u64>,
    added: BTreeMap<u64, Value>,
}

impl Overlay {
    /// The object as the vendor shows it now; `None` when it was removed.
    pub fn lay_over(&self, id: u64, mut made_up: Value) -> Option<Value> {
        if self.removed.contains(&id) {
            return None;
        }
        if let (Some(patch), Some(object)) = (self.patches.get(&id), made_up.as_object_mut()) {
            merge(object, patch.clone());
        }
        Some(made_up)
    }

    /// Not removed.
    pub fn has(&self, id: u64) -> bool {
        !self.removed.contains(&id)
    }

    /// Objects that were added.
    pub fn added(&self) -> &BTreeMap<u64, Value> {
        &self.added
    }
}

/// The changes of all collections.
#[derive(Debug, Default)]
pub struct Records(HashMap<Collection, Overlay>);

impl Records {
    /// The changes of one collection.
    pub fn of(&self, collection: Collection) -> Option<&Overlay> {
        self.0.get(&collection)
    }

    /// Changes members of an object; `custom_fields` are changed one by one.
    pub fn change(&mut self, collection: Collection, id: u64, members: Map<String, Value>) {
        let overlay = self.0.entry(collection).or_default();
        match overlay.added.get_mut(&id).and_then(Value::as_object_mut) {
            Some(object) => merge(object, members),
            None => merge(overlay.patches.entry(id).or_default(), members),
        }
    }

    /// Removes an object.
    pub fn remove(&mut self, collection: Collection, id: u64) {
        let overlay = self.0.entry(collection).or_default();
        overlay.removed.insert(id);
        overlay.added.remove(&id);
    }

    /// Adds an object under its id.
    pub fn add(&mut self, collection: Collection, id: u64, object: Value) {
        let overlay = self.0.entry(collection).or_default();
        overlay.removed.remove(&id);
        overlay.added.insert(id, object);
    }
}

fn merge(object: &mut Map<String, Value>, members: Map<String, Value>) {
    for (name, value) in members {
        match (object.get_mut(&name).and_then(Value::as_object_mut), value) {
            (Some(inner), Value::Object(fields)) => inner.extend(fields),
            (_, value) => {
                object.insert(name, value);
            }
        }
    }
}
