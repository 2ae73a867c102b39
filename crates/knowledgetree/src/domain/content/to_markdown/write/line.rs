//! What stands in the lines of a block.

use comrak::nodes::{NodeCode, NodeLink, NodeValue};

use super::{AstRef, Element, Node, Writer};
use crate::domain::content::{
    to_markdown::{shape::is_todo_span, tree::is_block_name},
    tokens,
};

/// The text of a block, as it grows: white space of HTML means one space, and none at the beginning and the end of a
/// line.
pub(super) struct Line<'w, 'a> {
    writer: &'w Writer<'a>,
    at_start: bool,
    space: bool,
}

impl<'w, 'a> Line<'w, 'a> {
    /// An empty line.
    pub const fn new(writer: &'w Writer<'a>) -> Self {
        Self { writer, at_start: true, space: false }
    }

    /// Adds what stands in the line.
    pub fn inlines(&mut self, parent: AstRef<'a>, nodes: &[Node<'_>]) -> Option<()> {
        for node in nodes {
            match node {
                Node::Text(raw) => self.text(parent, &tokens::decode(raw)),
                Node::Element(element) => self.element(parent, element)?,
            }
        }
        Some(())
    }

    fn text(&mut self, parent: AstRef<'a>, text: &str) {
        for (index, word) in text.split(|c: char| c.is_ascii_whitespace()).enumerate() {
            self.space |= index > 0;
            if !word.is_empty() {
                self.add(parent, NodeValue::Text(word.to_owned().into()));
            }
        }
    }

    /// Adds what is seen, with the space before it.
    fn add(&mut self, parent: AstRef<'a>, value: NodeValue) -> AstRef<'a> {
        if self.space && !self.at_start {
            self.writer.add(parent, NodeValue::Text(" ".into()));
        }
        (self.space, self.at_start) = (false, false);
        self.writer.add(parent, value)
    }

    fn element(&mut self, parent: AstRef<'a>, element: &Element<'_>) -> Option<()> {
        let tag = &element.tag;
        let plain = tag.attributes.is_empty();
        match tag.name {
            "br" => {
                self.writer.add(parent, NodeValue::SoftBreak);
                (self.space, self.at_start) = (false, true);
                Some(())
            }
            "strong" | "b" if plain => self.nested(parent, NodeValue::Strong, element),
            "em" | "i" if plain => self.nested(parent, NodeValue::Emph, element),
            "s" | "del" if plain => self.nested(parent, NodeValue::Strikethrough, element),
            "span" if is_todo_span(tag) => self.inlines(parent, &element.children),
            "code" if plain => {
                let literal = element.only_text()?.replace('\n', " ");
                self.add(parent, NodeValue::Code(NodeCode { num_backticks: 1, literal }));
                Some(())
            }
            "a" if tag.attributes.iter().all(|(name, _)| matches!(*name, "href" | "title")) => {
                let url = tag.attribute("href")?.to_owned();
                let title = tag.attribute("title").unwrap_or_default().to_owned();
                self.nested(parent, NodeValue::Link(Box::new(NodeLink { url, title })), element)
            }
            "img" if tag.attributes.iter().all(|(name, _)| matches!(*name, "src" | "alt" | "title")) => {
                let url = tag.attribute("src")?.to_owned();
                let title = tag.attribute("title").unwrap_or_default().to_owned();
                let image = self.add(parent, NodeValue::Image(Box::new(NodeLink { url, title })));
                let alt = tag.attribute("alt").unwrap_or_default().to_owned();
                self.writer.add(image, NodeValue::Text(alt.into()));
                Some(())
            }
            _ if tag.is_void() => {
                self.add(parent, NodeValue::HtmlInline(on_one_line(tag.raw)));
                Some(())
            }
            name if is_block_name(name) => None,
            name => {
                self.add(parent, NodeValue::HtmlInline(on_one_line(tag.raw)));
                self.inlines(parent, &element.children)?;
                self.writer.add(parent, NodeValue::HtmlInline(format!("</{name}>")));
                Some(())
            }
        }
    }

    /// An element whose sign stands around its text: space at its edges goes outside, where the sign is one.
    fn nested(&mut self, parent: AstRef<'a>, value: NodeValue, element: &Element<'_>) -> Option<()> {
        let starts_with_space =
            matches!(element.children.first(), Some(Node::Text(raw)) if raw.starts_with([' ', '\n', '\t']));
        self.space |= starts_with_space;
        let node = self.add(parent, value);
        self.at_start = true;
        self.inlines(node, &element.children)?;
        self.at_start = false;
        Some(())
    }
}

/// HTML without line ends: those that count are written as characters of their own.
pub(super) fn on_one_line(html: &str) -> String {
    if !html.contains('\n') {
        return html.to_owned();
    }
    let mut line = String::with_capacity(html.len() + 16);
    let mut in_pre = 0_usize;
    for token in tokens::tokens(html) {
        match token {
            tokens::Token::Start(tag) => {
                in_pre += usize::from(tag.name == "pre");
                line.push_str(&tag.raw.replace('\n', "&#10;"));
            }
            tokens::Token::End { name, raw } => {
                in_pre = in_pre.saturating_sub(usize::from(name == "pre"));
                line.push_str(raw);
            }
            tokens::Token::Text(raw) if in_pre > 0 => line.push_str(&raw.replace('\n', "&#10;")),
            tokens::Token::Text(raw) => line.push_str(&raw.replace('\n', " ")),
        }
    }
    line
}
