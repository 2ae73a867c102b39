//! What stands where. Lengths are points; `y` counts from the top of the page downwards.

mod closing;
mod head;

use super::{
    super::document::InvoiceDocument,
    Paper,
    font::{self, Weight},
    table,
    text::{few_lines, printable},
};

/// From the edge of the sheet to what is printed.
pub(super) const MARGIN: f32 = 48.0;
/// From the lower edge of the sheet to the lowest line above the footer.
const BOTTOM: f32 = 64.0;

/// A colour, red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Color(pub u8, pub u8, pub u8);

/// Text.
pub(super) const INK: Color = Color(0x1b, 0x24, 0x30);
/// Labels, and what is less important.
pub(super) const MUTED: Color = Color(0x63, 0x6d, 0x7a);
/// Titles, and the box with the total.
pub(super) const ACCENT: Color = Color(0x1f, 0x3d, 0x63);
/// Rules between lines.
pub(super) const RULE: Color = Color(0xdf, 0xe3, 0xe8);
/// Behind what stands out.
pub(super) const TINT: Color = Color(0xf1, 0xf4, 0xf8);
/// On [`ACCENT`].
pub(super) const WHITE: Color = Color(0xff, 0xff, 0xff);

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Size in points.
    pub size: f32,
    /// How bold.
    pub weight: Weight,
    /// Colour.
    pub color: Color,
}

impl Style {
    /// Plain text.
    pub(super) const fn plain(size: f32) -> Self {
        Self { size, weight: Weight::Regular, color: INK }
    }

    /// Bold text.
    pub(super) const fn bold(size: f32) -> Self {
        Self { size, weight: Weight::Bold, color: INK }
    }

    /// The same in another colour.
    pub(super) const fn in_color(self, color: Color) -> Self {
        Self { color, ..self }
    }

    /// How wide a text is.
    pub(super) fn width(self, text: &str) -> f32 {
        font::of(self.weight).width(text, self.size)
    }
}

/// Something on a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A line of text that begins at `x` and stands on `y`.
    Text {
        /// Left edge.
        x: f32,
        /// Base line.
        y: f32,
        /// Look.
        style: Style,
        /// Printable words.
        text: String,
    },
    /// A filled rectangle.
    Fill {
        /// Left edge.
        x: f32,
        /// Upper edge.
        y: f32,
        /// Width.
        width: f32,
        /// Height.
        height: f32,
        /// Colour.
        color: Color,
    },
    /// The sender's logo.
    Logo {
        /// Left edge.
        x: f32,
        /// Upper edge.
        y: f32,
        /// Width.
        width: f32,
        /// Height.
        height: f32,
    },
}

/// A page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// In the order in which they are drawn and read.
    pub items: Vec<Item>,
}

/// The pages of a document.
pub fn pages(document: &InvoiceDocument<'_>, paper: Paper) -> Vec<Page> {
    let (width, height) = paper.size();
    let mut flow = Flow { document, width, height, pages: vec![Page::default()], y: MARGIN, heading: None };
    head::draw(&mut flow);
    table::draw(&mut flow);
    closing::draw(&mut flow);
    flow.finish()
}

/// Pages as they fill.
pub(super) struct Flow<'d> {
    pub document: &'d InvoiceDocument<'d>,
    width: f32,
    height: f32,
    pages: Vec<Page>,
    /// Where the next thing goes.
    pub y: f32,
    /// Heading of the table that is being drawn, repeated on its next page.
    heading: Option<fn(&mut Self)>,
}

impl Flow<'_> {
    /// Left edge of what is printed.
    pub const fn left(&self) -> f32 {
        MARGIN
    }

    /// Right edge of it.
    pub fn right(&self) -> f32 {
        self.width - MARGIN
    }

    /// Width of it.
    pub fn content_width(&self) -> f32 {
        self.right() - self.left()
    }

    fn put(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.items.push(item);
        }
    }

    /// A text that begins at `x`.
    pub fn text(&mut self, x: f32, y: f32, style: Style, text: &str) {
        if !text.is_empty() {
            self.put(Item::Text { x, y, style, text: text.to_owned() });
        }
    }

    /// A text that ends at `right`; smaller, where it would be wider than `width`.
    pub fn text_to(&mut self, right: f32, y: f32, width: f32, style: Style, text: &str) {
        let natural = style.width(text);
        let size = if natural > width { style.size * width / natural } else { style.size };
        let style = Style { size, ..style };
        self.text(right - style.width(text), y, style, text);
    }

    /// A rectangle.
    pub fn fill(&mut self, x: f32, y: f32, width: f32, height: f32, color: Color) {
        self.put(Item::Fill { x, y, width, height, color });
    }

    /// A rule from edge to edge at the present height.
    pub fn rule(&mut self, thickness: f32, color: Color) {
        self.fill(self.left(), self.y, self.content_width(), thickness, color);
    }

    /// The sender's logo.
    pub fn logo(&mut self, x: f32, y: f32, width: f32, height: f32) {
        self.put(Item::Logo { x, y, width, height });
    }

    /// Begins a table: draws its heading, here and on each page that it goes on to.
    pub fn begin_table(&mut self, heading: fn(&mut Self)) {
        heading(self);
        self.heading = Some(heading);
    }

    /// Ends it.
    pub fn end_table(&mut self) {
        self.heading = None;
    }

    /// Goes on to the next page where less than `height` is left on this one.
    pub fn need(&mut self, height: f32) {
        if self.y + height <= self.height - BOTTOM {
            return;
        }
        self.pages.push(Page::default());
        self.y = MARGIN;
        head::draw_again(self);
        if let Some(heading) = self.heading {
            heading(self);
        }
    }

    /// Puts the footer on each page, now that their number is known.
    fn finish(mut self) -> Vec<Page> {
        let sender = self.document.sender;
        let tax_id = sender.tax_id.as_ref().map(|id| format!("Tax ID {id}"));
        let from: Vec<String> = [Some(&sender.name), sender.email.as_ref(), tax_id.as_ref()]
            .into_iter()
            .flatten()
            .map(|text| printable(text))
            .filter(|text| !text.is_empty())
            .collect();
        let style = Style::plain(7.5).in_color(MUTED);
        let from = few_lines(
            font::of(style.weight),
            style.size,
            &from.join("  ·  "),
            self.content_width() - 90.0,
            1,
        );
        let pages = std::mem::take(&mut self.pages);
        let count = pages.len();
        let mut finished = Vec::with_capacity(count);
        for (place, page) in pages.into_iter().enumerate() {
            self.pages.push(page);
            self.y = self.height - 46.0;
            self.rule(0.6, RULE);
            let y = self.height - 33.0;
            self.text(self.left(), y, style, from.first().map_or("", String::as_str));
            self.text_to(self.right(), y, 90.0, style, &format!("Page {} of {count}", place + 1));
            finished.append(&mut self.pages);
        }
        finished
    }
}
