//! `GET /assets/{id}`: a device (codex-pages.md §5.2).

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::{PermissionLevel, UserOnly},
    extract::Path,
    pages::Page,
    problem::{Problem, Result},
};

use super::parts::{self, ChangeLine, Head, Moment, TicketLine};
use crate::{
    Codex,
    domain::{
        udf::{self, CustomField},
        usage_picture::UsagePicture,
        web_address::is_web_address,
    },
    routes::api::{assets::no_such_asset, reader::Reader},
    store::{
        asset_history::{self, Entry},
        asset_page::{self, AssetFacts, UserLink},
        changes, related_tickets,
    },
};

#[derive(Template)]
#[template(path = "asset.html")]
struct AssetPage {
    page: Page,
    head: Head,
    asset: AssetFacts,
    users: Vec<UserLink>,
    fields: Vec<CustomField>,
    tickets: Vec<TicketLine>,
    history: Vec<ChangeLine>,
    care: Vec<CareLine>,
    /// How many lines there are in all.
    care_total: usize,
    picture: Option<UsagePicture>,
    last_seen: Option<Moment>,
    last_audit: Option<Moment>,
    last_reboot: Option<Moment>,
    is_staff: bool,
    may_edit: bool,
    may_delete: bool,
}

/// Lines of the history of backup and patches that the page shows.
const CARE: usize = 30;

/// How backup and patches stood from a day on.
struct CareLine {
    day: String,
    /// Terabytes in the backup.
    backup: Option<String>,
    patches: Option<String>,
}

impl CareLine {
    fn of(entry: &Entry) -> Self {
        Self {
            day: entry.day.format("%b %-d, %Y").to_string(),
            backup: entry.backup_usage_tb.map(|size| format!("{size:.2} TB")),
            patches: entry.patch_status.clone(),
        }
    }

    fn badge(&self) -> Option<(&'static str, &str)> {
        self.patches.as_deref().map(patch_badge)
    }
}

impl AssetPage {
    fn is_manual(&self) -> bool {
        self.asset.rmm_provider.is_none()
    }

    /// Name of the RMM's portal.
    fn portal(&self) -> &'static str {
        match self.asset.rmm_provider.as_deref() {
            Some("superops") => "SuperOps",
            _ => "Datto Portal",
        }
    }

    /// What can be changed by hand, for the script that fills the form.
    fn values(&self) -> String {
        let asset = &self.asset;
        serde_json::json!({
            "hostname": asset.hostname, "hardware_type": asset.hardware_type, "device_type": asset.device_type,
            "operating_system": asset.operating_system, "int_ip_address": asset.int_ip_address,
            "ext_ip_address": asset.ext_ip_address, "domain": asset.domain, "description": asset.description,
        })
        .to_string()
    }

    /// What is lost with the device, for whoever is about to delete it.
    fn lost(&self) -> String {
        let assigned = match self.users.as_slice() {
            [] => String::new(),
            [one] => format!(" with the assignment of {}", one.name),
            many => format!(" with the assignments of {} contacts", many.len()),
        };
        format!(
            "{} of {} is removed{assigned}. Bills of coming months do not count it any more.",
            self.asset.hostname, self.asset.company
        )
    }

    /// Class of the badge and words for the patch status; none when nobody knows.
    fn patches(&self) -> Option<(&'static str, &str)> {
        let status = self.asset.patch_status.as_deref().filter(|status| !status.is_empty())?;
        Some(patch_badge(status))
    }
}

/// Class of the badge and words for a patch status.
pub fn patch_badge(status: &str) -> (&'static str, &str) {
    match status {
        "FullyPatched" | "up_to_date" => ("badge--success", "Fully patched"),
        "ApprovedPending" | "missing_patches" => ("badge--warning", "Patches pending"),
        "RebootRequired" | "reboot_required" => ("badge--warning", "Reboot required"),
        "InstallError" | "failed" => ("badge--danger", "Install error"),
        "NoPolicy" => ("", "No policy"),
        "NoData" | "unknown" => ("", "No data"),
        other => ("", other),
    }
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    UserOnly(user): UserOnly,
    reader: Reader,
    Path(id): Path<i64>,
    page: Page,
) -> Result<Html<String>> {
    let mut asset = asset_page::facts(&codex.pool, id).await?.ok_or_else(no_such_asset)?;
    reader.may_see(Some(&asset.account_number))?;
    let is_staff = user.permission_level != PermissionLevel::Client;
    let may_edit = user.permission_level.may_edit();
    asset.web_remote_url = asset.web_remote_url.filter(|link| may_edit && is_web_address(link));
    asset.portal_url = asset.portal_url.filter(|link| may_edit && is_web_address(link));
    let history = if is_staff {
        parts::history(changes::of(&codex.pool, "assets", &id.to_string(), parts::CHANGES).await?)
    } else {
        Vec::new()
    };
    let tickets = related_tickets::of_asset(&codex.pool, id, parts::TICKETS).await?;
    let past = asset_history::of(&codex.pool, id).await?;
    let sizes: Vec<_> = past.iter().rev().map(|entry| (entry.day, entry.backup_usage_tb)).collect();
    let kind = asset.hardware_type.as_deref().filter(|kind| !kind.is_empty());
    let head = Head {
        title: asset.hostname.clone(),
        note: kind.map_or_else(|| asset.company.clone(), |kind| format!("{kind} at {}", asset.company)),
        links: Vec::new(),
        back: "/assets/",
    };
    let html = AssetPage {
        head,
        users: asset_page::users(&codex.pool, id, reader.scope.account_numbers()).await?,
        // Custom fields are the provider's notes on a device, for its own people.
        fields: if is_staff { udf::fields(&asset.udf) } else { Vec::new() },
        tickets: parts::tickets(tickets, &parts::psa(&codex, is_staff)),
        history,
        care: past.iter().take(CARE).map(CareLine::of).collect(),
        care_total: past.len(),
        picture: UsagePicture::of(&sizes, codex.context.clock.now().date_naive()),
        last_seen: Moment::maybe(asset.last_seen),
        last_audit: Moment::maybe(asset.last_audit_date),
        last_reboot: Moment::maybe(asset.last_reboot),
        is_staff,
        may_edit,
        may_delete: user.permission_level == PermissionLevel::Admin && asset.rmm_provider.is_none(),
        asset,
        page,
    };
    html.render().map(Html).map_err(Problem::internal)
}
