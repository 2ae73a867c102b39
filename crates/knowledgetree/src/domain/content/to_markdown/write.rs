//! Blocks and what stands in their lines, as a tree of `comrak`'s.

use std::sync::LazyLock;

use comrak::{
    Arena, Node as AstRef, Options,
    nodes::{
        AstNode, ListDelimType, ListType, NodeCode, NodeCodeBlock, NodeHeading, NodeHtmlBlock, NodeLink,
        NodeList, NodeTaskItem, NodeValue, Sourcepos,
    },
};

use super::{
    shape::is_todo_class,
    tree::{Element, Node, is_block_name},
};
use crate::domain::content::{markdown, tokens};

/// As articles are read, but a break is written as a line end.
static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = markdown::OPTIONS.clone();
    options.render.hardbreaks = false;
    options.render.prefer_fenced = true;
    options
});

mod table;

/// Markdown of one block, or of words that stand alone; none when there is no sign for it. Whether it means the same is for the
/// caller to find out.
pub(super) fn block(nodes: &[Node<'_>]) -> Option<String> {
    let arena = Arena::new();
    let writer = Writer { arena: &arena };
    let root = writer.node(NodeValue::Document);
    writer.blocks(root, nodes)?;
    format(root)
}

/// HTML as a block of Markdown: on one line, since a blank line would end it.
pub(super) fn raw_block(html: &str) -> String {
    format!("{}\n", on_one_line(html))
}

/// A plain text: its paragraphs and lines.
pub(super) fn plain(text: &str) -> String {
    let arena = Arena::new();
    let writer = Writer { arena: &arena };
    let root = writer.node(NodeValue::Document);
    let mut paragraph: Option<AstRef<'_>> = None;
    for line in text.lines() {
        let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            paragraph = None;
            continue;
        }
        let into = match paragraph {
            Some(into) => {
                into.append(writer.node(NodeValue::SoftBreak));
                into
            }
            None => writer.add(root, NodeValue::Paragraph),
        };
        writer.add(into, NodeValue::Text(words.into()));
        paragraph = Some(into);
    }
    format(root).unwrap_or_default()
}

fn format(root: AstRef<'_>) -> Option<String> {
    let mut written = String::new();
    comrak::format_commonmark(root, &OPTIONS, &mut written).ok()?;
    Some(written)
}

struct Writer<'a> {
    arena: &'a Arena<'a>,
}

impl<'a> Writer<'a> {
    fn node(&self, value: NodeValue) -> AstRef<'a> {
        self.arena.alloc(AstNode::from(value))
    }

    fn add(&self, parent: AstRef<'a>, value: NodeValue) -> AstRef<'a> {
        let node = self.node(value);
        parent.append(node);
        node
    }

    /// Blocks, and paragraphs for what stands between them.
    fn blocks(&self, parent: AstRef<'a>, nodes: &[Node<'_>]) -> Option<()> {
        let mut rest = nodes;
        while let Some(first) = rest.first() {
            if let Node::Element(element) = first
                && first.is_block()
            {
                self.block(parent, element)?;
                rest = &rest[1..];
            } else {
                let end = rest.iter().position(Node::is_block).unwrap_or(rest.len());
                let (inline, after) = rest.split_at(end);
                if !inline.iter().all(Node::is_space) {
                    self.paragraph(parent, NodeValue::Paragraph, inline)?;
                }
                rest = after;
            }
        }
        Some(())
    }

    fn block(&self, parent: AstRef<'a>, element: &Element<'_>) -> Option<()> {
        let name = element.tag.name;
        match name {
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if element.is_plain(name) => {
                let value = match name.strip_prefix('h').and_then(|level| level.parse().ok()) {
                    Some(level) => NodeValue::Heading(NodeHeading { level, setext: false, closed: false }),
                    None => NodeValue::Paragraph,
                };
                self.paragraph(parent, value, &element.children)
            }
            "ul" | "ol" => self.list(parent, element),
            "blockquote" => self.blocks(self.add(parent, NodeValue::BlockQuote), &element.children),
            "pre" => self.code_block(parent, element),
            "hr" => {
                self.add(parent, NodeValue::ThematicBreak);
                Some(())
            }
            "table" => self.table(parent, element),
            "figure" if element.tag.attribute("class") == Some("table") => {
                match element.only_elements()?.as_slice() {
                    [table] if table.tag.name == "table" => self.table(parent, table),
                    _ => None,
                }
            }
            "div" if element.is_plain("div") => self.blocks(parent, &element.children),
            _ => {
                let literal = raw_block(element.source);
                self.add(parent, NodeValue::HtmlBlock(NodeHtmlBlock { block_type: 6, literal }));
                Some(())
            }
        }
    }

    fn list(&self, parent: AstRef<'a>, element: &Element<'_>) -> Option<()> {
        if !element.tag.attribute("class").is_none_or(is_todo_class) {
            return None;
        }
        let items = element.only_elements()?;
        let tight = !items.iter().any(|item| item.children.iter().any(|child| child.element("p").is_some()));
        let list = NodeList {
            list_type: if element.tag.name == "ol" { ListType::Ordered } else { ListType::Bullet },
            start: 1,
            delimiter: ListDelimType::Period,
            bullet_char: b'-',
            tight,
            ..NodeList::default()
        };
        let node = self.add(parent, NodeValue::List(list));
        for item in items {
            if item.tag.name != "li" || !item.tag.attribute("class").is_none_or(is_todo_class) {
                return None;
            }
            match task(item) {
                Some((checked, children)) => {
                    let symbol = checked.then_some('x');
                    let task = NodeTaskItem { symbol, symbol_sourcepos: Sourcepos::from((0, 0, 0, 0)) };
                    let into = self.add(node, NodeValue::TaskItem(task));
                    for part in children {
                        self.blocks(into, part)?;
                    }
                }
                None => self.blocks(self.add(node, NodeValue::Item(list)), &item.children)?,
            }
        }
        Some(())
    }

    fn code_block(&self, parent: AstRef<'a>, element: &Element<'_>) -> Option<()> {
        let code = match element.only_elements().as_deref() {
            Some([code]) if code.tag.name == "code" => *code,
            _ => element,
        };
        let mut literal = code.only_text()?;
        if !literal.ends_with('\n') {
            literal.push('\n');
        }
        let class = code.tag.attribute("class").unwrap_or_default();
        let info = class
            .split_whitespace()
            .find_map(|name| name.strip_prefix("language-"))
            .or_else(|| element.tag.attribute("data-language"))
            .unwrap_or_default()
            .to_owned();
        let longest = literal.split(|c| c != '`').map(str::len).max().unwrap_or_default();
        let block = NodeCodeBlock {
            fenced: true,
            fence_char: b'`',
            fence_length: 3.max(longest + 1),
            fence_offset: 0,
            info,
            literal,
            closed: true,
        };
        self.add(parent, NodeValue::CodeBlock(Box::new(block)));
        Some(())
    }

    /// A block of one text.
    fn paragraph(&self, parent: AstRef<'a>, value: NodeValue, nodes: &[Node<'_>]) -> Option<()> {
        let block = self.add(parent, value);
        let mut line = Line { writer: self, at_start: true, space: false };
        line.inlines(block, nodes)
    }
}

/// The text of a block, as it grows: white space of HTML means one space, and none at the beginning and the end of a line.
struct Line<'w, 'a> {
    writer: &'w Writer<'a>,
    at_start: bool,
    space: bool,
}

impl<'a> Line<'_, 'a> {
    fn inlines(&mut self, parent: AstRef<'a>, nodes: &[Node<'_>]) -> Option<()> {
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
            "span" if plain => self.inlines(parent, &element.children),
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

/// A to-do item: whether it is done, and what it holds beside its box.
fn task<'t, 'h>(item: &'t Element<'h>) -> Option<(bool, Vec<&'t [Node<'h>]>)> {
    let first = item.children.iter().position(|child| !child.is_space())?;
    let rest = &item.children[first + 1..];
    let Node::Element(element) = &item.children[first] else { return None };
    match element.tag.name {
        "input" => Some((element.tag.attribute("checked").is_some(), vec![rest])),
        "label" | "p" if !rest.iter().any(|node| !node.is_space() && !node.is_block()) => {
            let inner = element.children.iter().position(|child| !child.is_space())?;
            let input = element.children[inner].element("input")?;
            Some((input.tag.attribute("checked").is_some(), vec![&element.children[inner + 1..], rest]))
        }
        _ => None,
    }
}

/// HTML without line ends: those that count are written as characters of their own.
fn on_one_line(html: &str) -> String {
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
