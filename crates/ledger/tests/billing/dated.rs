//! Hours by the date of the work, each once (rules 46 to 48): vectors of our own, see `dated/README.md`.

use crate::common::{Reading, all, text_of};

#[test]
fn dated_hours_are_billed_once_and_use_the_prepaid_hours_of_their_date() {
    let mut wrong = Vec::new();
    for vector in all("dated") {
        vector.with_bill(Reading::Resolved, |bill| {
            let ours = text_of(bill.unwrap());
            for (key, expected) in vector.json["recommended"].as_object().unwrap() {
                let ours = match key.as_str() {
                    "receipt" => &ours["receipt_data"],
                    "months" => &ours["explain"]["hours"]["months"],
                    key => &ours[key],
                };
                match (key.as_str(), expected.as_object()) {
                    ("receipt", Some(expected)) => {
                        for (key, expected) in expected {
                            if ours[key] != *expected {
                                wrong.push(format!(
                                    "{}: {key}: {} instead of {expected}",
                                    vector.name, ours[key]
                                ));
                            }
                        }
                    }
                    _ if ours != expected => {
                        wrong.push(format!("{}: {key}: {ours} instead of {expected}", vector.name));
                    }
                    _ => {}
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
