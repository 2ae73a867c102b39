//! An archived invoice: what was accepted, by whom, what was taken off since, and what a fresh computation would say.

mod rows;

use askama::Template;
use axum::{extract::State, response::Response};
use hivematrix_shared::{
    auth::BillingOnly,
    extract::Path,
    pages::{Page, flash::Flash},
    problem::{Problem, Result},
};
use http::StatusCode;
use rust_decimal::Decimal;
use serde_json::Value;

use rows::{Choice, HoursRows, Kind, NoteRow};

use super::{Past, documents::Documents, view::Fact};
use crate::{
    Ledger,
    domain::{archive::ArchivedInvoice, billing::Period, compare::differences, documents::mail::Mail},
    routes::pages::{
        lines::DifferenceRow,
        month::MonthPicker,
        parts::{self, Currency, Flashes, Moment, path_part},
    },
    store::{
        accounts, credit_notes, mails, settings,
        snapshots::{self, Stored},
    },
};

/// What a fresh computation says.
enum Fresh {
    /// The same.
    Same,
    /// Something else: its total, the difference, the lines.
    Differs { total: String, change: String, lines: Vec<DifferenceRow> },
    /// It cannot be made, for this reason.
    Unknown(String),
}

/// What the dialog of the mail begins with.
struct Letter {
    subject: String,
    text: String,
    /// Who got the last one of this company.
    to: String,
}

/// A mail that went out.
struct SentRow {
    at: Moment,
    by: String,
    to: String,
}

#[derive(Template)]
#[template(path = "client/archived.html")]
struct InvoicePage {
    page: Page,
    flashes: Vec<Flash>,
    /// On the page of the month; the page of the invoice has none.
    month: Option<MonthPicker>,
    company: String,
    account_number: String,
    /// The number that the company has now.
    current_number: String,
    number: String,
    client_path: String,
    query: String,
    /// `YYYY-MM`.
    period: String,
    documents: Documents,
    /// What the dialog of the mail begins with; nothing without a mail server.
    letter: Option<Letter>,
    sent: Vec<SentRow>,
    hours: Option<HoursRows>,
    facts: Vec<Fact>,
    features: Vec<(String, String)>,
    total: String,
    credited: Option<(String, String)>,
    archived: Moment,
    by: String,
    notes: Option<String>,
    seal: String,
    kinds: Vec<Kind>,
    choices: Vec<Choice>,
    credit_notes: Vec<NoteRow>,
    fresh: Fresh,
    past: Vec<Past>,
    sign: String,
}

/// `GET /archive/invoice/{invoice_number}`.
pub async fn invoice(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(invoice_number): Path<String>,
    Flashes(flashes): Flashes,
    page: Page,
) -> Result<Response> {
    show(&ledger, page, flashes, invoice_number, None).await
}

/// The page of an invoice; with `month`, the page of the company's month.
pub async fn show(
    ledger: &Ledger,
    page: Page,
    flashes: Vec<Flash>,
    number: String,
    month: Option<MonthPicker>,
) -> Result<Response> {
    let currency = Currency::of(ledger).await?;
    let mut connection = ledger.pool.acquire().await?;
    let stored = snapshots::find(&mut connection, &number).await?;
    let missing =
        || Problem::new(StatusCode::NOT_FOUND).error(format!("There is no invoice {number} in the archive."));
    let Stored { invoice, content_hash, .. } = stored.ok_or_else(missing)?;
    let notes = credit_notes::list(&mut connection, None, Some(&number)).await?;
    drop(connection);
    let account = invoice.company_account_number.clone();
    let current = accounts::current_of(&ledger.pool, &number).await?;
    let past = snapshots::of_company(&ledger.pool, &account).await?;
    let fresh = fresh(ledger, &invoice, &currency).await;
    let credited: Decimal = notes.iter().map(|stored| stored.note.total_amount).sum();
    let data: Value = serde_json::from_str(&invoice.billing_data_json).unwrap_or_default();
    let left = currency.amount(invoice.total_amount - credited);
    let sender = settings::load(&ledger.pool).await?.sender_name;
    let mail = Mail {
        number: &number,
        company: &invoice.company_name,
        period: invoice.period(),
        total: &left,
        due: invoice.due_date.as_deref(),
        sender: sender.as_deref(),
    };
    let letter = match &ledger.mailer {
        Some(_) => Some(Letter {
            subject: mail.subject(),
            text: mail.text(),
            to: mails::last_of(&ledger.pool, &account).await?.unwrap_or_default(),
        }),
        None => None,
    };
    let mail = mail.link();
    let sent = mails::of_document(&ledger.pool, &number).await?;
    let documents = Documents::of_archived(&number, &account, invoice.billing_year, invoice.billing_month);
    let has_flashes = !flashes.is_empty();
    let shown = InvoicePage {
        flashes,
        company: invoice.company_name.clone(),
        documents: Documents {
            mail: Some(mail).filter(|_| letter.is_none()),
            by_server: letter.is_some(),
            ..documents
        },
        letter,
        sent: sent
            .into_iter()
            .map(|mail| SentRow { at: Moment::of(mail.sent_at), by: mail.sent_by, to: mail.recipients })
            .collect(),
        period: format!("{:04}-{:02}", invoice.billing_year, invoice.billing_month),
        hours: rows::hours(&invoice.billing_data_json),
        client_path: format!("/client/{}", path_part(&account)),
        query: format!("year={}&month={}", invoice.billing_year, invoice.billing_month),
        facts: facts(&invoice),
        features: features(&data),
        total: currency.amount(invoice.total_amount),
        credited: (!credited.is_zero()).then(|| (currency.amount(credited), left)),
        archived: Moment::of(invoice.archived_at),
        by: invoice.created_by.clone(),
        notes: invoice.notes.clone(),
        seal: content_hash,
        kinds: rows::kinds(&invoice.line_items, &currency),
        choices: rows::choices(&invoice.line_items, &currency),
        credit_notes: notes.into_iter().map(|stored| rows::note(stored, &currency)).collect(),
        fresh,
        past: Past::of(past.into_iter().filter(|row| row.invoice_number != number).collect(), &currency),
        sign: currency.sign(),
        current_number: current.unwrap_or_else(|| account.clone()),
        account_number: account,
        number,
        month,
        page,
    };
    parts::shown(&shown, has_flashes)
}

fn facts(invoice: &ArchivedInvoice) -> Vec<Fact> {
    let fact = |label, value: Option<&str>| Fact {
        label,
        value: value.filter(|value| !value.is_empty()).unwrap_or("N/A").to_owned(),
        mark: None,
        is_bad: false,
    };
    let period = format!("{:04}-{:02}", invoice.billing_year, invoice.billing_month);
    vec![
        fact("Account Number", Some(&invoice.company_account_number)),
        fact("Billing Period", Some(&period)),
        fact("Billing Plan", invoice.billing_plan.as_deref()),
        fact("Contract Term", invoice.contract_term.as_deref()),
        fact("Support Level", invoice.support_level.as_deref()),
        fact("Invoice Number", Some(&invoice.invoice_number)),
        fact("Invoice Date", Some(&invoice.invoice_date)),
        fact("Due Date", invoice.due_date.as_deref()),
    ]
}

/// Features that were included, of the archived bill.
fn features(data: &Value) -> Vec<(String, String)> {
    let names = &data["feature_display_names"];
    let features = data["plan_features"].as_object().into_iter().flatten();
    features
        .filter_map(|(key, value)| {
            let value = value.as_str().filter(|value| *value != "Not Included")?;
            let name = names[key].as_str().map_or_else(|| parts::title_of(key), str::to_owned);
            Some((name, value.to_owned()))
        })
        .collect()
}

/// What the bill of this month would be if it were made now. The page is there without it.
async fn fresh(ledger: &Ledger, invoice: &ArchivedInvoice, currency: &Currency) -> Fresh {
    let Some(period) = Period::new(invoice.billing_year.into(), invoice.billing_month.into()) else {
        return Fresh::Unknown("its month cannot be read".to_owned());
    };
    let account = match accounts::current_of(&ledger.pool, &invoice.invoice_number).await {
        Ok(account) => account.unwrap_or_else(|| invoice.company_account_number.clone()),
        Err(_) => return Fresh::Unknown("the database does not answer".to_owned()),
    };
    let material = match ledger.bills.material(&account, period).await {
        Ok(material) => material,
        Err(error) => return Fresh::Unknown(error.to_string()),
    };
    let bill = match material.bill() {
        Ok(bill) => bill,
        Err(why) => return Fresh::Unknown(why.to_string()),
    };
    let Ok(now) = ArchivedInvoice::of(&bill, invoice.archived_at, "", None) else {
        return Fresh::Unknown("it cannot be written down".to_owned());
    };
    let lines = differences(&invoice.line_items, &now.line_items);
    if lines.is_empty() && now.total_amount == invoice.total_amount {
        return Fresh::Same;
    }
    Fresh::Differs {
        total: currency.amount(now.total_amount),
        change: currency.change(now.total_amount - invoice.total_amount),
        lines: lines.iter().map(|line| DifferenceRow::of(line, currency)).collect(),
    }
}
