//! `custom_line_items`: what is billed besides (ledger.md §2.2).

use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor};

use crate::domain::{billing::number::Money, changes::ItemChange};

/// A row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ItemRow {
    /// Ledger's id.
    pub id: i32,
    /// Whose.
    pub company_account_number: String,
    /// What.
    pub item: ItemChange,
}

struct Row {
    id: i32,
    company_account_number: String,
    name: String,
    description: Option<String>,
    monthly_fee: Option<Decimal>,
    one_off_fee: Option<Decimal>,
    one_off_year: Option<i32>,
    one_off_month: Option<i32>,
    yearly_fee: Option<Decimal>,
    yearly_bill_month: Option<i32>,
    first_month: Option<String>,
    last_month: Option<String>,
}

impl From<Row> for ItemRow {
    fn from(row: Row) -> Self {
        // Columns of ten digits hold nothing that is no amount.
        let money = |fee: Option<Decimal>| fee.and_then(|fee| Money::new(fee).ok());
        Self {
            id: row.id,
            company_account_number: row.company_account_number,
            item: ItemChange {
                name: row.name,
                description: row.description,
                monthly_fee: money(row.monthly_fee),
                one_off_fee: money(row.one_off_fee),
                one_off_year: row.one_off_year,
                one_off_month: row.one_off_month,
                yearly_fee: money(row.yearly_fee),
                yearly_bill_month: row.yearly_bill_month,
                first_month: row.first_month,
                last_month: row.last_month,
            },
        }
    }
}

/// Items of companies, of all without a list, by id.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(executor: impl PgExecutor<'_>, only: Option<&[String]>) -> sqlx::Result<Vec<ItemRow>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, company_account_number, name, description, monthly_fee, one_off_fee, one_off_year, one_off_month,
            yearly_fee, yearly_bill_month, first_month, last_month
         from custom_line_items where $1::text[] is null or company_account_number = any($1) order by id",
        only
    )
    .fetch_all(executor)
    .await?;
    Ok(rows.into_iter().map(ItemRow::from).collect())
}

/// One item of a company, kept from others until the transaction ends.
///
/// # Errors
/// When the database cannot be read.
pub async fn hold(
    connection: &mut PgConnection,
    account_number: &str,
    id: i32,
) -> sqlx::Result<Option<ItemChange>> {
    let row = sqlx::query_as!(
        Row,
        "select id, company_account_number, name, description, monthly_fee, one_off_fee, one_off_year, one_off_month,
            yearly_fee, yearly_bill_month, first_month, last_month
         from custom_line_items where company_account_number = $1 and id = $2 for update",
        account_number,
        id
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| ItemRow::from(row).item))
}

/// Adds an item; its id.
///
/// # Errors
/// When the database cannot be written.
pub async fn add(
    connection: &mut PgConnection,
    account_number: &str,
    item: &ItemChange,
) -> sqlx::Result<i32> {
    sqlx::query_scalar!(
        "insert into custom_line_items (company_account_number, name, description, monthly_fee, one_off_fee, one_off_year,
            one_off_month, yearly_fee, yearly_bill_month, first_month, last_month)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id",
        account_number,
        item.name,
        item.description,
        item.monthly_fee.map(Money::decimal),
        item.one_off_fee.map(Money::decimal),
        item.one_off_year,
        item.one_off_month,
        item.yearly_fee.map(Money::decimal),
        item.yearly_bill_month,
        item.first_month,
        item.last_month
    )
    .fetch_one(connection)
    .await
}

/// Stores a changed item.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(connection: &mut PgConnection, id: i32, item: &ItemChange) -> sqlx::Result<()> {
    sqlx::query!(
        "update custom_line_items set name = $2, description = $3, monthly_fee = $4, one_off_fee = $5, one_off_year = $6,
            one_off_month = $7, yearly_fee = $8, yearly_bill_month = $9, first_month = $10, last_month = $11
         where id = $1",
        id,
        item.name,
        item.description,
        item.monthly_fee.map(Money::decimal),
        item.one_off_fee.map(Money::decimal),
        item.one_off_year,
        item.one_off_month,
        item.yearly_fee.map(Money::decimal),
        item.yearly_bill_month,
        item.first_month,
        item.last_month
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes an item of this company. False when there is none.
///
/// # Errors
/// When the database cannot be written.
pub async fn remove(connection: &mut PgConnection, account_number: &str, id: i32) -> sqlx::Result<bool> {
    let done = sqlx::query!(
        "delete from custom_line_items where company_account_number = $1 and id = $2",
        account_number,
        id
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}
