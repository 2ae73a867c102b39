//! The key of an authenticator app as a picture and as text.

use hivematrix_shared::problem::Problem;
use qrcode::{Color, QrCode};

/// Light modules around the picture that cameras need.
const QUIET_ZONE: usize = 4;

/// A QR picture as a path on a square of `size` units.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Picture {
    /// Width and height, quiet zone included.
    pub size: usize,
    /// `d` of the dark modules' path: only numbers and the letters `M`, `h`, `v`, `z`.
    pub path: String,
}

/// The picture of a text.
pub fn picture(text: &str) -> Result<Picture, Problem> {
    let code = QrCode::new(text).map_err(Problem::internal)?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        while x < width {
            let dark = row[x..].iter().take_while(|color| **color == Color::Dark).count();
            if dark > 0 {
                path.push_str(&format!("M{} {}h{dark}v1h-{dark}z", x + QUIET_ZONE, y + QUIET_ZONE));
            }
            x += dark + 1;
        }
    }
    Ok(Picture { size: width + 2 * QUIET_ZONE, path })
}

/// A key in groups of four, as people copy it.
pub fn in_groups(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    characters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_darkens_exactly_the_codes_dark_modules() {
        let text = "otpauth://totp/HiveMatrix:tech?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=HiveMatrix";
        let code = QrCode::new(text).unwrap();
        let picture = picture(text).unwrap();
        assert_eq!(picture.size, code.width() + 8);
        let mut drawn = vec![Color::Light; code.width() * code.width()];
        for run in picture.path.split_inclusive('z') {
            let (start, rest) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (x, y) = start.split_once(' ').unwrap();
            let length = rest.split('v').next().unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            for step in 0..length.parse().unwrap() {
                drawn[(y - QUIET_ZONE) * code.width() + x - QUIET_ZONE + step] = Color::Dark;
            }
        }
        assert_eq!(drawn, code.to_colors());
    }

    #[test]
    fn keys_stand_in_groups_of_four() {
        assert_eq!(in_groups("GEZDGNBVGY"), "GEZD GNBV GY");
        assert_eq!(in_groups(""), "");
    }
}
