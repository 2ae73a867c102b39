//! Which known platform user is which user of the realm (codex-api.md §13.4).

use std::collections::{HashMap, HashSet};

/// Somebody with an id, a login name and perhaps an address: a row of ours, or a user of the realm.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The realm's id.
    pub id: &'a str,
    /// Login name.
    pub username: &'a str,
    /// E-mail address.
    pub email: Option<&'a str>,
}

/// For each user of the realm the index of the known row: the one with its id, else one that nobody else has and that
/// carries the login name, else the e-mail address. A realm that was set up again gives everybody a new id, and nobody
/// is to lose a preference by that.
pub fn assign(known: &[Person<'_>], users: &[Person<'_>]) -> Vec<Option<usize>> {
    let by_id: HashMap<&str, usize> = known.iter().enumerate().map(|(index, row)| (row.id, index)).collect();
    let mut found: Vec<Option<usize>> = users.iter().map(|user| by_id.get(user.id).copied()).collect();
    let mut taken: HashSet<usize> = found.iter().flatten().copied().collect();
    for same in [same_name, same_address] {
        for (user, slot) in users.iter().zip(&mut found) {
            if slot.is_none() {
                *slot = (0..known.len()).find(|index| !taken.contains(index) && same(&known[*index], user));
                taken.extend(*slot);
            }
        }
    }
    found
}

fn same_name(a: &Person<'_>, b: &Person<'_>) -> bool {
    a.username.to_lowercase() == b.username.to_lowercase()
}

fn same_address(a: &Person<'_>, b: &Person<'_>) -> bool {
    a.email.zip(b.email).is_some_and(|(a, b)| !a.is_empty() && a.to_lowercase() == b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn person<'a>(id: &'a str, username: &'a str, email: &'a str) -> Person<'a> {
        let email = if email.is_empty() { None } else { Some(email) };
        Person { id, username, email }
    }

    #[test]
    fn the_id_counts_first_then_the_name_then_the_address() {
        let known = [
            person("1", "ada", "ada@x.example"),
            person("old", "Bo", ""),
            person("gone", "cy.old", "Cy@x.example"),
            person("2", "dee", ""),
        ];
        let users = [
            // Has the id of one and the name of another: the id counts.
            person("1", "dee", ""),
            person("new-bo", "bo", ""),
            person("new-cy", "cy", "cy@x.example"),
            person("2", "dee2", ""),
            // Nobody is everybody without an address.
            person("3", "eve", ""),
        ];
        assert_eq!(assign(&known, &users), [Some(0), Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn one_row_belongs_to_one_user() {
        let known = [person("old", "ada", "team@x.example")];
        let users = [person("a", "bo", "team@x.example"), person("b", "ada", "")];
        assert_eq!(assign(&known, &users), [None, Some(0)], "the name counts more");
    }
}
