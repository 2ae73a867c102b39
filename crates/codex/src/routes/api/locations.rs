//! Further addresses of companies (codex-api.md §4.6).

use axum::extract::State;
use hivematrix_shared::{
    audit,
    auth::TechnicianOnly,
    contracts::codex::Location,
    extract::{Json, Path},
    problem::{Problem, Result},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    companies::no_such_company,
    reader::Reader,
    refusals::{ForReaders, ForTechnicians},
    writer::{self, Changed, bad},
};
use crate::{
    Codex,
    store::{companies, locations},
};

/// The routes of this file.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(change, remove))
}

/// A company's further addresses.
#[derive(Serialize, ToSchema)]
struct Locations {
    success: bool,
    locations: Vec<Location>,
}

/// One address that was stored.
#[derive(Serialize, ToSchema)]
struct Stored {
    success: bool,
    location: Location,
}

/// An address.
#[derive(Deserialize, ToSchema)]
#[serde(default)]
#[derive(Default)]
struct NewLocation {
    /// What people call it; required.
    name: Option<String>,
    /// Postal address; required.
    address: Option<String>,
    /// Telephone number.
    phone_number: Option<String>,
}

impl NewLocation {
    fn checked(self) -> Result<Location> {
        let text = |value: Option<String>| {
            value.map(|text| text.replace('\0', "").trim().to_owned()).filter(|text| !text.is_empty())
        };
        let (name, address, phone_number) = (text(self.name), text(self.address), text(self.phone_number));
        let (Some(name), Some(address)) = (name, address) else {
            return Err(bad("Name and address are required"));
        };
        let too_long = [(&name, 150), (&address, 2000)];
        let phone = phone_number.as_ref().is_some_and(|phone| phone.chars().count() > 50);
        if phone || too_long.iter().any(|(text, longest)| text.chars().count() > *longest) {
            return Err(bad("A name has at most 150 characters, an address 2000, a telephone number 50"));
        }
        Ok(Location { id: 0, name, address: Some(address), phone_number })
    }
}

/// The further addresses of a company.
#[utoipa::path(
    get,
    path = "/companies/{account_number}/locations",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    responses((status = 200, body = Locations), (status = 404, description = "No such company"), ForReaders)
)]
async fn list(
    State(codex): State<Codex>,
    reader: Reader,
    Path(account_number): Path<String>,
) -> Result<Json<Locations>> {
    let only = reader.narrowed(Some(&account_number))?;
    let found = locations::list(&codex.pool, only.as_deref()).await?;
    if found.is_empty() && !companies::exists(&codex.pool, &account_number).await? {
        return Err(no_such_company(&account_number));
    }
    let locations = found.into_iter().map(|row| row.location).collect();
    Ok(Json(Locations { success: true, locations }))
}

/// Adds an address.
#[utoipa::path(
    post,
    path = "/companies/{account_number}/locations",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company")),
    request_body = NewLocation,
    responses(
        (status = 200, body = Stored),
        (status = 400, description = "Name or address is missing; member `error`"),
        (status = 404, description = "No such company"), ForTechnicians
    )
)]
async fn add(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path(account_number): Path<String>,
    Json(new): Json<NewLocation>,
) -> Result<Json<Stored>> {
    let location = new.checked()?;
    let mut transaction = writer::begin(&codex.pool, &caller).await?;
    let stored = locations::add(&mut transaction, &account_number, &location).await?;
    let location = stored.ok_or_else(|| no_such_company(&account_number))?;
    transaction.commit().await?;
    audit!(caller = caller.label(), account_number, location = location.id, "location added");
    Ok(Json(Stored { success: true, location }))
}

/// Changes an address.
#[utoipa::path(
    put,
    path = "/companies/{account_number}/locations/{id}",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company"), ("id" = i64, Path, description = "Id of the location")),
    request_body = NewLocation,
    responses(
        (status = 200, body = Stored),
        (status = 400, description = "Name or address is missing; member `error`"),
        (status = 404, description = "The company has no such location"), ForTechnicians
    )
)]
async fn change(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path((account_number, id)): Path<(String, i64)>,
    Json(new): Json<NewLocation>,
) -> Result<Json<Stored>> {
    let location = Location { id, ..new.checked()? };
    let mut transaction = writer::begin(&codex.pool, &caller).await?;
    if !locations::change(&mut transaction, &account_number, &location).await? {
        return Err(no_such_location(id));
    }
    transaction.commit().await?;
    audit!(caller = caller.label(), account_number, location = id, "location changed");
    Ok(Json(Stored { success: true, location }))
}

/// Removes an address.
#[utoipa::path(
    delete,
    path = "/companies/{account_number}/locations/{id}",
    tag = "companies",
    params(("account_number" = String, Path, description = "The number that identifies the company"), ("id" = i64, Path, description = "Id of the location")),
    responses(
        (status = 200, body = Changed), (status = 404, description = "The company has no such location"),
        ForTechnicians
    )
)]
async fn remove(
    State(codex): State<Codex>,
    TechnicianOnly(caller): TechnicianOnly,
    Path((account_number, id)): Path<(String, i64)>,
) -> Result<Json<Changed>> {
    let mut transaction = writer::begin(&codex.pool, &caller).await?;
    if !locations::remove(&mut transaction, &account_number, id).await? {
        return Err(no_such_location(id));
    }
    transaction.commit().await?;
    audit!(caller = caller.label(), account_number, location = id, "location removed");
    Ok(Json(Changed::new("Location removed")))
}

fn no_such_location(id: i64) -> Problem {
    Problem::not_found(format!("The company has no location {id}.")).with("error", "Location not found")
}
