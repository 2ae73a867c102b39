//! Where files lie: by the hash of their content, outside everything that is served, so that equal files lie there
//! once and no name that anybody chose is ever a path.

use std::fmt;
use std::path::PathBuf;

use aws_lc_rs::digest;
use uuid::Uuid;

use super::Kind;

/// SHA-256 of a file's content.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ContentHash([u8; 32]);

/// A text that is no hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("A content hash has 64 hexadecimal digits.")]
pub struct BadHash;

/// Hashes a file as it arrives.
pub struct Hasher(digest::Context);

impl Default for Hasher {
    fn default() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

impl Hasher {
    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all of them.
    pub fn finish(self) -> ContentHash {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        ContentHash(hash)
    }
}

impl ContentHash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }

    /// Where the content lies below the folder of uploads: `ab/abcdef…`, so that no folder has all files in it.
    pub fn relative_path(&self) -> PathBuf {
        let hex = self.to_string();
        PathBuf::from(&hex[..2]).join(hex)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for ContentHash {
    type Err = BadHash;

    fn from_str(hex: &str) -> Result<Self, BadHash> {
        if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(BadHash);
        }
        let mut hash = [0; 32];
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&hex[at..at + 2], 16).map_err(|_| BadHash)?;
        }
        Ok(Self(hash))
    }
}

/// `File.filename`: `<uuid>.<ending>`, by which the file is asked for.
pub fn stored_name(id: Uuid, kind: Kind) -> String {
    format!("{id}.{}", kind.ending())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lies_under_its_hash() {
        let hash = ContentHash::of(b"abc");
        let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), hex);
        assert_eq!(hash.relative_path(), PathBuf::from("ba").join(hex));
        assert_eq!(hex.parse(), Ok(hash));
        let mut parts = Hasher::default();
        parts.update(b"a");
        parts.update(b"bc");
        assert_eq!(parts.finish(), hash);
    }

    #[test]
    fn what_is_no_hash_is_no_path() {
        for text in ["", "ba", "../../../../etc/passwd", &"g".repeat(64), &"A".repeat(64), &"é".repeat(32)] {
            assert_eq!(text.parse::<ContentHash>(), Err(BadHash), "{text}");
        }
    }

    #[test]
    fn stored_names_are_ids_with_an_ending() {
        let name = stored_name(Uuid::nil(), Kind::of_name("x.JPEG").unwrap());
        assert_eq!(name, "00000000-0000-0000-0000-000000000000.jpeg");
    }
}
