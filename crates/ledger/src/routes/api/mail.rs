//! Archived documents by mail.

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::BillingOnly,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use http::StatusCode;
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, bad, by, invalid, members, missing};
use crate::{
    Ledger,
    clients::mail::{Letter, MailError},
    domain::{
        changes::Fields,
        documents::{mail::Mail, names, pdf},
    },
    routes::pages::parts::Currency,
    store::{
        credit_notes,
        mails::{self, SentMail},
        snapshots,
    },
};

/// People that one mail goes to.
const MOST_RECIPIENTS: usize = 20;

/// The routes of this file.
pub fn router() -> OpenApiRouter<Ledger> {
    OpenApiRouter::new().routes(routes!(list, send))
}

/// Mails with a document.
#[derive(Serialize, ToSchema)]
struct SentMails {
    /// The last one first.
    mails: Vec<SentMail>,
}

/// A mail with an archived invoice.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "stands in the document; the handler says what is wrong with each member")]
struct MailBody {
    /// Addresses with commas between them, at most 20.
    to: String,
    /// Text; one with number, month and what is to be paid where it is not given.
    text: Option<String>,
}

/// Mails with an archived invoice, the last one first.
#[utoipa::path(
    get, path = "/archive/api/snapshot/{invoice_number}/mails", tag = "archive", operation_id = "list_mails",
    params(("invoice_number" = String, Path, description = "Number of the invoice")),
    responses((status = 200, body = SentMails))
)]
async fn list(
    State(ledger): State<Ledger>,
    _: BillingOnly,
    Path(invoice_number): Path<String>,
) -> Result<Json<SentMails>> {
    Ok(Json(SentMails { mails: mails::of_document(&ledger.pool, &invoice_number).await? }))
}

/// Sends an archived invoice as PDF by mail. Done when the mail server has taken it.
#[utoipa::path(
    post, path = "/archive/api/snapshot/{invoice_number}/mails", tag = "archive", operation_id = "send_mail",
    request_body = MailBody,
    params(("invoice_number" = String, Path, description = "Number of the invoice")),
    responses(
        (status = 200, body = Done),
        (status = 400, description = "A member is wrong; `fields` says what with each"),
        (status = 404, description = "There is no such invoice"),
        (status = 409, description = "No mail server is set, or it wants a password without TLS"),
        (status = 502, description = "The mail server does not answer, or refuses")
    )
)]
async fn send(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(invoice_number): Path<String>,
    Json(body): Json<Value>,
) -> Result<Json<Done>> {
    let Some(mailer) = ledger.mailer.clone() else {
        return Err(Problem::new(StatusCode::CONFLICT).error("No mail server is set"));
    };
    let body = members(body)?;
    let mut fields = Fields::of(&body);
    let to = fields.text("to", 2000).flatten();
    let text = fields.words("text", 10_000).flatten();
    if to.is_none() {
        fields.refuse("to", "is needed");
    }
    let to = fields.done(to.unwrap_or_default()).map_err(|fault| invalid(&fault))?;
    let to = recipients(&to)?;
    let mut connection = ledger.pool.acquire().await?;
    let stored = snapshots::find(&mut connection, &invoice_number).await?;
    let invoice = stored.ok_or_else(|| missing("Snapshot not found"))?.invoice;
    let notes = credit_notes::list(&mut connection, None, Some(&invoice_number)).await?;
    drop(connection);
    let credited: rust_decimal::Decimal = notes.iter().map(|stored| stored.note.total_amount).sum();
    let own = ledger.bills.stationery().await?;
    let made = ledger
        .bills
        .archived(&invoice_number, &own.sender, |document| pdf::write(document, own.paper))
        .await?;
    let pdf = made.ok_or_else(|| missing("Snapshot not found"))?;
    let total = Currency::of(&ledger).await?.amount(invoice.total_amount - credited);
    let mail = Mail {
        number: &invoice_number,
        company: &invoice.company_name,
        period: invoice.period(),
        total: &total,
        due: invoice.due_date.as_deref(),
        sender: Some(&own.sender.name),
    };
    let letter = Letter {
        subject: mail.subject(),
        text: text.unwrap_or_else(|| mail.text()),
        file_name: names::document(&invoice_number, "pdf"),
        pdf,
        to: to.clone(),
    };
    mailer.send(letter).await?;
    let addresses: Vec<String> = to.iter().map(|to| to.email.to_string()).collect();
    let sent = SentMail {
        sent_at: ledger.context.clock.now(),
        sent_by: by(&caller),
        recipients: addresses.join(", "),
    };
    audit!(
        user = by(&caller),
        company = invoice.company_account_number,
        invoice = invoice_number,
        to = sent.recipients,
        "Invoice sent by mail"
    );
    mails::note(&ledger.pool, &invoice_number, &sent).await?;
    Ok(Done::new(format!("Sent to {}", sent.recipients)))
}

fn recipients(text: &str) -> Result<Vec<Mailbox>> {
    let parts: Vec<&str> =
        text.split([',', ';']).map(str::trim).filter(|address| !address.is_empty()).collect();
    if parts.is_empty() || parts.len() > MOST_RECIPIENTS {
        return Err(bad(format!("to must have 1 to {MOST_RECIPIENTS} addresses")));
    }
    let read = |address: &&str| {
        address
            .parse()
            .map(|email| Mailbox::new(None, email))
            .map_err(|fault| Problem::from(MailError::Address((*address).to_owned(), fault)))
    };
    parts.iter().map(read).collect()
}
