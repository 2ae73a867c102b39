//! Devices by hand: who uses them, those that no RMM reports, and their secrets (codex-api.md §4.6, codex-pages.md §5).

use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    response::{IntoResponse, Redirect, Response},
};
use hivematrix_shared::{
    audit,
    auth::{AdminOnly, TechnicianOnly},
    extract::{Json, Path},
    pages::Page,
    problem::{Problem, Result},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    assets::no_such_asset,
    refusals::{ForAdmins, ForTechnicians},
    writer::{self, Changed, RecordMade, bad, clash},
};
use crate::{
    Codex,
    domain::{person::given, person::text, udf},
    store::{
        asset_edit::{self, AssetRow, Locked},
        contact_links,
    },
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .routes(routes!(update_contacts))
        .routes(routes!(assign_user))
        .routes(routes!(unassign_user))
        .routes(routes!(create))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(reveal))
}

/// The users of a device.
#[derive(Clone, Debug, Deserialize, ToSchema)]
struct UsersBody {
    /// The contacts that use it from now on, of whichever company.
    contact_ids: Vec<i64>,
}

/// Sets who uses a device.
#[utoipa::path(put, path = "/assets/{id}/update-contacts", tag = "assets", params(("id" = i64, Path, description = "Codex's id")),
    request_body = UsersBody, responses(
        (status = 200, body = Changed), (status = 400, description = "No such contact"),
        (status = 404, description = "No such device"), ForTechnicians
    ))]
async fn update_contacts(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(id): Path<i64>,
    Json(body): Json<UsersBody>,
) -> Result<Json<Changed>> {
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    let asset = lock(&mut tx, id).await?;
    known_contacts(&mut tx, &body.contact_ids).await?;
    contact_links::set_users(&mut tx, id, &body.contact_ids).await?;
    tx.commit().await?;
    audit!(asset = id, caller = caller.label(), "users of a device changed");
    Ok(Json(Changed::new(format!("Users of {} updated", asset.hostname))))
}

/// A user as a form names it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
struct UserForm {
    /// Codex's id of the contact.
    contact_id: String,
}

/// Adds a user to a device and leads back to its page.
#[utoipa::path(post, path = "/assets/{id}/assign-user", tag = "assets", params(("id" = i64, Path, description = "Codex's id")),
    request_body(content = UserForm, content_type = "application/x-www-form-urlencoded"), responses(
        (status = 302, description = "To the page of the device"),
        (status = 400, description = "No such contact"), (status = 404, description = "No such device"),
        (status = 422, description = "No `contact_id`"), ForTechnicians
    ))]
async fn assign_user(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    page: Page,
    Path(id): Path<i64>,
    form: std::result::Result<Form<UserForm>, FormRejection>,
) -> Result<Response> {
    let Form(form) = form.map_err(|error| Problem::new(error.status()).error(error.body_text()))?;
    let contact = form.contact_id.trim().parse().map_err(|_| bad("There is no such contact."))?;
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    lock(&mut tx, id).await?;
    known_contacts(&mut tx, &[contact]).await?;
    contact_links::set_user(&mut tx, id, contact, true).await?;
    tx.commit().await?;
    audit!(asset = id, contact, caller = caller.label(), "user of a device assigned");
    Ok(found(&page, id))
}

/// Takes a user from a device and leads back to its page.
#[utoipa::path(post, path = "/assets/{id}/unassign-user/{contact}", tag = "assets", params(
    ("id" = i64, Path, description = "Codex's id"), ("contact" = i64, Path, description = "Codex's id of the contact")), responses(
    (status = 302, description = "To the page of the device"),
    (status = 404, description = "No such device"), ForTechnicians
))]
async fn unassign_user(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    page: Page,
    Path((id, contact)): Path<(i64, i64)>,
) -> Result<Response> {
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    lock(&mut tx, id).await?;
    contact_links::set_user(&mut tx, id, contact, false).await?;
    tx.commit().await?;
    audit!(asset = id, contact, caller = caller.label(), "user of a device taken away");
    Ok(found(&page, id))
}

/// A device that no RMM reports. For a change, absent members stay as they are.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
struct AssetBody {
    /// Name of the device; needed.
    hostname: Option<String>,
    /// Account number of its company; needed.
    company_account_number: Option<String>,
    /// Kind, such as `Desktop`, `Laptop`, `Server`, `Network Device` or `Printer`.
    #[serde(default, deserialize_with = "given")]
    hardware_type: Option<Option<String>>,
    /// Kind by which it is billed, where that is another one.
    #[serde(default, deserialize_with = "given")]
    device_type: Option<Option<String>>,
    /// Operating system.
    #[serde(default, deserialize_with = "given")]
    operating_system: Option<Option<String>>,
    /// What it is for.
    #[serde(default, deserialize_with = "given")]
    description: Option<Option<String>>,
    /// Address inside.
    #[serde(default, deserialize_with = "given")]
    int_ip_address: Option<Option<String>>,
    /// Address outside.
    #[serde(default, deserialize_with = "given")]
    ext_ip_address: Option<Option<String>>,
    /// Domain or workgroup.
    #[serde(default, deserialize_with = "given")]
    domain: Option<Option<String>>,
    /// The contacts that use it.
    contact_ids: Option<Vec<i64>>,
}

impl AssetBody {
    fn apply(&self, asset: &mut AssetRow) -> Result<()> {
        for (name, field, value) in [
            ("The kind", &mut asset.hardware_type, &self.hardware_type),
            ("The billed kind", &mut asset.device_type, &self.device_type),
            ("The operating system", &mut asset.operating_system, &self.operating_system),
            ("The description", &mut asset.description, &self.description),
            ("The internal address", &mut asset.int_ip_address, &self.int_ip_address),
            ("The external address", &mut asset.ext_ip_address, &self.ext_ip_address),
            ("The domain", &mut asset.domain, &self.domain),
        ] {
            let Some(value) = value else { continue };
            *field = text(value.as_deref());
            let most = if name == "The description" { 20_000 } else { 255 };
            if field.as_ref().is_some_and(|value| value.chars().count() > most) {
                return Err(bad(format!("{name} is too long: at most {most} characters.")));
            }
        }
        if let Some(hostname) = &self.hostname {
            asset.hostname = text(Some(hostname)).unwrap_or_default();
        }
        if let Some(company) = &self.company_account_number {
            asset.company = company.trim().to_owned();
        }
        if asset.hostname.is_empty() || asset.hostname.chars().count() > 255 {
            return Err(bad("A device needs a host name of at most 255 characters."));
        }
        Ok(())
    }
}

/// Makes a device by hand, such as a switch or a printer that no RMM reports.
#[utoipa::path(post, path = "/api/assets", tag = "assets", request_body = AssetBody, responses(
    (status = 201, body = RecordMade),
    (status = 400, description = "A value is missing or cannot be taken"), ForTechnicians
))]
async fn create(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Json(body): Json<AssetBody>,
) -> Result<(StatusCode, Json<RecordMade>)> {
    let mut asset = AssetRow::default();
    body.apply(&mut asset)?;
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    known_company(&mut tx, &asset.company).await?;
    let id = asset_edit::create(&mut tx, &asset).await?;
    if let Some(users) = &body.contact_ids {
        known_contacts(&mut tx, users).await?;
        contact_links::set_users(&mut tx, id, users).await?;
    }
    tx.commit().await?;
    audit!(asset = id, company = asset.company, caller = caller.label(), "device created");
    let message = format!("Device {} created", asset.hostname);
    Ok((StatusCode::CREATED, Json(RecordMade { success: true, id, message })))
}

/// Changes a device that was made by hand.
#[utoipa::path(put, path = "/api/assets/{id}", tag = "assets", params(("id" = i64, Path, description = "Codex's id")),
    request_body = AssetBody, responses(
        (status = 200, body = Changed), (status = 400, description = "A value cannot be taken"),
        (status = 404, description = "No such device"),
        (status = 409, description = "An RMM reports the device"), ForTechnicians
    ))]
async fn update(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(id): Path<i64>,
    Json(body): Json<AssetBody>,
) -> Result<Json<Changed>> {
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    by_hand(&lock(&mut tx, id).await?, "Change it there.")?;
    let mut asset = asset_edit::read(&mut tx, id).await?;
    body.apply(&mut asset)?;
    known_company(&mut tx, &asset.company).await?;
    asset_edit::update(&mut tx, id, &asset).await?;
    if let Some(users) = &body.contact_ids {
        known_contacts(&mut tx, users).await?;
        contact_links::set_users(&mut tx, id, users).await?;
    }
    tx.commit().await?;
    audit!(asset = id, company = asset.company, caller = caller.label(), "device changed");
    Ok(Json(Changed::new(format!("Device {} updated", asset.hostname))))
}

/// Deletes a device that was made by hand.
#[utoipa::path(delete, path = "/api/assets/{id}", tag = "assets", params(("id" = i64, Path, description = "Codex's id")), responses(
    (status = 200, body = Changed), (status = 404, description = "No such device"),
    (status = 409, description = "An RMM reports the device"), ForAdmins
))]
async fn delete(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    Path(id): Path<i64>,
) -> Result<Json<Changed>> {
    let mut tx = writer::begin(&codex.pool, &caller).await?;
    let asset = lock(&mut tx, id).await?;
    by_hand(&asset, "The next sync would bring it back: remove it there.")?;
    asset_edit::delete(&mut tx, id, &format!("deleted by {}", caller.label())).await?;
    tx.commit().await?;
    audit!(asset = id, hostname = asset.hostname, caller = caller.label(), "device deleted");
    Ok(Json(Changed::new(format!("Device {} deleted", asset.hostname))))
}

/// Which secret is asked for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
struct RevealBody {
    /// `udf2` (BitLocker key) or `udf9` (Windows key).
    field: String,
}

/// A secret of a device.
#[derive(Serialize, ToSchema)]
struct Revealed {
    success: bool,
    field: String,
    /// Name of the field.
    label: &'static str,
    /// The secret.
    value: String,
}

/// Shows a secret of a device. Who asked for which is written down; nothing is changed.
#[utoipa::path(post, path = "/api/asset/{id}/reveal", tag = "assets", params(("id" = i64, Path, description = "Codex's id")),
    request_body = RevealBody, responses(
        (status = 200, body = Revealed), (status = 400, description = "No secret field"),
        (status = 404, description = "No such device, or it has no such secret"), ForTechnicians
    ))]
async fn reveal(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(id): Path<i64>,
    Json(body): Json<RevealBody>,
) -> Result<Response> {
    let Some(label) = udf::secret(&body.field) else {
        return Err(bad("There is no such secret field."));
    };
    let mut conn = codex.pool.acquire().await?;
    let (hostname, value) =
        asset_edit::secret(&mut conn, id, &body.field).await?.ok_or_else(no_such_asset)?;
    let value = value.ok_or_else(|| {
        Problem::not_found(format!("{hostname} has no {label}."))
            .with("success", false)
            .with("error", "Nothing stored")
    })?;
    audit!(asset = id, hostname, field = body.field, caller = caller.label(), "secret of a device shown");
    let revealed = Json(Revealed { success: true, field: body.field, label, value });
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], revealed).into_response())
}

async fn lock(conn: &mut PgConnection, id: i64) -> Result<Locked> {
    asset_edit::lock(conn, id).await?.ok_or_else(no_such_asset)
}

fn by_hand(asset: &Locked, advice: &str) -> Result<()> {
    match &asset.rmm_provider {
        Some(rmm) => Err(clash(format!("{} is reported by the RMM ({rmm}). {advice}", asset.hostname))),
        None => Ok(()),
    }
}

async fn known_company(conn: &mut PgConnection, number: &str) -> Result<()> {
    let numbers = [number.to_owned()];
    match contact_links::unknown_company(conn, &numbers).await? {
        Some(number) if number.is_empty() => Err(bad("A device needs a company.")),
        Some(number) => Err(bad(format!("There is no company {number}."))),
        None => Ok(()),
    }
}

async fn known_contacts(conn: &mut PgConnection, ids: &[i64]) -> Result<()> {
    match contact_links::unknown_contact(conn, ids).await? {
        Some(id) => Err(bad(format!("There is no contact {id}."))),
        None => Ok(()),
    }
}

/// 302 as upstream answers: axum's own redirect after a form is 303.
fn found(page: &Page, id: i64) -> Response {
    let mut response = Redirect::to(&format!("{}/assets/{id}", page.prefix)).into_response();
    *response.status_mut() = StatusCode::FOUND;
    response
}
