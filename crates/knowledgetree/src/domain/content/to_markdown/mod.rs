//! HTML as Markdown (knowledgetree.md §8.3, §16 W17).
//!
//! Each block becomes a tree of `comrak`'s, which writes it; the escaping of the format is its. What Markdown has no
//! sign for (alignment, colours, joined cells, marked text) is written as HTML, which Markdown may hold. Each block
//! is then rendered again: if that does not give what it was made of, the block is written as HTML as a whole. So
//! nothing is lost, whatever the HTML.

mod shape;
mod tree;
mod write;

use tree::Node;

/// Markdown that renders to `html`, which is sanitised.
pub(super) fn convert(html: &str) -> String {
    let nodes = tree::parse(html);
    let mut blocks = Vec::new();
    top_level(&nodes, &mut blocks);
    let mut markdown = String::new();
    let mut list_before = None;
    for block in blocks {
        let list = block.list();
        if list.is_some() && list == list_before {
            // Without something between them two lists would be one.
            markdown.push_str("<!-- -->\n\n");
        }
        list_before = list;
        markdown.push_str(&block.markdown());
        markdown.push('\n');
    }
    markdown.truncate(markdown.trim_end().len());
    if !markdown.is_empty() {
        markdown.push('\n');
    }
    markdown
}

/// A block of the document: one element, or the words and inline elements between two of them.
enum Block<'t, 'h> {
    Element(&'t Node<'h>),
    Inline(&'t [Node<'h>]),
}

/// Takes apart what has blocks in it and no meaning of its own.
fn top_level<'t, 'h>(nodes: &'t [Node<'h>], blocks: &mut Vec<Block<'t, 'h>>) {
    let mut rest = nodes;
    while let Some(first) = rest.first() {
        if first.is_block() {
            match first {
                Node::Element(element) if element.is_plain("div") => top_level(&element.children, blocks),
                _ => blocks.push(Block::Element(first)),
            }
            rest = &rest[1..];
        } else {
            let end = rest.iter().position(Node::is_block).unwrap_or(rest.len());
            let (inline, after) = rest.split_at(end);
            if !inline.iter().all(Node::is_space) {
                blocks.push(Block::Inline(inline));
            }
            rest = after;
        }
    }
}

impl<'h> Block<'_, 'h> {
    fn list(&self) -> Option<&'h str> {
        match self {
            Self::Element(Node::Element(element)) if matches!(element.tag.name, "ul" | "ol") => {
                Some(element.tag.name)
            }
            _ => None,
        }
    }

    /// Its source; words without an element stand in a paragraph.
    fn html(&self) -> String {
        match self {
            Self::Element(node) => node.source().to_owned(),
            Self::Inline(nodes) => {
                let source: String = nodes.iter().map(Node::source).collect();
                format!("<p>{}</p>", source.trim())
            }
        }
    }

    fn markdown(&self) -> String {
        let html = self.html();
        let written = match self {
            Self::Element(node) => write::block(std::slice::from_ref(*node)),
            Self::Inline(nodes) => write::block(nodes),
        };
        match written {
            Some(markdown) if shape::is_same(&html, &markdown) => markdown,
            _ => write::raw_block(&html),
        }
    }
}

#[cfg(test)]
mod tests;
