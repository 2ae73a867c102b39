//! Reading the words of a PDF in a process of its own: such a file can be made so that reading it takes all memory or has no end, and
//! then only this process ends. It gets no settings and no secrets, the file as its input, and little time and memory.

use std::{
    fs::File,
    io::{self, Read as _, Write as _},
    path::Path,
    process::{ExitCode, Stdio},
};

use nix::sys::resource::{Resource, setrlimit};
use tokio::{io::AsyncReadExt as _, process::Command};

use crate::domain::files::{
    Kind, MAX_BYTES,
    text::{MAX_TEXT, extract},
};

/// The argument with which this program only reads a file.
pub const ARGUMENT: &str = "read-pdf";
/// Memory of the process, in bytes.
const MEMORY: u64 = 768 * 1024 * 1024;
/// Seconds of a processor.
const SECONDS: u64 = 10;

/// Reads the file on the standard input and writes its words on the standard output. Nothing else of this program runs.
pub fn run() -> ExitCode {
    match read() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The one who asked has no use for more than that it failed.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn read() -> Result<(), Box<dyn std::error::Error>> {
    setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY)?;
    setrlimit(Resource::RLIMIT_CPU, SECONDS, SECONDS)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes)?;
    let words = extract(Kind::Pdf, &bytes)?;
    io::stdout().lock().write_all(words.text.as_bytes())?;
    Ok(())
}

/// The words of the PDF at `path`, as the process reads them; nothing where it fails. It ends when nobody waits any more.
pub(super) async fn words(program: &Path, path: &Path) -> Option<String> {
    match ask(program, path).await {
        Ok(words) => words.filter(|words| !words.is_empty()),
        Err(error) => {
            tracing::warn!(%error, "the words of a PDF were not read");
            None
        }
    }
}

async fn ask(program: &Path, path: &Path) -> io::Result<Option<String>> {
    let file = File::open(path)?;
    let mut process = Command::new(program)
        .arg(ARGUMENT)
        .env_clear()
        .stdin(Stdio::from(file))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut words = Vec::new();
    if let Some(output) = process.stdout.take() {
        output.take(MAX_TEXT as u64).read_to_end(&mut words).await?;
    }
    if !process.wait().await?.success() {
        return Ok(None);
    }
    // Cut in the middle of a letter at most.
    Ok(Some(String::from_utf8_lossy(&words).into_owned()))
}
