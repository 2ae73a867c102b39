//! Searching: what is asked, what is found, and how a text of a person becomes a query that no input can break (§6 "Search
//! escaping").

pub mod lucene;
pub mod snippet;
pub mod tsquery;
pub mod words;

use super::{
    item::{Named, Visibility},
    listing::Child,
};
pub use snippet::Snippet;

/// Hits where nobody says how many.
pub const DEFAULT_LIMIT: usize = 20;
/// Most hits of one answer.
pub const MAX_LIMIT: usize = 100;

/// What to look for.
#[derive(Clone, Debug)]
pub struct SearchQuery<'a> {
    /// What was typed.
    pub text: &'a str,
    /// Only in and below this item; an unknown one finds nothing.
    pub start: &'a str,
    /// Most hits, 1 to [`MAX_LIMIT`].
    pub limit: usize,
    /// Folders too, by their names.
    pub include_folders: bool,
    /// Only this kind of item.
    pub kind: Option<HitKind>,
    /// Only in attached folders (true), or only outside them (false).
    pub attached: Option<bool>,
    /// Only in what belongs to the company with this id or account number.
    pub company: Option<&'a str>,
    /// What the reader may see.
    pub visibility: Visibility,
}

impl<'a> SearchQuery<'a> {
    /// Articles of the whole tree.
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            start: super::item::ROOT_ID,
            limit: DEFAULT_LIMIT,
            include_folders: false,
            kind: None,
            attached: None,
            company: None,
            visibility: Visibility::All,
        }
    }
}

/// Kinds that a search can be narrowed to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HitKind {
    /// Folders; [`SearchQuery::include_folders`] is not needed.
    Folder,
    /// Articles of people.
    Article,
    /// Contact cards.
    Contact,
    /// Devices.
    Asset,
    /// Tickets.
    Ticket,
}

/// How well a hit fits. Better ones stand before all others.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Match {
    /// Every word is there, the last one at least as a beginning.
    Words,
    /// A part of the name is the text.
    NamePart,
    /// Words nearly like those.
    Nearly,
}

/// Something found.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchHit {
    /// The item.
    pub item: Child,
    /// From the root to the item, both included.
    pub path: Vec<Named>,
    /// Comparable within one answer and one kind of match; larger is better.
    pub score: f64,
    /// How well it fits.
    pub matched: Match,
    /// The place in the text; none where only the name fits.
    pub snippet: Option<Snippet>,
    /// The file of the item in which it was found.
    pub file: Option<Named>,
}
