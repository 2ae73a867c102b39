//! The context of an item as one text, for people and the assistant (knowledgetree.md §8.3).

use std::borrow::Cow;
use std::collections::HashSet;

use super::content::{self, Format};
use super::names;

/// `max_bytes` where nobody asks for another.
pub const DEFAULT_MAX_BYTES: usize = 200_000;

/// Deepest heading of Markdown.
const DEEPEST_HEADING: usize = 6;

/// What the text is made of.
#[derive(Clone, Debug, Default)]
pub struct Material<'a> {
    /// From the root to the item itself.
    pub path: Vec<PathNode<'a>>,
    /// The original names of the item's files.
    pub files: Vec<&'a str>,
}

/// A node of the path, with what belongs to it.
#[derive(Clone, Debug, Default)]
pub struct PathNode<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its direct children that are articles and not attached.
    pub articles: Vec<Article<'a>>,
    /// Its direct children that are attached folders and not excluded.
    pub attached: Vec<AttachedFolder<'a>>,
}

/// An attached folder.
#[derive(Clone, Debug, Default)]
pub struct AttachedFolder<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Every article below it, at any depth.
    pub articles: Vec<Article<'a>>,
}

/// An article.
#[derive(Clone, Debug, Default)]
pub struct Article<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// As it is stored.
    pub content: &'a str,
    /// How it is written.
    pub format: Format,
}

/// The finished text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Context {
    /// Markdown.
    pub text: String,
    /// Articles that did not fit.
    pub left_out: usize,
}

/// An article with where it comes from.
struct Entry<'m, 'a> {
    article: &'m Article<'a>,
    folder: Option<&'m str>,
}

/// Writes the context. It never gets longer than `max_bytes`, but for a note of one line: it ends with the last
/// article that fits, and then says how many did not.
pub fn write(material: &Material<'_>, max_bytes: usize) -> Context {
    let mut seen = HashSet::new();
    let mut out = Text { text: String::new(), max_bytes };
    let mut left_out = 0;
    for (index, node) in material.path.iter().enumerate() {
        let heading = format!("{} Context: {}", "#".repeat((index + 1).min(DEEPEST_HEADING)), node.name);
        let mut heading = Some(heading);
        for entry in entries(node) {
            if !seen.insert(entry.article.id) {
                continue;
            }
            // What comes after the first that does not fit is left out too: the text ends there, and has no holes.
            if left_out > 0 || !out.add(heading.as_deref(), &entry.text(max_bytes)) {
                left_out += 1;
            } else {
                heading = None;
            }
        }
    }
    if left_out > 0 {
        out.close(left_out);
    }
    if let (Some(node), false) = (material.path.last(), material.files.is_empty()) {
        let mut files = material.files.clone();
        files.sort_by(|a, b| names::cmp_names(a, b));
        let bullets: Vec<String> = files.iter().map(|file| format!("- {file}")).collect();
        let heading = format!("## Attached Files for {}", node.name);
        // Without room for them the note above has been written, or there is none to give way to.
        let _ = out.add(Some(&heading), &bullets.join("\n"));
    }
    Context { text: out.text, left_out }
}

/// The articles of a node in the order in which they are printed: those beside the item by name, then those of each
/// attached folder.
fn entries<'m, 'a>(node: &'m PathNode<'a>) -> Vec<Entry<'m, 'a>> {
    fn sorted<'m, 'a>(articles: &'m [Article<'a>]) -> Vec<&'m Article<'a>> {
        let mut sorted: Vec<&Article<'_>> = articles.iter().collect();
        sorted.sort_by(|a, b| names::cmp_names(a.name, b.name).then_with(|| a.id.cmp(b.id)));
        sorted
    }
    let mut entries: Vec<Entry<'m, 'a>> =
        sorted(&node.articles).into_iter().map(|article| Entry { article, folder: None }).collect();
    let mut folders: Vec<&AttachedFolder<'_>> = node.attached.iter().collect();
    folders.sort_by(|a, b| names::cmp_names(a.name, b.name).then_with(|| a.id.cmp(b.id)));
    for folder in folders {
        let of_folder = sorted(&folder.articles);
        entries.extend(of_folder.into_iter().map(|article| Entry { article, folder: Some(folder.name) }));
    }
    entries
}

impl Entry<'_, '_> {
    fn text(&self, max_bytes: usize) -> String {
        let mut text = format!("File: {}", self.article.name);
        if let Some(folder) = self.folder {
            text.push_str(&format!(" (from attached folder: {folder})"));
        }
        text.push_str("\n\n");
        // One that cannot fit need not be converted.
        let content = if self.article.content.len() > max_bytes.saturating_mul(4) {
            Cow::Borrowed(self.article.content)
        } else {
            content::markdown(self.article.format, self.article.content)
        };
        match content.trim_end() {
            "" => text.push_str("> No content."),
            content => text.push_str(content),
        }
        text
    }
}

struct Text {
    text: String,
    max_bytes: usize,
}

impl Text {
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

    fn close(&mut self, left_out: usize) {
        let articles =
            if left_out == 1 { "1 article is".to_owned() } else { format!("{left_out} articles are") };
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

    fn article<'a>(id: &'a str, name: &'a str, content: &'a str) -> Article<'a> {
        Article { id, name, content, format: Format::Markdown }
    }

    fn material() -> Material<'static> {
        let tickets = AttachedFolder {
            id: "t",
            name: "Tickets",
            articles: vec![article("t10", "Ticket_10.md", "ten"), article("t9", "Ticket_9.md", "nine")],
        };
        Material {
            path: vec![
                PathNode { name: "KnowledgeTree Root", ..PathNode::default() },
                PathNode {
                    name: "Acme",
                    articles: vec![article("n", "note", "text\n\n")],
                    attached: vec![tickets],
                },
                PathNode {
                    name: "Servers",
                    articles: vec![
                        Article {
                            id: "h",
                            name: "b.html",
                            content: "<p>a <b>c</b></p>",
                            format: Format::Html,
                        },
                        article("e", "A empty", " \n"),
                        // Seen before, in the attached folder.
                        article("t9", "Ticket_9.md", "nine"),
                    ],
                    attached: vec![],
                },
                PathNode { name: "b.html", ..PathNode::default() },
            ],
            files: vec!["plan 10.pdf", "plan 9.pdf"],
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
        assert_eq!(context, Context { text: expected.to_owned(), left_out: 0 });
    }

    #[test]
    fn headings_are_capped_at_six() {
        let node = |name| PathNode { name, articles: vec![article(name, name, "x")], attached: vec![] };
        let path = ["1", "2", "3", "4", "5", "6", "7", "8"].map(node).to_vec();
        let text = write(&Material { path, files: vec![] }, DEFAULT_MAX_BYTES).text;
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
        assert_eq!(write(&Material::default(), 100).text, "");
    }

    proptest! {
        #[test]
        fn it_never_grows_beyond_its_limit_and_loses_no_count(max in 0_usize..700) {
            let context = write(&material(), max);
            let body = context.text.find("> Cut here").map_or(context.text.len(), |at| at.saturating_sub(2));
            prop_assert!(body <= max);
            prop_assert_eq!(context.text.matches("File: ").count() + context.left_out, 5);
        }

        #[test]
        fn the_order_of_the_material_does_not_matter(seed in any::<bool>()) {
            let mut other = material();
            if seed {
                for node in &mut other.path {
                    node.articles.reverse();
                    node.attached.iter_mut().for_each(|folder| folder.articles.reverse());
                }
                other.files.reverse();
            }
            prop_assert_eq!(write(&other, 500), write(&material(), 500));
        }
    }
}
