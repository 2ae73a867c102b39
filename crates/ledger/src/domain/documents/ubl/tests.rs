use chrono::NaiveDate;
use quick_xml::{Reader, events::Event};
use rust_decimal::Decimal;

use super::{Gap, Legal, LegalEntity, NoTax, write};
use crate::domain::{
    billing::{Period, explain::LineKind},
    documents::document::{Customer, InvoiceDocument, Kind, Line, Sender, Unit, credit_note},
};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn sender() -> Sender {
    Sender {
        name: "Hafen & Söhne <IT>".to_owned(),
        address: ["Kai 12", "2. Stock", "20457 Hamburg", "Germany"].map(str::to_owned).to_vec(),
        email: Some("billing@hafen.example".to_owned()),
        terms: Some("Within 30 days".to_owned()),
        currency: "EUR".to_owned(),
        ..Sender::default()
    }
}

fn line(description: &str, quantity: &str, unit: Unit, unit_price: &str, amount: &str) -> Line {
    let [quantity, unit_price, amount] = [quantity, unit_price, amount].map(decimal);
    Line { kind: LineKind::Custom, description: description.to_owned(), quantity, unit, unit_price, amount }
}

fn invoice(sender: &Sender) -> InvoiceDocument<'_> {
    let period = Period::new(2025, 6).unwrap();
    let lines = vec![
        line("User: Anna \"Änne\" <a@b> \u{0}\u{1b} (Paid)", "1", Unit::Piece, "21.35", "21.35"),
        line("Billable Hours (0.75 hrs)", "0.75", Unit::Hour, "95.50", "71.63"),
        line("Billable Hours (0.33 hrs)", "0.33", Unit::Hour, "90.00", "30.00"),
        line("Goodwill (One-Off)", "1", Unit::Piece, "-15.50", "-15.50"),
    ];
    InvoiceDocument {
        kind: Kind::Invoice,
        number: "410001-202506".to_owned(),
        date: period.last_day(),
        due_date: NaiveDate::from_ymd_opt(2025, 7, 30),
        period,
        customer: Customer {
            name: "Zahnärzte Nord".to_owned(),
            account_number: "410001".to_owned(),
            address: Vec::new(),
        },
        plan: None,
        term: None,
        support_level: None,
        sender,
        total: lines.iter().map(|line| line.amount).sum(),
        lines,
        hours: None,
        credits: Vec::new(),
        notes: None,
    }
}

fn legal(tax: NoTax) -> Legal {
    let is_outside = tax == NoTax::OutOfScope;
    let entity = |country: &str, vat_id: &str| LegalEntity {
        country: country.to_owned(),
        vat_id: (!is_outside).then(|| vat_id.to_owned()),
        registration: Some("HRB 4711".to_owned()),
    };
    Legal { seller: entity("DE", "DE123456789"), buyer: entity("AT", "ATU12345678"), tax }
}

fn taxes() -> [NoTax; 3] {
    [
        NoTax::OutOfScope,
        NoTax::Exempt { reason: "Small business, § 19 UStG".to_owned() },
        NoTax::ReverseCharge,
    ]
}

/// Texts of all elements of a name. Reading to the end proves that the document is well formed.
fn texts(xml: &str, wanted: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut texts, mut is_inside) = (Vec::new(), false);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                is_inside = start.name().as_ref() == wanted;
                if is_inside {
                    texts.push(String::new());
                }
            }
            Event::Text(text) if is_inside => texts.last_mut().unwrap().push_str(&text),
            Event::End(_) => is_inside = false,
            Event::Eof => return texts,
            _ => {}
        }
    }
}

fn amounts(xml: &str, wanted: &str) -> Vec<Decimal> {
    texts(xml, wanted).iter().map(|text| decimal(text)).collect()
}

fn assert_sums(xml: &str) {
    let extensions = amounts(xml, "cbc:LineExtensionAmount");
    // The first is the sum of the others (BR-CO-10).
    let (sum, lines) = extensions.split_first().unwrap();
    assert_eq!(*sum, lines.iter().sum());
    // No allowances, no charges, no tax (BR-CO-13, BR-CO-14, BR-CO-15).
    assert_eq!(amounts(xml, "cbc:TaxExclusiveAmount"), [*sum]);
    assert_eq!(amounts(xml, "cbc:TaxableAmount"), [*sum]);
    assert_eq!(amounts(xml, "cbc:TaxInclusiveAmount"), [*sum]);
    assert!(amounts(xml, "cbc:TaxAmount").iter().all(Decimal::is_zero));
    // Nothing is paid yet (BR-CO-16).
    let rounding: Decimal = amounts(xml, "cbc:PayableRoundingAmount").iter().sum();
    assert_eq!(amounts(xml, "cbc:PayableAmount"), [sum + rounding]);
    let quantities = [amounts(xml, "cbc:InvoicedQuantity"), amounts(xml, "cbc:CreditedQuantity")].concat();
    let prices = amounts(xml, "cbc:PriceAmount");
    assert_eq!((quantities.len(), prices.len()), (lines.len(), lines.len()));
    for ((quantity, price), amount) in quantities.iter().zip(&prices).zip(lines) {
        assert!(!price.is_sign_negative(), "BR-27");
        assert!((quantity * price - amount).abs() <= decimal("0.005"), "{quantity} x {price} = {amount}");
    }
}

#[test]
fn an_invoice_is_well_formed_and_adds_up() {
    let sender = sender();
    for tax in taxes() {
        let xml = write(&invoice(&sender), &legal(tax)).unwrap();
        assert_sums(&xml);
        assert_eq!(amounts(&xml, "cbc:InvoicedQuantity"), ["1", "0.75", "1", "-1"].map(decimal));
        assert_eq!(texts(&xml, "cbc:RegistrationName").len(), 2);
        assert_eq!(texts(&xml, "cbc:Line"), ["20457 Hamburg, Germany"]);
        assert_eq!(texts(&xml, "cbc:DueDate"), ["2025-07-30"]);
    }
}

#[test]
fn a_credit_note_takes_off_what_is_positive() {
    let sender = sender();
    let date = NaiveDate::from_ymd_opt(2025, 7, 14).unwrap();
    let lines = [("Anna", decimal("21.35")), ("Hours", decimal("70"))];
    let note = credit_note(invoice(&sender), "410001-202506-C1", date, "She left in May", &lines);
    let xml = write(&note, &legal(NoTax::ReverseCharge)).unwrap();
    assert_sums(&xml);
    assert_eq!(amounts(&xml, "cbc:PayableAmount"), [decimal("91.35")]);
    assert_eq!(texts(&xml, "cbc:CreditNoteTypeCode"), ["381"]);
    assert_eq!(texts(&xml, "cbc:ID")[1], "410001-202506", "the invoice it corrects");
}

#[test]
fn an_imported_invoice_that_does_not_add_up_says_so() {
    let sender = sender();
    let mut invoice = invoice(&sender);
    invoice.total -= decimal("0.01");
    let xml = write(&invoice, &legal(NoTax::OutOfScope)).unwrap();
    assert_sums(&xml);
    assert_eq!(amounts(&xml, "cbc:PayableRoundingAmount"), [decimal("-0.01")]);
}

#[test]
fn what_is_missing_is_named_instead_of_guessed() {
    let sender = Sender { currency: "€".to_owned(), ..Sender::default() };
    let mut empty = invoice(&sender);
    empty.lines.clear();
    let nothing = |tax| Legal { seller: LegalEntity::default(), buyer: LegalEntity::default(), tax };
    let basics = [Gap::NoLine, Gap::Currency, Gap::SellerName, Gap::SellerCountry, Gap::BuyerCountry];
    for (tax, more) in [
        (NoTax::OutOfScope, vec![Gap::SellerRegistration]),
        (NoTax::Exempt { reason: " ".to_owned() }, vec![Gap::SellerVatId, Gap::Reason]),
        (NoTax::ReverseCharge, vec![Gap::SellerVatId, Gap::BuyerVatId]),
    ] {
        assert_eq!(write(&empty, &nothing(tax)), Err([basics.to_vec(), more].concat()));
    }
    let mut with_vat_id = legal(NoTax::OutOfScope);
    with_vat_id.buyer.vat_id = Some("ATU12345678".to_owned());
    let good = self::sender();
    assert_eq!(write(&invoice(&good), &with_vat_id), Err(vec![Gap::VatId]));
}
