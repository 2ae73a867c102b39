//! Bills of the original suite beside ours, line by line, with the rule that makes the difference.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{
    archive::ArchivedLine,
    billing::Bill,
    compare::{Difference, differences},
    documents::invoice,
};

/// An invoice file of the original suite.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TheirInvoice {
    /// Account number and month as it has them: `<account number>-<YYYYMM>`.
    pub number: String,
    /// Customer.
    pub customer: String,
    /// Its rows.
    pub lines: Vec<ArchivedLine>,
}

impl TheirInvoice {
    /// Account number and month of its number.
    pub fn account_and_month(&self) -> Option<(&str, i64, i64)> {
        let (account, month) = self.number.rsplit_once('-')?;
        let is_month = month.len() == 6 && month.bytes().all(|byte| byte.is_ascii_digit());
        if !is_month {
            return None;
        }
        Some((account, month[..4].parse().ok()?, month[4..].parse().ok()?))
    }

    /// Its total.
    pub fn total(&self) -> Decimal {
        self.lines.iter().map(|line| line.amount).sum()
    }
}

/// Reads invoice files of the original suite: one invoice for each number in it.
///
/// # Errors
/// When the text is no such file, with the line.
pub fn read_csv(text: &str) -> Result<Vec<TheirInvoice>, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut found: BTreeMap<String, TheirInvoice> = BTreeMap::new();
    for (place, row) in reader.records().enumerate() {
        let wrong = |what: &str| format!("line {}: {what}", place + 2);
        let row = row.map_err(|error| wrong(&error.to_string()))?;
        let cell = |place: usize| row.get(place).unwrap_or_default();
        if row.len() != 9 {
            return Err(wrong("it has not the nine columns of an invoice"));
        }
        let number =
            |place: usize| cell(place).trim().parse::<Decimal>().map_err(|_| wrong("an amount is no number"));
        let line = ArchivedLine {
            line_type: kind(cell(4), cell(5)).to_owned(),
            item_name: cell(5).to_owned(),
            description: None,
            quantity: number(6)?,
            rate: number(7)?,
            amount: number(8)?,
        };
        let invoice = found.entry(cell(0).to_owned()).or_insert_with(|| TheirInvoice {
            number: cell(0).to_owned(),
            customer: cell(1).to_owned(),
            lines: Vec::new(),
        });
        invoice.lines.push(line);
    }
    Ok(found.into_values().collect())
}

fn kind(item: &str, description: &str) -> &'static str {
    match item {
        "Managed Services" if description.starts_with("User: ") => "user",
        "Managed Services" => "asset",
        "Backup Services" => "backup",
        "Hourly Labor" => "ticket",
        _ => "custom",
    }
}

/// The rows of our invoice in the same form.
pub fn our_lines(bill: &Bill<'_>) -> Vec<ArchivedLine> {
    let rows = invoice::rows(bill).into_iter().map(|row| ArchivedLine {
        line_type: kind(row.item, &row.description).to_owned(),
        item_name: row.description,
        description: None,
        quantity: row.quantity.parse().unwrap_or(Decimal::ONE),
        rate: row.rate.decimal(),
        amount: row.amount.decimal(),
    });
    rows.collect()
}

/// A line that differs, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explained {
    /// The line; `before` is theirs.
    pub line: Difference,
    /// Number of the rule, where a rule makes the difference.
    pub rule: Option<u8>,
    /// In words.
    pub why: &'static str,
}

/// Our bill by all readings of the original suite.
#[derive(Clone, Copy, Debug)]
pub struct Original<'a> {
    /// Of the tickets of all years, as its invoices were made.
    pub all_years: &'a [ArchivedLine],
    /// Of the tickets that our bill is made of.
    pub same_tickets: &'a [ArchivedLine],
}

/// What differs, line by line. Where `original` agrees with theirs, a corrected rule makes the difference, otherwise the data is
/// not what it was.
pub fn explain(theirs: &[ArchivedLine], ours: &[ArchivedLine], original: Original<'_>) -> Vec<Explained> {
    let explained = differences(theirs, ours).into_iter().map(|line| {
        let (rule, why) = cause(&line, original);
        Explained { line, rule, why }
    });
    explained.collect()
}

fn cause(line: &Difference, original: Original<'_>) -> (Option<u8>, &'static str) {
    let cent = Decimal::new(1, 2);
    if let (Some(before), Some(after)) = (line.before, line.after)
        && (after - before).abs() <= cent
    {
        return (Some(41), "the original rounds binary fractions, several times");
    }
    let same = |other: &&ArchivedLine| other.line_type == line.line_type && other.item_name == line.name;
    let agrees = |lines: &[ArchivedLine]| match (line.before, lines.iter().find(same)) {
        (Some(before), Some(other)) => (other.amount - before).abs() <= cent,
        (None, None) => true,
        _ => false,
    };
    if !agrees(original.all_years) {
        return (
            None,
            "the data is not what it was: people, devices, hours, rates or items have changed since",
        );
    }
    match line.line_type.as_str() {
        "user" => (Some(43), "the original bills people who are not active any more"),
        "asset" => {
            (Some(45), "the original bills every device as a workstation unless it has a type of its own")
        }
        "backup" => (
            Some(31),
            "the original counts no device for base fees and allowance that has no type of its own",
        ),
        "ticket" if !agrees(original.same_tickets) => (
            Some(47),
            "the original takes the hours of earlier years off the yearly pool too (rule 24), and never fills it again",
        ),
        "ticket" => (Some(48), "the original bills all hours of a ticket in the month of its last update"),
        _ => (None, "the item is another one"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::compare::tests::line;

    const HEAD: &str =
        "InvoiceNo,Customer,InvoiceDate,DueDate,Item(Product/Service),Description,Qty,Rate,Amount\r\n";

    #[test]
    fn an_invoice_file_is_read_by_its_numbers() {
        let text = format!(
            "{HEAD}A-1-202506,\"Vine, LLC\",2025-06-30,2025-07-30,Managed Services,User: Amy (Paid),1,12.50,12.50\r\n\
             A-1-202506,\"Vine, LLC\",2025-06-30,2025-07-30,Hourly Labor,Billable Hours (2.00 hrs),2.00,90.00,180.00\r\n"
        );
        let read = read_csv(&text).unwrap();
        assert_eq!((read.len(), read[0].total().to_string().as_str()), (1, "192.50"));
        assert_eq!(read[0].account_and_month(), Some(("A-1", 2025, 6)));
        assert_eq!(read[0].lines[1].line_type, "ticket");
        for bad in ["a,b\r\n1,2\r\n".to_owned(), format!("{HEAD}1,2,3,4,5,6,7,8,x\r\n")] {
            assert!(read_csv(&bad).unwrap_err().starts_with("line 2: "), "{bad}");
        }
        assert_eq!(
            TheirInvoice { number: "nonsense".to_owned(), ..TheirInvoice::default() }.account_and_month(),
            None
        );
    }

    #[test]
    fn a_difference_has_its_rule_where_the_original_reading_agrees() {
        let theirs = [
            line("user", "User: Gone (Paid)", 1250),
            line("asset", "Asset: DC (Workstation)", 1800),
            line("ticket", "Billable Hours (2.00 hrs)", 18000),
            line("backup", "Backup", 4802),
            line("custom", "Office (Recurring)", 6250),
        ];
        let ours = [
            line("asset", "Asset: DC (Server)", 5500),
            line("backup", "Backup", 4803),
            line("custom", "Office (Recurring)", 7000),
        ];
        let original =
            [line("user", "User: Gone (Paid)", 1250), line("asset", "Asset: DC (Workstation)", 1800)];
        let original = Original { all_years: &original, same_tickets: &original };
        let told: Vec<_> = explain(&theirs, &ours, original)
            .into_iter()
            .map(|found| (found.line.name, found.rule))
            .collect();
        let expected = [
            ("Asset: DC (Server)", Some(45)),
            ("Asset: DC (Workstation)", Some(45)),
            ("Backup", Some(41)),
            ("Office (Recurring)", None),
            ("Billable Hours (2.00 hrs)", None),
            ("User: Gone (Paid)", Some(43)),
        ];
        assert_eq!(told, expected.map(|(name, rule)| (name.to_owned(), rule)));
    }

    #[test]
    fn hours_that_only_earlier_years_explain_are_those_of_the_yearly_pool() {
        let (two, four) = (
            [line("ticket", "Billable Hours (2.00 hrs)", 18000)],
            [line("ticket", "Billable Hours (4.00 hrs)", 36000)],
        );
        for (all_years, same_tickets, rule) in
            [(&four, &two, Some(47)), (&four, &four, Some(48)), (&two, &two, None)]
        {
            for found in explain(&four, &two, Original { all_years, same_tickets }) {
                assert_eq!(found.rule, rule, "{}", found.line.name);
            }
        }
    }
}
