//! Which fetched contact is which stored one: by the vendor's id first, then by address (codex-api.md §6.5). Pure.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, hash_map::Entry};

use serde_json::json;

use crate::providers::PsaContact;
use crate::store::reviews::Finding;
use crate::store::staged_contacts::ContactKey;
use crate::store::sync_contacts::StoredContact;

/// What a fetched list means for the stored contacts.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// What to store, in an order in which every address is free when its turn comes, batch by batch.
    pub(super) rows: Vec<Planned>,
    /// Rows that were left out, and why.
    pub(super) warnings: Vec<String>,
    /// Those of them whose address another contact has.
    pub(super) duplicates: Vec<Finding>,
    /// How many of the first rows change the address of a stored contact; they must be written together.
    pub(super) moving: usize,
    /// Rows that were left out because they have no address. Ordinary and many, so they are only counted.
    pub(super) without_address: usize,
}

/// A fetched contact and the stored one it is.
#[derive(Debug, PartialEq)]
pub(super) struct Planned {
    /// Vendor id.
    pub(super) external_id: i64,
    /// The stored contact; `None` for a new one.
    pub(super) id: Option<i64>,
}

impl Plan {
    /// Leaves out who has no address, and of those with the same one all but the oldest; `fetched` is sorted by age.
    fn leave_doubles(&mut self, provider: &str, fetched: &mut Vec<ContactKey>) {
        let mut out = HashSet::new();
        let mut claimed: HashMap<Cow<'_, str>, i64> = HashMap::with_capacity(fetched.len());
        for contact in fetched.iter() {
            if contact.email.is_none() {
                self.without_address += 1;
                continue;
            }
            match claimed.entry(address(contact)) {
                Entry::Occupied(first) => {
                    let why =
                        format!("contact {} has the address of contact {}", contact.external_id, first.get());
                    let other = Finding::key(provider, first.get());
                    self.leave_duplicate(provider, contact, other, why);
                    out.insert(contact.external_id);
                }
                Entry::Vacant(free) => {
                    free.insert(contact.external_id);
                }
            }
        }
        drop(claimed);
        fetched.retain(|contact| contact.email.is_some() && !out.contains(&contact.external_id));
    }

    /// Leaves a contact out because its address is another's.
    fn leave_duplicate(&mut self, provider: &str, contact: &ContactKey, other: String, why: String) {
        let email = contact.email.as_deref().unwrap_or_default();
        self.warnings.push(why);
        self.duplicates.push(Finding {
            subject: Finding::key(provider, contact.external_id),
            other,
            detail: format!("Two contacts have the address {email}. The second one is not stored."),
            proposal: Some(json!({ "name": contact.name, "email": email })),
        });
    }
}

/// Compares a complete list with what is stored. `gone` are the contacts the vendor confirmed not to have any more:
/// whoever has their address now takes over their row.
pub(super) fn plan(
    provider: &str,
    stored: &[StoredContact],
    mut fetched: Vec<ContactKey>,
    gone: &[i64],
) -> Plan {
    let is_mine = |contact: &StoredContact| *contact.external_source == *provider;
    let owner =
        |contact: &StoredContact| contact.external_id.filter(|id| !is_mine(contact) || !gone.contains(id));
    let mine: HashMap<i64, &StoredContact> = stored
        .iter()
        .filter(|contact| is_mine(contact))
        .filter_map(|contact| Some((owner(contact)?, contact)))
        .collect();

    let mut plan = Plan::default();
    fetched.sort_by_key(|contact| contact.external_id);
    plan.leave_doubles(provider, &mut fetched);
    // Addresses that their present holders give up in this list.
    let moving: HashSet<i64> = fetched
        .iter()
        .filter(|contact| mine.get(&contact.external_id).is_some_and(|mine| *mine.email != *address(contact)))
        .map(|contact| contact.external_id)
        .collect();
    let by_address: HashMap<&str, &StoredContact> =
        stored.iter().map(|contact| (&*contact.email, contact)).collect();
    plan.rows.reserve_exact(fetched.len());
    for contact in &fetched {
        let known = mine.get(&contact.external_id).map(|contact| contact.id);
        let holder = by_address.get(&*address(contact)).filter(|holder| Some(holder.id) != known);
        let id = match holder {
            None => known,
            Some(holder) => match owner(holder) {
                Some(id) if is_mine(holder) && moving.contains(&id) => known,
                // Nobody's row with this address: it is this person, unless that one has a row already.
                None if known.is_none() => Some(holder.id),
                _ => {
                    let why = format!("contact {} has an address that is taken", contact.external_id);
                    let other = match holder.external_id {
                        Some(id) => Finding::key(&holder.external_source, id),
                        None => Finding::key("contact", holder.id),
                    };
                    plan.leave_duplicate(provider, contact, other, why);
                    continue;
                }
            },
        };
        plan.rows.push(Planned { external_id: contact.external_id, id });
    }
    // Who gives up an address goes before whoever takes it; those who exchange theirs meet in the first batch.
    plan.rows.sort_by_key(|row| !moving.contains(&row.external_id));
    plan.moving = plan.rows.partition_point(|row| moving.contains(&row.external_id));
    plan
}

/// The address as addresses are compared; borrowed where it is written so already, as most are.
fn address(contact: &ContactKey) -> Cow<'_, str> {
    let email = contact.email.as_deref().unwrap_or_default();
    let is_lower = email.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { email.into() } else { email.to_lowercase().into() }
}

/// What identifies a contact of the vendor.
pub(super) fn key(contact: &PsaContact) -> ContactKey {
    ContactKey {
        external_id: contact.external_id,
        email: contact.email.as_deref().map(Into::into),
        name: full_name(contact).into(),
    }
}

/// First and last name, else the local part of the address.
pub(super) fn full_name(contact: &PsaContact) -> String {
    let parts: Vec<&str> =
        [&contact.first_name, &contact.last_name].into_iter().flatten().map(String::as_str).collect();
    if !parts.is_empty() {
        return parts.join(" ");
    }
    let email = contact.email.as_deref().unwrap_or_default();
    email.split('@').next().unwrap_or(email).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: &str = "freshservice";

    fn stored(id: i64, external_id: impl Into<Option<i64>>, email: &str) -> StoredContact {
        StoredContact {
            id,
            external_id: external_id.into(),
            external_source: FRESH.into(),
            email: email.into(),
        }
    }

    fn fetched(external_id: i64, email: &str) -> ContactKey {
        ContactKey { external_id, email: Some(email.into()), ..ContactKey::default() }
    }

    #[test]
    fn contacts_are_known_by_id_then_by_address() {
        // stored, fetched, gone → (vendor id, stored id) to write, warnings
        for (case, stored, list, gone, expected, warnings) in [
            ("new", vec![], vec![fetched(1, "a@x")], vec![], vec![(1, None)], 0),
            ("known", vec![stored(10, 1, "a@x")], vec![fetched(1, "A@x")], vec![], vec![(1, Some(10))], 0),
            (
                "new address",
                vec![stored(10, 1, "a@x")],
                vec![fetched(1, "b@x")],
                vec![],
                vec![(1, Some(10))],
                0,
            ),
            (
                "made by hand",
                vec![stored(10, None, "a@x")],
                vec![fetched(1, "a@x")],
                vec![],
                vec![(1, Some(10))],
                0,
            ),
            (
                "made by hand, but known already",
                vec![stored(10, None, "a@x"), stored(11, 1, "b@x")],
                vec![fetched(1, "a@x")],
                vec![],
                vec![],
                1,
            ),
            ("address of another", vec![stored(10, 1, "a@x")], vec![fetched(2, "a@x")], vec![], vec![], 1),
            (
                "address of one that is gone",
                vec![stored(10, 1, "a@x")],
                vec![fetched(2, "a@x")],
                vec![1],
                vec![(2, Some(10))],
                0,
            ),
            (
                "address handed on: the giver goes first",
                vec![stored(10, 1, "z@x"), stored(12, 3, "a@x")],
                vec![fetched(1, "z@x"), fetched(2, "a@x"), fetched(3, "c@x")],
                vec![],
                vec![(3, Some(12)), (1, Some(10)), (2, None)],
                0,
            ),
            (
                "exchanged",
                vec![stored(10, 1, "a@x"), stored(11, 2, "b@x")],
                vec![fetched(1, "b@x"), fetched(2, "a@x")],
                vec![],
                vec![(1, Some(10)), (2, Some(11))],
                0,
            ),
            ("twice", vec![], vec![fetched(2, "a@x"), fetched(1, "a@x")], vec![], vec![(1, None)], 1),
        ] {
            let plan = plan(FRESH, &stored, list, &gone);
            let rows: Vec<_> = plan.rows.iter().map(|row| (row.external_id, row.id)).collect();
            assert_eq!(rows, expected, "{case}");
            assert_eq!(plan.warnings.len(), warnings, "{case}: {:?}", plan.warnings);
            assert_eq!(plan.duplicates.len(), warnings, "{case}: left out is to be decided about");
        }
    }

    #[test]
    fn a_contact_always_has_a_name() {
        let named = |first: Option<&str>, last: Option<&str>| PsaContact {
            first_name: first.map(str::to_owned),
            last_name: last.map(str::to_owned),
            email: Some("jo.doe@acme.example".to_owned()),
            ..PsaContact::default()
        };
        for (contact, name) in [
            (named(Some("Jo"), Some("Doe")), "Jo Doe"),
            (named(None, Some("Doe")), "Doe"),
            (named(None, None), "jo.doe"),
        ] {
            assert_eq!(full_name(&contact), name);
        }
    }
}
