//! Links between items.

use super::{
    Format, render,
    tokens::{self, Token},
};
use crate::domain::paths;

/// Most links of one article that are followed back.
const MOST: usize = 1000;

/// The ids of the items that an article links to (`/view/<id>` and `/knowledgetree/view/<id>`): each once, in their
/// order. Links in code are none.
pub fn item_links(format: Format, content: &str) -> Vec<String> {
    if !content.contains("view/") {
        return Vec::new();
    }
    let mut ids: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for token in tokens::tokens(&render(format, content).html) {
        let Token::Start(tag) = token else { continue };
        if tag.name != "a" || ids.len() >= MOST {
            continue;
        }
        if let Some(id) = tag.attribute("href").and_then(paths::item_of_link)
            && seen.insert(id.clone())
        {
            ids.push(id);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_items_are_found_in_both_formats() {
        let markdown = "[a](/view/one) [b](/knowledgetree/view/root_A%20B?x=1) [again](/view/one)\n\n`[c](/view/code)`\n\n\
                        <a href=\"/view/raw\">d</a> [e](https://other.example/view/x) [ref]\n\n[ref]: /view/two \"t\"\n";
        assert_eq!(item_links(Format::Markdown, markdown), ["one", "root_A B", "raw", "two"]);
        let html = "<p><a href=\"/view/one\">a</a><a href='javascript:/view/x'>b</a> /view/text</p>";
        assert_eq!(item_links(Format::Html, html), ["one"]);
        assert!(item_links(Format::Markdown, "no links").is_empty());
    }

    #[test]
    fn an_article_of_links_only_has_an_end() {
        let many: String = (0..3000).map(|n| format!("[x](/view/{n})\n")).collect();
        assert_eq!(item_links(Format::Markdown, &many).len(), MOST);
    }
}
