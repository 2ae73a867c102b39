//! Rows and forms of the jobs as the pages show them.

use chrono::{DateTime, TimeZone};
use serde_json::Value;

use crate::{
    domain::{
        changes::{
            Invalid,
            form::{Form, field},
        },
        pullers::{Puller, Script},
    },
    routes::pages::parts::Moment,
    store::pullers::PullerRow,
};

/// How a run stands, told by a word, a picture and a colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StatusView {
    /// Class of the badge; empty where there is nothing to tell.
    pub badge: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// The word.
    pub word: &'static str,
    /// Whether it is at work.
    pub is_running: bool,
}

impl StatusView {
    /// Of what the tables have.
    pub fn of(status: Option<&str>) -> Self {
        let (badge, icon, word) = match status {
            Some("Success") => ("badge badge--success", "check-circle", "Success"),
            Some("Running") => ("badge badge--info", "refresh-cw", "Running..."),
            Some("Failure") => ("badge badge--danger", "alert-circle", "Failure"),
            Some("Timeout") => ("badge badge--danger", "clock", "Timeout"),
            Some("Error") => ("badge badge--danger", "alert-triangle", "Error"),
            Some("Cancelled") => ("badge badge--warning", "x", "Cancelled"),
            _ => ("", "", "-"),
        };
        Self { badge, icon, word, is_running: status == Some("Running") }
    }
}

/// `12 s`, `3 min 4 s`, `1 h 2 min`.
pub fn duration(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A job in the table.
pub(super) struct JobRow {
    pub(super) id: i32,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) script: String,
    /// Whether Ledger has it; otherwise the job is never run.
    pub(super) is_known: bool,
    /// Empty is by hand.
    pub(super) cron: String,
    /// The schedule in words, or what is wrong with it.
    pub(super) words: String,
    /// By the clock of the server.
    pub(super) next: Option<String>,
    pub(super) last: Option<Moment>,
    pub(super) took: String,
    pub(super) status: StatusView,
    pub(super) enabled: bool,
}

impl JobRow {
    pub(super) fn of<Z: TimeZone>(row: PullerRow, now: &DateTime<Z>) -> Self {
        let words = match (&row.puller.schedule_cron, row.puller.cron()) {
            (None, _) => String::new(),
            (Some(_), Some(cron)) => cron.words(),
            (Some(_), None) => "This schedule cannot be read, so it is not followed.".to_owned(),
        };
        let next = row.next(now).map(|next| next.naive_local().format("%Y-%m-%d %H:%M").to_string());
        let took = match (row.last_run, row.run_ended_at) {
            (Some(began), Some(ended)) if ended >= began => duration((ended - began).num_seconds()),
            _ => String::new(),
        };
        Self {
            id: row.id,
            is_known: row.puller.script().is_some(),
            name: row.puller.job_name,
            description: row.puller.description.unwrap_or_default(),
            script: row.puller.script_path,
            cron: row.puller.schedule_cron.unwrap_or_default(),
            words,
            next,
            last: Moment::maybe(row.last_run),
            took,
            status: StatusView::of(row.last_status.as_deref()),
            enabled: row.puller.enabled,
        }
    }
}

/// The form of a job, as it is stored or as it was sent.
pub(super) struct JobForm {
    /// None is a new job.
    pub(super) id: Option<i32>,
    pub(super) name: String,
    pub(super) script: String,
    /// Where the script is none of Ledger's: it may stay.
    pub(super) foreign: Option<String>,
    pub(super) cron: String,
    pub(super) enabled: bool,
    pub(super) description: String,
    faults: Invalid,
}

impl JobForm {
    fn filled(id: Option<i32>, puller: &Puller) -> Self {
        let foreign = puller.script().is_none() && !puller.script_path.is_empty();
        Self {
            id,
            name: puller.job_name.clone(),
            script: puller.script_path.clone(),
            foreign: foreign.then(|| puller.script_path.clone()),
            cron: puller.schedule_cron.clone().unwrap_or_default(),
            enabled: puller.enabled,
            description: puller.description.clone().unwrap_or_default(),
            faults: Invalid::default(),
        }
    }

    /// Of a new job.
    pub(super) fn new() -> Self {
        Self::filled(None, &Puller::default())
    }

    /// Of a job.
    pub(super) fn of(row: &PullerRow) -> Self {
        Self::filled(Some(row.id), &row.puller)
    }

    /// As it was sent, with what is wrong.
    pub(super) fn sent(mut self, form: &Form, faults: Invalid) -> Self {
        let text = |name: &str| field(form, name).to_owned();
        self.name = text("job_name");
        self.script = text("script_path");
        self.cron = text("schedule_cron");
        self.description = text("description");
        self.enabled = form.get("enabled") == Some(&Value::Bool(true));
        self.faults = faults;
        self
    }

    pub(super) fn has_faults(&self) -> bool {
        !self.faults.0.is_empty()
    }

    pub(super) fn fault(&self, name: &str) -> Option<&str> {
        self.faults.0.get(name).map(String::as_str)
    }

    /// Scripts to choose from: value, words, and whether it is chosen.
    pub(super) fn scripts(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let chosen = Script::parse(&self.script);
        Script::ALL.into_iter().map(move |script| (script.name(), script.words(), chosen == Some(script)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let told = [0, 59, 60, 3599, 3600, 7260].map(duration);
        assert_eq!(told, ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "2 h 1 min"]);
    }
}
