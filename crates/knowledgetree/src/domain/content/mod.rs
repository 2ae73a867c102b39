//! The text of articles: Markdown or HTML, what is stored of it, and everything it is turned into (knowledgetree.md
//! §8).
//!
//! Whatever comes in or goes out as HTML passes [`sanitise`]; stored content is never trusted. Everything here takes
//! a time that grows with the length of the text only: what no person has written, in that it is too long, nests
//! without end or has countless elements, is refused when it is written ([`accept`]) and shown in part or as its
//! source when it is read ([`render`]).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub mod escape;
pub mod highlight;
mod links;
mod markdown;
mod sanitise;
mod style;
mod text;
mod to_markdown;
mod tokens;
mod weight;

pub use links::item_links;
pub use sanitise::sanitise;
pub use text::{SUMMARY_CHARS, summary};

/// Most bytes of an article's source.
pub const MAX_BYTES: usize = 2 * 1024 * 1024;

/// Most times that HTML is read until it stays as it is; no text that is known takes more than three.
const MOST_READINGS: usize = 6;

/// How an article is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Markdown; also where the store says nothing.
    #[default]
    Markdown,
    /// HTML of the rich-text editor.
    Html,
}

impl Format {
    /// The value of `content_format`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// Reads `content_format`: absent means Markdown, and so does what nobody knows.
    pub fn of(stored: Option<&str>) -> Self {
        match stored {
            Some("html") => Self::Html,
            _ => Self::Markdown,
        }
    }
}

/// Why an article's text is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ContentError {
    /// Longer than [`MAX_BYTES`].
    #[error("The text has {0} bytes; at most 2 MB are possible.")]
    TooLong(usize),
    /// Elements without number, or nested without end.
    #[error("The text is too complex: it {0}.")]
    TooComplex(&'static str),
}

/// What is stored of a text that somebody sends: line ends as `\n`, characters that no database takes replaced, HTML
/// sanitised.
///
/// # Errors
/// [`ContentError`]; Markdown is refused by the HTML that it makes.
pub fn accept(format: Format, content: &str) -> Result<String, ContentError> {
    if content.len() > MAX_BYTES {
        return Err(ContentError::TooLong(content.len()));
    }
    let content = storable(content);
    let html = raw_html(format, &content).map_err(ContentError::TooComplex)?;
    Ok(match format {
        Format::Markdown => content.into_owned(),
        Format::Html => settled(&html),
    })
}

/// Sanitised HTML that stays as it is when it is read: a parser nests badly nested links and tables in one way, and what it
/// made of them in another.
fn settled(html: &str) -> String {
    let mut clean = sanitise(html);
    for _ in 0..MOST_READINGS {
        let again = sanitise(&clean);
        if again == clean {
            break;
        }
        clean = again;
    }
    clean
}

/// The HTML of an article, not sanitised; an error when it is too much to parse.
fn raw_html(format: Format, content: &str) -> Result<Cow<'_, str>, &'static str> {
    match format {
        Format::Markdown => markdown::to_raw_html(content).map(Cow::Owned),
        Format::Html => weight::check(content).map(|()| Cow::Borrowed(content)),
    }
}

/// Line ends as `\n`, no NUL, and no byte order mark, which a parser of HTML takes off at each reading.
fn storable(content: &str) -> Cow<'_, str> {
    let content = content.trim_start_matches('\u{feff}');
    if content.contains(['\r', '\0']) {
        Cow::Owned(content.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(content)
    }
}

/// An article as HTML.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rendered {
    /// Sanitised.
    pub html: String,
    /// Why this is not the whole article, or not as it is meant: a sentence for people. Such an article must not be
    /// edited by way of this HTML, which would lose the rest.
    pub note: Option<&'static str>,
}

/// An article as HTML, for editors and programs.
pub fn render(format: Format, content: &str) -> Rendered {
    let (shown, cut) = cut(content, MAX_BYTES);
    let Ok(raw) = raw_html(format, shown) else {
        let note = Some("This article is too complex to be shown; this is its source.");
        return Rendered { html: text::as_source(shown), note };
    };
    let note = cut.then_some("This article is too long to be shown whole; this is its beginning.");
    Rendered { html: sanitise(&raw), note }
}

/// An article as HTML for readers: as [`render`] has it, code in colours.
pub fn render_for_reading(format: Format, content: &str) -> Rendered {
    let Rendered { html, note } = render(format, content);
    Rendered { html: highlight::code_blocks(&html), note }
}

/// The article as Markdown: itself, or converted so that rendering it gives the same HTML again.
pub fn markdown(format: Format, content: &str) -> Cow<'_, str> {
    match format {
        Format::Markdown => Cow::Borrowed(content),
        Format::Html => Cow::Owned(to_markdown::convert(&render(format, content).html)),
    }
}

/// The words of an article, lines kept apart, without any markup: for the search and for snippets.
pub fn plain_text(format: Format, content: &str) -> String {
    text::of_html(&render(format, content).html)
}

/// Markdown that shows a plain text as it is: its paragraphs and lines, and nothing in it taken for markup.
pub fn markdown_of_text(text: &str) -> String {
    escape::text(&storable(text))
}

/// Markdown of a text that is HTML or plain, as vendors send it.
pub fn markdown_of_message(text: &str) -> String {
    if text::looks_like_html(text) {
        markdown(Format::Html, text).into_owned()
    } else {
        markdown_of_text(text)
    }
}

/// The beginning of `text`, at most `bytes` long, cut at the end of a line where there is one near; and whether it
/// was cut.
fn cut(text: &str, bytes: usize) -> (&str, bool) {
    if text.len() <= bytes {
        return (text, false);
    }
    let end = text.floor_char_boundary(bytes);
    let near = end.saturating_sub(2000);
    let end = text.as_bytes()[near..end].iter().rposition(|byte| *byte == b'\n').map_or(end, |at| near + at);
    (&text[..end], true)
}

#[cfg(test)]
mod tests;
