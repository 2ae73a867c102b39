//! What may be set of a job.

use chrono::{DateTime, TimeZone};
use serde_json::{Map, Value};

use super::{Cron, Script};
use crate::domain::changes::{Fields, Invalid};

/// What is set of a job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Puller {
    /// What people call it; no two have the same name.
    pub job_name: String,
    /// The name of a [`Script`]; a row of the original's table may have a path of its own, which is never run.
    pub script_path: String,
    /// When it is due; none is by hand only.
    pub schedule_cron: Option<String>,
    /// Whether the schedule is followed. By hand it can be started in any case.
    pub enabled: bool,
    /// For people.
    pub description: Option<String>,
}

impl Default for Puller {
    /// What a new one begins with.
    fn default() -> Self {
        Self {
            job_name: String::new(),
            script_path: String::new(),
            schedule_cron: None,
            enabled: true,
            description: None,
        }
    }
}

impl Puller {
    /// What it does; none where the row names a script that Ledger does not have.
    pub fn script(&self) -> Option<Script> {
        Script::parse(&self.script_path)
    }

    /// The schedule; none where there is none, or one that cannot be read.
    pub fn cron(&self) -> Option<Cron> {
        self.schedule_cron.as_deref().and_then(|text| Cron::parse(text).ok())
    }

    /// Takes the members of a request; others are passed over. What was there before and cannot be used (a row of the original's
    /// table) may stay as long as the job is not enabled.
    ///
    /// # Errors
    /// Says what is wrong with each member.
    pub fn change<Z: TimeZone>(
        &mut self,
        members: &Map<String, Value>,
        now: &DateTime<Z>,
    ) -> Result<(), Invalid> {
        let mut fields = Fields::of(members);
        let mut changed = self.clone();
        if let Some(name) = fields.text("job_name", 150) {
            changed.job_name = name.unwrap_or_default();
        }
        if let Some(script) = fields.text("script_path", 255) {
            changed.script_path = script.unwrap_or_default();
        }
        if let Some(cron) = fields.text("schedule_cron", 100) {
            changed.schedule_cron = cron;
        }
        if let Some(description) = fields.words("description", 2000) {
            changed.description = description;
        }
        match members.get("enabled") {
            None => {}
            Some(Value::Bool(enabled)) => changed.enabled = *enabled,
            Some(_) => fields.refuse("enabled", "must be true or false"),
        }
        if changed.job_name.is_empty() {
            fields.refuse("job_name", "is needed");
        }
        if changed.enabled || changed.script_path != self.script_path || changed.script_path.is_empty() {
            match changed.script() {
                Some(script) => changed.script_path = script.name().to_owned(),
                None => fields.refuse("script_path", format!("must be one of {}", Script::names())),
            }
        }
        if changed.enabled || changed.schedule_cron != self.schedule_cron {
            match changed.schedule_cron.as_deref().map(Cron::parse) {
                None => {}
                Some(Ok(cron)) if cron.next(now).is_some() => {}
                Some(Ok(_)) => fields.refuse("schedule_cron", "never comes: there is no such day"),
                Some(Err(fault)) => fields.refuse("schedule_cron", fault),
            }
        }
        *self = fields.done(changed)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::json;

    use super::*;

    fn changed(mut puller: Puller, members: &Value) -> Result<Puller, Vec<(String, String)>> {
        let now: DateTime<Utc> = "2025-07-15T12:00:00Z".parse().unwrap();
        puller
            .change(members.as_object().unwrap(), &now)
            .map_err(|fault| fault.0.into_iter().collect::<Vec<_>>())?;
        Ok(puller)
    }

    #[test]
    fn a_job_needs_a_name_a_script_of_the_list_and_a_schedule_that_comes() {
        let made = changed(
            Puller::default(),
            &json!({"job_name": " It's \"ours\" ", "script_path": "sync_from_codex", "schedule_cron": "", "x": 1}),
        )
        .unwrap();
        assert_eq!(
            (made.job_name.as_str(), made.script_path.as_str(), &made.schedule_cron, made.enabled),
            ("It's \"ours\"", "sync_from_codex.py", &None, true)
        );
        for (members, field) in [
            (json!({}), "job_name"),
            (json!({"job_name": "x"}), "script_path"),
            (json!({"job_name": "x", "script_path": "/bin/sh"}), "script_path"),
            (json!({"job_name": "x", "script_path": "/bin/sh", "enabled": false}), "script_path"),
            (json!({"job_name": "x\ny", "script_path": "verify"}), "job_name"),
            (json!({"job_name": "x", "script_path": "verify", "schedule_cron": "* * *"}), "schedule_cron"),
            (
                json!({"job_name": "x", "script_path": "verify", "schedule_cron": "0 0 30 2 *"}),
                "schedule_cron",
            ),
            (json!({"job_name": "x", "script_path": "verify", "enabled": "yes"}), "enabled"),
        ] {
            let faults = changed(Puller::default(), &members).unwrap_err();
            assert!(faults.iter().any(|(name, _)| name == field), "{members}: {faults:?}");
        }
    }

    #[test]
    fn a_row_of_the_original_may_stay_as_it_is_but_is_not_enabled() {
        let theirs = Puller {
            job_name: "Nightly".to_owned(),
            script_path: "/opt/pull.py".to_owned(),
            schedule_cron: Some("whenever".to_owned()),
            enabled: false,
            description: None,
        };
        let renamed =
            changed(theirs.clone(), &json!({"job_name": "Old", "script_path": "/opt/pull.py"})).unwrap();
        assert_eq!((renamed.job_name.as_str(), renamed.script()), ("Old", None));
        let faults = changed(theirs.clone(), &json!({"enabled": true})).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        let mended = json!({"enabled": true, "script_path": "verify", "schedule_cron": "@daily"});
        assert!(changed(theirs, &mended).unwrap().enabled);
    }
}
