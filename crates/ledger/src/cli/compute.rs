//! `compute`: one bill from a document.

use std::{
    io::{self, Read as _, Write as _},
    process::ExitCode,
};

use clap::{Args, ValueEnum};

use crate::{
    case::{BadCase, Case},
    domain::billing::{self, HoursReading, Readings, YearlyPool, texts},
};

/// Exit code for a document that cannot be used.
const BAD_INPUT: u8 = 2;

/// How to read the rules.
#[derive(Clone, Debug, Args)]
pub struct ComputeArgs {
    /// Whose reading of the rules: this project's, or that of the original suite (with exact rounding all the same).
    #[arg(long, value_enum, default_value_t = Reading::Resolved)]
    pub reading: Reading,
    /// Which hours use up the yearly prepaid pool, instead of what the document says.
    #[arg(long, value_enum)]
    pub yearly_pool: Option<YearlyPool>,
    /// When hours are billed, instead of what the document says.
    #[arg(long, value_enum)]
    pub hours: Option<HoursReading>,
}

/// Value of `--reading`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Reading {
    /// This project's.
    Resolved,
    /// The original suite's.
    Original,
}

/// Reads standard input, writes standard output.
pub fn run(args: &ComputeArgs) -> ExitCode {
    let mut document = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut document) {
        complain(&format!("standard input cannot be read: {error}"));
        return ExitCode::from(BAD_INPUT);
    }
    match answer(&document, args) {
        Ok(Answer { json, remarks }) => {
            remarks.iter().for_each(|remark| complain(remark));
            let mut output = io::stdout().lock();
            match output.write_all(&json).and_then(|()| output.write_all(b"\n")).and_then(|()| output.flush())
            {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    complain(&format!("standard output cannot be written: {error}"));
                    ExitCode::FAILURE
                }
                _ => ExitCode::SUCCESS,
            }
        }
        Err(error) => {
            complain(&error);
            ExitCode::from(BAD_INPUT)
        }
    }
}

/// What the command says.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The bill, or `null`.
    pub json: Vec<u8>,
    /// What the reader should know besides.
    pub remarks: Vec<String>,
}

/// Computes the bill of a document.
///
/// # Errors
/// The document cannot be used: a text that names the field.
pub fn answer(document: &[u8], args: &ComputeArgs) -> Result<Answer, String> {
    let text =
        std::str::from_utf8(document).map_err(|error| format!("the document is not UTF-8: {error}"))?;
    let case = Case::read(text).map_err(|error: BadCase| error.to_string())?;
    let mut inputs = case.inputs();
    inputs.readings = match args.reading {
        Reading::Original => Readings::ORIGINAL,
        Reading::Resolved => Readings {
            yearly_pool: args.yearly_pool.unwrap_or(inputs.readings.yearly_pool),
            hours: args.hours.unwrap_or(inputs.readings.hours),
            original: false,
        },
    };
    let mut json = Vec::new();
    let bill = match billing::compute(&inputs) {
        Ok(bill) => bill,
        Err(reason) => {
            return Ok(Answer { json: b"null".to_vec(), remarks: vec![format!("no bill: {reason}")] });
        }
    };
    texts::write(&mut json, &bill).map_err(|error| error.to_string())?;
    let skipped = bill.skipped_tickets.iter();
    let remarks = skipped
        .map(|ticket| format!("ticket {ticket}: no time that can be read, so it is in no month"))
        .collect();
    Ok(Answer { json, remarks })
}

/// Writes to standard error, without the control characters that other people's data may steer a terminal by.
fn complain(text: &str) {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    // Nothing is left to do about a reader that went away.
    let _ = writeln!(io::stderr().lock(), "hivematrix-ledger: {text}");
}
