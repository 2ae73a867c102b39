//! Files on their way in. The bytes go to the disk as they come; only when all of them are there and are what the name says, the item
//! has the file.

use axum::extract::{
    Multipart, State,
    multipart::{Field, MultipartError, MultipartRejection},
};
use hivematrix_shared::{
    audit,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    KnowledgeTree,
    domain::{
        files::{Kind, MAX_BYTES, NewFile, safe_name, stored_name},
        item::Visibility,
    },
    files::Received,
    routes::{
        access::{Editor, ForEditors, Writer},
        refused::bad,
    },
};

/// A file as a form sends it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the form, which is read part by part")]
struct UploadForm {
    /// The file, 50 MiB at most: txt, pdf, png, jpg, jpeg, gif, md, doc, docx, xls, xlsx, csv, json or xml.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// A file is there.
#[derive(Serialize, ToSchema)]
pub struct Uploaded {
    /// Always true.
    success: bool,
    /// Name of the upload, as far as it is harmless.
    filename: String,
    /// Id of the file.
    file_id: String,
}

/// Adds a file to an item, a read-only one too.
#[utoipa::path(
    post, path = "/api/upload/{id}", tag = "files",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    params(("id" = String, Path, description = "Id of the item")),
    responses(
        (status = 200, body = Uploaded),
        (status = 400, description = "No file, a name of which nothing is left, a type that is not taken, or bytes of another type"),
        (status = 413, description = "The file is too large"),
        ForEditors
    )
)]
pub async fn upload(
    State(tree): State<KnowledgeTree>,
    Editor(by): Editor,
    Path(id): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<Uploaded>> {
    let mut form = form.map_err(no_form)?;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        // A part without a file name is no file, whatever it is called.
        if field.name() == Some("file") && field.file_name().is_some() {
            return take(&tree, &by, &id, field).await;
        }
    }
    Err(bad("No file part"))
}

/// The same under the path that upstream's page calls.
#[utoipa::path(
    post, path = "/api/node/{id}/upload", tag = "files",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    params(("id" = String, Path, description = "Id of the item")),
    responses(
        (status = 200, body = Uploaded),
        (status = 400, description = "As for `/api/upload/{id}`"),
        (status = 413, description = "The file is too large"),
        ForEditors
    )
)]
pub async fn upload_alias(
    tree: State<KnowledgeTree>,
    by: Editor,
    id: Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Json<Uploaded>> {
    upload(tree, by, id, form).await
}

async fn take(tree: &KnowledgeTree, by: &Writer, id: &str, field: Field<'_>) -> Result<Json<Uploaded>> {
    let chosen = field.file_name().unwrap_or_default();
    if chosen.is_empty() {
        return Err(bad("No file selected"));
    }
    let name = safe_name(chosen).ok_or_else(|| bad("Invalid filename"))?;
    let kind =
        Kind::of_name(&name).ok_or_else(|| bad("File type not allowed").with("filename", name.clone()))?;
    // Asked before anything is written and told after the size, as the contract has it.
    let item = tree.store.files(id, Visibility::All).await;
    let received = receive(tree, field, item.is_ok()).await?;
    item?;
    let received = received.ok_or_else(|| Problem::internal("a file was passed over"))?;
    tree.files.check(&received, kind).await.map_err(unsaved)?.map_err(|mismatch| {
        bad("File content does not match its type")
            .detail(mismatch.to_string())
            .with("filename", name.clone())
    })?;
    let text = tree.files.words(&received, kind).await;
    let file_id = Uuid::new_v4();
    let file = NewFile {
        id: file_id.to_string(),
        filename: stored_name(file_id, kind),
        original_filename: name,
        size: i64::try_from(received.size()).map_err(Problem::internal)?,
        content_type: kind.content_type().to_owned(),
        content_hash: received.hash().to_owned(),
        text,
    };
    let settling = tree.files.place(received).await.map_err(unsaved)?;
    let record = tree.store.add_file(id, &file, &by.author()).await?;
    settling.recorded().await.map_err(unsaved)?;
    audit!(
        user = by.name,
        item = id,
        file = record.id,
        name = file.original_filename,
        bytes = file.size,
        hash = file.content_hash,
        "File uploaded"
    );
    Ok(Json(Uploaded { success: true, filename: file.original_filename, file_id: record.id }))
}

/// Takes the bytes of a file; without a place for it they are counted only.
async fn receive(tree: &KnowledgeTree, mut field: Field<'_>, is_kept: bool) -> Result<Option<Received>> {
    let mut incoming = match is_kept {
        true => Some(tree.files.begin().await.map_err(unsaved)?),
        false => None,
    };
    let mut size = 0_u64;
    while let Some(bytes) = field.chunk().await.map_err(broken)? {
        size += bytes.len() as u64;
        if size > MAX_BYTES {
            return Err(too_large());
        }
        if let Some(incoming) = &mut incoming {
            incoming.write(&bytes).await.map_err(unsaved)?;
        }
    }
    match incoming {
        Some(incoming) => incoming.finish().await.map(Some).map_err(unsaved),
        None => Ok(None),
    }
}

fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE).error("File too large (max 50MB)")
}

fn unsaved(error: std::io::Error) -> Problem {
    Problem::internal(error).detail("The file could not be saved.").with("error", "Failed to save file")
}

/// What is no form has no file in it; what it is instead decides the status.
pub fn no_form(rejection: MultipartRejection) -> Problem {
    let status = match rejection {
        MultipartRejection::InvalidBoundary(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => rejection.status(),
    };
    Problem::new(status).detail("Send the file as multipart/form-data.").with("error", "No file part")
}

/// A form that breaks off, or goes beyond the limit of the service.
pub fn broken(error: MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        StatusCode::INTERNAL_SERVER_ERROR => {
            Problem::bad_request("The form breaks off.").with("error", "No file part")
        }
        status => Problem::new(status).detail(error.body_text()).with("error", "No file part"),
    }
}
