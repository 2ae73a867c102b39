//! The page of a folder or an article (§12).

use askama::Template;
use axum::response::{Html, IntoResponse};

use super::{
    article::Article,
    errors::PageResult,
    parts::{Frame, ListView, Row, items, without_styles},
};
use crate::{
    domain::{
        item::{Item, ROOT_CONTENT, ROOT_ID},
        listing::Listing,
        paths,
    },
    routes::api::text,
};

/// Items of one folder that are drawn at once; a link leads to the next.
pub const DRAWN: usize = 500;

/// What is to be shown.
pub struct Shown {
    /// The page and its reader.
    pub frame: Frame,
    /// How lists are drawn.
    pub view: ListView,
    /// The folder.
    pub listing: Listing,
    /// The article that is open in it.
    pub article: Option<Article>,
    /// The root, for its own text.
    pub welcome: Option<Item>,
    /// Items before the first one shown.
    pub from: usize,
}

/// A step of the way to an item.
pub struct Step {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Its page.
    pub href: String,
}

#[derive(Template)]
#[template(path = "explorer/page.html")]
struct ExplorerPage {
    page: hivematrix_shared::pages::Page,
    frame: Frame,
    view: ListView,
    /// Id of the folder.
    node_id: String,
    /// Its name.
    node_name: String,
    /// Its path for people.
    path: String,
    /// Path of its parent; the root's is the root.
    parent_path: String,
    /// From the root to the folder.
    steps: Vec<Step>,
    rows: Vec<Row>,
    /// All items of the folder.
    total: usize,
    /// The next items: address and how many.
    more: Option<(String, usize)>,
    /// The items before these.
    before: Option<String>,
    article: Option<Article>,
    /// The root's own text, sanitised.
    welcome: Option<String>,
}

impl ExplorerPage {
    fn title(&self) -> &str {
        match &self.article {
            Some(article) => &article.name,
            None if self.node_id == ROOT_ID => "Knowledge Base",
            None => &self.node_name,
        }
    }

    fn count_words(&self) -> String {
        items(self.total)
    }

    fn is_view(&self, name: &str) -> bool {
        self.view.name() == name
    }
}

/// Draws the page.
///
/// # Errors
/// When it cannot be drawn.
pub async fn drawn(shown: Shown) -> PageResult {
    let Shown { frame, view, listing, article, welcome, from } = shown;
    let prefix = frame.page.prefix.as_str();
    let names: Vec<&str> = listing.breadcrumbs.iter().skip(1).map(|step| step.name.as_str()).collect();
    let here = paths::browse_url(prefix, &names);
    let steps = listing
        .breadcrumbs
        .iter()
        .enumerate()
        .map(|(place, step)| Step {
            id: step.id.clone(),
            name: if place == 0 { "Root".to_owned() } else { step.name.clone() },
            href: paths::browse_url(prefix, &names[..place]),
        })
        .collect();
    let total = listing.children.len();
    // A stale address shows the beginning, not nothing.
    let from = if from < total { from } else { 0 };
    let folder = here.trim_end_matches('/').to_owned();
    let rows: Vec<Row> = listing
        .children
        .into_iter()
        .skip(from)
        .take(DRAWN)
        .map(|child| {
            let href = if child.is_folder {
                format!("{folder}/{}", paths::encode(&child.name))
            } else {
                paths::view_url(prefix, &child.id)
            };
            Row::new(child, href)
        })
        .collect();
    let rest = total.saturating_sub(from + rows.len());
    let welcome = match welcome {
        Some(root) => welcome_html(root).await?,
        None => None,
    };
    let html = ExplorerPage {
        page: frame.page.clone(),
        view,
        path: paths::api_path(&names),
        parent_path: paths::api_path(names.split_last().map_or(&[][..], |(_, folder)| folder)),
        more: (rest > 0).then(|| (format!("{here}?from={}", from + DRAWN), rest.min(DRAWN))),
        before: (from > 0).then(|| format!("{here}?from={}", from.saturating_sub(DRAWN))),
        steps,
        rows,
        total,
        article,
        welcome,
        node_id: listing.item.id,
        node_name: listing.item.name,
        frame,
    }
    .render()?;
    Ok(Html(html).into_response())
}

/// The root's text, unless it is what every new root says: the page has that heading already.
async fn welcome_html(root: Item) -> PageResult<Option<String>> {
    let said = root.content.trim();
    if said.is_empty() || said == ROOT_CONTENT {
        return Ok(None);
    }
    let format = root.content_format.unwrap_or_default();
    Ok(Some(without_styles(&text::render(format, root.content, true).await?.html)))
}
