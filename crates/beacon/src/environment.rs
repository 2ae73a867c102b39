//! The seed's environment names: a suite that is being developed says more in its log.

use std::path::Path;

use serde_json::Value;

const DEVELOPMENT: &str = "development";

/// Whether `FLASK_ENV` or the suite's `master_config.json` (`system.environment`) says that this is development. A file that
/// is not there or cannot be read says nothing.
pub fn is_development(flask_env: Option<&str>, master_config: &Path) -> bool {
    let says = || {
        let config: Value = serde_json::from_slice(&std::fs::read(master_config).ok()?).ok()?;
        Some(config["system"]["environment"].as_str()? == DEVELOPMENT)
    };
    flask_env == Some(DEVELOPMENT) || says().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_of_both_names_development() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("master_config.json");
        assert!(!is_development(None, &file), "there is no file");
        for (flask_env, config, expected) in [
            (None, r#"{"system": {"environment": "development"}}"#, true),
            (None, r#"{"system": {"environment": "production"}}"#, false),
            (Some("production"), r#"{"system": {"environment": "development"}}"#, true),
            (Some("development"), r#"{"system": {"environment": "production"}}"#, true),
            (Some("production"), "{}", false),
            (None, "no json", false),
        ] {
            std::fs::write(&file, config).unwrap();
            assert_eq!(is_development(flask_env, &file), expected, "{flask_env:?} {config}");
        }
    }
}
