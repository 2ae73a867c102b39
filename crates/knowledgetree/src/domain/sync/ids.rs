//! Ids and names of synced items (knowledgetree.md §9.1, §16 W25).

use std::collections::HashSet;

use crate::domain::names;

/// The id of an item below that parent, as upstream makes it: `root_Companies_Acme_Corp`. It is a proposal for new
/// items only; what is there keeps the id it has.
pub fn node_id(parent_id: &str, name: &str) -> String {
    format!("{parent_id}_{}", name.replace([' ', '/'], "_"))
}

/// An id that nobody has: [`node_id`], and where that is taken (`A B` and `A_B` make the same) with the id of the
/// source behind it.
pub fn assign_id(parent_id: &str, name: &str, source_id: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let plain = node_id(parent_id, name);
    if !is_taken(&plain) {
        return plain;
    }
    let own = node_id(&plain, source_id);
    (1..)
        .map(|number| if number == 1 { own.clone() } else { format!("{own}_{number}") })
        .find(|id| !is_taken(id))
        .unwrap_or(own)
}

/// A synced item that looks for a name.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its id in the source.
    pub source_id: &'a str,
    /// The name it has there.
    pub name: &'a str,
    /// What its name ends with here, such as `.md`.
    pub ending: &'static str,
    /// Its name when it has none there.
    pub otherwise: &'static str,
}

/// Names for the synced children of one folder, in the order in which they are given: each the name of its source as
/// far as it can be one, and no two the same. Of several with one name the one with the least id keeps it and the
/// others get their id behind it, so that a new namesake changes nobody else's. `taken` are names that people's items
/// have there.
pub fn assign_names(wanted: &[Wanted<'_>], taken: &HashSet<String>) -> Vec<String> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| names::cmp_names(wanted[*a].source_id, wanted[*b].source_id).then(a.cmp(b)));
    let plain = |one: &Wanted<'_>| names::synced(one.name, one.ending, one.otherwise);
    let mut used: HashSet<String> = taken.clone();
    let mut assigned = vec![String::new(); wanted.len()];
    let mut later = Vec::new();
    for index in order {
        let name = plain(&wanted[index]);
        if used.insert(name.clone()) {
            assigned[index] = name;
        } else {
            later.push(index);
        }
    }
    for index in later {
        let one = &wanted[index];
        let mut number = 1;
        assigned[index] = loop {
            let behind = if number == 1 { String::new() } else { format!(" {number}") };
            let ending = names::synced(&format!("({}{behind})", one.source_id), "", "(?)");
            let room = names::MAX_CHARS.saturating_sub(ending.chars().count() + 1 + one.ending.len());
            let stem: String = names::synced(one.name, "", one.otherwise).chars().take(room).collect();
            let name = format!("{} {ending}{}", stem.trim_end(), one.ending);
            if used.insert(name.clone()) {
                break name;
            }
            number += 1;
        };
    }
    assigned
}
