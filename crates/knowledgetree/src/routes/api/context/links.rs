//! What people and syncs linked to tickets and companies (`HAS_CONTEXT`).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    extract::{Json, Path},
    problem::Result,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    KnowledgeTree,
    domain::synced::ContextOwner,
    routes::{
        access::{Editor, ForEditors, ForReaders, Reader, Writer},
        api::shapes::{StoredNode, Success},
        refused::wrong,
    },
};

/// Most letters of a ticket's number or a company's id.
const LONGEST: usize = 100;

/// What belongs to a ticket.
#[derive(Serialize, ToSchema)]
pub struct TicketContext {
    /// Number of the ticket.
    ticket: String,
    /// Linked items with their texts, by name.
    items: Vec<StoredNode>,
}

/// What is linked to a ticket; nothing for one that is not known.
#[utoipa::path(
    get, path = "/api/context/ticket/{number}", tag = "context",
    params(("number" = String, Path, description = "Number of the ticket")),
    responses((status = 200, body = TicketContext), ForReaders)
)]
pub async fn of_ticket(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(ticket): Path<String>,
) -> Result<Json<TicketContext>> {
    let items = items(&tree, ContextOwner::Ticket(&ticket), reader).await?;
    Ok(Json(TicketContext { ticket, items }))
}

/// What belongs to a company.
#[derive(Serialize, ToSchema)]
pub struct CompanyContext {
    /// Id or account number, as it was asked for.
    company: String,
    /// Linked items with their texts, by name.
    items: Vec<StoredNode>,
}

/// What is linked to a company; nothing for one that is not known.
#[utoipa::path(
    get, path = "/api/context/company/{company}", tag = "context",
    params(("company" = String, Path, description = "Codex's id of the company, or its account number")),
    responses((status = 200, body = CompanyContext), ForReaders)
)]
pub async fn of_company(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(company): Path<String>,
) -> Result<Json<CompanyContext>> {
    let items = items(&tree, ContextOwner::Company(&company), reader).await?;
    Ok(Json(CompanyContext { company, items }))
}

async fn items(tree: &KnowledgeTree, owner: ContextOwner<'_>, reader: Reader) -> Result<Vec<StoredNode>> {
    let items = tree.store.context_of(owner, reader.visibility).await?;
    Ok(items.into_iter().map(|item| StoredNode::of(item, reader)).collect())
}

/// Links an item to a ticket. The ticket need not be known.
#[utoipa::path(
    post, path = "/api/context/ticket/{number}/{node_id}", tag = "context",
    params(
        ("number" = String, Path, description = "Number of the ticket"),
        ("node_id" = String, Path, description = "Id of the item")
    ),
    responses((status = 200, body = Success), ForEditors)
)]
pub async fn link_ticket(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path((number, node_id)): Path<(String, String)>,
) -> Result<Json<Success>> {
    let is_number = !number.trim().is_empty()
        && number.chars().count() <= LONGEST
        && !number.chars().any(char::is_control);
    if !is_number {
        return Err(wrong("number", "This is no number of a ticket"));
    }
    link(&tree, &by, ContextOwner::Ticket(&number), &node_id).await
}

/// Takes an item's link to a ticket away.
#[utoipa::path(
    delete, path = "/api/context/ticket/{number}/{node_id}", tag = "context",
    params(
        ("number" = String, Path, description = "Number of the ticket"),
        ("node_id" = String, Path, description = "Id of the item")
    ),
    responses((status = 200, body = Success), ForEditors)
)]
pub async fn unlink_ticket(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path((number, node_id)): Path<(String, String)>,
) -> Result<Json<Success>> {
    unlink(&tree, &by, ContextOwner::Ticket(&number), &node_id).await
}

/// Links an item to a company.
#[utoipa::path(
    post, path = "/api/context/company/{company}/{node_id}", tag = "context",
    params(
        ("company" = String, Path, description = "Codex's id of the company, or its account number"),
        ("node_id" = String, Path, description = "Id of the item")
    ),
    responses((status = 200, body = Success), ForEditors)
)]
pub async fn link_company(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path((company, node_id)): Path<(String, String)>,
) -> Result<Json<Success>> {
    link(&tree, &by, ContextOwner::Company(&company), &node_id).await
}

/// Takes an item's link to a company away.
#[utoipa::path(
    delete, path = "/api/context/company/{company}/{node_id}", tag = "context",
    params(
        ("company" = String, Path, description = "Codex's id of the company, or its account number"),
        ("node_id" = String, Path, description = "Id of the item")
    ),
    responses((status = 200, body = Success), ForEditors)
)]
pub async fn unlink_company(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path((company, node_id)): Path<(String, String)>,
) -> Result<Json<Success>> {
    unlink(&tree, &by, ContextOwner::Company(&company), &node_id).await
}

async fn link(
    tree: &KnowledgeTree,
    by: &Writer,
    owner: ContextOwner<'_>,
    item: &str,
) -> Result<Json<Success>> {
    tree.store.link_context(owner, item).await?;
    audit!(user = by.name, item, owner = ?owner, "Item linked");
    Ok(Success::answer())
}

async fn unlink(
    tree: &KnowledgeTree,
    by: &Writer,
    owner: ContextOwner<'_>,
    item: &str,
) -> Result<Json<Success>> {
    tree.store.unlink_context(owner, item).await?;
    audit!(user = by.name, item, owner = ?owner, "Link of an item removed");
    Ok(Success::answer())
}
