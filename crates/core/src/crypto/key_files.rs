//! The RSA key pair in PEM files: made on first start, checked on every start (core.md §5, §13).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{DecodingKey, EncodingKey};

/// Why a key pair cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others may read the private key.
    #[error("{path} is readable by others (mode {mode:o}); run: chmod 600 {path}")]
    OpenMode {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file holds something else.
    #[error("{path} holds no RSA key of at least 2048 bits in PEM form")]
    NotAKey {
        /// Which file.
        path: PathBuf,
    },
    /// The two files do not belong together.
    #[error("{public} is not the public key of {private}")]
    Mismatch {
        /// The private key's file.
        private: PathBuf,
        /// The public key's file.
        public: PathBuf,
    },
    /// The library refused to make a key.
    #[error("an RSA key could not be made")]
    Generation,
    /// The list of keys makes no sense.
    #[error("{path}: {reason}")]
    Manifest {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> KeyFileError {
    let path = path.to_owned();
    move |source| KeyFileError::Io { path, source }
}

/// Reads the pair. A missing private key is made (RSA 2048, 0600), a missing public one is written from it (0644), both
/// atomically, so that processes that start together end up with one pair.
pub fn load_or_create(private: &Path, public: &Path) -> Result<KeyPair, KeyFileError> {
    if !private.exists() && write_private(&generate()?, private)? && public.exists() {
        // It belonged to a private key that is gone.
        tracing::warn!(path = %public.display(), "the private key was missing: a new pair replaces the public key");
        fs::remove_file(public).map_err(io_error(public))?;
    }
    if !public.exists() {
        write_public(&read_private(private)?, public)?;
    }
    load(private, public)
}

/// A new key: RSA 2048 (platform.md §16).
pub fn generate() -> Result<KeyPair, KeyFileError> {
    KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyFileError::Generation)
}

/// Characters of a key's name that its files bear.
const NAME_LENGTH: usize = 8;

/// Names of the private and the public file of a key made by rotation.
pub fn names(kid: &str) -> (PathBuf, PathBuf) {
    let short: String = kid.chars().take(NAME_LENGTH).collect();
    (format!("jwt_{short}_private.pem").into(), format!("jwt_{short}_public.pem").into())
}

/// Removes drafts, and files as [`names`] calls them that are not in use.
pub fn remove_leftovers(folder: &Path, in_use: &[&Path]) -> Result<(), KeyFileError> {
    for entry in fs::read_dir(folder).map_err(io_error(folder))? {
        let path = entry.map_err(io_error(folder))?.path();
        let name = path.file_name().unwrap_or_default();
        if !in_use.contains(&Path::new(name)) && name.to_str().is_some_and(is_ours) {
            fs::remove_file(&path).map_err(io_error(&path))?;
        }
    }
    Ok(())
}

fn is_ours(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("jwt_") else { return false };
    let of_key = |suffix| rest.strip_suffix(suffix).is_some_and(|short| short.len() == NAME_LENGTH);
    rest.ends_with(".new") || of_key("_private.pem") || of_key("_public.pem")
}

/// Writes a pair into new files (0600 and 0644).
pub fn write(pair: &KeyPair, private: &Path, public: &Path) -> Result<(), KeyFileError> {
    write_private(pair, private)?;
    write_public(pair, public)
}

fn write_private(pair: &KeyPair, path: &Path) -> Result<bool, KeyFileError> {
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyFileError::Generation)?;
    create(path, &pem("PRIVATE KEY", der.as_ref()), 0o600)
}

fn write_public(pair: &KeyPair, path: &Path) -> Result<(), KeyFileError> {
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyFileError::Generation)?;
    create(path, &pem("PUBLIC KEY", der.as_ref()), 0o644).map(|_| ())
}

/// Reads a pair that exists.
pub fn load(private: &Path, public: &Path) -> Result<KeyPair, KeyFileError> {
    let pair = read_private(private)?;
    let text = fs::read(public).map_err(io_error(public))?;
    let published =
        DecodingKey::from_rsa_pem(&text).map_err(|_| KeyFileError::NotAKey { path: public.to_owned() })?;
    if published.try_get_as_bytes().ok() != Some(pair.public_key().as_ref()) {
        return Err(KeyFileError::Mismatch { private: private.to_owned(), public: public.to_owned() });
    }
    Ok(pair)
}

fn read_private(path: &Path) -> Result<KeyPair, KeyFileError> {
    let mode = fs::metadata(path).map_err(io_error(path))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::OpenMode { path: path.to_owned(), mode });
    }
    let text = fs::read(path).map_err(io_error(path))?;
    EncodingKey::from_rsa_pem(&text)
        .ok()
        .and_then(|key| KeyPair::from_der(key.as_bytes()).ok())
        .filter(|pair| pair.public_modulus_len() >= 256)
        .ok_or_else(|| KeyFileError::NotAKey { path: path.to_owned() })
}

/// Writes a new file completely or not at all; `false` when another process was faster.
fn create(path: &Path, text: &str, mode: u32) -> Result<bool, KeyFileError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.exists() {
        fs::create_dir_all(directory).map_err(io_error(directory))?;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(io_error(directory))?;
    }
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let write = || -> io::Result<bool> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // A hard link, unlike a rename, never replaces what is there.
        match fs::hard_link(&draft, path) {
            Ok(()) => File::open(directory)?.sync_all().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    };
    let written = write();
    // Best effort: the draft is not the key file, and a leftover of it does no harm.
    drop(fs::remove_file(&draft));
    written.map_err(io_error(path))
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_first_start_makes_a_pair_with_safe_modes_and_the_next_ones_keep_it() {
        let home = tempfile::tempdir().unwrap();
        let (private, public) = (home.path().join("keys/a.pem"), home.path().join("keys/b.pem"));
        let made = load_or_create(&private, &public).unwrap();
        assert_eq!((mode(&private), mode(&public), mode(&home.path().join("keys"))), (0o600, 0o644, 0o700));
        let again = load_or_create(&private, &public).unwrap();
        assert_eq!(made.public_key().as_ref(), again.public_key().as_ref());
        assert_eq!(fs::read_dir(home.path().join("keys")).unwrap().count(), 2, "no draft is left");

        fs::remove_file(&public).unwrap();
        load_or_create(&private, &public).unwrap();
        assert!(fs::read_to_string(&public).unwrap().starts_with("-----BEGIN PUBLIC KEY-----"));
    }

    #[test]
    fn a_private_key_readable_by_others_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let (private, public) = (home.path().join("a.pem"), home.path().join("b.pem"));
        load_or_create(&private, &public).unwrap();
        fs::set_permissions(&private, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(load_or_create(&private, &public), Err(KeyFileError::OpenMode { mode: 0o640, .. })));
    }

    #[test]
    fn files_that_do_not_belong_together_or_are_no_keys_are_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        load_or_create(&path("a.pem"), &path("a.pub")).unwrap();
        load_or_create(&path("b.pem"), &path("b.pub")).unwrap();
        assert!(matches!(load_or_create(&path("a.pem"), &path("b.pub")), Err(KeyFileError::Mismatch { .. })));
        fs::write(path("a.pub"), "nonsense").unwrap();
        assert!(matches!(load_or_create(&path("a.pem"), &path("a.pub")), Err(KeyFileError::NotAKey { .. })));
        fs::write(path("b.pem"), "nonsense").unwrap();
        assert!(matches!(load_or_create(&path("b.pem"), &path("b.pub")), Err(KeyFileError::NotAKey { .. })));
    }

    #[test]
    fn leftovers_of_rotations_are_removed_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let kept = [
            "jwt_AAAAAAAA_private.pem",
            "jwt_private.pem",
            "jwt_old_private.pem",
            "realm_1.new",
            "jwt_keys.json",
        ];
        let removed = ["jwt_BBBBBBBB_private.pem", "jwt_BBBBBBBB_public.pem", "jwt_private.17.new"];
        for name in kept.iter().chain(&removed) {
            fs::write(home.path().join(name), "").unwrap();
        }
        remove_leftovers(home.path(), &["jwt_AAAAAAAA_private.pem".as_ref()]).unwrap();
        for name in kept {
            assert!(home.path().join(name).exists(), "{name}");
        }
        for name in removed {
            assert!(!home.path().join(name).exists(), "{name}");
        }
    }

    #[test]
    fn a_public_key_left_from_a_lost_private_key_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let (private, public) = (home.path().join("a.pem"), home.path().join("b.pem"));
        let old = load_or_create(&private, &public).unwrap();
        fs::remove_file(&private).unwrap();
        let new = load_or_create(&private, &public).unwrap();
        assert_ne!(old.public_key().as_ref(), new.public_key().as_ref());
    }
}
