//! Whether two stores hold the same.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::records::Record;

/// What names a record within its store, and of which kind it is.
type Name = (&'static str, String);

/// Records of a store by their names, each with a short hash of all it holds: enough to find any that differs, and small enough for
/// a hundred thousand of them.
#[derive(Debug, Default)]
pub struct Fingerprints(HashMap<Name, [u8; 16]>);

impl Fingerprints {
    /// Notes a record.
    pub fn add(&mut self, record: &Record) {
        // A record is text, numbers and times: writing it cannot fail. One that did would differ from every other.
        let text = serde_json::to_vec(record).unwrap_or_default();
        let mut short = [0; 16];
        short.copy_from_slice(&digest(&SHA256, &text).as_ref()[..16]);
        self.0.insert(name_of(record), short);
    }

    /// The kind of each record.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().map(|(kind, _)| *kind)
    }
}

fn name_of(record: &Record) -> Name {
    match record {
        Record::Item(item) => ("item", item.id.clone()),
        Record::Version { item_id, version } => ("version", format!("{item_id} {}", version.version)),
        Record::Link { from, to } => ("link", format!("{from} to {to}")),
        Record::File { file, .. } => ("file", file.id.clone()),
        Record::Company { id, .. } => ("company", id.clone()),
        Record::CompanyContext { company_id, item_id } => {
            ("company context", format!("{company_id} {item_id}"))
        }
        Record::TicketContext { number, item_id } => ("ticket context", format!("{number} {item_id}")),
        Record::State { key, .. } => ("state", key.clone()),
    }
}

/// Where two stores differ, a line for each record, in the order of names.
pub fn differences(source: &Fingerprints, target: &Fingerprints) -> Vec<String> {
    let mut found = Vec::new();
    for ((kind, name), hash) in &source.0 {
        match target.0.get(&(*kind, name.clone())) {
            Some(other) if other == hash => {}
            Some(_) => found.push(format!("{kind} {name} is another one in the target")),
            None => found.push(format!("{kind} {name} is missing in the target")),
        }
    }
    for (kind, name) in target.0.keys() {
        if !source.0.contains_key(&(*kind, name.clone())) {
            found.push(format!("{kind} {name} is in the target only"));
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(key: &str, value: &str) -> Record {
        Record::State { key: key.to_owned(), value: value.to_owned() }
    }

    fn of(records: &[Record]) -> Fingerprints {
        let mut all = Fingerprints::default();
        records.iter().for_each(|record| all.add(record));
        all
    }

    #[test]
    fn whatever_differs_is_named_and_the_order_does_not_matter() {
        let link = |to: &str| Record::Link { from: "a".to_owned(), to: to.to_owned() };
        let source = of(&[state("x", "1"), link("b"), state("y", "2")]);
        assert_eq!(differences(&source, &of(&[state("y", "2"), state("x", "1"), link("b")])), [""; 0]);
        let target = of(&[state("x", "3"), link("c"), state("y", "2")]);
        assert_eq!(
            differences(&source, &target),
            [
                "link a to b is missing in the target",
                "link a to c is in the target only",
                "state x is another one in the target"
            ]
        );
    }
}
