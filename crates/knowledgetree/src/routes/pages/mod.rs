//! HTML handlers and their view models (knowledgetree.md §5.1, §11, §12).
//!
//! Every page can be read without scripts: links, the way to an item, and what it holds are in the markup. The modules below
//! `static/js` fetch the same addresses and put the parts in place, and do what changes something by way of the JSON routes.

mod admin;
mod article;
mod browse;
mod errors;
mod explorer;
mod parts;
mod search;
mod trash;

use axum::{Router, middleware, routing::get};
use hivematrix_shared::pages::{
    assets::{self as files, Asset},
    only_people,
};

use crate::KnowledgeTree;

macro_rules! assets {
    ($($path:literal),+ $(,)?) => {
        &[$(Asset::new($path, include_bytes!(concat!("../../../static/", $path)))),+]
    };
}

/// Scripts of the pages, and the sheet for what only they draw.
const ASSETS: &[Asset] = assets![
    "css/knowledge.css",
    "js/admin.js",
    "js/api.js",
    "js/conflict.js",
    "js/context-menu.js",
    "js/diff.js",
    "js/drag.js",
    "js/editor.js",
    "js/explorer.js",
    "js/export.js",
    "js/files.js",
    "js/folders.js",
    "js/history.js",
    "js/items.js",
    "js/item-search.js",
    "js/leave.js",
    "js/markdown.js",
    "js/navigate.js",
    "js/place.js",
    "js/preview.js",
    "js/rich.js",
    "js/rich-html.js",
    "js/rich-tools.js",
    "js/search.js",
    "js/styles.js",
    "js/time.js",
    "js/trash.js",
    "js/tree.js",
    "js/upload.js",
    "js/view.js",
];

/// All pages and their scripts.
pub fn router() -> Router<KnowledgeTree> {
    Router::new()
        .route("/", get(browse::home))
        .route("/browse", get(browse::root))
        .route("/browse/", get(browse::page))
        .route("/browse/{*path}", get(browse::page))
        .route("/view/{id}", get(browse::view))
        .route("/search", get(search::page))
        .route("/trash", get(trash::page))
        .route("/admin/settings", get(admin::page))
        .route_layer(middleware::from_fn(only_people))
        .merge(files::router(ASSETS))
        .merge(files::router(files::MODULES))
}
