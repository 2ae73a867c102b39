//! Planned items as the store takes them.

use crate::domain::{
    names,
    sync::{Key, Planned, Source},
    synced::{SourceKind, SyncParent, SyncedItem},
};

/// A planned item. `parent` stands for the parent where that is of another source.
pub(super) fn synced(planned: Planned, parent: Option<&str>) -> SyncedItem {
    let second_name = second_name(&planned);
    let parent = match (parent, &planned.parent) {
        (Some(id), _) => SyncParent::Item(id.to_owned()),
        (None, Some(key)) => SyncParent::Synced(source_id(key)),
        (None, None) => SyncParent::Root,
    };
    SyncedItem {
        source_id: source_id(&planned.key),
        kind: kind(planned.key.source),
        parent,
        second_name,
        name: planned.name,
        is_folder: planned.is_folder,
        is_attached: planned.is_attached,
        read_only: planned.read_only,
        content: planned.content,
    }
}

/// What an item is known by in its source: `company:100001`, `contact_card:100001/8`.
pub(super) fn source_id(key: &Key) -> String {
    let what = key.source.as_str();
    let what = what.strip_prefix("codex:").unwrap_or(what);
    if key.id.is_empty() { what.to_owned() } else { format!("{what}:{}", key.id) }
}

fn kind(source: Source) -> SourceKind {
    match source {
        Source::Companies | Source::Users | Source::Assets | Source::Tickets => SourceKind::Group,
        Source::Company => SourceKind::Company,
        Source::Contact => SourceKind::Person,
        Source::ContactCard => SourceKind::Contact,
        Source::Asset => SourceKind::Asset,
        Source::Ticket => SourceKind::Ticket,
    }
}

/// The name with the id behind it, for where a sibling has the plain one.
fn second_name(planned: &Planned) -> String {
    let ending = if planned.is_folder { "" } else { ".md" };
    let stem = planned.name.strip_suffix(ending).unwrap_or(&planned.name);
    let id = planned.key.id.rsplit('/').next().unwrap_or_default();
    let behind = names::synced(&format!("({id})"), "", "(?)");
    let room = names::MAX_CHARS.saturating_sub(behind.chars().count() + 1 + ending.len());
    let stem: String = stem.chars().take(room).collect();
    format!("{} {behind}{ending}", stem.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sync::{
        companies_folder, company,
        input::{Asset, Company, Contact},
    };

    #[test]
    fn items_know_their_source_their_parent_and_another_name() {
        let acme = Company { account_number: Some("C/1".to_owned()), ..Company::default() };
        let jane = Contact { id: Some("8".to_owned()), name: Some("Jane".to_owned()), ..Contact::default() };
        let host = Asset { id: Some("4".to_owned()), hostname: Some("h".repeat(300)), ..Asset::default() };
        let plan = company(&acme, "Acme", &[jane], &[host]).unwrap();
        let items: Vec<SyncedItem> =
            [vec![companies_folder()], plan].concat().into_iter().map(|item| synced(item, None)).collect();
        let rows: Vec<String> = items
            .iter()
            .map(|item| {
                format!(
                    "{} in {:?}: {}",
                    item.source_id,
                    item.parent,
                    item.second_name.chars().rev().take(14).collect::<String>()
                )
            })
            .collect();
        assert_eq!(rows.len(), 7);
        assert_eq!(items[0].parent, SyncParent::Root);
        assert_eq!(items[0].source_id, "companies");
        assert_eq!((items[1].source_id.as_str(), items[1].second_name.as_str()), ("company:C/1", "Acme (1)"));
        assert_eq!(items[1].parent, SyncParent::Synced("companies".to_owned()));
        assert_eq!(items[5].source_id, "contact_card:C/1/8");
        assert_eq!((items[5].second_name.as_str(), items[5].kind), ("Contact (8).md", SourceKind::Contact));
        let device = &items[6];
        assert!(
            device.second_name.ends_with("h (4).md")
                && device.second_name.chars().count() <= names::MAX_CHARS
        );
        assert_eq!(names::check(&device.second_name), Ok(device.second_name.as_str()));
    }
}
