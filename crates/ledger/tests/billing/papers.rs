//! Documents of every vector: they say what the bill says, and the archived one is the one that was shown before.

use hivematrix_ledger::domain::{
    archive::ArchivedInvoice,
    billing::Bill,
    documents::{
        document::{Archived, ArchivedLine, HoursShown, InvoiceDocument, Sender, of_archived, of_bill},
        pdf::{self, Paper},
        quickbooks, snapshot,
        ubl::{self, Legal, LegalEntity, NoTax},
        xero,
    },
};
use rust_decimal::Decimal;

use crate::common::{Reading, all};

fn sender() -> Sender {
    Sender { name: "Brightwater".to_owned(), currency: "USD".to_owned(), ..Sender::default() }
}

fn each_bill(look: impl Fn(&str, &Bill<'_>)) {
    for folder in ["vectors", "dated"] {
        for vector in all(folder) {
            vector.with_bill(Reading::Resolved, |bill| {
                if let Some(bill) = bill {
                    look(&vector.name, bill);
                }
            });
        }
    }
}

#[test]
fn the_archived_invoice_is_the_one_that_was_shown() {
    let sender = sender();
    each_bill(|name, bill| {
        let shown = of_bill(bill, &sender);
        let kept = snapshot::of(bill);
        let json = serde_json::to_string(bill).unwrap();
        let archived = of_archived(
            Archived {
                invoice_number: &kept.invoice_number,
                company_account_number: kept.company_account_number,
                company_name: kept.company_name,
                period: bill.period,
                invoice_date: kept.invoice_date,
                due_date: Some(kept.due_date),
                billing_plan: Some(kept.billing_plan),
                contract_term: Some(kept.contract_term),
                support_level: kept.support_level,
                total_amount: kept.total_amount.decimal(),
                notes: None,
                lines: kept
                    .line_items
                    .iter()
                    .map(|line| ArchivedLine {
                        line_type: line.line_type.name(),
                        item_name: line.item_name,
                        description: Some(&line.description),
                        quantity: line.quantity.parse().unwrap(),
                        rate: line.rate.decimal(),
                        amount: line.amount.decimal(),
                    })
                    .collect(),
                hours: HoursShown::read(&json),
            },
            &sender,
        );
        let [shown, archived] = [shown, archived].map(|document| pdf::write(&document, Paper::A4));
        assert!(shown == archived, "{name}");
    });
}

fn assert_whole(name: &str, document: &InvoiceDocument<'_>, total: Decimal) {
    assert_eq!(document.total, total, "{name}");
    assert_eq!(document.amount_due(), total, "{name}");
    assert!(document.rounding().is_zero(), "{name}");
    let groups: Decimal = document.groups().iter().map(|group| group.subtotal).sum();
    assert_eq!(groups, total, "{name}");
    assert_eq!(document.groups().iter().map(|group| group.lines.len()).sum::<usize>(), document.lines.len());
}

#[test]
fn subtotals_are_the_total() {
    let sender = sender();
    each_bill(|name, bill| assert_whole(name, &of_bill(bill, &sender), bill.receipt.total.decimal()));
}

#[test]
fn what_xero_imports_is_the_bill_to_the_cent() {
    let sender = sender();
    let organisation = xero::Organisation::default();
    each_bill(|name, bill| {
        let document = of_bill(bill, &sender);
        let file = xero::csv([&document], &organisation);
        let mut reader = csv::Reader::from_reader(file.as_bytes());
        let place =
            |header: &csv::StringRecord, name| header.iter().position(|column| column == name).unwrap();
        let header = reader.headers().unwrap().clone();
        let columns =
            ["*Quantity", "*UnitAmount", "*InvoiceNumber", "*InvoiceDate"].map(|name| place(&header, name));
        let mut total = Decimal::ZERO;
        for row in reader.records() {
            let row = row.unwrap();
            let [quantity, unit_price, number, date] = columns.map(|column| &row[column]);
            let product = quantity.parse::<Decimal>().unwrap() * unit_price.parse::<Decimal>().unwrap();
            total += product.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
            assert_eq!(number, document.number, "{name}");
            assert_eq!(date, bill.period.last_day().format("%d/%m/%Y").to_string(), "{name}");
        }
        assert_eq!(total, bill.receipt.total.decimal(), "{name}");
    });
}

#[test]
fn xero_gets_its_own_columns_and_nothing_to_run() {
    let sender = sender();
    each_bill(|name, bill| {
        let mut document = of_bill(bill, &sender);
        document.customer.name = "=cmd|' /C calc'!A0".to_owned();
        let file = xero::csv([&document], &xero::Organisation::default());
        let mut lines = file.split("\r\n");
        let header = lines.next().unwrap();
        assert_eq!(header.split(',').count(), 29);
        assert!(header.starts_with("*ContactName,EmailAddress,POAddressLine1,"), "{header}");
        assert!(lines.all(|line| line.is_empty() || line.starts_with("'=cmd|")), "{name}");
    });
}

#[test]
fn every_bill_with_a_line_can_be_sent_as_electronic_invoice() {
    let sender = sender();
    let entity =
        LegalEntity { country: "DE".to_owned(), vat_id: None, registration: Some("HRB 1".to_owned()) };
    let legal = Legal { seller: entity.clone(), buyer: entity, tax: NoTax::OutOfScope };
    each_bill(|name, bill| {
        let document = of_bill(bill, &sender);
        match ubl::write(&document, &legal) {
            Ok(xml) => {
                let payable = format!(
                    "<cbc:PayableAmount currencyID=\"USD\">{}</cbc:PayableAmount>",
                    bill.receipt.total
                );
                assert!(xml.contains(&payable), "{name}");
            }
            Err(gaps) => assert_eq!((document.lines.len(), gaps), (0, vec![ubl::Gap::NoLine]), "{name}"),
        }
    });
}

#[test]
fn the_quickbooks_file_of_an_archived_month_is_that_of_its_bill() {
    let now = "2025-07-01T02:00:00Z".parse().unwrap();
    each_bill(|name, bill| {
        let mut archived = ArchivedInvoice::of(bill, now, "ada@example.com", None).unwrap();
        assert_eq!(quickbooks::of_archived(&archived), quickbooks::csv(bill), "{name}");
        // Without the whole bill its lines are left, which are the total too.
        archived.billing_data_json = "{}".to_owned();
        let lines = quickbooks::of_archived(&archived);
        let mut reader = csv::Reader::from_reader(lines.as_bytes());
        let sum: Decimal = reader.records().map(|row| row.unwrap()[8].parse::<Decimal>().unwrap()).sum();
        assert_eq!(sum, bill.receipt.total.decimal(), "{name}");
    });
}
