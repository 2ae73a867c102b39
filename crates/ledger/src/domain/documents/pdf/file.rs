//! Pages as a file: PDF 1.7 with the letters it needs, and nothing that depends on when or where it is written.

use std::{collections::BTreeMap, io::Write as _};

use chrono::Datelike as _;
use flate2::{Compression, write::ZlibEncoder};
use pdf_writer::{
    Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use subsetter::GlyphRemapper;

use super::{
    super::document::InvoiceDocument,
    Paper,
    font::{self, Font, LACKING, Weight},
    layout::{Item, Page, Style},
    logo::{Logo, Pixels},
    text::printable,
};

const LOGO: Name<'static> = Name(b"Logo");
const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Numbers of the objects.
struct Numbers(i32);

impl Numbers {
    fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

/// Writes the file.
pub(super) fn write(document: &InvoiceDocument<'_>, paper: Paper, pages: &[Page]) -> Vec<u8> {
    let mut numbers = Numbers(0);
    let (catalog, tree, resources, info) = (numbers.next(), numbers.next(), numbers.next(), numbers.next());
    let mut pdf = Pdf::new();
    let mut cuts = [Cut::new(Weight::Regular), Cut::new(Weight::Bold)];
    let (width, height) = paper.size();
    let mut page_numbers = Vec::with_capacity(pages.len());
    for page in pages {
        let (number, contents) = (numbers.next(), numbers.next());
        page_numbers.push(number);
        pdf.page(number)
            .parent(tree)
            .media_box(Rect::new(0.0, 0.0, width, height))
            .contents(contents)
            .pair(Name(b"Resources"), resources);
        let content = deflate(&draw(page, height, &mut cuts));
        pdf.stream(contents, &content).filter(Filter::FlateDecode);
    }
    pdf.pages(tree).count(i32::try_from(pages.len()).unwrap_or(i32::MAX)).kids(page_numbers);

    let logo = document.sender.logo.as_ref().map(|logo| write_logo(&mut pdf, &mut numbers, logo));
    let fonts = cuts.map(|cut| (cut.resource(), cut.write(&mut pdf, &mut numbers)));
    let mut dictionary = pdf.indirect(resources).start::<pdf_writer::writers::Resources<'_>>();
    dictionary.fonts().pairs(fonts);
    if let Some(logo) = logo {
        dictionary.x_objects().pair(LOGO, logo);
    }
    dictionary.finish();

    write_info(&mut pdf, info, document);
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr("en"));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.finish()
}

fn write_info(pdf: &mut Pdf, info: Ref, document: &InvoiceDocument<'_>) {
    let date = document.date;
    let small = |number: u32| u8::try_from(number).unwrap_or(1);
    let year = u16::try_from(date.year()).unwrap_or(u16::MAX);
    let made = pdf_writer::Date::new(year).month(small(date.month())).day(small(date.day()));
    let title = format!("{} {}", document.title(), printable(&document.number));
    let subject =
        format!("{}, {}", printable(&document.customer.name), document.period.first_day().format("%B %Y"));
    pdf.document_info(info)
        .title(TextStr(&title))
        .author(TextStr(&printable(&document.sender.name)))
        .subject(TextStr(&subject))
        .creator(TextStr("HiveMatrix Ledger"))
        .creation_date(made);
}

/// What is drawn on a page.
fn draw(page: &Page, height: f32, cuts: &mut [Cut; 2]) -> Vec<u8> {
    let mut content = Content::new();
    for item in &page.items {
        match item {
            Item::Fill { x, y, width, height: down, color } => {
                fill_color(&mut content, *color);
                content.rect(*x, height - y - down, *width, *down).fill_nonzero();
            }
            Item::Logo { x, y, width, height: down } => {
                content.save_state();
                content.transform([*width, 0.0, 0.0, *down, *x, height - y - down]);
                content.x_object(LOGO).restore_state();
            }
            Item::Text { x, y, style, text } => {
                let [regular, bold] = cuts;
                let cut = match style.weight {
                    Weight::Regular => regular,
                    Weight::Bold => bold,
                };
                draw_text(&mut content, cut, (*x, height - y), *style, text);
            }
        }
    }
    content.finish().to_vec()
}

fn draw_text(content: &mut Content, cut: &mut Cut, (x, y): (f32, f32), style: Style, text: &str) {
    // What the typeface lacks is shown as a replacement sign, and is still there for who searches or copies.
    let is_lacking = text.chars().any(|letter| !cut.font.knows(letter));
    if is_lacking {
        let mut span = content.begin_marked_content_with_properties(Name(b"Span"));
        span.properties().actual_text(TextStr(text));
    }
    fill_color(content, style.color);
    let glyphs = cut.encode(text);
    content.begin_text().set_font(cut.resource(), style.size).next_line(x, y);
    content.show(Str(&glyphs)).end_text();
    if is_lacking {
        content.end_marked_content();
    }
}

fn fill_color(content: &mut Content, color: super::layout::Color) {
    let part = |value: u8| f32::from(value) / 255.0;
    content.set_fill_rgb(part(color.0), part(color.1), part(color.2));
}

/// One cut of the typeface, and which of its letters are used.
struct Cut {
    weight: Weight,
    font: &'static Font,
    glyphs: GlyphRemapper,
    letters: BTreeMap<u16, (char, f32)>,
}

impl Cut {
    fn new(weight: Weight) -> Self {
        Self { weight, font: font::of(weight), glyphs: GlyphRemapper::new(), letters: BTreeMap::new() }
    }

    fn resource(&self) -> Name<'static> {
        match self.weight {
            Weight::Regular => Name(b"Regular"),
            Weight::Bold => Name(b"Bold"),
        }
    }

    /// A text as numbers of glyphs, two bytes each.
    fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(2 * text.len());
        for letter in text.chars() {
            let glyph = self.font.glyph(letter);
            let number = self.glyphs.remap(glyph);
            let letter = if self.font.knows(letter) { letter } else { LACKING };
            self.letters.entry(number).or_insert((letter, self.font.advance(glyph)));
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    /// Writes the letters that are used, and tells where.
    fn write(&self, pdf: &mut Pdf, numbers: &mut Numbers) -> Ref {
        let [outer, inner, descriptor, file, unicode] = std::array::from_fn(|_| numbers.next());
        let name = Name(self.font.name);
        pdf.type0_font(outer)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(inner)
            .to_unicode(unicode);
        let mut cid = pdf.cid_font(inner);
        cid.subtype(CidFontType::Type2).base_font(name).system_info(IDENTITY);
        cid.font_descriptor(descriptor).default_width(0.0).cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = cid.widths();
        for (number, (_, width)) in &self.letters {
            widths.consecutive(*number, [*width]);
        }
        widths.finish();
        cid.finish();
        let measures = self.font.measures();
        let [left, bottom, right, top] = measures.bbox;
        pdf.font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(0.0)
            .ascent(measures.ascent)
            .descent(measures.descent)
            .cap_height(measures.cap_height)
            .stem_v(if self.weight == Weight::Bold { 140.0 } else { 90.0 })
            .font_file2(file);
        // Fails for a broken typeface only, and then no letter is known either.
        let program = deflate(&subsetter::subset(self.font.data, 0, &self.glyphs).unwrap_or_default());
        pdf.stream(file, &program).filter(Filter::FlateDecode);
        let mut cmap = UnicodeCmap::new(Name(b"Unicode"), IDENTITY);
        for (number, (letter, _)) in &self.letters {
            cmap.pair(*number, *letter);
        }
        let cmap = deflate(&cmap.finish());
        pdf.cmap(unicode, &cmap).filter(Filter::FlateDecode);
        outer
    }
}

fn write_logo(pdf: &mut Pdf, numbers: &mut Numbers, logo: &Logo) -> Ref {
    let number = numbers.next();
    let size = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
    let (width, height) = (size(logo.width), size(logo.height));
    match &logo.pixels {
        Pixels::Jpeg { bytes, is_gray } => {
            let mut image = pdf.image_xobject(number, bytes);
            image.width(width).height(height).bits_per_component(8).filter(Filter::DctDecode);
            if *is_gray { image.color_space().device_gray() } else { image.color_space().device_rgb() }
        }
        Pixels::Rgb { colors, opacity } => {
            let mask = opacity.as_ref().map(|opacity| (numbers.next(), opacity));
            let mut image = pdf.image_xobject(number, colors);
            image.width(width).height(height).bits_per_component(8).filter(Filter::FlateDecode);
            image.color_space().device_rgb();
            if let Some((mask, _)) = mask {
                image.s_mask(mask);
            }
            image.finish();
            if let Some((mask, opacity)) = mask {
                let mut image = pdf.image_xobject(mask, opacity);
                image.width(width).height(height).bits_per_component(8).filter(Filter::FlateDecode);
                image.color_space().device_gray();
            }
        }
    }
    number
}

/// Compresses (zlib).
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
