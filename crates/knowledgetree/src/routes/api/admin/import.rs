//! What people wrote, on its way in: an export, ours or upstream's, or a folder of Markdown files in an archive (knowledgetree.md §10).

use axum::extract::{
    Multipart, State,
    multipart::{Field, MultipartRejection},
};
use hivematrix_shared::{
    audit,
    extract::Json,
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    KnowledgeTree,
    domain::{
        content,
        records::ImportRow,
        transfer::{self, Entry, TransferError, folder, json},
    },
    routes::{
        access::Administrator,
        api::files::{broken, no_form},
        refused::bad,
    },
    store::StoreError,
};

/// First bytes of an archive.
const ZIP: &[u8] = b"PK\x03\x04";
/// First bytes of an archive without files.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06";

/// An export as a form sends it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the form, which is read part by part")]
struct ImportForm {
    /// `knowledgetree_export.json`, or a ZIP archive of folders and Markdown files.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// All of it is there.
#[derive(Serialize, ToSchema)]
pub struct Imported {
    /// Always true.
    success: bool,
    /// In words.
    message: &'static str,
    /// Items made.
    created: u64,
    /// Items changed.
    updated: u64,
    /// Items that were so already.
    unchanged: u64,
}

/// Makes or changes items by their paths, all or none. Nothing is deleted, and read-only items are not overwritten.
#[utoipa::path(
    post, path = "/admin/import", tag = "administration",
    request_body(content = ImportForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = Imported),
        (status = 400, description = "No file, or something in it is wrong: which entry, and what"),
        (status = 403, description = "Not for this caller, or an item of the file is read-only here"),
        (status = 413, description = "The file is too large, or unpacks to too much")
    )
)]
pub async fn import(
    State(tree): State<KnowledgeTree>,
    Administrator(by): Administrator,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<Imported>> {
    let mut form = form.map_err(no_form)?;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        if field.name() == Some("file") && field.file_name().is_some() {
            let bytes = take(field).await?;
            let rows = tokio::task::spawn_blocking(move || read(&bytes)).await.map_err(Problem::internal)?;
            let rows = rows.map_err(refused)?;
            let report = tree.store.import(&rows, &by.author()).await.map_err(|error| match error {
                StoreError::ReadOnly { id } => {
                    Problem::forbidden(format!("The item {id} is read-only here, so nothing was imported."))
                        .with("error", "Node is read-only")
                        .with("id", id)
                }
                error => error.into(),
            })?;
            audit!(
                user = by.name,
                created = report.created,
                updated = report.updated,
                unchanged = report.unchanged,
                "Tree imported"
            );
            return Ok(Json(Imported {
                success: true,
                message: "Import successful.",
                created: report.created,
                updated: report.updated,
                unchanged: report.unchanged,
            }));
        }
    }
    Err(bad("No file part"))
}

async fn take(mut field: Field<'_>) -> Result<Vec<u8>> {
    if field.file_name().unwrap_or_default().is_empty() {
        return Err(bad("No file selected"));
    }
    // As large as the service takes anything at all.
    let mut bytes = Vec::new();
    while let Some(part) = field.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

fn read(bytes: &[u8]) -> Result<Vec<ImportRow>, TransferError> {
    let is_archive = bytes.starts_with(ZIP) || bytes.starts_with(EMPTY_ZIP);
    let entries = if is_archive { folder::read(bytes)? } else { json::read(bytes)? };
    Ok(transfer::prepare(entries)?.into_iter().map(row).collect())
}

fn row(entry: Entry) -> ImportRow {
    ImportRow {
        links: content::item_links(entry.format, &entry.content),
        path: entry.path,
        content: entry.content,
        content_format: entry.format,
        is_folder: entry.is_folder,
        is_attached: entry.is_attached,
        is_reference: entry.is_reference,
    }
}

fn refused(error: TransferError) -> Problem {
    let status = match error {
        TransferError::TooLarge | TransferError::TooMany => StatusCode::PAYLOAD_TOO_LARGE,
        TransferError::Form(_) | TransferError::Version(_) | TransferError::Entry { .. } => {
            StatusCode::BAD_REQUEST
        }
    };
    Problem::new(status).error(error.to_string())
}
