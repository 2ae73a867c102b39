//! Clients, their users, technicians and groups as the vendor shows them now: made up by the world, changed by tests.

use serde_json::Value;

use super::wire;
use crate::freshservice::{Collection, State};
use crate::world::companies::FIRST_COMPANY_ID;
use crate::world::people::{FIRST_AGENT_ID, FIRST_CONTACT_ID, GROUPS};

fn count(sim: &State, collection: Collection) -> u32 {
    let size = sim.world.size();
    match collection {
        Collection::Departments => sim.world.company_count(),
        Collection::Requesters => size.contacts,
        Collection::Agents => size.agents,
        Collection::Groups => GROUPS.len() as u32,
    }
}

fn world_id(collection: Collection, index: u32) -> u64 {
    match collection {
        Collection::Departments => FIRST_COMPANY_ID + u64::from(index),
        Collection::Requesters => FIRST_CONTACT_ID + u64::from(index),
        Collection::Agents => FIRST_AGENT_ID + u64::from(index),
        Collection::Groups => GROUPS[index as usize % GROUPS.len()].0,
    }
}

/// Whether the vendor lists it: who has left is in no list.
fn is_listed(sim: &State, collection: Collection, index: u32) -> bool {
    match collection {
        Collection::Requesters => sim.world.contact(index).active,
        Collection::Agents => sim.world.agent(index).active,
        _ => true,
    }
}

fn made_up(sim: &State, collection: Collection, index: u32) -> Value {
    match collection {
        Collection::Departments => wire::client(&sim.world, index),
        Collection::Requesters => wire::client_user(sim, index),
        Collection::Agents => wire::technician(&sim.world, index),
        Collection::Groups => wire::group(index),
    }
}

/// One object by the vendor's id.
pub fn record(sim: &State, collection: Collection, id: u64) -> Option<Value> {
    let overlay = sim.records.of(collection);
    if let Some(added) = overlay.and_then(|overlay| overlay.added().get(&id)) {
        return Some(added.clone());
    }
    let behind = wire::world_id(id)?;
    let index = match collection {
        Collection::Groups => GROUPS.iter().position(|(group, _, _)| *group == behind)? as u64,
        _ => behind.checked_sub(world_id(collection, 0))?,
    };
    let index = u32::try_from(index).ok().filter(|index| *index < count(sim, collection))?;
    let value = made_up(sim, collection, index);
    match overlay {
        Some(overlay) => overlay.lay_over(id, value),
        None => Some(value),
    }
}

/// The vendor's ids of all objects in a list.
pub fn ids(sim: &State, collection: Collection) -> Vec<u64> {
    let overlay = sim.records.of(collection);
    let made_up = (0..count(sim, collection))
        .filter(|index| is_listed(sim, collection, *index))
        .map(|index| wire::vendor_id(world_id(collection, index)))
        .filter(|id| overlay.is_none_or(|overlay| overlay.has(*id)));
    let added = overlay.into_iter().flat_map(|overlay| overlay.added().keys().copied());
    made_up.chain(added).collect()
}
