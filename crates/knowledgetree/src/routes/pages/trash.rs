//! `GET /trash`: what was deleted and can be had back (§6 "Trash").

use askama::Template;
use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use hivematrix_shared::{auth::UserOnly, pages::Page, problem::Problem};

use super::{
    errors::{Asked, PageResult},
    parts::{Frame, Moment, icon_of, items},
};
use crate::{
    KnowledgeTree,
    domain::{paths, trash::TrashEntry},
};

/// A deleted subtree.
struct Entry {
    id: String,
    name: String,
    icon: &'static str,
    kind: String,
    /// Where it was: address and name, while that is there.
    place: Option<(String, String)>,
    at: Moment,
    by: String,
}

#[derive(Template)]
#[template(path = "trash.html")]
struct TrashPage {
    page: Page,
    frame: Frame,
    entries: Vec<Entry>,
    days: u16,
}

/// The page.
pub async fn page(State(tree): State<KnowledgeTree>, UserOnly(user): UserOnly, asked: Asked) -> Response {
    let frame = Frame::new(&asked.page, &user);
    asked.answer(show(&tree, frame).await)
}

async fn show(tree: &KnowledgeTree, frame: Frame) -> PageResult {
    if !frame.is_staff() {
        let words = "The trash is for the staff. It holds what was deleted and can be had back.";
        return Err(Problem::forbidden(words).into());
    }
    let entries = tree.store.trashed().await?;
    let html = TrashPage {
        page: frame.page.clone(),
        entries: entries.into_iter().map(|entry| shown(&frame, entry)).collect(),
        days: tree.trash_days,
        frame,
    }
    .render()?;
    Ok(Html(html).into_response())
}

fn shown(frame: &Frame, entry: TrashEntry) -> Entry {
    let place = entry.former_parent_id.as_ref().zip(entry.former_parent_name);
    let inside = usize::try_from(entry.items).unwrap_or_default();
    Entry {
        icon: icon_of(entry.is_folder, false),
        kind: match entry.is_folder {
            false => "Article".to_owned(),
            true => format!("Folder, {} in all", items(inside)),
        },
        place: place.map(|(id, name)| (paths::view_url(&frame.page.prefix, id), name)),
        at: Moment::of(entry.trashed_at),
        by: match entry.trashed_by {
            _ if entry.by_sync => "the sync: it is gone in Codex".to_owned(),
            Some(by) => by,
            None => "unknown".to_owned(),
        },
        id: entry.id,
        name: entry.name,
    }
}
