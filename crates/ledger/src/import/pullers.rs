//! Jobs of the original, which name scripts by their paths. Those that Ledger has go on; the others are shown, switched off, and
//! never run.

use serde_json::{Map, Value};

use super::time::moment;
use crate::domain::pullers::{Cron, Script, Status};

/// The row as it is here, and why it is switched off where it was not there.
pub(super) fn canonical(mut given: Map<String, Value>) -> (Map<String, Value>, Option<String>) {
    let text = |given: &Map<String, Value>, name: &str| {
        let text = given.get(name).and_then(Value::as_str).map(str::trim).unwrap_or_default();
        text.to_owned()
    };
    let script = Script::parse(&text(&given, "script_path"));
    if let Some(script) = script {
        given.insert("script_path".to_owned(), Value::from(script.name()));
    }
    let cron = text(&given, "schedule_cron");
    // The original runs nothing by itself: a schedule that means nothing was never noticed there.
    let fault = match Cron::parse(&cron) {
        _ if script.is_none() => Some("its script is none that Ledger has".to_owned()),
        _ if cron.is_empty() => None,
        Err(fault) => Some(format!("its schedule {fault}")),
        Ok(cron) if !cron.comes() => Some("its schedule never comes: there is no such day".to_owned()),
        Ok(_) => None,
    };
    let was_enabled = given.get("enabled") == Some(&Value::Bool(true));
    if fault.is_some() {
        given.insert("enabled".to_owned(), Value::Bool(false));
    }
    let cron = if cron.is_empty() { Value::Null } else { Value::from(cron) };
    given.insert("schedule_cron".to_owned(), cron);
    let last_run = moment(&text(&given, "last_run")).map(|time| Value::from(time.to_rfc3339()));
    given.insert("last_run".to_owned(), last_run.unwrap_or_default());
    let status = text(&given, "last_status");
    let known = [Status::Success, Status::Failure, Status::Timeout, Status::Error];
    let status = match known.into_iter().find(|known| known.name() == status) {
        Some(known) => Value::from(known.name()),
        // It may still say that it runs when the original was stopped meanwhile.
        None if status == Status::Running.name() => Value::from(Status::Error.name()),
        None => Value::Null,
    };
    given.insert("last_status".to_owned(), status);
    (given, fault.filter(|_| was_enabled))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scripts_of_the_list_go_on_and_others_are_switched_off() {
        for (script, cron, enabled, last, expected) in [
            (
                "sync_from_codex.py",
                json!("0 */12 * * *"),
                true,
                "Success",
                json!(["sync_from_codex.py", true, "Success"]),
            ),
            (
                "./sync_from_codex.py",
                json!(""),
                false,
                "Running",
                json!(["sync_from_codex.py", false, "Error"]),
            ),
            ("sync_from_codex.py", json!("every day"), true, "", json!(["sync_from_codex.py", false, null])),
            (
                "sync_from_codex.py",
                json!("0 3 30 2 *"),
                true,
                "Success",
                json!(["sync_from_codex.py", false, "Success"]),
            ),
            ("/bin/sh -c true", json!(null), true, "Odd", json!(["/bin/sh -c true", false, null])),
            (
                "scheduled_snapshots.py",
                json!("@daily"),
                true,
                "Timeout",
                json!(["scheduled_snapshots.py", false, "Timeout"]),
            ),
        ] {
            let row = json!({"script_path": script, "schedule_cron": cron, "enabled": enabled, "last_run": "2025-07-01T08:00:00Z",
                "last_status": last});
            let (made, switched_off) = canonical(row.as_object().unwrap().clone());
            assert_eq!(switched_off.is_some(), enabled && made["enabled"] == false, "{script} {cron}");
            let told = json!([made["script_path"], made["enabled"], made["last_status"]]);
            assert_eq!(told, expected, "{script} {cron}");
            assert_eq!(made["last_run"], "2025-07-01T08:00:00+00:00");
        }
    }
}
