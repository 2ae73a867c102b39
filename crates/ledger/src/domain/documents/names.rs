//! Names of files (sections 1 and 6.3).

use super::{Bill, Period};

/// A month without a hyphen: `202506`.
pub(super) fn compact(period: Period) -> String {
    format!("{:04}{:02}", period.year(), period.month())
}

/// The invoice of one company: `Northwind_Dental_2025-06.csv`. The name is reduced to letters and digits of any script,
/// blanks, `_` and `-`.
pub fn invoice(bill: &Bill<'_>) -> String {
    archived(bill.company_name(), bill.account_number(), &bill.period.to_string())
}

/// A document by its number: `410001-202506.pdf`.
pub fn document(number: &str, ending: &str) -> String {
    format!("{}.{ending}", as_is(number))
}

/// The invoice of one company as it was archived, named as [`invoice`] names it. `month` is `YYYY-MM`.
pub fn archived(company_name: &str, account_number: &str, month: &str) -> String {
    let safe = safe(company_name);
    let safe = if safe.is_empty() { self::safe(account_number) } else { safe };
    format!("{safe}_{month}.csv")
}

/// Bytes of a company's name in the name of a file: file systems have 255 for all of it.
const LONGEST: usize = 160;

/// The beginning of a name that is too long for a file.
fn fitting(name: &str) -> &str {
    let end = (0..=LONGEST).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    name.get(..end).filter(|_| name.len() > LONGEST).unwrap_or(name)
}

fn safe(name: &str) -> String {
    let letters = fitting(name).chars();
    let kept: String =
        letters.filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '_' | '-')).collect();
    kept.trim().replace(' ', "_")
}

/// The invoice of one company for QuickBooks: `quickbooks_export_410001_2025-06.csv`.
pub fn quickbooks(bill: &Bill<'_>) -> String {
    archived_quickbooks(bill.account_number(), bill.period)
}

/// The same of an archived one.
pub fn archived_quickbooks(account_number: &str, period: Period) -> String {
    format!("quickbooks_export_{}_{period}.csv", as_is(account_number))
}

/// All invoices of a month: `invoices-2025-06.zip`.
pub fn archive(period: Period) -> String {
    format!("invoices-{period}.zip")
}

/// An invoice in [`archive`]: `Northwind Dental-410001-202506.csv`. The account keeps equal names apart.
pub fn archive_entry(bill: &Bill<'_>) -> String {
    archived_entry(bill.company_name(), bill.account_number(), bill.period)
}

/// The same of an archived one.
pub fn archived_entry(company_name: &str, account_number: &str, period: Period) -> String {
    as_is(&format!("{}-{account_number}-{}.csv", fitting(company_name), compact(period)))
}

/// All invoices of a month for QuickBooks: `all_invoices_2025-06.zip`.
pub fn quickbooks_archive(period: Period) -> String {
    format!("all_invoices_{period}.zip")
}

/// An invoice in [`quickbooks_archive`]: `Northwind_Dental_2025-06.csv`.
pub fn quickbooks_archive_entry(bill: &Bill<'_>) -> String {
    archived_quickbooks_entry(bill.company_name(), bill.period)
}

/// The same of an archived one.
pub fn archived_quickbooks_entry(company_name: &str, period: Period) -> String {
    format!("{}_{period}.csv", as_is(fitting(company_name)).replace(' ', "_"))
}

/// A name as it is, but for what would lead out of a folder, or hide in it.
fn as_is(name: &str) -> String {
    let leading_dots = name.len() - name.trim_start_matches('.').len();
    let rest = name[leading_dots..].chars();
    let rest =
        rest.map(|letter| if letter.is_control() || matches!(letter, '/' | '\\') { '_' } else { letter });
    "_".repeat(leading_dots).chars().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_fits_into_the_name_of_a_file() {
        let period = Period::new(2025, 6).unwrap();
        let name = "株式会社".repeat(100);
        for file in [
            archived(&name, "410001", "2025-06"),
            archived_entry(&name, &"9".repeat(50), period),
            archived_quickbooks_entry(&name, period),
        ] {
            assert!(file.len() <= 255 && file.starts_with("株式会社株") && file.ends_with(".csv"), "{file}");
        }
        assert_eq!(archived("Northwind", "410001", "2025-06"), "Northwind_2025-06.csv");
    }

    #[test]
    fn names_lead_nowhere() {
        for (name, reduced, kept) in [
            ("A & B", "A__B", "A & B"),
            (
                "Café \"Zür\" & Söhne, Ltd. / North_East-2",
                "Café_Zür__Söhne_Ltd__North_East-2",
                "Café \"Zür\" & Söhne, Ltd. _ North_East-2",
            ),
            (" ../../etc/passwd", "etcpasswd", " .._.._etc_passwd"),
            ("..\\x\n", "x", "___x_"),
            ("株式会社 1", "株式会社_1", "株式会社 1"),
        ] {
            assert_eq!((safe(name), as_is(name)), (reduced.to_owned(), kept.to_owned()), "{name}");
        }
    }
}
