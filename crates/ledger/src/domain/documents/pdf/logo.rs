//! The sender's logo: a PNG or JPEG that somebody uploaded, checked once and then ready for every document.

use std::io::Cursor;

use png::{ColorType, Transformations};
use thiserror::Error;

use super::file::deflate;

/// The largest file.
const MOST_BYTES: usize = 1024 * 1024;
/// The largest side in pixels: three times what a printer shows of it.
const MOST_PIXELS: u32 = 2_400;

/// Why a file is no logo. The texts are for who uploads it.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadLogo {
    /// Too many bytes.
    #[error("the logo must be at most 1 MB")]
    TooLarge,
    /// Too many pixels.
    #[error("the logo must be at most 2400 pixels wide and high")]
    TooManyPixels,
    /// Neither PNG nor JPEG.
    #[error("the logo must be a PNG or JPEG file")]
    OtherFormat,
    /// Broken.
    #[error("the file of the logo is damaged")]
    Damaged,
    /// For printing presses.
    #[error("the logo must be in RGB or grey")]
    OtherColors,
}

/// A logo.
#[derive(Clone, Debug, PartialEq)]
pub struct Logo {
    /// Pixels.
    pub(super) width: u32,
    /// Pixels.
    pub(super) height: u32,
    /// What they look like.
    pub(super) pixels: Pixels,
}

/// A picture as a PDF holds it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Pixels {
    /// A JPEG as it came.
    Jpeg {
        /// The file.
        bytes: Vec<u8>,
        /// Whether it has no colours.
        is_gray: bool,
    },
    /// Red, green and blue, compressed.
    Rgb {
        /// Three bytes for each pixel.
        colors: Vec<u8>,
        /// One byte for each pixel, where any is transparent.
        opacity: Option<Vec<u8>>,
    },
}

impl Logo {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, BadLogo> {
        if bytes.len() > MOST_BYTES {
            return Err(BadLogo::TooLarge);
        }
        let logo = match bytes {
            [0x89, b'P', b'N', b'G', ..] => read_png(bytes)?,
            [0xff, 0xd8, 0xff, ..] => read_jpeg(bytes)?,
            _ => return Err(BadLogo::OtherFormat),
        };
        Ok(logo)
    }

    /// Width and height in which it fits into a box, as it is in shape.
    pub(super) fn size_within(&self, (width, height): (f32, f32)) -> (f32, f32) {
        let pixels = |count: u32| f32::from(u16::try_from(count).unwrap_or(u16::MAX).max(1));
        let (across, down) = (pixels(self.width), pixels(self.height));
        let scale = (width / across).min(height / down);
        (across * scale, down * scale)
    }
}

fn check_size(width: u32, height: u32) -> Result<(), BadLogo> {
    match (width, height) {
        (0, _) | (_, 0) => Err(BadLogo::Damaged),
        _ if width > MOST_PIXELS || height > MOST_PIXELS => Err(BadLogo::TooManyPixels),
        _ => Ok(()),
    }
}

fn read_png(bytes: &[u8]) -> Result<Logo, BadLogo> {
    let damaged = |_| BadLogo::Damaged;
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (width, height) = (reader.info().width, reader.info().height);
    check_size(width, height)?;
    let mut samples = vec![0; reader.output_buffer_size().ok_or(BadLogo::TooManyPixels)?];
    let info = reader.next_frame(&mut samples).map_err(damaged)?;
    samples.truncate(info.buffer_size());
    let (mut colors, mut opacity) = (Vec::new(), Vec::new());
    for pixel in samples.chunks_exact(info.color_type.samples()) {
        match (info.color_type, pixel) {
            (ColorType::Grayscale, [gray]) => colors.extend([*gray; 3]),
            (ColorType::GrayscaleAlpha, [gray, alpha]) => {
                colors.extend([*gray; 3]);
                opacity.push(*alpha);
            }
            (ColorType::Rgb, [red, green, blue]) => colors.extend([*red, *green, *blue]),
            (ColorType::Rgba, [red, green, blue, alpha]) => {
                colors.extend([*red, *green, *blue]);
                opacity.push(*alpha);
            }
            _ => return Err(BadLogo::Damaged),
        }
    }
    let is_transparent = opacity.iter().any(|alpha| *alpha < u8::MAX);
    let pixels = Pixels::Rgb { colors: deflate(&colors), opacity: is_transparent.then(|| deflate(&opacity)) };
    Ok(Logo { width, height, pixels })
}

/// Takes size and colours from the header of the frame (ITU T.81, B.2.2). The rest is for who looks at the document.
fn read_jpeg(bytes: &[u8]) -> Result<Logo, BadLogo> {
    let mut rest = bytes.get(2..).ok_or(BadLogo::Damaged)?;
    loop {
        let [0xff, marker, after @ ..] = rest else { return Err(BadLogo::Damaged) };
        // Fill bytes, and markers without a segment.
        if matches!(marker, 0xff | 0x01 | 0xd0..=0xd7) {
            rest = if *marker == 0xff { rest.get(1..).ok_or(BadLogo::Damaged)? } else { after };
            continue;
        }
        let [high, low, ..] = after else { return Err(BadLogo::Damaged) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let segment = after.get(2..length.max(2)).ok_or(BadLogo::Damaged)?;
        match marker {
            0xd9 | 0xda => return Err(BadLogo::Damaged),
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                let [8, top, bottom, left, right, components, ..] = segment else {
                    return Err(BadLogo::OtherColors);
                };
                let height = u32::from(u16::from_be_bytes([*top, *bottom]));
                let width = u32::from(u16::from_be_bytes([*left, *right]));
                check_size(width, height)?;
                let is_gray = match components {
                    1 => true,
                    3 => false,
                    _ => return Err(BadLogo::OtherColors),
                };
                return Ok(Logo { width, height, pixels: Pixels::Jpeg { bytes: bytes.to_vec(), is_gray } });
            }
            _ => rest = after.get(length.max(2)..).ok_or(BadLogo::Damaged)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(color: ColorType, width: u32, height: u32, samples: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header().unwrap().write_image_data(samples).unwrap();
        file
    }

    fn jpeg(components: u8) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 11 + components, 8];
        file.extend([0, 40, 0, 120, components, 1, 0x11, 0]);
        file.extend([0xff, 0xda, 0, 2]);
        file
    }

    #[test]
    fn png_of_every_kind_is_read() {
        for (color, samples, transparent) in [
            (ColorType::Grayscale, vec![0, 255], false),
            (ColorType::GrayscaleAlpha, vec![0, 255, 9, 255], false),
            (ColorType::Rgb, vec![1, 2, 3, 4, 5, 6], false),
            (ColorType::Rgba, vec![1, 2, 3, 255, 4, 5, 6, 0], true),
        ] {
            let logo = Logo::read(&png(color, 2, 1, &samples)).unwrap();
            assert_eq!((logo.width, logo.height), (2, 1));
            let Pixels::Rgb { opacity, .. } = logo.pixels else { panic!("a PNG is no JPEG") };
            assert_eq!(opacity.is_some(), transparent, "{color:?}");
        }
    }

    #[test]
    fn jpeg_goes_through_as_it_is() {
        let logo = Logo::read(&jpeg(3)).unwrap();
        assert_eq!((logo.width, logo.height), (120, 40));
        assert_eq!(logo.size_within((180.0, 56.0)), (168.0, 56.0));
        assert_eq!(Logo::read(&jpeg(4)), Err(BadLogo::OtherColors));
    }

    #[test]
    fn what_is_no_logo_is_refused_with_a_reason() {
        let good = png(ColorType::Rgb, 2, 1, &[0; 6]);
        for (file, expected) in [
            (Vec::new(), BadLogo::OtherFormat),
            (b"<svg/>".to_vec(), BadLogo::OtherFormat),
            (b"GIF89a".to_vec(), BadLogo::OtherFormat),
            (vec![0x89; MOST_BYTES + 1], BadLogo::TooLarge),
            (good[..40].to_vec(), BadLogo::Damaged),
            (png(ColorType::Grayscale, 2_401, 1, &[0; 2_401]), BadLogo::TooManyPixels),
            (vec![0xff, 0xd8, 0xff], BadLogo::Damaged),
            (jpeg(3)[..15].to_vec(), BadLogo::Damaged),
        ] {
            assert_eq!(Logo::read(&file), Err(expected));
        }
    }
}
