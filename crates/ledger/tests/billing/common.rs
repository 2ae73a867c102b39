//! What tests with vectors share.

use std::{fs, path::Path};

use hivematrix_ledger::{
    case::Case,
    domain::billing::{Bill, Readings, compute, texts},
};
use rust_decimal::Decimal;
use serde_json::{Number, Value};

/// A vector.
pub struct Vector {
    pub name: String,
    pub json: Value,
    case: Case,
}

/// Whose reading of the rules.
#[derive(Clone, Copy)]
pub enum Reading {
    Resolved,
    Original,
}

impl Vector {
    /// Computes the bill.
    pub fn with_bill(&self, reading: Reading, look: impl FnOnce(Option<&Bill<'_>>)) {
        let mut inputs = self.case.inputs();
        if let Reading::Original = reading {
            inputs.readings = Readings::ORIGINAL;
        }
        look(compute(&inputs).ok().as_ref());
    }
}

/// All vectors of a folder, in the order of their names.
pub fn all(folder: &str) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty());
    files
        .iter()
        .map(|file| {
            let text = fs::read_to_string(file).unwrap();
            let json: Value = serde_json::from_str(&text).unwrap();
            let name = json["name"].as_str().unwrap().to_owned();
            let case = Case::read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            Vector { name, json, case }
        })
        .collect()
}

/// A bill with amounts as texts.
pub fn text_of(bill: &Bill<'_>) -> Value {
    let mut text = Vec::new();
    texts::write(&mut text, bill).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Whether two numbers differ by no more than allowed.
pub fn close(ours: &Number, expected: &Number, allowed: f64) -> bool {
    (ours.as_f64().unwrap() - expected.as_f64().unwrap()).abs() <= allowed
}

/// The sum of decimal texts.
pub fn sum<'a>(amounts: impl Iterator<Item = &'a str>) -> Decimal {
    amounts.map(|amount| amount.parse::<Decimal>().unwrap()).sum()
}
