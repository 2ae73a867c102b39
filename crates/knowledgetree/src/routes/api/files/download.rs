//! Files on their way out.

use axum::{body::Body, extract::State, response::Response};
use hivematrix_shared::{
    conditional,
    extract::Path,
    problem::{Problem, Result},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio_util::io::ReaderStream;

use crate::{
    KnowledgeTree,
    domain::files::{CSP, Kind, content_disposition},
    routes::access::{ForReaders, Reader},
};

/// Viewers of PDF are no pages: they show nothing in a sandbox, and run no script of ours.
const PDF_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'",
);
const POLICY: HeaderValue = HeaderValue::from_static(CSP);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Bytes that are read together.
const CHUNK: usize = 64 * 1024;

/// A file by its stored name. Who cannot see the item cannot have the file. Pictures, PDF and plain text are shown, all else is saved.
#[utoipa::path(
    get, path = "/uploads/{filename}", tag = "files",
    params(("filename" = String, Path, description = "Stored name of the file")),
    responses(
        (status = 200, description = "The file, of the type of its name", content(
            (Vec<u8> = "application/octet-stream"), (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/gif"),
            (Vec<u8> = "application/pdf"), (Vec<u8> = "application/msword"), (Vec<u8> = "application/vnd.ms-excel"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (String = "text/plain"), (String = "text/markdown"), (String = "text/csv"), (String = "application/xml"),
            (serde_json::Value = "application/json")
        )),
        (status = 304, description = "It is as `If-None-Match` says"),
        ForReaders
    )
)]
pub async fn download(
    State(tree): State<KnowledgeTree>,
    reader: Reader,
    Path(filename): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let (file, _) = tree.store.file_by_name(&filename, reader.visibility).await?;
    let etag = file.content_hash.as_ref().and_then(|hash| HeaderValue::from_str(&format!("\"{hash}\"")).ok());
    let mut response = if etag.as_ref().is_some_and(|etag| conditional::is_unchanged(&headers, etag)) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let (bytes, length) = tree.files.open(&file).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                tracing::error!(file = file.id, "the bytes of a file are not there");
                Problem::not_found("The file is recorded, but its content is not there.")
                    .with("error", "File not found")
            }
            _ => Problem::internal(error),
        })?;
        let mut response = Response::new(Body::from_stream(ReaderStream::with_capacity(bytes, CHUNK)));
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response
    };
    // What it is says its name, which its bytes were compared with; nobody's word is taken for it.
    let kind = Kind::of_name(&file.filename);
    let kind_name = kind.map_or("application/octet-stream", Kind::content_type);
    let shown_name = file.original_filename.as_deref().unwrap_or(&file.filename);
    let disposition =
        HeaderValue::from_str(&content_disposition(kind, shown_name)).map_err(Problem::internal)?;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind_name));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers
        .insert(header::CONTENT_SECURITY_POLICY, if kind == Some(Kind::Pdf) { PDF_POLICY } else { POLICY });
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    // Whoever may not see the item any more must not see it from a cache either.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Some(etag) = etag {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}
