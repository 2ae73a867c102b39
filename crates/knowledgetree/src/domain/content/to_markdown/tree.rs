//! Sanitised HTML as a tree.

use crate::domain::content::{
    text::BLOCKS,
    tokens::{self, Tag, Token},
};

/// A piece of HTML.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// A text, not decoded.
    Text(&'a str),
    /// An element with what it holds.
    Element(Element<'a>),
}

/// An element.
#[derive(Debug)]
pub(super) struct Element<'a> {
    pub tag: Tag<'a>,
    pub children: Vec<Node<'a>>,
    /// From its start tag to its end tag.
    pub source: &'a str,
}

/// The tree of sanitised HTML. No deeper than what the sanitiser lets pass.
pub(super) fn parse(html: &str) -> Vec<Node<'_>> {
    let mut open: Vec<(Tag<'_>, usize, Vec<Node<'_>>)> = Vec::new();
    let mut nodes = Vec::new();
    let mut at = 0;
    for token in tokens::tokens(html) {
        let start = at;
        match token {
            Token::Text(raw) => {
                at += raw.len();
                nodes.push(Node::Text(raw));
            }
            Token::Start(tag) if tag.is_void() => {
                at += tag.raw.len();
                let source = &html[start..at];
                nodes.push(Node::Element(Element { tag, children: Vec::new(), source }));
            }
            Token::Start(tag) => {
                at += tag.raw.len();
                open.push((tag, start, std::mem::take(&mut nodes)));
            }
            Token::End { raw, .. } => {
                at += raw.len();
                if let Some((tag, from, before)) = open.pop() {
                    let children = std::mem::replace(&mut nodes, before);
                    nodes.push(Node::Element(Element { tag, children, source: &html[from..at] }));
                }
            }
        }
    }
    while let Some((tag, from, before)) = open.pop() {
        let children = std::mem::replace(&mut nodes, before);
        nodes.push(Node::Element(Element { tag, children, source: &html[from..] }));
    }
    nodes
}

/// Whether elements of that name stand on lines of their own.
pub(super) fn is_block_name(name: &str) -> bool {
    name != "br" && BLOCKS.contains(&name)
}

impl<'a> Node<'a> {
    /// Its source.
    pub fn source(&self) -> &'a str {
        match self {
            Self::Text(raw) => raw,
            Self::Element(element) => element.source,
        }
    }

    /// Whether it stands on lines of its own.
    pub fn is_block(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::Element(element) => is_block_name(element.tag.name),
        }
    }

    /// Whether it is white space between elements.
    pub fn is_space(&self) -> bool {
        matches!(self, Self::Text(raw) if raw.bytes().all(|byte| byte.is_ascii_whitespace()))
    }

    /// The element, if it is one of that name.
    pub fn element(&self, name: &str) -> Option<&Element<'a>> {
        match self {
            Self::Element(element) if element.tag.name == name => Some(element),
            _ => None,
        }
    }
}

impl<'a> Element<'a> {
    /// Whether it is one of that name without attributes.
    pub fn is_plain(&self, name: &str) -> bool {
        self.tag.name == name && self.tag.attributes.is_empty()
    }

    /// The children that are elements; none when there is text between them.
    pub fn only_elements(&self) -> Option<Vec<&Element<'a>>> {
        let mut elements = Vec::new();
        for child in &self.children {
            match child {
                Node::Element(element) => elements.push(element),
                Node::Text(_) if child.is_space() => {}
                Node::Text(_) => return None,
            }
        }
        Some(elements)
    }

    /// Its text, when it holds nothing else.
    pub fn only_text(&self) -> Option<String> {
        let mut text = String::new();
        for child in &self.children {
            match child {
                Node::Text(raw) => text.push_str(&tokens::decode(raw)),
                Node::Element(_) => return None,
            }
        }
        Some(text)
    }
}
