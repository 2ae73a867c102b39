//! The explorer's addresses (§4, §5.1): folders by their path, articles by their id.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use hivematrix_shared::{
    auth::UserOnly,
    extract::{LenientQuery, Path},
    pages::Page,
    problem::Problem,
};
use http::{StatusCode, header};
use serde::Deserialize;

use super::{
    article::Article,
    errors::{Asked, Failure, PageResult},
    explorer::{self, Shown},
    parts::{Frame, ListView},
};
use crate::{
    KnowledgeTree,
    domain::{item::ROOT_ID, listing::Place, paths},
};

/// `GET /`.
pub async fn home(_: UserOnly, page: Page) -> Response {
    found(&format!("{}/browse/", page.prefix))
}

/// `GET /browse`.
pub async fn root(user: UserOnly, page: Page) -> Response {
    home(user, page).await
}

/// What is shown of a folder.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    /// Id of the article that is open.
    article: Option<String>,
    /// How many items stand before the first one shown.
    from: Option<usize>,
}

/// `GET /browse/`, `GET /browse/<path>`.
pub async fn page(
    State(tree): State<KnowledgeTree>,
    UserOnly(user): UserOnly,
    asked: Asked,
    view: ListView,
    LenientQuery(query): LenientQuery<Query>,
) -> Response {
    let frame = Frame::new(&asked.page, &user);
    let path = asked.raw_path.strip_prefix("/browse/").unwrap_or_default();
    asked.answer(show(&tree, frame, view, path, &query).await)
}

async fn show(
    tree: &KnowledgeTree,
    frame: Frame,
    view: ListView,
    raw_path: &str,
    query: &Query,
) -> PageResult {
    // What is no path names no item; a page says so like for any other.
    let names = paths::names_of_url(raw_path).map_err(|_| Failure::Missing)?;
    let visibility = frame.visibility();
    let listing = tree.store.browse(Place::Path(&names), false, visibility).await?;
    if !listing.item.is_folder {
        return Ok(found(&paths::view_url(&frame.page.prefix, &listing.item.id)));
    }
    let article = match query.article.as_deref().filter(|id| !id.is_empty()) {
        None => None,
        Some(id) => {
            let way = tree.store.breadcrumbs(id, visibility).await?;
            // An article that is elsewhere now has its folder around it, not this one.
            let folder = if id == ROOT_ID { way.len() } else { way.len().saturating_sub(1) };
            let is_here =
                way[..folder].iter().map(|step| &step.id).eq(listing.breadcrumbs.iter().map(|step| &step.id));
            if !is_here {
                return Ok(found(&paths::view_url(&frame.page.prefix, id)));
            }
            let item = tree.store.item(id, visibility).await?;
            if item.is_folder && item.id != ROOT_ID {
                return Ok(found(&paths::view_url(&frame.page.prefix, id)));
            }
            Some(Article::read(tree, &frame, item).await?)
        }
    };
    let welcome = match &article {
        None if listing.item.id == ROOT_ID => Some(tree.store.item(ROOT_ID, visibility).await?),
        _ => None,
    };
    explorer::drawn(Shown { frame, view, listing, article, welcome, from: query.from.unwrap_or_default() })
        .await
}

/// `GET /view/<id>`: to the folder of an article with the article open in it, or to the folder itself.
pub async fn view(
    State(tree): State<KnowledgeTree>,
    UserOnly(user): UserOnly,
    asked: Asked,
    Path(id): Path<String>,
) -> Response {
    let frame = Frame::new(&asked.page, &user);
    asked.answer(place_of(&tree, &frame, &id).await)
}

async fn place_of(tree: &KnowledgeTree, frame: &Frame, id: &str) -> PageResult {
    let listing = tree.store.browse(Place::Id(id), false, frame.visibility()).await?;
    let names: Vec<_> = listing.breadcrumbs.iter().skip(1).map(|step| step.name.as_str()).collect();
    let prefix = &frame.page.prefix;
    Ok(found(&match names.split_last() {
        Some((_, folder)) if !listing.item.is_folder => paths::open_article_url(prefix, folder, id),
        _ => paths::browse_url(prefix, &names),
    }))
}

/// 302, as upstream answers.
fn found(address: &str) -> Response {
    match http::HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::FOUND, [(header::LOCATION, address)]).into_response(),
        Err(error) => Problem::internal(error).into_response(),
    }
}
