//! PDF, by `lopdf`: it bounds what each stream unpacks to and how deep objects nest.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lopdf::{Document, LoadOptions};

use super::{Collected, ExtractError, Extracted};

/// Largest file that is read: all of its objects are in memory at once.
const MAX_FILE: usize = 20 * 1024 * 1024;
/// Most bytes that a stream of it unpacks to.
const MAX_STREAM: usize = 8 * 1024 * 1024;
/// Most pages that are read.
const MOST_PAGES: usize = 1000;

/// The words of a PDF, page after page. Pages that cannot be read are left out; so are pictures of text.
pub(super) fn text(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    if bytes.len() > MAX_FILE {
        return Err(ExtractError::TooLarge);
    }
    // The reader is not ours: should it panic, the file has no words.
    catch_unwind(AssertUnwindSafe(|| read(bytes)))
        .unwrap_or_else(|_| Err(ExtractError::Unreadable("its reader failed".to_owned())))
}

fn read(bytes: &[u8]) -> Result<Extracted, ExtractError> {
    let options = LoadOptions { max_decompressed_size: Some(MAX_STREAM), ..LoadOptions::default() };
    let document = Document::load_mem_with_options(bytes, options)
        .map_err(|error| ExtractError::Unreadable(error.to_string()))?;
    if document.is_encrypted() {
        return Err(ExtractError::Unreadable("it is protected by a password".to_owned()));
    }
    let mut text = Collected::default();
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    for page in pages.iter().take(MOST_PAGES) {
        for words in document.extract_text_chunks_with_limit(&[*page], MAX_STREAM).into_iter().flatten() {
            text.push(&words);
        }
        text.push("\n");
        if text.is_full() {
            break;
        }
    }
    text.cut |= pages.len() > MOST_PAGES;
    Ok(text.finish())
}
