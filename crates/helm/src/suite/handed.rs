//! What root gave the units last. Helm's account may read nobody's environment but its own, so it compares digests to tell
//! who runs with other settings than there are now.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::{Prepared, prepared_by_root};
use crate::{
    domain::{operator::ADMIN_PASSWORD, status::UnitKind},
    instance::{Layout, files, foreign, operator, secrets::sha256},
};

/// Digest by variable by service.
type Noted = BTreeMap<String, BTreeMap<String, String>>;

/// The environment of every unit that has one, and Helm's own.
pub(super) fn environments(prepared: &Prepared) -> impl Iterator<Item = (&str, &BTreeMap<String, String>)> {
    let services = prepared.units.iter().filter(|unit| unit.kind == UnitKind::Service);
    services.map(|unit| (unit.name.as_str(), &unit.env)).chain([("helm", &prepared.own_environment)])
}

fn digests(environment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    // It came from root's shell and is not known to anybody afterwards.
    let lasting = environment.iter().filter(|(name, _)| *name != ADMIN_PASSWORD);
    lasting.map(|(name, value)| (name.clone(), sha256(value.as_bytes()))).collect()
}

/// Notes what the units are given.
///
/// # Errors
/// When the note cannot be written.
pub fn note(prepared: &Prepared) -> Result<()> {
    let noted: Noted = environments(prepared)
        .map(|(service, environment)| (service.to_owned(), digests(environment)))
        .collect();
    files::write_json(&prepared.layout.handed(), &noted)
}

/// Services that would be given other settings now, with the names of the variables. A foreign one whose own lines this
/// account may not read is left out.
///
/// # Errors
/// When the instance is not prepared, or a file cannot be read.
pub fn outdated(layout: &Layout) -> Result<BTreeMap<String, Vec<String>>> {
    let noted: Noted = files::read_json(&layout.handed())?.unwrap_or_default();
    let prepared = prepared_by_root(layout, &operator::lasting(layout)?)?;
    let known = environments(&prepared).filter(|(service, _)| {
        prepared.registry.get(service).is_none_or(|entry| foreign::lines_are_readable(layout, entry))
    });
    Ok(known
        .map(|(service, environment)| {
            (service.to_owned(), differing(noted.get(service), &digests(environment)))
        })
        .filter(|(_, variables)| !variables.is_empty())
        .collect())
}

fn differing(before: Option<&BTreeMap<String, String>>, now: &BTreeMap<String, String>) -> Vec<String> {
    let nothing = BTreeMap::new();
    let before = before.unwrap_or(&nothing);
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != now.get(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn changed_new_and_missing_variables_differ_and_the_first_password_does_not() {
        let before = digests(&environment(&[("A", "1"), ("B", "2"), (ADMIN_PASSWORD, "secret"), ("D", "4")]));
        assert!(!before.values().any(|digest| digest == "1") && !before.contains_key(ADMIN_PASSWORD));
        for (now, expected) in [
            (&[("A", "1"), ("B", "2"), ("D", "4")][..], &[][..]),
            (&[("A", "1"), ("B", "3"), ("C", ""), ("D", "4")], &["B", "C"]),
            (&[("A", "1"), ("B", "2")], &["D"]),
        ] {
            assert_eq!(differing(Some(&before), &digests(&environment(now))), expected);
        }
        assert_eq!(differing(None, &digests(&environment(&[("A", "1")]))), ["A"]);
    }
}
