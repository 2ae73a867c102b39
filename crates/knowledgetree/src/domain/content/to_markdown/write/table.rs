//! Tables that Markdown has signs for: one row of headings, then rows of as many cells, each cell one line.

use comrak::nodes::{NodeTable, NodeValue, TableAlignment};

use super::{AstRef, Element, Line, Node, Writer};

impl<'a> Writer<'a> {
    /// A table; none when it has anything that pipes cannot say.
    pub(super) fn table(&self, parent: AstRef<'a>, element: &Element<'_>) -> Option<()> {
        if !element.tag.attributes.is_empty() {
            return None;
        }
        let mut rows = Vec::new();
        for part in element.only_elements()? {
            match part.tag.name {
                "thead" | "tbody" if part.tag.attributes.is_empty() => rows.extend(part.only_elements()?),
                _ => return None,
            }
        }
        let (head, body) = rows.split_first()?;
        let head = cells(head, "th")?;
        let alignments: Vec<TableAlignment> =
            head.iter().map(|cell| alignment(cell)).collect::<Option<_>>()?;
        let table = NodeTable {
            alignments: alignments.clone(),
            num_columns: head.len(),
            num_rows: rows.len(),
            num_nonempty_cells: 0,
        };
        let table = self.add(parent, NodeValue::Table(Box::new(table)));
        self.row(table, true, &head)?;
        for row in body {
            let cells = cells(row, "td")?;
            let aligned = cells.iter().map(|cell| alignment(cell)).collect::<Option<Vec<_>>>()?;
            if aligned != alignments {
                return None;
            }
            self.row(table, false, &cells)?;
        }
        Some(())
    }

    fn row(&self, table: AstRef<'a>, is_head: bool, cells: &[&Element<'_>]) -> Option<()> {
        let row = self.add(table, NodeValue::TableRow(is_head));
        for cell in cells {
            let node = self.add(row, NodeValue::TableCell);
            if has_break(&cell.children) {
                return None;
            }
            Line::new(self).inlines(node, &cell.children)?;
        }
        Some(())
    }
}

/// The cells of a row, when they are all of one kind and none is joined with another.
fn cells<'t, 'h>(row: &'t Element<'h>, kind: &str) -> Option<Vec<&'t Element<'h>>> {
    let cells = row.only_elements()?;
    let plain = |cell: &&Element<'_>| {
        cell.tag.name == kind && cell.tag.attributes.iter().all(|(name, _)| *name == "align")
    };
    (row.tag.name == "tr" && !cells.is_empty() && cells.iter().all(plain)).then_some(cells)
}

fn alignment(cell: &Element<'_>) -> Option<TableAlignment> {
    match cell.tag.attribute("align") {
        None => Some(TableAlignment::None),
        Some("left") => Some(TableAlignment::Left),
        Some("center") => Some(TableAlignment::Center),
        Some("right") => Some(TableAlignment::Right),
        Some(_) => None,
    }
}

fn has_break(nodes: &[Node<'_>]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Text(_) => false,
        Node::Element(element) => element.tag.name == "br" || has_break(&element.children),
    })
}
