//! Rules that both stores apply in their transactions.

use std::collections::HashSet;

use super::{Result, StoreError};
use crate::domain::{
    item::{Item, ItemChange, NewContent, ROOT_ID},
    order::{MAX_DEPTH, storable},
    records::ImportRow,
    synced::SyncedItem,
};

/// An error where two items have one id at their source.
pub(super) fn each_once(items: &[SyncedItem]) -> Result<()> {
    let mut seen = HashSet::new();
    match items.iter().find(|item| !seen.insert(item.source_id.as_str())) {
        Some(twice) => Err(StoreError::Invalid(format!("{} was handed over twice", twice.source_id))),
        None => Ok(()),
    }
}

/// Names for a synced item, the best first.
pub(super) fn second_names(item: &SyncedItem) -> impl Iterator<Item = String> {
    let numbered = (2..1000).map(|number| format!("{} {number}", item.second_name));
    [item.name.clone(), item.second_name.clone()].into_iter().chain(numbered)
}

/// Id of a new synced item (§9.1).
pub(super) fn synced_id(parent_id: &str, name: &str) -> String {
    format!("{parent_id}_{name}").replace([' ', '/'], "_")
}

/// The same with something added, for one whose id is taken.
pub(super) fn unlike_id(id: &str, source_id: &str) -> String {
    let added: String =
        source_id.chars().map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect();
    format!("{id}_{added}_{}", &uuid::Uuid::new_v4().simple().to_string()[..8])
}

/// The error for a tree that gets too deep.
pub(super) fn too_deep() -> StoreError {
    StoreError::Invalid(format!("Folders can be nested at most {MAX_DEPTH} deep"))
}

/// The item as it is to be, version and times aside.
pub(super) fn wanted(current: &Item, change: &ItemChange) -> Result<Item> {
    let mut wanted = current.clone();
    if let Some(name) = &change.name {
        wanted.name.clone_from(name);
    }
    if let Some(content) = change.content.as_ref().filter(|_| !current.is_folder || current.id == ROOT_ID) {
        let text = storable(&content.text);
        // No format means Markdown; saying so is no change.
        if text != current.content || content.format != current.content_format.unwrap_or_default() {
            wanted.content = text;
            wanted.content_format = Some(content.format);
        }
    }
    if let Some(is_attached) = change.is_attached.filter(|_| current.is_folder) {
        wanted.is_attached = is_attached;
    }
    let root_changes = wanted.name != current.name || wanted.is_attached != current.is_attached;
    if current.id == ROOT_ID && root_changes { Err(StoreError::Root) } else { Ok(wanted) }
}

/// Rows of an import so that parents come first.
pub(super) fn import_order(rows: &[ImportRow]) -> Result<Vec<&ImportRow>> {
    let mut rows: Vec<&ImportRow> = rows.iter().collect();
    rows.sort_by(|a, b| a.path.cmp(&b.path));
    match rows.windows(2).find(|pair| pair[0].path == pair[1].path) {
        Some(pair) => Err(StoreError::Invalid(format!("{} is there twice", pair[0].path.join("/")))),
        None => Ok(rows),
    }
}

/// An item as an import wants it; none where it is so already.
pub(super) fn imported(current: &Item, row: &ImportRow) -> Result<Option<Item>> {
    let shown = row.path.join("/");
    if current.is_folder != row.is_folder {
        let (is, wanted) = if row.is_folder { ("an article", "a folder") } else { ("a folder", "an article") };
        return Err(StoreError::Invalid(format!("{shown} is {is}, not {wanted}")));
    }
    if row.is_reference {
        return Ok(None);
    }
    if current.read_only {
        return Err(StoreError::ReadOnly { id: current.id.clone() });
    }
    let content = NewContent { text: row.content.clone(), format: row.content_format, links: Vec::new() };
    let change = ItemChange { name: None, content: Some(content), is_attached: Some(row.is_attached) };
    let wanted = wanted(current, &change)?;
    Ok((wanted != *current).then_some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::item::ContentFormat;

    fn item(id: &str, is_folder: bool) -> Item {
        Item {
            id: id.to_owned(),
            parent_id: None,
            name: "a".to_owned(),
            content: String::new(),
            content_format: None,
            is_folder,
            is_attached: false,
            read_only: false,
            created_at: None,
            updated_at: None,
            created_by: None,
            updated_by: None,
            version: 1,
            source: None,
        }
    }

    fn text(text: &str, format: ContentFormat) -> ItemChange {
        let content = NewContent { text: text.to_owned(), format, links: vec![] };
        ItemChange { content: Some(content), ..ItemChange::default() }
    }

    #[test]
    fn folders_have_no_text_and_articles_are_not_attached() {
        let (folder, article) = (item("f", true), item("a", false));
        assert_eq!(wanted(&folder, &text("x", ContentFormat::Markdown)).unwrap(), folder);
        let attach = ItemChange { is_attached: Some(true), ..ItemChange::default() };
        assert_eq!(wanted(&article, &attach).unwrap(), article);
        assert!(wanted(&folder, &attach).unwrap().is_attached);
    }

    #[test]
    fn of_the_root_only_the_text_changes() {
        let root = item(ROOT_ID, true);
        assert_eq!(wanted(&root, &text("x", ContentFormat::Html)).unwrap().content, "x");
        let name = ItemChange { name: Some("b".to_owned()), ..ItemChange::default() };
        assert!(matches!(wanted(&root, &name), Err(StoreError::Root)));
    }

    #[test]
    fn saying_that_markdown_is_markdown_changes_nothing() {
        let article = item("a", false);
        assert_eq!(wanted(&article, &text("", ContentFormat::Markdown)).unwrap(), article);
        assert_eq!(wanted(&article, &text("a\0b", ContentFormat::Markdown)).unwrap().content, "ab");
        let html = wanted(&article, &text("", ContentFormat::Html)).unwrap();
        assert_eq!(html.content_format, Some(ContentFormat::Html));
    }
}
