//! The page of backups: the last result, the archives, a button for one more, and how one comes back.

use std::path::Path;

use askama::Template;
use axum::{extract::State, response::Html};
use chrono::{DateTime, Utc};
use hivematrix_shared::{
    pages::{Page, format::iso_z},
    problem::{Problem, Result},
};

use super::render;
use crate::{
    ServeState,
    backup::{folder, history, keys},
    domain::backup::{
        bytes_text,
        manifest::State as PartState,
        retention::{KEEP_DAYS, Record},
    },
    instance::{
        Layout,
        installation::{self, Installation},
    },
    routes::access::AdminUser,
};

#[derive(Template)]
#[template(path = "backups.html")]
struct Backups {
    page: Page,
    archives: Vec<Archive>,
    last: Option<LastResult>,
    is_running: bool,
    /// Where the next archive goes.
    folder: String,
    by_systemd: bool,
    /// How the command line is called.
    helm: &'static str,
    /// Where the key that opens the archives lies, when it is on this machine.
    identity: Option<String>,
    /// The operator has named keys of which only the public half is here.
    key_is_elsewhere: bool,
    keep_days: u32,
}

struct LastResult {
    ok: bool,
    at: Time,
    error: String,
}

struct Time {
    iso: String,
    text: String,
}

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Self {
        Self { iso: iso_z(time), text: format!("{} UTC", time.format("%Y-%m-%d %H:%M")) }
    }
}

struct Archive {
    name: String,
    path: String,
    /// Its folder, where that is another than the one of the next archive.
    elsewhere: Option<String>,
    at: Time,
    size: String,
    state: &'static str,
    state_class: &'static str,
    saved: usize,
    /// What should be in it and is not.
    missing: Vec<String>,
    parts: Vec<Part>,
    verified: Option<(Time, bool)>,
}

struct Part {
    name: String,
    state: &'static str,
    size: String,
    reason: String,
}

impl Archive {
    fn of(record: Record, folder: &Path) -> Self {
        let is = |state| record.parts.iter().filter(move |part| part.state == state);
        let (state, state_class) =
            if record.complete { ("Complete", "success") } else { ("Incomplete", "danger") };
        Self {
            name: record.archive.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            path: record.archive.display().to_string(),
            elsewhere: record
                .archive
                .parent()
                .filter(|parent| *parent != folder)
                .map(|parent| parent.display().to_string()),
            at: record.created_at.into(),
            size: bytes_text(record.bytes),
            state,
            state_class,
            saved: is(PartState::Saved).count(),
            missing: is(PartState::Missing).map(|part| part.name.clone()).collect(),
            verified: record.verified.as_ref().map(|verified| (verified.at.into(), verified.ok)),
            parts: record
                .parts
                .into_iter()
                .map(|part| Part {
                    name: part.name,
                    state: part.state.as_str(),
                    size: if part.bytes > 0 { bytes_text(part.bytes) } else { String::new() },
                    reason: part.reason.unwrap_or_default(),
                })
                .collect(),
        }
    }
}

/// `GET /backups`
pub async fn show(State(state): State<ServeState>, _: AdminUser, page: Page) -> Result<Html<String>> {
    let layout = state.layout.clone();
    let view = tokio::task::spawn_blocking(move || {
        let installation = installation::of(&layout)?;
        Backups::of(page, &layout, installation.as_ref())
    });
    let view = view.await.map_err(anyhow::Error::from).flatten();
    render(&view.map_err(|error| Problem::internal(format!("{error:#}")))?)
}

impl Backups {
    /// What is remembered of an instance, which may be installed for systemd: then archives go elsewhere, and root restores.
    fn of(page: Page, layout: &Layout, installation: Option<&Installation>) -> anyhow::Result<Self> {
        let folder = match installation {
            Some(installation) => installation.places.backups.clone(),
            None => folder(layout),
        };
        let last = history::last(layout)?;
        let identity = keys::identity_path(layout);
        Ok(Self {
            page,
            archives: history::records(layout)?
                .into_iter()
                .map(|record| Archive::of(record, &folder))
                .collect(),
            last: last.map(|last| LastResult {
                ok: last.ok,
                at: last.finished_at.into(),
                error: last.error.unwrap_or_default(),
            }),
            is_running: history::running(layout)?.is_running,
            folder: folder.display().to_string(),
            by_systemd: installation.is_some(),
            helm: if installation.is_some() { "sudo helm" } else { "helm" },
            key_is_elsewhere: keys::has_lasting_recipients(layout),
            identity: identity.exists().then(|| identity.display().to_string()),
            keep_days: KEEP_DAYS,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::systemd::Places;

    #[test]
    fn an_installed_suite_names_the_folder_of_its_timer_and_root() {
        let home = tempfile::tempdir().unwrap();
        let layout = Layout::new(home.path().to_owned());
        let shown = |installation: Option<&Installation>| {
            Backups::of(Page::default(), &layout, installation).unwrap().render().unwrap()
        };
        let own = shown(None);
        assert!(own.contains(&format!("<code>{}/backups</code>", home.path().display())), "{own}");
        assert!(!own.contains("sudo") && !own.contains("timer"), "{own}");
        let places = Places { backups: "/srv/archives".into(), ..Places::default() };
        let installed = shown(Some(&Installation { places, ..Installation::default() }));
        assert!(installed.contains("<code>/srv/archives</code>"), "{installed}");
        assert!(
            installed.contains("sudo helm restore ARCHIVE") && installed.contains("the timer"),
            "{installed}"
        );
    }
}
