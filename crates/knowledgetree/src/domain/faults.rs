//! Whether a tree is whole: what every store promises, looked at from outside.

use std::collections::{HashMap, HashSet};

use super::{
    files::FileRecord,
    item::ROOT_ID,
    names,
    records::{ItemRecord, Record},
};

/// What is known of an item without its text.
struct Known {
    parent: Option<String>,
    name: String,
    is_folder: bool,
    in_trash: bool,
}

/// Takes the records of a store in the order of a dump, and then says what is wrong with them.
#[derive(Default)]
pub struct Inspection {
    items: HashMap<String, Known>,
    siblings: HashSet<(String, String)>,
    files: HashSet<String>,
    faults: Vec<String>,
}

impl Inspection {
    /// Looks at a record. `has_bytes` says whether the bytes of a file are there.
    pub fn take(&mut self, record: &Record, has_bytes: &dyn Fn(&FileRecord) -> bool) {
        match record {
            Record::Item(item) => self.item(item),
            Record::Version { item_id, version } => {
                self.must_exist(item_id, || format!("version {}", version.version));
            }
            // A link may lead to what is gone: readers see that.
            Record::Link { from, .. } => self.must_exist(from, || "a link".to_owned()),
            Record::File { item_id, file, .. } => {
                self.must_exist(item_id, || format!("the file {}", file.filename));
                if !self.files.insert(file.id.clone()) {
                    self.faults.push(format!("the file {} is there twice", file.id));
                }
                if !has_bytes(file) {
                    let name = file.original_filename.as_deref().unwrap_or(&file.filename);
                    self.faults.push(format!("the file {name} of item {item_id} has no bytes on the disk"));
                }
            }
            Record::CompanyContext { item_id, company_id } => {
                self.must_exist(item_id, || format!("the context of company {company_id}"));
            }
            Record::TicketContext { item_id, number } => {
                self.must_exist(item_id, || format!("the context of ticket {number}"));
            }
            Record::Company { .. } | Record::State { .. } => {}
        }
    }

    fn item(&mut self, item: &ItemRecord) {
        let id = &item.id;
        let in_trash = item.trash_root.is_some();
        if id != ROOT_ID && names::check(&item.name) != Ok(item.name.as_str()) {
            self.faults.push(format!("item {id}: {:?} is no name", item.name));
        }
        if item.is_attached && !item.is_folder {
            self.faults.push(format!("item {id} is an article and attached"));
        }
        match &item.parent_id {
            Some(parent) if !in_trash && !self.siblings.insert((parent.clone(), item.name.clone())) => {
                self.faults
                    .push(format!("item {id}: another item in {parent} is called {:?} too", item.name));
            }
            _ => {}
        }
        let known = Known {
            parent: item.parent_id.clone(),
            name: item.name.clone(),
            is_folder: item.is_folder,
            in_trash,
        };
        if self.items.insert(id.clone(), known).is_some() {
            self.faults.push(format!("item {id} is there twice"));
        }
        let is_top_of_trash = item.trash_root.as_ref() == Some(id);
        let needs_parent = id != ROOT_ID && !is_top_of_trash;
        if needs_parent && item.parent_id.is_none() {
            self.faults.push(format!("item {id} ({}) has no parent", item.name));
        }
        if !needs_parent && item.parent_id.is_some() {
            self.faults.push(format!("item {id} has a parent, and must not"));
        }
    }

    fn must_exist(&mut self, id: &str, whose: impl Fn() -> String) {
        if !self.items.contains_key(id) {
            self.faults.push(format!("{} belongs to item {id}, which is not there", whose()));
        }
    }

    /// Items there are, and what is wrong.
    pub fn end(mut self) -> (usize, Vec<String>) {
        match self.items.get(ROOT_ID) {
            Some(root) if root.is_folder && !root.in_trash => {}
            Some(_) => self.faults.push("the root is no folder of the tree".to_owned()),
            None => self.faults.push("there is no root".to_owned()),
        }
        let mut found = Vec::new();
        // Items from which the root, or the top of a subtree in the trash, has been reached.
        let mut well: HashSet<&str> = HashSet::new();
        for (id, item) in &self.items {
            if let Some(parent) = item.parent.as_deref() {
                match self.items.get(parent) {
                    None => {
                        found.push(format!("item {id} ({}) is in {parent}, which is not there", item.name))
                    }
                    Some(other) if !other.is_folder => {
                        found.push(format!("item {id} ({}) is in {parent}, which is an article", item.name));
                    }
                    Some(other) if other.in_trash != item.in_trash => {
                        found.push(format!(
                            "of item {id} ({}) and its folder {parent} one is in the trash",
                            item.name
                        ));
                    }
                    Some(_) => {}
                }
            }
            let mut way = Vec::new();
            let mut on_it: HashSet<&str> = HashSet::new();
            let mut at = Some(id.as_str());
            while let Some(here) = at.filter(|here| !well.contains(here)) {
                if !on_it.insert(here) {
                    found.push(format!("item {id} ({}) is in itself, by way of {here}", item.name));
                    break;
                }
                way.push(here);
                at = self.items.get(here).and_then(|known| known.parent.as_deref());
            }
            well.extend(way);
        }
        found.sort_unstable();
        self.faults.extend(found);
        (self.items.len(), self.faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, parent: Option<&str>, name: &str) -> ItemRecord {
        ItemRecord {
            id: id.to_owned(),
            parent_id: parent.map(str::to_owned),
            name: name.to_owned(),
            content: String::new(),
            content_format: None,
            is_folder: true,
            is_attached: false,
            read_only: false,
            created_at: None,
            updated_at: None,
            created_by: None,
            updated_by: None,
            version: 1,
            source: None,
            source_id: None,
            source_kind: None,
            sync_run: None,
            trash_root: None,
            former_parent_id: None,
            trashed_at: None,
            trashed_by: None,
            trashed_by_sync: false,
        }
    }

    fn faults(items: Vec<ItemRecord>, more: Vec<Record>) -> Vec<String> {
        let mut inspection = Inspection::default();
        for record in items.into_iter().map(|item| Record::Item(Box::new(item))).chain(more) {
            inspection.take(&record, &|_| false);
        }
        inspection.end().1
    }

    fn root() -> ItemRecord {
        item("root", None, "KnowledgeTree Root")
    }

    #[test]
    fn a_tree_that_is_whole_has_no_faults() {
        let mut gone = item("t", None, "gone");
        gone.trash_root = Some("t".to_owned());
        let below = ItemRecord { trash_root: Some("t".to_owned()), ..item("u", Some("t"), "x") };
        let tree = vec![root(), item("a", Some("root"), "A"), item("b", Some("a"), "B"), gone, below];
        let link = Record::Link { from: "b".to_owned(), to: "nobody".to_owned() };
        assert_eq!(faults(tree, vec![link]), [""; 0]);
    }

    #[test]
    fn every_promise_that_is_broken_is_named() {
        let article = ItemRecord { is_folder: false, is_attached: true, ..item("art", Some("root"), "a") };
        let file = FileRecord {
            id: "f".to_owned(),
            filename: "f.txt".to_owned(),
            original_filename: Some("plan.txt".to_owned()),
            size: None,
            content_type: None,
            uploaded_by: None,
            created_at: None,
            content_hash: None,
        };
        for (items, more, expected) in [
            (vec![], vec![], "there is no root"),
            (vec![root(), item("a", None, "A")], vec![], "item a (A) has no parent"),
            (vec![root(), item("a", Some("x"), "A")], vec![], "item a (A) is in x, which is not there"),
            (
                vec![root(), item("a", Some("root"), "A"), item("b", Some("root"), "A")],
                vec![],
                "called \"A\" too",
            ),
            (vec![root(), item("a", Some("root"), "A/B")], vec![], "\"A/B\" is no name"),
            (vec![root(), item("a", Some("b"), "A"), item("b", Some("a"), "B")], vec![], "is in itself"),
            (vec![root(), root()], vec![], "item root is there twice"),
            (vec![root(), article.clone()], vec![], "is an article and attached"),
            (vec![root(), article, item("b", Some("art"), "B")], vec![], "which is an article"),
            (
                vec![root()],
                vec![Record::TicketContext { number: "7".to_owned(), item_id: "x".to_owned() }],
                "the context of ticket 7 belongs to item x",
            ),
            (
                vec![root()],
                vec![Record::File { item_id: "root".to_owned(), file, text: None }],
                "the file plan.txt of item root has no bytes",
            ),
        ] {
            let found = faults(items, more);
            assert!(found.iter().any(|fault| fault.contains(expected)), "{expected}: {found:?}");
        }
    }
}
