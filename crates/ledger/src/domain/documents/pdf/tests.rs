use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{
    super::document::{
        Archived, ArchivedLine, Credit, HoursShown, InvoiceDocument, Sender, TicketShown, amount_text,
        credit_note, of_archived,
    },
    Paper,
    layout::{Item, MARGIN, Page, pages},
    logo::Logo,
    write,
};
use crate::domain::billing::Period;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn sender() -> Sender {
    Sender {
        name: "Brightwater Managed IT".to_owned(),
        address: ["Harbour House", "12 Quay Street", "Bristol BS1 4XY"].map(str::to_owned).to_vec(),
        email: Some("billing@brightwater.example".to_owned()),
        tax_id: Some("GB 123 4567 89".to_owned()),
        terms: Some("Payment within 30 days. Please quote the number.".to_owned()),
        logo: None,
        currency: "EUR".to_owned(),
    }
}

fn line<'a>(
    line_type: &'a str,
    description: &'a str,
    quantity: &str,
    rate: &str,
    amount: &str,
) -> ArchivedLine<'a> {
    let [quantity, rate, amount] = [quantity, rate, amount].map(decimal);
    ArchivedLine { line_type, item_name: "Item", description: Some(description), quantity, rate, amount }
}

fn document<'s>(sender: &'s Sender, lines: Vec<ArchivedLine<'_>>, customer: &str) -> InvoiceDocument<'s> {
    let period = Period::new(2025, 6).unwrap();
    let rows = Archived {
        invoice_number: "410001-202506",
        company_account_number: "410001",
        company_name: customer,
        period,
        invoice_date: period.last_day(),
        due_date: period.next().last_day().pred_opt(),
        billing_plan: Some("Complete Care"),
        contract_term: Some("1 Year"),
        support_level: Some("All Inclusive"),
        total_amount: lines.iter().map(|line| line.amount).sum(),
        notes: None,
        lines,
        hours: None,
    };
    of_archived(rows, sender)
}

/// One of each, with a credit, notes and hours.
fn small(sender: &Sender) -> InvoiceDocument<'_> {
    let lines = vec![
        line("user", "User: Anna Schmidt (Paid)", "1.00", "21.35", "21.35"),
        line("user", "User: Björn Åkesson (Custom)", "1.00", "5.05", "5.05"),
        line("asset", "Asset: NW-SRV-01 (Server)", "1.00", "1099.99", "1099.99"),
        line("backup", "Backup charges (base + 2.50 TB overage)", "1.00", "161.92", "161.92"),
        line("ticket", "Billable Hours (2.50 hrs)", "2.50", "101.70", "254.25"),
        line("custom", "Microsoft 365 (Recurring)", "1.00", "480.00", "480.00"),
        line("custom", "Goodwill (One-Off)", "1.00", "-50.00", "-50.00"),
    ];
    let mut document = document(sender, lines, "Northwind Dental Group");
    document.credits = vec![Credit {
        number: "410001-202506-C1".to_owned(),
        date: document.date,
        amount: decimal("100.50"),
    }];
    document.notes = Some("Thank you.\n\nThe disk was replaced under warranty.".to_owned());
    let ticket = TicketShown {
        number: "10234".to_owned(),
        subject: "Replace the failed disk".to_owned(),
        hours: decimal("8.5"),
        non_billable: decimal("1.25"),
    };
    document.hours = Some(HoursShown {
        tickets: vec![ticket],
        worked: decimal("8.5"),
        prepaid_monthly: decimal("2"),
        prepaid_yearly: decimal("4"),
        billable: decimal("2.5"),
    });
    document
}

fn with_people(sender: &Sender, people: usize) -> InvoiceDocument<'_> {
    let names: Vec<_> = (1..=people).map(|place| format!("User: Person {place} (Paid)")).collect();
    let lines = names.iter().map(|name| line("user", name, "1", "12.50", "12.50")).collect();
    document(sender, lines, "Contoso")
}

fn text(item: &Item) -> Option<&str> {
    match item {
        Item::Text { text, .. } => Some(text),
        Item::Fill { .. } | Item::Logo { .. } => None,
    }
}

fn texts(page: &Page) -> Vec<&str> {
    page.items.iter().filter_map(text).collect()
}

/// Everything is on its sheet, and within the margins.
fn assert_within(pages: &[Page], paper: Paper) {
    let (width, height) = paper.size();
    for item in pages.iter().flat_map(|page| &page.items) {
        let (left, right, top, bottom) = match item {
            Item::Text { x, y, style, text } => (*x, x + style.width(text), y - style.size, *y),
            Item::Fill { x, y, width, height, .. } | Item::Logo { x, y, width, height } => {
                (*x, x + width, *y, y + height)
            }
        };
        let fits =
            left >= MARGIN - 0.1 && right <= width - MARGIN + 0.1 && top >= 30.0 && bottom <= height - 30.0;
        assert!(fits, "{item:?}");
    }
}

#[test]
fn an_invoice_has_its_lines_by_kind_with_subtotals() {
    let sender = sender();
    let pages = pages(&small(&sender), Paper::A4);
    let texts = texts(&pages[0]);
    let table: Vec<_> = texts.iter().skip_while(|text| **text != "Users").take(33).copied().collect();
    let expected = [
        "Users",
        "Anna Schmidt|1|21.35|21.35",
        "Björn Åkesson (Custom)|1|5.05|5.05",
        "Subtotal|26.40",
        "Devices",
        "NW-SRV-01 (Server)|1|1,099.99|1,099.99",
        "Backup",
        "Backup charges (base + 2.50 TB overage)|1|161.92|161.92",
        "Hours",
        "Billable Hours (2.50 hrs)|2.50 h|101.70|254.25",
        "Other items",
        "Microsoft 365 (Recurring)|1|480.00|480.00",
        "Goodwill (One-Off)|1|-50.00|-50.00",
        "Subtotal|430.00",
        "Total|1,972.56",
    ];
    let expected: Vec<_> = expected.iter().flat_map(|row| row.split('|')).collect();
    assert_eq!(table, expected[..33]);
    assert!(texts.contains(&"Credit note 410001-202506-C1 of 30 June 2025"));
    assert_eq!(
        texts.iter().filter(|text| **text == "EUR 1,872.06").count(),
        2,
        "amount due, above and below"
    );
}

#[test]
fn a_long_invoice_repeats_its_heading_and_counts_its_pages() {
    let sender = sender();
    for (paper, count) in [(Paper::A4, 4), (Paper::Letter, 5)] {
        let pages = pages(&with_people(&sender, 120), paper);
        assert_eq!(pages.len(), count);
        let mut people = 0;
        for (place, page) in pages.iter().enumerate() {
            let texts = texts(page);
            assert_eq!(texts.iter().filter(|text| **text == "Unit price").count(), 1);
            assert_eq!(texts.last(), Some(&format!("Page {} of {count}", place + 1).as_str()));
            assert_eq!(place > 0, texts[0] == "Invoice 410001-202506", "{texts:?}");
            people += texts.iter().filter(|text| text.starts_with("Person ")).count();
        }
        assert_eq!(people, 120);
        assert_within(&pages, paper);
    }
}

#[test]
fn no_page_begins_with_a_sum_or_ends_with_a_title() {
    let sender = sender();
    for people in (1..80).step_by(3) {
        let mut invoice = with_people(&sender, people);
        invoice.lines.extend(small(&sender).lines);
        for page in pages(&invoice, Paper::A4).iter().skip(1) {
            let texts = texts(page);
            let first = texts.iter().skip_while(|text| !text.starts_with("Amount")).nth(1);
            assert_ne!(first, Some(&"Subtotal"), "{people} people");
            let last = texts.iter().rev().nth(2);
            assert!(
                !matches!(last, Some(&("Devices" | "Backup" | "Hours" | "Other items"))),
                "{people} people"
            );
        }
    }
}

#[test]
fn amounts_end_at_one_edge() {
    let sender = sender();
    let document = small(&sender);
    let pages = pages(&document, Paper::A4);
    for line in &document.lines {
        let amount = amount_text(line.amount);
        let edges = pages[0].items.iter().filter_map(|item| match item {
            Item::Text { x, style, text, .. } if *text == amount => Some(x + style.width(text)),
            Item::Text { .. } | Item::Fill { .. } | Item::Logo { .. } => None,
        });
        let right = Paper::A4.size().0 - MARGIN;
        assert!(edges.into_iter().any(|edge| (edge - right).abs() < 0.01), "{amount}");
    }
}

#[test]
fn a_credit_note_says_what_it_corrects_and_takes_off() {
    let sender = sender();
    let date = chrono::NaiveDate::from_ymd_opt(2025, 7, 14).unwrap();
    let lines = [("Asset: NW-WS-014 (Workstation)", decimal("31.25")), ("Two hours", decimal("89.25"))];
    let note = credit_note(small(&sender), "410001-202506-C1", date, "The workstation was returned", &lines);
    let pages = pages(&note, Paper::A4);
    let texts = texts(&pages[0]);
    for expected in [
        "Credit note",
        "410001-202506-C1",
        "14 July 2025",
        "Invoice 410001-202506",
        "Credited from invoice 410001-202506",
        "-31.25",
        "-89.25",
        "-120.50",
        "EUR -120.50",
    ] {
        assert!(texts.contains(&expected), "{expected} in {texts:?}");
    }
    assert!(!texts.contains(&"Terms"), "nothing is to be paid");
}

#[test]
fn a_file_is_the_same_bytes_every_time() {
    let with_logo = Sender { logo: Some(logo()), ..sender() };
    let document = small(&with_logo);
    let file = write(&document, Paper::A4);
    assert_eq!(file, write(&document.clone(), Paper::A4));
    assert!(file.starts_with(b"%PDF-1.7"));
    assert!(file.trim_ascii_end().ends_with(b"%%EOF"));
    let holds = |part: &[u8]| file.windows(part.len()).any(|window| window == part);
    for part in ["(Invoice 410001-202506)", "(Brightwater Managed IT)", "(D:20250630)", "/SMask"] {
        assert!(holds(part.as_bytes()), "{part}");
    }
    assert_ne!(file, write(&document, Paper::Letter));
    assert!(pages(&document, Paper::A4)[0].items.iter().any(|item| matches!(item, Item::Logo { .. })));
}

/// Two pixels, one of them transparent.
fn logo() -> Logo {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 2, 1);
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&[10, 20, 30, 255, 0, 0, 0, 0]).unwrap();
    Logo::read(&file).unwrap()
}

#[test]
fn a_document_of_nothing_is_a_document() {
    let sender = Sender::default();
    let document = document(&sender, Vec::new(), "");
    let pages = pages(&document, Paper::Letter);
    assert!(texts(&pages[0]).contains(&"Nothing is charged for this month."));
    assert_within(&pages, Paper::Letter);
    assert!(write(&document, Paper::Letter).starts_with(b"%PDF"));
}

#[test]
fn names_of_any_kind_stay_on_the_sheet() {
    let sender = sender();
    let word = "W".repeat(5_000);
    let lines = vec![
        line("user", "User: 👩\u{200d}💻 „Käthe“ €5 (Paid)", "1", "12.50", "12.50"),
        line("user", "User: 株式会社山田電機 (Paid)", "1", "12.50", "12.50"),
        line("user", "User: \u{202e}gnp.exe\0\u{1b}[31m\r\n=cmd|' /C calc'!A0 (Paid)", "1", "1", "1"),
        line("asset", &word, "1", "99999999.99", "99999999.99"),
        line("custom", "Προϊόν, Товар, ŁÓDŹ", "123456.78", "-99999999.99", "-12345678901234.56"),
        line("unheard of", "", "0.333", "0", "0"),
    ];
    let mut document = document(&sender, lines, &"Ünïcödé „GmbH“ 株式会社 👍 ".repeat(40));
    document.number = "9".repeat(200);
    document.notes = Some(word.clone());
    for paper in [Paper::A4, Paper::Letter] {
        assert_within(&pages(&document, paper), paper);
        assert!(write(&document, paper).starts_with(b"%PDF"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_words_break_a_document(
        names in prop::collection::vec("\\PC{0,60}|[\\x00-\\x7f]{0,40}|\\p{Han}{0,30}|\\p{Emoji}{0,20}", 5),
        number in any::<String>(),
        cents in any::<i64>(),
        lines in 0_usize..20,
    ) {
        let amount = Decimal::new(cents, 2);
        let mut sender = sender();
        sender.name.clone_from(&names[0]);
        sender.address = vec![names[1].clone()];
        sender.terms = Some(names[2].repeat(20));
        sender.currency.clone_from(&names[4]);
        let row = ArchivedLine {
            line_type: "custom",
            item_name: &names[3],
            description: None,
            quantity: amount,
            rate: amount,
            amount,
        };
        let mut document = document(&sender, vec![row; lines], &names[4]);
        document.number = number;
        document.notes = Some(names.join("\n"));
        assert_within(&pages(&document, Paper::A4), Paper::A4);
        prop_assert!(write(&document, Paper::A4).starts_with(b"%PDF"));
    }
}
