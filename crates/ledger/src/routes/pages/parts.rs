//! What several pages show: money, months, moments, badges, and the frame around them.

use std::convert::Infallible;

use askama::Template;
use axum::{
    extract::FromRequestParts,
    response::{Html, IntoResponse, Response},
};
use chrono::NaiveDate;
use hivematrix_shared::{
    pages::{
        flash::{Flash, FlashCookie},
        format,
    },
    problem::Problem,
};
use http::{header, request::Parts};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rust_decimal::Decimal;

use crate::{
    Ledger,
    domain::{billing::Period, changes::NUMBERS},
    store,
};

pub use hivematrix_shared::pages::format::Moment;

/// What may stand in a part of a path as it is.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A text as a part of a path.
pub fn path_part(text: &str) -> String {
    utf8_percent_encode(text, IN_PATH).to_string()
}

/// The messages that a form leaves for the next page. The gateway has `session` for itself, so that name would be lost behind it.
pub const FLASHES: FlashCookie = FlashCookie::new("ledger_session");

/// The messages for this page.
#[derive(Clone, Debug, Default)]
pub struct Flashes(pub Vec<Flash>);

impl<S: Send + Sync> FromRequestParts<S> for Flashes {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(FLASHES.read(&parts.headers)))
    }
}

/// A page as an answer; messages that it shows are taken away.
///
/// # Errors
/// When the page cannot be drawn.
pub fn shown(page: &impl Template, has_flashes: bool) -> Result<Response, Problem> {
    let mut response = page.render().map(Html).map_err(Problem::internal)?.into_response();
    if has_flashes && let Some(gone) = FLASHES.gone() {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(response)
}

/// How amounts are written: the currency of the operator, thousands separators, two decimal places.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Currency {
    /// ISO 4217.
    pub(super) code: String,
}

impl Currency {
    /// The operator's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn of(ledger: &Ledger) -> sqlx::Result<Self> {
        Ok(Self { code: store::settings::load(&ledger.pool).await?.currency })
    }

    /// Its sign; the code and a blank where it has none.
    pub fn sign(&self) -> String {
        match self.code.as_str() {
            "USD" | "CAD" | "AUD" | "NZD" => "$".to_owned(),
            "EUR" => "€".to_owned(),
            "GBP" => "£".to_owned(),
            code => format!("{code}\u{a0}"),
        }
    }

    /// An amount: `$1,234.50`, `-$10.00`.
    pub fn amount(&self, amount: Decimal) -> String {
        let minus = if amount.is_sign_negative() && !amount.round_dp(2).is_zero() { "-" } else { "" };
        format!("{minus}{}{}", self.sign(), grouped(amount.abs(), 2))
    }

    /// A difference, with its sign in any case.
    pub fn change(&self, amount: Decimal) -> String {
        let plus = if amount > Decimal::ZERO { "+" } else { "" };
        format!("{plus}{}", self.amount(amount))
    }
}

/// A number that is not negative with so many places and a comma before every third digit.
fn grouped(number: Decimal, places: usize) -> String {
    let text = format!("{number:.places$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::with_capacity(text.len() + whole.len() / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// Names of the months.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Name of a month, 1 to 12.
pub fn month_name(month: i32) -> &'static str {
    usize::try_from(month - 1).ok().and_then(|place| MONTHS.get(place)).copied().unwrap_or("Unknown")
}

/// `June 2025`.
pub fn month_words(period: Period) -> String {
    format!("{} {}", period.first_day().format("%B"), period.year())
}

/// `year=2025&month=6`: a month in an address.
pub fn month_query(period: Period) -> String {
    format!("year={}&month={}", period.year(), period.month())
}

/// Pairs as a query.
pub fn url_query(pairs: &[(&str, String)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", path_part(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Class of the badge of a plan (codex-pages.md §3).
pub fn plan_badge(plan: &str) -> &'static str {
    let plan = plan.to_lowercase();
    let has = |part: &str| plan.contains(part);
    match () {
        () if has("platinum") => "badge badge--platinum",
        () if has("premium") => "badge badge--gold",
        () if has("advanced") => "badge badge--info",
        () if has("basic") => "badge badge--success",
        () if has("break fix") || has("pro services") => "badge badge--warning",
        () if has("network") || has("inactive") || has("legacy") => "badge badge--secondary",
        () => "badge",
    }
}

/// A contract whose end is near or past, date by date: the one rule of all pages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// It has ended.
    Expired,
    /// It ends within [`ENDS_SOON`] days.
    Expiring,
    /// It goes on, or nobody knows when it ends.
    Active,
}

/// Days before its end from which a contract is said to end soon.
pub const ENDS_SOON: i64 = 30;

impl Standing {
    /// Of a bill's contract end, today.
    pub fn of(end: &str, expired: bool, today: NaiveDate) -> Self {
        let date = end.split('T').next().and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok());
        match date {
            _ if expired => Self::Expired,
            Some(date) if date < today => Self::Expired,
            Some(date) if (date - today).num_days() <= ENDS_SOON => Self::Expiring,
            _ => Self::Active,
        }
    }
}

/// A day without its time, for people: `2025-05-31T00:00:00Z` is `2025-05-31`.
pub fn day(text: &str) -> &str {
    match text.split_once('T') {
        Some((day, _)) if NaiveDate::parse_from_str(day, "%Y-%m-%d").is_ok() => day,
        _ => text,
    }
}

/// Today, where the operator counts days.
pub fn today(ledger: &Ledger) -> NaiveDate {
    ledger.bills.now().date_naive()
}

/// A column of a table of rates in words: a flag is named after its value.
pub fn column_words(column: &str) -> String {
    let of_flag = NUMBERS.iter().find(|number| number.flag == column).map(|number| number.name);
    let of_flag = of_flag.or(match column {
        "override_billing_plan_enabled" => Some("billing_plan"),
        "override_support_level_enabled" => Some("support_level"),
        _ => None,
    });
    match of_flag {
        Some(name) => format!("{} enabled", title_of(name)),
        None => title_of(column),
    }
}

/// `email_security`: `Email Security`.
pub fn title_of(key: &str) -> String {
    format::title_of(key, &['_', '-', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_signed() {
        let currency = Currency { code: "USD".to_owned() };
        for (cents, expected) in [
            (0, "$0.00"),
            (5, "$0.05"),
            (123_450, "$1,234.50"),
            (100_000_000, "$1,000,000.00"),
            (-1_050, "-$10.50"),
        ] {
            assert_eq!(currency.amount(Decimal::new(cents, 2)), expected);
        }
        assert_eq!(currency.change(Decimal::new(100, 2)), "+$1.00");
        assert_eq!(Currency { code: "CHF".to_owned() }.amount(Decimal::ONE), "CHF\u{a0}1.00");
    }

    #[test]
    fn a_contract_stands_by_whole_days() {
        let today = NaiveDate::from_ymd_opt(2025, 7, 15).unwrap();
        for (end, expired, expected) in [
            ("2025-07-14", true, Standing::Expired),
            ("2025-07-15", false, Standing::Expiring),
            ("2025-08-14T00:00:00Z", false, Standing::Expiring),
            ("2025-08-15", false, Standing::Active),
            ("Month to Month", false, Standing::Active),
            ("N/A", false, Standing::Active),
        ] {
            assert_eq!(Standing::of(end, expired, today), expected, "{end}");
        }
    }

    #[test]
    fn parts_of_addresses_stay_parts() {
        assert_eq!(path_part("a/../b?x=1&y"), "a%2F..%2Fb%3Fx%3D1%26y");
        assert_eq!(
            url_query(&[("search", "A & B".to_owned()), ("page", "2".to_owned())]),
            "search=A%20%26%20B&page=2"
        );
    }

    #[test]
    fn keys_become_titles() {
        assert_eq!(title_of("email_security"), "Email Security");
        assert_eq!(title_of("__x"), "X");
        assert_eq!(column_words("override_puc_enabled"), "Per User Cost enabled");
    }
}
