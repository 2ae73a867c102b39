//! Blocks and what stands in their lines, as a tree of `comrak`'s.

mod line;
mod table;

use std::sync::LazyLock;

use comrak::{
    Arena, Node as AstRef, Options,
    nodes::{
        AstNode, ListDelimType, ListType, NodeCodeBlock, NodeHeading, NodeHtmlBlock, NodeList, NodeTaskItem,
        NodeValue, Sourcepos,
    },
};

use line::{Line, on_one_line};

use super::{
    shape::{is_todo_class, language},
    tree::{Element, Node},
};
use crate::domain::content::markdown;

/// As articles are read, but a break is written as a line end.
static OPTIONS: LazyLock<Options<'static>> = LazyLock::new(|| {
    let mut options = markdown::OPTIONS.clone();
    options.render.hardbreaks = false;
    options.render.prefer_fenced = true;
    options
});

/// Markdown of one block, or of words that stand alone; none when there is no sign for it. Whether it means the same
/// is for the caller to find out.
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
        let info = language(&code.tag).or_else(|| language(&element.tag)).unwrap_or_default().to_owned();
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
        Line::new(self).inlines(block, nodes)
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
