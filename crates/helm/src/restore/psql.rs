//! Plain SQL of somebody else into a database: `psql` in the mode in which it runs nothing but SQL.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::Stdio,
};

use anyhow::{Context, Result, bail};

use crate::backup::programs;

/// In this mode `psql` takes no command of its own but the end of the mode, for which the word must be known.
const RESTRICT: &str = "\\restrict";
const UNRESTRICT: &str = "\\unrestrict";

/// Loads plain SQL into a database, in one transaction that ends with the first error, or where the SQL itself ends it.
///
/// # Errors
/// When `psql` is missing or the server refuses a statement.
pub fn load(sql: impl Read, url: &str) -> Result<()> {
    let program = programs::newest_folder_of("psql")?.join("psql");
    let mut command = programs::connecting(&program, url)?;
    command
        .args([
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--no-password",
            "--set=ON_ERROR_STOP=1",
            "--file=-",
        ])
        .stdin(Stdio::piped());
    let mut child = command.spawn().context("cannot run psql")?;
    let (Some(mut stdin), Some(stderr)) = (child.stdin.take(), child.stderr.take()) else {
        bail!("psql has no input");
    };
    let said = programs::listen(stderr);
    let word = format!("{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>());
    let poured = (|| -> io::Result<()> {
        writeln!(stdin, "{RESTRICT} {word}")?;
        pour(BufReader::new(sql), &mut stdin)?;
        writeln!(stdin, "\n{UNRESTRICT} {word}")
    })();
    drop(stdin);
    let status = child.wait().context("cannot wait for psql")?;
    let said = said.join().unwrap_or_default();
    if !status.success() {
        bail!("{}", programs::last_words(&said));
    }
    match poured {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Passes a dump on, without the same mode that a newer `pg_dump` asks for itself: it cannot be entered twice.
fn pour(mut sql: impl BufRead, to: &mut impl Write) -> io::Result<()> {
    let mut own_end: Option<Vec<u8>> = None;
    let mut is_head = true;
    let mut line = Vec::new();
    loop {
        line.clear();
        if sql.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = line.trim_ascii_end();
        if is_head && let Some(word) = text.strip_prefix(b"\\restrict ") {
            own_end = Some([b"\\unrestrict ", word].concat());
            continue;
        }
        is_head = is_head && (text.is_empty() || text.starts_with(b"--"));
        if own_end.as_deref() == Some(text) {
            continue;
        }
        to.write_all(&line)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_s_own_mode_is_taken_off_and_nothing_else() {
        let dump = "--\n-- head\n--\n\n\\restrict abc\n\nSET x = 1;\nCOPY t FROM stdin;\n\\restrict def\n\\.\n\\unrestrict abc\n";
        let mut out = Vec::new();
        pour(dump.as_bytes(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "--\n-- head\n--\n\n\nSET x = 1;\nCOPY t FROM stdin;\n\\restrict def\n\\.\n");
    }
}
