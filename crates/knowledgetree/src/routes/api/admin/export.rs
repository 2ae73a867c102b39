//! What people wrote, on its way out: as JSON, or as a folder of Markdown files in an archive (knowledgetree.md §10). Both are made while
//! they are sent, so that a large tree needs no large memory. When something fails on the way the answer breaks off, and nobody takes it
//! for a whole one.

use std::{
    io::{self, Write},
    time::Duration,
};

use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use futures::StreamExt as _;
use hivematrix_shared::{
    audit,
    extract::Query,
    problem::{Problem, Result},
};
use http::{HeaderValue, header};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::Instrument as _;

use crate::{
    KnowledgeTree,
    domain::{
        records::ExportRow,
        transfer::{Entry, folder, json},
    },
    routes::{
        access::{Administrator, ForAdministrators},
        refused::wrong,
    },
    store,
};

/// Bytes that are sent together.
const CHUNK: usize = 64 * 1024;
/// So long nobody takes a row, and the export is given up.
const STALLED: Duration = Duration::from_secs(30);

/// How it is written.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ExportParameters {
    /// `json` where nothing is said, or `zip`: a folder of Markdown files.
    format: Option<String>,
}

/// Everything that people wrote. Read-only items are left out, but for the folders in which something of people is.
#[utoipa::path(
    get, path = "/admin/export", tag = "administration", params(ExportParameters),
    responses(
        (status = 200, description = "The file", content(
            (Vec<serde_json::Value> = "application/json"),
            (Vec<u8> = "application/zip")
        )),
        ForAdministrators
    )
)]
pub async fn export(
    State(tree): State<KnowledgeTree>,
    Administrator(by): Administrator,
    Query(parameters): Query<ExportParameters>,
) -> Result<Response> {
    let (name, media_type, is_archive) = match parameters.format.as_deref() {
        None | Some("" | "json") => (json::FILE_NAME, "application/json", false),
        Some("zip") => (folder::FILE_NAME, "application/zip", true),
        Some(_) => return Err(wrong("format", "format must be json or zip")),
    };
    // What fails at once is an answer; so the first row is waited for.
    let (rows, taken) = mpsc::channel(64);
    let store = tree.store.clone();
    let reading = async move {
        let mut export = store.export();
        loop {
            let row = export.next().await.transpose();
            let is_last = !matches!(row, Ok(Some(_)));
            // Behind it waits the store: where nobody takes them any more, it is left alone.
            let sent = tokio::time::timeout(STALLED, rows.send(row)).await;
            if is_last || !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    };
    tokio::spawn(reading.in_current_span());
    let mut taken = taken;
    let first = taken.recv().await.transpose()?.flatten();
    audit!(user = by.name, format = media_type, "Tree exported");
    let (body, bytes) = mpsc::channel(8);
    let sending = Sending { body: body.clone(), waiting: Vec::with_capacity(CHUNK) };
    // Writing and packing are work for a thread of their own.
    let write = if is_archive { write_archive } else { write_json };
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write(first, taken, sending) {
            tracing::warn!(%error, "an export breaks off");
            let _ = body.blocking_send(Err(error));
        }
    });
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(bytes)));
    let disposition =
        HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")).map_err(Problem::internal)?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}

/// Rows, and nothing for their end: without that, it broke off.
type Rows = mpsc::Receiver<store::Result<Option<ExportRow>>>;

fn next(rows: &mut Rows) -> io::Result<Option<ExportRow>> {
    rows.blocking_recv().ok_or_else(|| io::Error::other("no more rows come"))?.map_err(io::Error::other)
}

fn write_json(first: Option<ExportRow>, mut rows: Rows, mut sending: Sending) -> io::Result<()> {
    let mut writer = json::Writer::new(&mut sending);
    if let Some(first) = first {
        writer.add(&entry(first))?;
        while let Some(row) = next(&mut rows)? {
            writer.add(&entry(row))?;
        }
    }
    writer.finish()?;
    sending.send()
}

fn write_archive(first: Option<ExportRow>, mut rows: Rows, sending: Sending) -> io::Result<()> {
    let mut writer = folder::Writer::new(sending);
    if let Some(first) = first {
        writer.add(&entry(first))?;
        while let Some(row) = next(&mut rows)? {
            writer.add(&entry(row))?;
        }
    }
    writer.finish()?.send()
}

fn entry(row: ExportRow) -> Entry {
    Entry {
        path: row.path,
        content: row.content,
        format: row.content_format.unwrap_or_default(),
        is_folder: row.is_folder,
        is_attached: row.is_attached,
        is_reference: row.is_reference,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

/// Sends what is written.
struct Sending {
    body: mpsc::Sender<io::Result<Bytes>>,
    waiting: Vec<u8>,
}

impl Sending {
    fn send(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = Bytes::from(std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK)));
        self.body.blocking_send(Ok(bytes)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
