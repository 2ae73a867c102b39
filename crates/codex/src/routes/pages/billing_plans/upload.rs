//! The form that takes plans from a file.

use axum::{
    extract::{
        Multipart, State,
        multipart::{MultipartError, MultipartRejection},
    },
    response::Response,
};
use hivematrix_shared::{
    auth::AdminOnly,
    pages::Page,
    problem::{Problem, Result},
};
use http::StatusCode;
use utoipa::ToSchema;

use super::forms::{Back, counted};
use crate::{
    Codex,
    domain::plan_file,
    routes::{
        api::{plans::actions, refusals::ForAdmins},
        flash::{Flash, Kind},
    },
};

/// Errors of an import that are told; the others are counted.
const TOLD: usize = 3;

/// A file as a form sends it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only documents the form, which is read part by part")]
struct Upload {
    /// An export; its name ends in `.json`.
    #[schema(value_type = String, format = Binary)]
    json_file: Vec<u8>,
}

/// Takes plans and options from an export.
#[utoipa::path(post, path = "/billing-plans/import", tag = "plan forms",
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses((status = 302, description = "To `/billing-plans/`, with a message"), ForAdmins))]
pub(super) async fn import(
    State(codex): State<Codex>,
    AdminOnly(caller): AdminOnly,
    page: Page,
    form: std::result::Result<Multipart, MultipartRejection>,
) -> Result<Response> {
    let bytes = match form {
        Ok(form) => read_upload(form).await,
        Err(error) => Err(Problem::new(error.status()).detail(error.body_text())),
    };
    let file = match bytes.and_then(|bytes| plan_file::read(&bytes).map_err(Problem::bad_request)) {
        Ok(file) => file,
        Err(problem) => return Back::plans(&page).with(Err(problem)),
    };
    let done = actions::import(&codex, &caller, file, false).await?;
    let mut flashes = vec![Flash::new(
        if done.errors.is_empty() { Kind::Success } else { Kind::Warning },
        format!(
            "Imported {} and {}; left {} and {} as they were; {}",
            counted(done.plans_imported, "plan term"),
            counted(done.features_imported, "option"),
            counted(done.plans_skipped, "plan term"),
            counted(done.features_skipped, "option"),
            counted(done.errors.len(), "error")
        ),
    )];
    if !done.errors.is_empty() {
        let told = done.errors.iter().take(TOLD).cloned().collect::<Vec<_>>().join(" · ");
        let more = done.errors.len().saturating_sub(TOLD);
        let more = if more > 0 { format!(" · and {more} more") } else { String::new() };
        flashes.push(Flash::new(Kind::Warning, format!("{told}{more}")));
    }
    Ok(Back::plans(&page).saying(&flashes))
}

async fn read_upload(mut form: Multipart) -> Result<Vec<u8>> {
    let unreadable = |error: MultipartError| {
        Problem::new(error.status()).detail(match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "The file is larger than 16 MB.".to_owned(),
            _ => error.body_text(),
        })
    };
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("json_file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_lowercase();
        if name.is_empty() {
            return Err(Problem::bad_request("Choose a file to import."));
        }
        if !name.ends_with(".json") {
            return Err(Problem::bad_request("The name of the file must end in .json."));
        }
        return Ok(field.bytes().await.map_err(unreadable)?.to_vec());
    }
    Err(Problem::bad_request("Choose a file to import."))
}
