//! What several pages have in common: who reads, where things are, and how sizes and times are put.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    auth::{self, ActingUser, PermissionLevel},
    pages::Page,
};
use http::request::Parts;

pub use hivematrix_shared::pages::format::Moment;

use crate::{
    domain::{item::Visibility, listing::Child},
    routes::access,
};

/// The cookie in which a page notes how its reader wants lists, so that the next one comes like that. Codex keeps the choice.
const VIEW_COOKIE: &str = "knowledgetree_view";

/// A page and who reads it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// What a page knows of its request.
    pub page: Page,
    /// Level of the reader.
    pub level: PermissionLevel,
}

impl Frame {
    /// Of a request.
    pub fn new(page: &Page, user: &ActingUser) -> Self {
        Self { page: page.clone(), level: user.permission_level }
    }

    /// Whether the reader may change something (§16 W2).
    pub fn may_edit(&self) -> bool {
        self.level.may_edit()
    }

    /// Whether the reader may see former states, who wrote them, and the trash.
    pub fn is_staff(&self) -> bool {
        self.level.is_staff()
    }

    /// Whether the reader may see the administration.
    pub fn is_admin(&self) -> bool {
        self.level == PermissionLevel::Admin
    }

    /// What the reader may see of the tree (§16 W2).
    pub fn visibility(&self) -> Visibility {
        access::visible_to(Some(self.level))
    }
}

/// How a list of items is drawn.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ListView {
    /// Tiles.
    #[default]
    Grid,
    /// Rows; `tree` in Codex' words.
    List,
    /// Rows whose folders open in place.
    Hierarchy,
}

impl ListView {
    /// As Codex calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::List => "tree",
            Self::Hierarchy => "hierarchy",
        }
    }

    /// From Codex' word; tiles for any other.
    pub fn of(name: &str) -> Self {
        match name {
            "tree" => Self::List,
            "hierarchy" => Self::Hierarchy,
            _ => Self::Grid,
        }
    }

    /// Classes of the list.
    pub fn classes(self) -> &'static str {
        match self {
            Self::Grid => "kt-files",
            Self::List | Self::Hierarchy => "kt-files kt-files--list",
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ListView {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&auth::cookie(&parts.headers, VIEW_COOKIE).unwrap_or_default()))
    }
}

/// The icon of an item.
pub fn icon_of(is_folder: bool, is_attached: bool) -> &'static str {
    match (is_folder, is_attached) {
        (true, true) => "link",
        (true, false) => "folder",
        (false, _) => "file-text",
    }
}

/// What kind of item that is, in words.
pub fn kind_of(is_folder: bool, is_attached: bool) -> &'static str {
    match (is_folder, is_attached) {
        (true, true) => "Attached folder",
        (true, false) => "Folder",
        (false, _) => "Article",
    }
}

/// `1 item`, `12 items`.
pub fn items(count: usize) -> String {
    counted(count, "item")
}

/// `1 file`, `12 files`.
pub fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// A size for people: `0 bytes`, `980 bytes`, `12 KB`, `3.4 MB`.
pub fn size_words(bytes: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size in words has two digits")]
    let bytes_f = bytes as f64;
    match bytes {
        1 => "1 byte".to_owned(),
        ..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{:.0} KB", (bytes_f / 1000.0).max(1.0)),
        _ => format!("{:.1} MB", bytes_f / 1_000_000.0),
    }
}

/// An item of a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Folder or article.
    pub is_folder: bool,
    /// Attached folder.
    pub is_attached: bool,
    /// Protected.
    pub read_only: bool,
    /// Where it leads.
    pub href: String,
    /// When it last changed.
    pub updated: Option<Moment>,
    /// Who changed it last.
    pub by: Option<String>,
}

impl Row {
    /// A child of a folder. `href` leads to it.
    pub fn new(child: Child, href: String) -> Self {
        Self {
            href,
            updated: Moment::maybe(child.updated_at),
            by: child.updated_by,
            id: child.id,
            name: child.name,
            is_folder: child.is_folder,
            is_attached: child.is_attached,
            read_only: child.read_only,
        }
    }

    /// Its icon.
    pub fn icon(&self) -> &'static str {
        icon_of(self.is_folder, self.is_attached)
    }

    /// Its kind, in words.
    pub fn kind(&self) -> &'static str {
        kind_of(self.is_folder, self.is_attached)
    }
}

/// A moment and who did it, for a line under an article.
#[derive(Clone, Debug)]
pub struct Deed {
    /// When, where that is known.
    pub at: Option<Moment>,
    /// Who, where that is known and the reader may know.
    pub by: Option<String>,
}

impl Deed {
    /// Nothing where neither is known.
    pub fn of(at: Option<DateTime<Utc>>, by: Option<&str>, is_staff: bool) -> Option<Self> {
        let by = by.filter(|by| is_staff && !by.is_empty()).map(ToOwned::to_owned);
        (at.is_some() || by.is_some()).then(|| Self { at: Moment::maybe(at), by })
    }
}

/// The HTML of an article without attributes that the pages' policy forbids: each `style` becomes `data-style`, whose looks the
/// page's script sets. `html` is sanitised, so that a tag ends at the first `>` outside of quotes.
pub fn without_styles(html: &str) -> String {
    const STYLE: &str = " style=\"";
    let mut written = String::with_capacity(html.len() + 64);
    let (mut in_tag, mut in_quotes) = (false, false);
    for (at, letter) in html.char_indices() {
        match letter {
            '<' if !in_tag => in_tag = true,
            '>' if in_tag && !in_quotes => in_tag = false,
            '"' if in_tag => in_quotes = !in_quotes,
            ' ' if in_tag && !in_quotes && html[at..].starts_with(STYLE) => {
                written.push_str(" data-");
                continue;
            }
            _ => {}
        }
        written.push(letter);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_put_as_people_say_them() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1000, "1 KB"),
            (12_345, "12 KB"),
            (52_428_800, "52.4 MB"),
        ] {
            assert_eq!(size_words(bytes), words);
        }
        assert_eq!((items(0), items(1), items(2)), ("0 items".into(), "1 item".into(), "2 items".into()));
    }

    #[test]
    fn only_attributes_lose_their_name_not_texts_or_values() {
        for (html, written) in [
            ("<p style=\"color:red\">a</p>", "<p data-style=\"color:red\">a</p>"),
            (
                "<p>say style=\"x\" or <b>y</b> style=\"z\"</p>",
                "<p>say style=\"x\" or <b>y</b> style=\"z\"</p>",
            ),
            ("<a title=\"1 > 0 style=\">x</a>", "<a title=\"1 > 0 style=\">x</a>"),
            ("<img alt=\"ü\" style=\"width:50%\">ü", "<img alt=\"ü\" data-style=\"width:50%\">ü"),
            ("", ""),
        ] {
            assert_eq!(without_styles(html), written);
        }
    }

    #[test]
    fn a_view_is_called_as_codex_calls_it() {
        for view in [ListView::Grid, ListView::List, ListView::Hierarchy] {
            assert_eq!(ListView::of(view.name()), view);
        }
        assert_eq!(ListView::of("list"), ListView::Grid, "Codex knows no such word");
    }

    #[test]
    fn a_client_sees_no_names_and_no_companies() {
        let client = Frame { level: PermissionLevel::Client, ..Frame::default() };
        assert_eq!(client.visibility(), Visibility::WithoutCompanies);
        assert!(!client.may_edit() && !client.is_staff());
        assert!(Deed::of(None, Some("amy"), client.is_staff()).is_none());
        assert_eq!(Deed::of(None, Some("amy"), true).unwrap().by.as_deref(), Some("amy"));
    }
}
