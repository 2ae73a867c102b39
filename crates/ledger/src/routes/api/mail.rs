//! Archived documents by mail.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use chrono::TimeDelta;
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
use tokio::sync::oneshot;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Done, bad, by, invalid, members, missing};
use crate::{
    Ledger,
    bills::papers,
    clients::mail::{Letter, MailError, Mailer, UnderWay},
    domain::{
        changes::Fields,
        documents::{mail::Mail, names},
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
/// Mails of one person within an hour.
const MOST_AN_HOUR: i64 = 60;
/// The same document goes to the same people again after this time.
const AGAIN: TimeDelta = TimeDelta::minutes(1);
/// So long a page waits for the mail server.
const PATIENCE: Duration = Duration::from_secs(25);
/// So long a mail server may think about a mail.
const LONGEST: Duration = Duration::from_secs(300);

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
        (status = 409, description = "No mail server is set, or it wants a password without TLS; the invoice is being sent, or went to the same people within the last minute"),
        (status = 429, description = "More than 60 mails of one person within an hour"),
        (status = 504, description = "The mail server takes its time; as soon as it has the mail, that is noted"),
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
    let addresses: Vec<String> = to.iter().map(|to| to.email.to_string()).collect();
    let recipients = addresses.join(", ");
    let Some(under_way) = mailer.begin(&invoice_number) else {
        return Err(Problem::new(StatusCode::CONFLICT).error(format!("{invoice_number} is being sent")));
    };
    check_limits(&ledger, &invoice_number, &recipients, &by(&caller)).await?;
    let mut connection = ledger.pool.acquire().await?;
    let stored = snapshots::find(&mut connection, &invoice_number).await?;
    let invoice = stored.ok_or_else(|| missing("Snapshot not found"))?.invoice;
    let notes = credit_notes::list(&mut connection, None, Some(&invoice_number)).await?;
    drop(connection);
    let credited: rust_decimal::Decimal = notes.iter().map(|stored| stored.note.total_amount).sum();
    let own = Arc::new(ledger.bills.stationery().await?);
    let source = ledger.bills.archived(&invoice_number).await?;
    let source = source.ok_or_else(|| missing("Snapshot not found"))?;
    let (_, pdf) = papers::pdf(&ledger.drawing, source, &own).await?;
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
        to,
    };
    let done = format!("Sent to {recipients}");
    let order = Order {
        document: invoice_number,
        company: invoice.company_account_number,
        by: by(&caller),
        recipients,
        under_way,
    };
    // Whoever closes the page breaks nothing off: what the server takes is noted in any case.
    let (tell, told) = oneshot::channel();
    let context = ledger.context.clone();
    context.spawn_graceful(async move {
        let sent = order.send(&ledger, &mailer, letter).await;
        let _ = tell.send(sent);
    });
    match tokio::time::timeout(PATIENCE, told).await {
        Ok(Ok(sent)) => sent.map(|()| Done::new(done)),
        Ok(Err(_)) => Err(Problem::unavailable("The service stops.", 10)),
        Err(_) => Err(Problem::new(StatusCode::GATEWAY_TIMEOUT).error(
            "The mail server takes its time. As soon as it has the mail, that is noted with the invoice.",
        )),
    }
}

/// A mail that is to go out.
struct Order {
    document: String,
    company: String,
    by: String,
    recipients: String,
    under_way: UnderWay,
}

impl Order {
    async fn send(self, ledger: &Ledger, mailer: &Mailer, letter: Letter) -> Result<()> {
        let taken = tokio::time::timeout(LONGEST, mailer.send(letter)).await;
        taken.map_err(|_| {
            tracing::error!(invoice = self.document, "the mail server neither took a mail nor refused it");
            Problem::new(StatusCode::BAD_GATEWAY)
                .error("The mail server neither took the mail nor refused it")
        })??;
        audit!(
            user = self.by,
            company = self.company,
            invoice = self.document,
            to = self.recipients,
            "Invoice sent by mail"
        );
        let sent =
            SentMail { sent_at: ledger.context.clock.now(), sent_by: self.by, recipients: self.recipients };
        if let Err(error) = mails::note(&ledger.pool, &self.document, &sent).await {
            // It is sent, and the audit log says so: an error here would have it sent a second time.
            tracing::error!(%error, invoice = self.document, "a mail that was sent is not noted with its invoice");
        }
        drop(self.under_way);
        Ok(())
    }
}

/// Refuses what was sent just now, and more than a person sends.
async fn check_limits(ledger: &Ledger, document: &str, recipients: &str, by: &str) -> Result<()> {
    let now = ledger.context.clock.now();
    let before = mails::before(&ledger.pool, document, recipients, by, now - TimeDelta::hours(1)).await?;
    if before.same_at.is_some_and(|at| now - at < AGAIN) {
        let text = format!("{document} was sent to {recipients} less than a minute ago");
        return Err(Problem::new(StatusCode::CONFLICT).error(text));
    }
    if before.by_person >= MOST_AN_HOUR {
        let text = format!("You have sent {MOST_AN_HOUR} mails within an hour; the next one goes later");
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS).error(text));
    }
    Ok(())
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
