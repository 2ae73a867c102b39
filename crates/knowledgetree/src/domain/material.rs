//! What the context text of an item is made of (§8.3).

use super::{
    files::FileRecord,
    item::{ContentFormat, Named},
};

/// What to collect.
#[derive(Clone, Copy, Debug)]
pub struct MaterialQuery<'a> {
    /// Attached folders to leave out.
    pub excluded: &'a [String],
    /// Bytes of text after which no further article is read. The one that passes the limit is the last.
    pub limit_bytes: usize,
}

/// The way to an item and the articles along it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContextMaterial {
    /// From the root to the item.
    pub path: Vec<ContextStep>,
    /// Files of the item itself, by original name.
    pub files: Vec<FileRecord>,
    /// Whether all articles are there, none left out for the limit.
    pub complete: bool,
}

/// An item on the way, with the articles that stand beside the next one.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextStep {
    /// The item.
    pub item: Named,
    /// First its own articles by name, then those of its attached folders by folder and name. An article stands in one place
    /// only: with its own parent where that is on the way, else with the first step that has it.
    pub articles: Vec<ContextArticle>,
}

/// An article.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextArticle {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Text.
    pub content: String,
    /// How it is written.
    pub content_format: Option<ContentFormat>,
    /// The attached folder through which it belongs here.
    pub attached_folder: Option<Named>,
}

/// The articles of a subtree.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubtreeMaterial {
    /// The articles with the names from the subtree's own (its first) to the folder they are in; a folder's articles stand
    /// before those of its folders, all by name.
    pub articles: Vec<(Vec<String>, ContextArticle)>,
    /// Whether all articles are there, none left out for the limit.
    pub complete: bool,
}
