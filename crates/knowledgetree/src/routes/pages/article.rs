//! An article as a page shows it.

use super::{
    errors::PageResult,
    parts::{Deed, Frame, size_words, without_styles},
};
use crate::{
    KnowledgeTree,
    domain::{
        files::FileRecord,
        item::{Item, Named, ROOT_ID},
        paths,
    },
    routes::api::text,
};

/// An article with what belongs to it.
pub struct Article {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Sanitised HTML without styles.
    pub html: String,
    /// Why that is not the whole text.
    pub note: Option<&'static str>,
    /// `markdown` or `html`.
    pub format: &'static str,
    /// Protected.
    pub read_only: bool,
    /// The root's own text, which has no files and no other place.
    pub is_root: bool,
    /// Number of this state.
    pub version: i64,
    /// When it was made and by whom.
    pub created: Option<Deed>,
    /// When it last changed and by whom.
    pub updated: Option<Deed>,
    /// Its files.
    pub files: Vec<FileRow>,
    /// Articles that link here: address and name.
    pub back_links: Vec<(String, String)>,
}

impl Article {
    /// Reads what belongs to an article.
    ///
    /// # Errors
    /// When the store fails, or the article went away meanwhile.
    pub async fn read(tree: &KnowledgeTree, frame: &Frame, item: Item) -> PageResult<Self> {
        let visibility = frame.visibility();
        let (files, back_links) =
            tokio::join!(tree.store.files(&item.id, visibility), tree.store.back_links(&item.id, visibility));
        let format = item.content_format.unwrap_or_default();
        let rendered = text::render(format, item.content, true).await?;
        Ok(Self {
            html: without_styles(&rendered.html),
            note: rendered.note,
            format: format.as_str(),
            read_only: item.read_only,
            is_root: item.id == ROOT_ID,
            version: item.version,
            created: Deed::of(item.created_at, item.created_by.as_deref(), frame.is_staff()),
            updated: Deed::of(item.updated_at, item.updated_by.as_deref(), frame.is_staff()),
            files: files?.into_iter().map(|file| FileRow::new(file, frame)).collect(),
            back_links: back_links?.into_iter().map(|link| linked(frame, link)).collect(),
            id: item.id,
            name: item.name,
        })
    }
}

fn linked(frame: &Frame, link: Named) -> (String, String) {
    (paths::view_url(&frame.page.prefix, &link.id), link.name)
}

/// A file of an article.
pub struct FileRow {
    /// Id.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Where its bytes are.
    pub href: String,
    /// Its size in words.
    pub size: Option<String>,
    /// Who uploaded it, and when.
    pub added: Option<Deed>,
    /// How it can be looked at.
    pub preview: Preview,
}

/// How a file can be looked at without keeping it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Preview {
    /// As a picture in a dialog.
    Picture,
    /// As text in a dialog.
    Text,
    /// By the browser, in a tab of its own.
    Tab,
    /// Not at all.
    None,
}

impl Preview {
    /// By the extension, which the upload holds against the bytes.
    fn of(filename: &str) -> Self {
        let extension = filename.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref() {
            Some("png" | "jpg" | "jpeg" | "gif") => Self::Picture,
            Some("txt" | "md" | "csv" | "json" | "xml") => Self::Text,
            Some("pdf") => Self::Tab,
            _ => Self::None,
        }
    }

    /// As the page's script reads it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Text => "text",
            Self::Tab => "tab",
            Self::None => "",
        }
    }
}

impl FileRow {
    fn new(file: FileRecord, frame: &Frame) -> Self {
        Self {
            href: format!("{}/uploads/{}", frame.page.prefix, paths::encode(&file.filename)),
            size: file.size.map(size_words),
            added: Deed::of(file.created_at, file.uploaded_by.as_deref(), frame.is_staff()),
            preview: Preview::of(&file.filename),
            id: file.id,
            name: file.original_filename.unwrap_or(file.filename),
        }
    }

    /// Icon of its kind.
    pub fn icon(&self) -> &'static str {
        match self.preview {
            Preview::Text => "scroll-text",
            _ => "file-text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_would_run_is_not_previewed() {
        for (name, preview) in [
            ("a.png", Preview::Picture),
            ("a.JPG", Preview::Picture),
            ("a.xml", Preview::Text),
            ("a.pdf", Preview::Tab),
            ("a.docx", Preview::None),
            ("a", Preview::None),
        ] {
            assert_eq!(Preview::of(name), preview, "{name}");
        }
    }
}
