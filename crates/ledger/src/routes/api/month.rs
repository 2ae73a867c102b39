//! The month that a request is about: `?year=&month=`, each the current one where it is not given.

use axum::extract::FromRequestParts;
use chrono::Datelike as _;
use hivematrix_shared::{extract::Query, problem::Problem};
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use super::bad;
use crate::{Ledger, domain::billing::Period};

/// As the query has it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub(super) struct MonthQuery {
    /// Year, 1 to 9999; the current one where it is not given.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 9999)]
    year: Option<String>,
    /// Month, 1 to 12; the current one where it is not given.
    #[param(value_type = Option<i32>, minimum = 1, maximum = 12)]
    month: Option<String>,
}

/// The month.
#[derive(Clone, Copy, Debug)]
pub(in crate::routes) struct Month(pub Period);

impl FromRequestParts<Ledger> for Month {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, ledger: &Ledger) -> Result<Self, Problem> {
        let Query(query) = Query::<MonthQuery>::from_request_parts(parts, ledger).await?;
        let today = ledger.bills.now().date_naive();
        let year = number("year", query.year.as_deref(), today.year().into())?;
        let month = number("month", query.month.as_deref(), today.month().into())?;
        period(year, month).map(Self)
    }
}

/// A month as people write it: `2025-06`.
pub(in crate::routes) fn written(text: &str) -> Option<Period> {
    let (year, month) = text.trim().split_once('-')?;
    let is_plain = year.len() == 4 && month.len() == 2;
    let is_number = [year, month].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    (is_plain && is_number).then(|| Period::new(year.parse().ok()?, month.parse().ok()?))?
}

/// A month of these numbers.
pub(super) fn period(year: i64, month: i64) -> Result<Period, Problem> {
    if !(1..=12).contains(&month) {
        return Err(bad("month must be a number from 1 to 12"));
    }
    Period::new(year, month).ok_or_else(|| bad("year must be a number from 1 to 9999"))
}

fn number(name: &str, text: Option<&str>, otherwise: i64) -> Result<i64, Problem> {
    match text.map(str::trim) {
        None | Some("") => Ok(otherwise),
        Some(text) => text.parse().map_err(|_| bad(format!("{name} must be a whole number"))),
    }
}
