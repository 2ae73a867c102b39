//! Reading an archive: every byte of it, compared with what its manifest says.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use age::Decryptor;
use anyhow::{Context, Result, anyhow, bail};
use aws_lc_rs::digest;

use super::{ENTRY, HEADER, MANIFEST, Written, fits, hex};
use crate::domain::backup::manifest::{FORMAT, Header, Manifest};

/// Identities, as age takes them.
pub type Identities = [Box<dyn age::Identity + Send + Sync>];

/// Takes the bytes of parts as they come.
pub trait Sink {
    /// More bytes of `part`; the bytes of one part follow each other.
    ///
    /// # Errors
    /// Whatever is wrong with them; reading ends.
    fn data(&mut self, part: &str, bytes: &[u8]) -> Result<()>;

    /// `part` is over.
    ///
    /// # Errors
    /// As [`Sink::data`].
    fn end(&mut self, part: &str) -> Result<()>;
}

/// Takes nothing: reading alone shows whether an archive is whole.
impl Sink for () {
    fn data(&mut self, _: &str, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &str) -> Result<()> {
        Ok(())
    }
}

/// Reads an archive from beginning to end and compares it with its manifest. What `sink` was given counts only when this
/// gives no error.
///
/// # Errors
/// In words: no archive, another key, damaged, cut off, or of a later version.
pub fn read(path: &Path, identities: &Identities, sink: &mut impl Sink) -> Result<Manifest> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    read_from(file, identities, sink).with_context(|| format!("{} cannot be used", path.display()))
}

fn read_from(file: File, identities: &Identities, sink: &mut impl Sink) -> Result<Manifest> {
    let decryptor = Decryptor::new_buffered(BufReader::with_capacity(ENTRY, file)).map_err(no_archive)?;
    let plain = decryptor
        .decrypt(identities.iter().map(|identity| identity.as_ref() as &dyn age::Identity))
        .map_err(no_archive)?;
    let mut tar = tar::Archive::new(plain);
    let mut manifest: Option<Manifest> = None;
    let mut current: Option<Current> = None;
    let mut found: HashMap<String, Written> = HashMap::new();
    let mut has_header = false;
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.to_string_lossy().into_owned();
        if !std::mem::replace(&mut has_header, true) {
            if name != HEADER {
                bail!("it is no archive of this suite");
            }
            check_version(&serde_json::from_slice(&document(entry)?).context("its header is damaged")?)?;
            continue;
        }
        if manifest.is_some() {
            bail!("it goes on after its end");
        }
        let part = name.rsplit_once('/').map(|(part, _)| part.to_owned());
        if current.as_ref().is_some_and(|current| Some(&current.name) != part.as_ref())
            && let Some(done) = current.take()
        {
            sink.end(&done.name)?;
            let (name, written) = done.finish();
            found.insert(name, written);
        }
        let Some(part) = part else {
            if name != MANIFEST {
                bail!("it holds something unknown: {name}");
            }
            manifest = Some(serde_json::from_slice(&document(entry)?).context("its manifest is damaged")?);
            continue;
        };
        // Only one of the two would be compared, and both be taken.
        if found.contains_key(&part) {
            bail!("its part {part} is there twice");
        }
        let current = current.get_or_insert_with(|| Current::new(part));
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = entry.read(&mut buffer).map_err(damaged)?;
            if read == 0 {
                break;
            }
            current.take(&buffer[..read]);
            sink.data(&current.name, &buffer[..read])?;
        }
    }
    // The last piece of age's stream says that it is the last one; only reading it shows that nothing was cut off.
    let mut rest = tar.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(damaged)?;
    let manifest = manifest.context("it is cut off: its manifest is not there")?;
    manifest.check().map_err(anyhow::Error::msg)?;
    for part in manifest.saved() {
        let is_same = match found.get(&part.name) {
            Some(found) => found.bytes == part.bytes && found.sha256 == part.sha256,
            None => part.bytes == 0,
        };
        if !is_same {
            bail!("its part {} is damaged", part.name);
        }
    }
    Ok(manifest)
}

/// The part that is being read.
struct Current {
    name: String,
    bytes: u64,
    digest: digest::Context,
}

impl Current {
    fn new(name: String) -> Self {
        Self { name, bytes: 0, digest: digest::Context::new(&digest::SHA256) }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.digest.update(bytes);
    }

    fn finish(self) -> (String, Written) {
        (self.name, Written { bytes: self.bytes, sha256: hex(self.digest.finish()) })
    }
}

/// A document must not fill the memory of whoever reads a wrong file, and half of one is none.
pub(super) fn document(mut entry: tar::Entry<'_, impl Read>) -> Result<Vec<u8>> {
    fits(entry.size())?;
    let mut text = Vec::new();
    entry.read_to_end(&mut text).map_err(damaged)?;
    Ok(text)
}

/// Whether this program understands what that version wrote.
fn check_version(header: &Header) -> Result<()> {
    let number =
        |version: &str| -> Vec<u64> { version.split('.').map_while(|digits| digits.parse().ok()).collect() };
    if header.format > FORMAT || number(&header.suite) > number(env!("CARGO_PKG_VERSION")) {
        bail!(
            "it was written by the later version {}; this is {}: update the suite first",
            header.suite,
            env!("CARGO_PKG_VERSION")
        );
    }
    Ok(())
}

fn no_archive(error: age::DecryptError) -> anyhow::Error {
    match error {
        age::DecryptError::NoMatchingKeys => anyhow!("this key does not open it"),
        age::DecryptError::Io(error) if error.kind() != io::ErrorKind::InvalidData => damaged(error),
        age::DecryptError::InvalidMac | age::DecryptError::DecryptionFailed => {
            anyhow!("it is damaged or cut off")
        }
        _ => anyhow!("it is no encrypted archive, or its beginning is damaged"),
    }
}

fn damaged(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => anyhow!("it is cut off"),
        io::ErrorKind::InvalidData | io::ErrorKind::Other => anyhow!("it is damaged or cut off"),
        _ => anyhow::Error::new(error).context("it cannot be read"),
    }
}
