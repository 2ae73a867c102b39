//! The context of an item as one text, for people and the assistant (knowledgetree.md §8.3).

use std::borrow::Cow;

use super::{
    content,
    item::{Item, Named},
    material::{ContextArticle, ContextMaterial},
    names,
};

/// `max_bytes` where nobody asks for another.
pub const DEFAULT_MAX_BYTES: usize = 200_000;

/// Deepest heading of Markdown.
const DEEPEST_HEADING: usize = 6;

/// Articles under one heading.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Depth of the heading, from 1; deeper ones than Markdown has are as deep as that.
    pub level: usize,
    /// Its text.
    pub title: String,
    /// The articles in their order.
    pub articles: Vec<ContextArticle>,
}

impl Block {
    /// Articles that belong together for another reason than their place.
    pub fn of_items(title: String, items: Vec<Item>) -> Self {
        let article = |item: Item| ContextArticle {
            id: item.id,
            name: item.name,
            content: item.content,
            content_format: item.content_format,
            attached_folder: None,
        };
        Self { level: 1, title, articles: items.into_iter().map(article).collect() }
    }

    fn of_step(index: usize, item: &Named, articles: &[ContextArticle]) -> Self {
        Self { level: index + 1, title: format!("Context: {}", item.name), articles: articles.to_vec() }
    }
}

/// The articles of a subtree, a block for each folder that has some. The topmost one stands at `level`.
pub fn blocks_of(articles: Vec<(Vec<String>, ContextArticle)>, level: usize) -> Vec<Block> {
    let mut blocks: Vec<(Vec<String>, Block)> = Vec::new();
    for (folder, article) in articles {
        match blocks.last_mut() {
            Some((last, block)) if *last == folder => block.articles.push(article),
            _ => {
                let title = format!("Context: {}", folder.join(" / "));
                let level = level + folder.len().saturating_sub(1);
                blocks.push((folder, Block { level, title, articles: vec![article] }));
            }
        }
    }
    blocks.into_iter().map(|(_, block)| block).collect()
}

/// The finished text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Context {
    /// Markdown.
    pub text: String,
    /// Articles that did not fit, of those that were read.
    pub left_out: usize,
    /// Whether there were more that nobody has read.
    pub is_unread: bool,
}

impl Context {
    /// Whether something is not in the text.
    pub fn is_cut(&self) -> bool {
        self.left_out > 0 || self.is_unread
    }
}

/// Writes the context of an item. It never gets longer than `max_bytes`, but for a note of one line: it ends with the last article that
/// fits, and then says how many did not.
pub fn write(material: &ContextMaterial, max_bytes: usize) -> Context {
    let blocks: Vec<Block> = material
        .path
        .iter()
        .enumerate()
        .map(|(index, step)| Block::of_step(index, &step.item, &step.articles))
        .collect();
    let mut out = Text { text: String::new(), max_bytes };
    let left_out = out.fill(&blocks, material.complete);
    if let (Some(step), false) = (material.path.last(), material.files.is_empty()) {
        let mut files: Vec<&str> = material
            .files
            .iter()
            .map(|file| file.original_filename.as_deref().unwrap_or(&file.filename))
            .collect();
        files.sort_by(|a, b| names::cmp_names(a, b));
        let bullets: Vec<String> = files.iter().map(|file| format!("- {file}")).collect();
        let heading = format!("## Attached Files for {}", step.item.name);
        // Without room for them the note above has been written, or there is none to give way to.
        let _ = out.add(Some(&heading), &bullets.join("\n"));
    }
    Context { text: out.text, left_out, is_unread: !material.complete }
}

/// As [`write`], of any blocks. Blocks without articles are left out. `complete` says whether all articles are there that belong here.
pub fn write_blocks(blocks: &[Block], max_bytes: usize, complete: bool) -> Context {
    let mut out = Text { text: String::new(), max_bytes };
    let left_out = out.fill(blocks, complete);
    Context { text: out.text, left_out, is_unread: !complete }
}

fn text_of(article: &ContextArticle, max_bytes: usize) -> String {
    let mut text = format!("File: {}", article.name);
    if let Some(folder) = &article.attached_folder {
        text.push_str(&format!(" (from attached folder: {})", folder.name));
    }
    text.push_str("\n\n");
    // One that cannot fit need not be converted.
    let content = if article.content.len() > max_bytes.saturating_mul(4) {
        Cow::Borrowed(article.content.as_str())
    } else {
        content::markdown(article.content_format.unwrap_or_default(), &article.content)
    };
    match content.trim_end() {
        "" => text.push_str("> No content."),
        content => text.push_str(content),
    }
    text
}

struct Text {
    text: String,
    max_bytes: usize,
}

impl Text {
    /// Adds the articles of the blocks until one does not fit, and says so; how many did not.
    fn fill(&mut self, blocks: &[Block], complete: bool) -> usize {
        let mut left_out = 0;
        for block in blocks {
            let heading = format!("{} {}", "#".repeat(block.level.clamp(1, DEEPEST_HEADING)), block.title);
            let mut heading = Some(heading);
            for article in &block.articles {
                // What comes after the first that does not fit is left out too: the text ends there, and has no holes.
                if left_out > 0 || !self.add(heading.as_deref(), &text_of(article, self.max_bytes)) {
                    left_out += 1;
                } else {
                    heading = None;
                }
            }
        }
        if left_out > 0 || !complete {
            self.close(left_out, complete);
        }
        left_out
    }

    /// Adds a part, under its heading if it is the first; false when there is no room for both.
    fn add(&mut self, heading: Option<&str>, part: &str) -> bool {
        let heading_len = heading.map_or(0, |heading| heading.len() + 2);
        let gap = if self.text.is_empty() { 0 } else { 2 };
        if self.text.len() + gap + heading_len + part.len() > self.max_bytes {
            return false;
        }
        for part in heading.into_iter().chain([part]) {
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            self.text.push_str(part);
        }
        true
    }

    fn close(&mut self, left_out: usize, complete: bool) {
        let articles = match (left_out, complete) {
            (1, true) => "1 article is".to_owned(),
            (_, true) => format!("{left_out} articles are"),
            (0, false) => "more articles are".to_owned(),
            (_, false) => format!("{left_out} articles and more are"),
        };
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let note = format!("> Cut here: {articles} left out to keep to {} bytes.", self.max_bytes);
        self.text.push_str(&note);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{content::Format, files::FileRecord, material::ContextStep};

    fn article(id: &str, name: &str, content: &str) -> ContextArticle {
        ContextArticle {
            id: id.to_owned(),
            name: name.to_owned(),
            content: content.to_owned(),
            content_format: None,
            attached_folder: None,
        }
    }

    fn attached(id: &str, name: &str, content: &str) -> ContextArticle {
        let folder = Named { id: "t".to_owned(), name: "Tickets".to_owned() };
        ContextArticle { attached_folder: Some(folder), ..article(id, name, content) }
    }

    fn step(name: &str, articles: Vec<ContextArticle>) -> ContextStep {
        ContextStep { item: Named { id: name.to_owned(), name: name.to_owned() }, articles }
    }

    fn file(name: &str) -> FileRecord {
        FileRecord {
            id: name.to_owned(),
            filename: "stored".to_owned(),
            original_filename: Some(name.to_owned()),
            size: None,
            content_type: None,
            uploaded_by: None,
            created_at: None,
            content_hash: None,
        }
    }

    fn material() -> ContextMaterial {
        let html = ContextArticle {
            content_format: Some(Format::Html),
            ..article("h", "b.html", "<p>a <b>c</b></p>")
        };
        ContextMaterial {
            path: vec![
                step("KnowledgeTree Root", vec![]),
                step(
                    "Acme",
                    vec![
                        article("n", "note", "text\n\n"),
                        attached("t9", "Ticket_9.md", "nine"),
                        attached("t10", "Ticket_10.md", "ten"),
                    ],
                ),
                step("Servers", vec![article("e", "A empty", " \n"), html]),
                step("b.html", vec![]),
            ],
            files: vec![file("plan 10.pdf"), file("plan 9.pdf")],
            complete: true,
        }
    }

    #[test]
    fn the_text_is_exactly_as_the_contract_words_it() {
        let expected = "## Context: Acme\n\nFile: note\n\ntext\n\n\
                        File: Ticket_9.md (from attached folder: Tickets)\n\nnine\n\n\
                        File: Ticket_10.md (from attached folder: Tickets)\n\nten\n\n\
                        ### Context: Servers\n\nFile: A empty\n\n> No content.\n\nFile: b.html\n\na **c**\n\n\
                        ## Attached Files for b.html\n\n- plan 9.pdf\n- plan 10.pdf";
        let context = write(&material(), DEFAULT_MAX_BYTES);
        assert_eq!(context, Context { text: expected.to_owned(), left_out: 0, is_unread: false });
        assert!(!context.is_cut());
    }

    #[test]
    fn headings_are_capped_at_six() {
        let path =
            ["1", "2", "3", "4", "5", "6", "7", "8"].map(|name| step(name, vec![article(name, name, "x")]));
        let material = ContextMaterial { path: path.to_vec(), complete: true, ..ContextMaterial::default() };
        let text = write(&material, DEFAULT_MAX_BYTES).text;
        assert!(text.contains("\n\n###### Context: 8\n\nFile: 8\n\nx"));
        assert!(!text.contains("#######"));
    }

    #[test]
    fn it_is_cut_at_the_end_of_an_article_and_says_so() {
        let whole = write(&material(), DEFAULT_MAX_BYTES).text;
        let after_first = whole.find("\n\nFile: Ticket_9").unwrap();
        let cut = write(&material(), after_first + 10);
        assert_eq!(cut.left_out, 4);
        let note = format!("\n\n> Cut here: 4 articles are left out to keep to {} bytes.", after_first + 10);
        assert_eq!(cut.text, format!("{}{note}", &whole[..after_first]));
        assert_eq!(write(&material(), 0).text, "> Cut here: 5 articles are left out to keep to 0 bytes.");
        let nothing = ContextMaterial { complete: true, ..ContextMaterial::default() };
        assert_eq!(write(&nothing, 100).text, "");
    }

    #[test]
    fn what_nobody_has_read_is_told_too() {
        let material = ContextMaterial { complete: false, files: Vec::new(), ..material() };
        let cut = write(&material, DEFAULT_MAX_BYTES);
        assert!(cut.is_cut() && cut.left_out == 0);
        assert!(
            cut.text.ends_with("> Cut here: more articles are left out to keep to 200000 bytes."),
            "{}",
            cut.text
        );
    }

    #[test]
    fn a_subtree_has_a_heading_for_each_folder_with_articles() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let articles = vec![
            (names(&["Acme"]), article("1", "one", "first")),
            (names(&["Acme"]), article("2", "two", "second")),
            (names(&["Acme", "Assets", "Old"]), article("3", "three", "third")),
        ];
        let context = write_blocks(&blocks_of(articles, 1), DEFAULT_MAX_BYTES, true);
        assert_eq!(
            context.text,
            "# Context: Acme\n\nFile: one\n\nfirst\n\nFile: two\n\nsecond\n\n\
             ### Context: Acme / Assets / Old\n\nFile: three\n\nthird"
        );
    }

    proptest! {
        #[test]
        fn it_never_grows_beyond_its_limit_and_loses_no_count(max in 0_usize..700) {
            let context = write(&material(), max);
            let body = context.text.find("> Cut here").map_or(context.text.len(), |at| at.saturating_sub(2));
            prop_assert!(body <= max);
            prop_assert_eq!(context.text.matches("File: ").count() + context.left_out, 5);
        }
    }
}
