//! Which files of an instance are for their owner only, and what they hold: one rule for the audit, the doctor and backups.

/// What a private file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Nothing but passwords and secrets.
    Secrets,
    /// A private key, or what is encrypted with one.
    Key,
    /// Settings with passwords among them.
    Settings,
    /// What Helm remembers, without secrets.
    Notes,
}

impl Content {
    /// Whether a key or a password is in it.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        !matches!(self, Self::Notes)
    }
}

/// What the file at `path` (only its name counts) holds that others must not see; `None` for what everybody may read:
/// generated registries, certificates and public keys.
#[must_use]
pub fn content(path: &str) -> Option<Content> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
    match (name, ending) {
        (
            "secrets.json"
            | "master_secrets.json"
            | "service_secrets.json"
            | "servers.json"
            | "shell.json"
            | "admin_password",
            _,
        ) => Some(Content::Secrets),
        ("settings.env" | ".flaskenv" | "master_config.json", _) | (_, "conf") => Some(Content::Settings),
        (_, "pem") if name.contains("public") => None,
        (_, "key" | "pem" | "identity" | "age") => Some(Content::Key),
        ("instance.json" | "stopped.json", _) => Some(Content::Notes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_helm_closes_is_known() {
        for (path, expected) in [
            ("helm/secrets.json", Some(Content::Secrets)),
            ("helm/configs/master_secrets.json", Some(Content::Secrets)),
            ("helm/servers.json", Some(Content::Secrets)),
            ("helm/shell.json", Some(Content::Secrets)),
            ("core/service_secrets.json", Some(Content::Secrets)),
            ("core/admin_password", Some(Content::Secrets)),
            ("helm/configs/master_config.json", Some(Content::Settings)),
            ("settings.env", Some(Content::Settings)),
            ("codex/codex.conf", Some(Content::Settings)),
            ("codex/.flaskenv", Some(Content::Settings)),
            ("helm/backup.identity", Some(Content::Key)),
            ("nexus/certs/nexus.key", Some(Content::Key)),
            ("core/keys/jwt_private.pem", Some(Content::Key)),
            ("backups/hivematrix_backup_20251122_020000.tar.age", Some(Content::Key)),
            ("helm/instance.json", Some(Content::Notes)),
            ("helm/backup.recipients", None),
            ("core/keys/jwt_public.pem", None),
            ("nexus/certs/nexus.crt", None),
            ("services.json", None),
        ] {
            assert_eq!(content(path), expected, "{path}");
        }
    }
}
