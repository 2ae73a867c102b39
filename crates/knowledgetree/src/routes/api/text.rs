//! Texts of articles on their way in and out. What takes long is done off the threads that serve.

use hivematrix_shared::problem::{Problem, Result};
use http::StatusCode;

use crate::domain::{
    content::{self, ContentError, Rendered},
    item::{ContentFormat, NewContent},
};

/// Texts below this many bytes are worked on at once.
const SMALL: usize = 16 * 1024;

/// A text as it is to be stored.
pub async fn accept(format: ContentFormat, text: String) -> Result<NewContent> {
    let accepted = work(text.len(), move || {
        let text = content::accept(format, &text)?;
        let links = content::item_links(format, &text);
        Ok(NewContent { text, format, links })
    });
    accepted.await?.map_err(|error: ContentError| {
        let status = match error {
            ContentError::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            ContentError::TooComplex(_) => StatusCode::BAD_REQUEST,
        };
        Problem::new(status).error(error.to_string()).with("field", "content")
    })
}

/// A text as HTML and as Markdown, for programs and editors.
pub async fn show(format: ContentFormat, text: String) -> Result<(Rendered, String)> {
    work(text.len(), move || {
        let html = content::render(format, &text);
        let markdown = content::markdown(format, &text).into_owned();
        (html, markdown)
    })
    .await
}

/// A text as HTML, with code in colours where it is for readers.
pub async fn render(format: ContentFormat, text: String, for_reading: bool) -> Result<Rendered> {
    let render = if for_reading { content::render_for_reading } else { content::render };
    work(text.len(), move || render(format, &text)).await
}

/// A text as Markdown.
pub async fn markdown(format: ContentFormat, text: String) -> Result<String> {
    work(text.len(), move || content::markdown(format, &text).into_owned()).await
}

/// Does something with a text of so many bytes.
pub async fn work<T: Send + 'static>(bytes: usize, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    if bytes < SMALL {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)
}
