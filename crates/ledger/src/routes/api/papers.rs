//! Invoices and credit notes as documents: PDF, Xero, electronic invoice.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    middleware,
    response::{IntoResponse as _, Response},
};
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, BillingOnly},
    extract::{LenientQuery, Path},
    pages::only_people,
    problem::{Problem, Result},
};
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Done, account, bad, by,
    downloads::{csv_file, file, shown},
    missing,
    month::{Month, MonthQuery},
};
use crate::{
    Ledger,
    bills::{BillError, papers},
    domain::documents::{
        names,
        pdf::logo::Logo,
        ubl::{self, Legal, LegalEntity},
        xero,
    },
    store::{changes, settings},
};

/// The routes of this file: files for people, the logo for whoever may see or change the settings.
pub fn router() -> OpenApiRouter<Ledger> {
    let files = OpenApiRouter::new()
        .routes(routes!(invoice_pdf))
        .routes(routes!(archived_pdf))
        .routes(routes!(xero_csv))
        .routes(routes!(electronic))
        .layer(middleware::from_fn(only_people));
    files.merge(OpenApiRouter::new().routes(routes!(show_logo, set_logo, remove_logo)))
}

/// How a PDF is sent.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct ShownQuery {
    /// `true` has the browser show it; otherwise it is saved as a file.
    inline: bool,
}

/// The invoice of a company for a month as PDF.
#[utoipa::path(
    get, path = "/invoice/{account_number}/pdf", tag = "downloads",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery, ShownQuery),
    responses(
        (status = 200, description = "The file", content_type = "application/pdf", body = Vec<u8>),
        (status = 404, description = "Codex knows no such company"),
        (status = 422, description = "There is no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn invoice_pdf(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
    LenientQuery(how): LenientQuery<ShownQuery>,
) -> Result<Response> {
    let own = Arc::new(ledger.bills.stationery().await?);
    let source = ledger.bills.invoice(account(&account_number)?, period).await?;
    let (number, bytes) = papers::pdf(&ledger.drawing, source, &own).await?;
    audit!(user = by(&caller), company = account_number, period = %period, "Invoice downloaded as PDF");
    Ok(pdf_file(&number, bytes, &how))
}

/// An archived invoice, or a credit note, as PDF.
#[utoipa::path(
    get, path = "/archive/api/document/{number}/pdf", tag = "archive",
    params(("number" = String, Path, description = "Number of the invoice or credit note"), ShownQuery),
    responses(
        (status = 200, description = "The file", content_type = "application/pdf", body = Vec<u8>),
        (status = 404, description = "There is none of this number")
    )
)]
async fn archived_pdf(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(number): Path<String>,
    LenientQuery(how): LenientQuery<ShownQuery>,
) -> Result<Response> {
    let own = Arc::new(ledger.bills.stationery().await?);
    let source = ledger.bills.archived(&number).await?;
    let source = source.ok_or_else(|| missing("There is no document of this number"))?;
    let (_, bytes) = papers::pdf(&ledger.drawing, source, &own).await?;
    audit!(user = by(&caller), document = number, "Archived document downloaded as PDF");
    Ok(pdf_file(&number, bytes, &how))
}

fn pdf_file(number: &str, bytes: Vec<u8>, how: &ShownQuery) -> Response {
    let body = Body::from(bytes);
    let name = names::document(number, "pdf");
    if how.inline { shown(&name, "application/pdf", body) } else { file(&name, "application/pdf", body) }
}

/// The invoice of a company for a month as Xero imports it.
#[utoipa::path(
    get, path = "/client/{account_number}/export/xero", tag = "downloads",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery),
    responses(
        (status = 200, description = "The file", content_type = "text/csv", body = String),
        (status = 404, description = "Codex knows no such company"),
        (status = 422, description = "There is no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn xero_csv(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
) -> Result<Response> {
    let own = ledger.bills.stationery().await?;
    let source = ledger.bills.invoice(account(&account_number)?, period).await?;
    let made =
        source.document(&own.sender, |document| (document.number.clone(), xero::csv([document], &own.xero)));
    let (number, text) = made.map_err(BillError::from)?;
    audit!(user = by(&caller), company = account_number, period = %period, "Invoice downloaded for Xero");
    Ok(csv_file(&names::document(&format!("xero_{number}"), "csv"), text))
}

/// What the law calls the customer.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct BuyerQuery {
    /// Country, ISO 3166-1; that of the sender where it is not given.
    buyer_country: Option<String>,
    /// Number for value added tax.
    buyer_vat_id: Option<String>,
    /// Number in a register of companies.
    buyer_registration: Option<String>,
}

/// The invoice of a company for a month as an electronic invoice: UBL 2.1 by EN 16931.
#[utoipa::path(
    get, path = "/invoice/{account_number}/ubl", tag = "downloads",
    params(("account_number" = String, Path, description = "Account number of the company"), MonthQuery, BuyerQuery),
    responses(
        (status = 200, description = "The file", content_type = "application/xml", body = String),
        (status = 404, description = "Codex knows no such company"),
        (status = 409, description = "Something is missing that the norm requires; `gaps` says what"),
        (status = 422, description = "There is no bill"),
        (status = 503, description = "Codex or the database does not answer")
    )
)]
async fn electronic(
    State(ledger): State<Ledger>,
    BillingOnly(caller): BillingOnly,
    Path(account_number): Path<String>,
    Month(period): Month,
    LenientQuery(buyer): LenientQuery<BuyerQuery>,
) -> Result<Response> {
    let own = ledger.bills.stationery().await?;
    let conflict =
        |text: &str, gaps: Vec<String>| Problem::new(StatusCode::CONFLICT).error(text).with("gaps", gaps);
    let Some(tax) = own.no_tax.clone() else {
        let text = "Electronic invoices need the reason why no tax is on them: see the billing settings";
        return Err(conflict(text, vec!["no_tax is not set".to_owned()]));
    };
    let given =
        |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let country = given(buyer.buyer_country).map(|code| code.to_ascii_uppercase());
    let legal = Legal {
        buyer: LegalEntity {
            country: country.unwrap_or_else(|| own.seller.country.clone()),
            vat_id: given(buyer.buyer_vat_id),
            registration: given(buyer.buyer_registration),
        },
        seller: own.seller,
        tax,
    };
    let source = ledger.bills.invoice(account(&account_number)?, period).await?;
    let made =
        source.document(&own.sender, |document| (document.number.clone(), ubl::write(document, &legal)));
    let (number, made) = made.map_err(BillError::from)?;
    let text = made.map_err(|gaps| {
        let gaps: Vec<String> = gaps.iter().map(ToString::to_string).collect();
        conflict(&format!("An electronic invoice cannot be made: {}.", gaps.join("; ")), gaps)
    })?;
    audit!(user = by(&caller), company = account_number, period = %period, "Electronic invoice downloaded");
    Ok(file(&names::document(&number, "xml"), "application/xml", Body::from(text)))
}

/// The picture at the head of invoices, as it was sent.
#[utoipa::path(
    get, path = "/api/settings/logo", tag = "settings",
    responses(
        (status = 200, description = "The picture", content_type = "image/png", body = Vec<u8>),
        (status = 404, description = "There is none")
    )
)]
async fn show_logo(State(ledger): State<Ledger>, _: BillingOnly) -> Result<Response> {
    let known = settings::load(&ledger.pool).await?;
    let logo = known.logo.ok_or_else(|| missing("There is no logo"))?;
    let media_type =
        if known.logo_type.as_deref() == Some("image/jpeg") { "image/jpeg" } else { "image/png" };
    Ok(([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")], logo).into_response())
}

/// Sets the picture at the head of invoices: a PNG or JPEG of at most 1 MB and 2400 pixels a side.
#[utoipa::path(
    put, path = "/api/settings/logo", tag = "settings",
    request_body(content = Vec<u8>, content_type = "image/png"),
    responses((status = 200, body = Done), (status = 400, description = "It is no picture that can be used"))
)]
async fn set_logo(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
    body: bytes::Bytes,
) -> Result<hivematrix_shared::extract::Json<Done>> {
    Logo::read(&body).map_err(|fault| bad(fault.to_string()))?;
    let media_type = if body.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let mut known = settings::hold(&mut tx).await?;
    (known.logo, known.logo_type) = (Some(body.to_vec()), Some(media_type.to_owned()));
    settings::save(&mut tx, &known).await?;
    tx.commit().await?;
    audit!(user = by(&caller), bytes = body.len(), "Logo of invoices set");
    Ok(Done::new("Logo saved"))
}

/// Takes the picture off invoices.
#[utoipa::path(delete, path = "/api/settings/logo", tag = "settings", responses((status = 200, body = Done)))]
async fn remove_logo(
    State(ledger): State<Ledger>,
    AdminOnly(caller): AdminOnly,
) -> Result<hivematrix_shared::extract::Json<Done>> {
    let mut tx = changes::begin(&ledger.pool, &by(&caller)).await?;
    let mut known = settings::hold(&mut tx).await?;
    (known.logo, known.logo_type) = (None, None);
    settings::save(&mut tx, &known).await?;
    tx.commit().await?;
    audit!(user = by(&caller), "Logo of invoices removed");
    Ok(Done::new("Logo removed"))
}
