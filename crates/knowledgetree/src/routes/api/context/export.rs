//! Context as a text, within a number of bytes (knowledgetree.md §8.3).

use axum::extract::State;
use hivematrix_shared::{
    extract::{Json, Path, Query},
    problem::Result,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    KnowledgeTree,
    domain::{
        context::{self, Block, Context},
        item::Item,
        material::MaterialQuery,
        synced::ContextOwner,
    },
    routes::{
        access::{ForReaders, Reader},
        api::{body::OptionalJson, text},
        refused::wrong,
    },
};

/// Largest text that can be asked for.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// HTML is longer than the Markdown that is made of it, so more is read than is written.
const READ_FACTOR: usize = 4;
/// Letters of a number or a name in a heading.
const LONGEST: usize = 100;
/// Articles linked to one ticket or company that a text is made of.
const MOST_LINKED: usize = 200;

/// A context as a text.
#[derive(Serialize, ToSchema)]
pub struct ContextText {
    /// Markdown.
    context: String,
    /// Whether something was left out to keep to the number of bytes; the text says so too.
    is_cut: bool,
}

impl From<Context> for ContextText {
    fn from(context: Context) -> Self {
        Self { is_cut: context.is_cut(), context: context.text }
    }
}

/// How long the text may be.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Budget {
    /// Most bytes of the text, 200000 where nothing is said, 2097152 at most. It ends with the last article that fits.
    #[param(value_type = Option<u32>, minimum = 1)]
    max_bytes: Option<String>,
}

impl Budget {
    fn bytes(&self) -> Result<usize> {
        match self.max_bytes.as_deref().filter(|text| !text.is_empty()) {
            None => Ok(context::DEFAULT_MAX_BYTES),
            Some(text) => match text.parse::<usize>() {
                Ok(bytes) if bytes > 0 => Ok(bytes.min(MOST_BYTES)),
                _ => Err(wrong("max_bytes", "max_bytes must be a positive whole number")),
            },
        }
    }
}

/// What is left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
pub struct Choice {
    /// Ids of attached folders that are left out.
    excluded_ids: Vec<String>,
}

/// The context of an item: the articles beside it, beside everything above it, and in attached folders on the way.
#[utoipa::path(
    get, path = "/api/context/{id}", tag = "context",
    params(("id" = String, Path, description = "Id of the item"), Budget),
    responses((status = 200, body = ContextText), ForReaders)
)]
pub async fn whole(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(id): Path<String>,
    Query(budget): Query<Budget>,
) -> Result<Json<ContextText>> {
    of_item(&tree, reader, &id, &[], &budget).await
}

/// The same without some of the attached folders.
#[utoipa::path(
    post, path = "/api/context/{id}", tag = "context",
    request_body(content = Option<Choice>, content_type = "application/json"),
    params(("id" = String, Path, description = "Id of the item"), Budget),
    responses((status = 200, body = ContextText), ForReaders)
)]
pub async fn chosen(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(id): Path<String>,
    Query(budget): Query<Budget>,
    OptionalJson(choice): OptionalJson<Choice>,
) -> Result<Json<ContextText>> {
    of_item(&tree, reader, &id, &choice.excluded_ids, &budget).await
}

/// The same under the path that upstream's page calls.
#[utoipa::path(
    post, path = "/api/node/{id}/context", tag = "context",
    request_body(content = Option<Choice>, content_type = "application/json"),
    params(("id" = String, Path, description = "Id of the item"), Budget),
    responses((status = 200, body = ContextText), ForReaders)
)]
pub async fn chosen_alias(
    tree: State<KnowledgeTree>,
    reader: Reader,
    id: Path<String>,
    budget: Query<Budget>,
    choice: OptionalJson<Choice>,
) -> Result<Json<ContextText>> {
    chosen(tree, reader, id, budget, choice).await
}

async fn of_item(
    tree: &KnowledgeTree,
    reader: Reader,
    id: &str,
    excluded: &[String],
    budget: &Budget,
) -> Result<Json<ContextText>> {
    let max_bytes = budget.bytes()?;
    let query = MaterialQuery { excluded, limit_bytes: max_bytes.saturating_mul(READ_FACTOR) };
    let material = tree.store.context_material(id, query, reader.visibility).await?;
    let written = text::work(usize::MAX, move || context::write(&material, max_bytes)).await?;
    Ok(Json(written.into()))
}

/// All articles in and below an item.
#[utoipa::path(
    post, path = "/api/context/subtree/{id}", tag = "context",
    request_body(content = Option<Choice>, content_type = "application/json"),
    params(("id" = String, Path, description = "Id of the item"), Budget),
    responses((status = 200, body = ContextText), ForReaders)
)]
pub async fn subtree(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(id): Path<String>,
    Query(budget): Query<Budget>,
    OptionalJson(choice): OptionalJson<Choice>,
) -> Result<Json<ContextText>> {
    let max_bytes = budget.bytes()?;
    let query =
        MaterialQuery { excluded: &choice.excluded_ids, limit_bytes: max_bytes.saturating_mul(READ_FACTOR) };
    let material = tree.store.subtree_material(&id, query, reader.visibility).await?;
    let written = text::work(usize::MAX, move || {
        context::write_blocks(&context::blocks_of(material.articles, 1), max_bytes, material.complete)
    });
    Ok(Json(written.await?.into()))
}

/// What is linked to a ticket: articles, and those in and below linked folders.
#[utoipa::path(
    get, path = "/api/context/ticket/{number}/text", tag = "context",
    params(("number" = String, Path, description = "Number of the ticket"), Budget),
    responses((status = 200, description = "Empty for a ticket that is not known", body = ContextText), ForReaders)
)]
pub async fn ticket(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(number): Path<String>,
    Query(budget): Query<Budget>,
) -> Result<Json<ContextText>> {
    linked(&tree, reader, ContextOwner::Ticket(&number), title("Ticket", &number), &budget).await
}

/// What is linked to a company: articles, and those in and below linked folders.
#[utoipa::path(
    get, path = "/api/context/company/{company}/text", tag = "context",
    params(("company" = String, Path, description = "Codex's id of the company, or its account number"), Budget),
    responses((status = 200, description = "Empty for a company that is not known", body = ContextText), ForReaders)
)]
pub async fn company(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(company): Path<String>,
    Query(budget): Query<Budget>,
) -> Result<Json<ContextText>> {
    linked(&tree, reader, ContextOwner::Company(&company), title("Company", &company), &budget).await
}

/// What it is about, on one line whatever was asked for.
fn title(of: &str, which: &str) -> String {
    let which: String = which.chars().filter(|letter| !letter.is_control()).take(LONGEST).collect();
    format!("Context: {of} {which}")
}

async fn linked(
    tree: &KnowledgeTree,
    reader: Reader,
    owner: ContextOwner<'_>,
    title: String,
    budget: &Budget,
) -> Result<Json<ContextText>> {
    let max_bytes = budget.bytes()?;
    let mut left = max_bytes.saturating_mul(READ_FACTOR);
    let items = tree.store.context_of(owner, reader.visibility).await?;
    let mut complete = items.len() <= MOST_LINKED;
    let (folders, articles): (Vec<Item>, Vec<Item>) =
        items.into_iter().take(MOST_LINKED).partition(|item| item.is_folder);
    let mut blocks = vec![Block::of_items(title, articles)];
    for folder in folders {
        let query = MaterialQuery { excluded: &[], limit_bytes: left };
        let material = tree.store.subtree_material(&folder.id, query, reader.visibility).await?;
        complete &= material.complete;
        let read: usize = material.articles.iter().map(|(_, article)| article.content.len()).sum();
        left = left.saturating_sub(read);
        // One level below the title.
        blocks.extend(context::blocks_of(material.articles, 2));
    }
    let written = text::work(usize::MAX, move || context::write_blocks(&blocks, max_bytes, complete)).await?;
    Ok(Json(written.into()))
}
