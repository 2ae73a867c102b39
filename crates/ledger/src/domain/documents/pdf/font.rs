//! The typeface of the documents: Noto Sans, which knows Latin, Greek and Cyrillic. A crate brings it along, so it is the same on
//! every machine.

use std::sync::LazyLock;

use ttf_parser::Face;

/// Shown for what the typeface lacks.
pub const LACKING: char = '\u{fffd}';

/// How bold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Weight {
    /// For text.
    Regular,
    /// For what matters.
    Bold,
}

/// One cut of the typeface.
#[derive(Debug)]
pub struct Font {
    /// Its name in the file.
    pub name: &'static [u8],
    /// Its bytes.
    pub data: &'static [u8],
    /// Nothing only if the crate were broken: then pages have no text.
    face: Option<Face<'static>>,
}

static REGULAR: LazyLock<Font> =
    LazyLock::new(|| Font::new(b"LEDGER+NotoSans-Regular", ttf_noto_sans::REGULAR));
static BOLD: LazyLock<Font> = LazyLock::new(|| Font::new(b"LEDGER+NotoSans-Bold", ttf_noto_sans::BOLD));

/// The cut of a weight.
pub fn of(weight: Weight) -> &'static Font {
    match weight {
        Weight::Regular => &REGULAR,
        Weight::Bold => &BOLD,
    }
}

impl Font {
    fn new(name: &'static [u8], data: &'static [u8]) -> Self {
        Self { name, data, face: Face::parse(data, 0).ok() }
    }

    /// The glyph of a letter, or of [`LACKING`].
    pub fn glyph(&self, letter: char) -> u16 {
        let glyph = |letter| self.face.as_ref()?.glyph_index(letter);
        glyph(letter).or_else(|| glyph(LACKING)).map_or(0, |glyph| glyph.0)
    }

    /// Whether the typeface knows a letter.
    pub fn knows(&self, letter: char) -> bool {
        self.face.as_ref().is_some_and(|face| face.glyph_index(letter).is_some())
    }

    /// Width of a glyph in thousandths of its size.
    pub fn advance(&self, glyph: u16) -> f32 {
        let advance = self.face.as_ref().and_then(|face| face.glyph_hor_advance(ttf_parser::GlyphId(glyph)));
        self.thousandths(f32::from(advance.unwrap_or_default()))
    }

    /// Width of a text at a size.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        text.chars().map(|letter| self.advance(self.glyph(letter))).sum::<f32>() * size / 1000.0
    }

    /// What the file says of the typeface, in thousandths of its size.
    pub fn measures(&self) -> Measures {
        let Some(face) = &self.face else { return Measures::default() };
        let bbox = face.global_bounding_box();
        Measures {
            bbox: [bbox.x_min, bbox.y_min, bbox.x_max, bbox.y_max]
                .map(|edge| self.thousandths(f32::from(edge))),
            ascent: self.thousandths(f32::from(face.ascender())),
            descent: self.thousandths(f32::from(face.descender())),
            cap_height: self.thousandths(f32::from(face.capital_height().unwrap_or_default())),
        }
    }

    fn thousandths(&self, units: f32) -> f32 {
        let per_em = self.face.as_ref().map_or(1000, Face::units_per_em);
        units * 1000.0 / f32::from(per_em)
    }
}

/// What a file says of a typeface.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measures {
    /// Left, bottom, right and top of all letters.
    pub bbox: [f32; 4],
    /// Height above the line.
    pub ascent: f32,
    /// Depth below it, negative.
    pub descent: f32,
    /// Height of capitals.
    pub cap_height: f32,
}
