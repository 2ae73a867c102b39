//! The other style of a bill's JSON: every amount a decimal text, `"71.63"`, for programs that would read numbers as binary
//! fractions.

use std::io;

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

/// Writes the numbers that know their own digits as texts. Those are exactly the amounts of a bill: counts, ids and whatever
/// Codex sent are written in other ways, and stay as they are.
#[derive(Clone, Copy, Debug)]
struct AmountsAsTexts;

impl Formatter for AmountsAsTexts {
    fn write_raw_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let amount = fragment.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if amount { write!(writer, "\"{fragment}\"") } else { writer.write_all(fragment.as_bytes()) }
    }
}

/// Writes a bill, or a part of one, as JSON with amounts as texts.
///
/// # Errors
/// The writer's.
pub fn write(writer: impl io::Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(writer, AmountsAsTexts))
}
