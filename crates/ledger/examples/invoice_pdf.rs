//! The invoice of one case as PDF, to look at:
//! `cargo run --example invoice_pdf < tests/vectors/50-everything-at-once.json > invoice.pdf`, with a logo by `-- logo.png`.

use std::{
    env, fs,
    io::{self, Read as _, Write as _},
};

use hivematrix_ledger::{
    case::Case,
    domain::{
        billing::compute,
        documents::{
            document::{Sender, of_bill},
            pdf::{self, Paper, logo::Logo},
        },
    },
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let case = Case::read(&text)?;
    let bill = compute(&case.inputs())?;
    let logo = env::args().nth(1).map(fs::read).transpose()?;
    let sender = Sender {
        name: "Brightwater Managed IT".to_owned(),
        address: vec!["Harbour House, 12 Quay Street".to_owned(), "Bristol BS1 4XY".to_owned()],
        email: Some("billing@brightwater.example".to_owned()),
        tax_id: Some("GB 123 4567 89".to_owned()),
        terms: Some("Payment within 30 days. Please quote the invoice number.".to_owned()),
        logo: logo.map(|bytes| Logo::read(&bytes)).transpose()?,
        currency: "GBP".to_owned(),
    };
    io::stdout().write_all(&pdf::write(&of_bill(&bill, &sender), Paper::A4))?;
    Ok(())
}
