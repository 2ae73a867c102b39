//! The operator's variables: which mean something to the suite, and which service reads them.

use super::{Env, Suite};

/// Variables of the operator's shell that every child may see.
const SYSTEM: [&str; 9] =
    ["PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "RUST_LOG", "RUST_BACKTRACE", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Documented variables that every service reads.
const COMMON: [&str; 8] = [
    "ENVIRONMENT",
    "LOG_LEVEL",
    "ENABLE_JSON_LOGGING",
    "LOG_SHIPPING",
    "VERIFY_SSL",
    "HIVEMATRIX_RATE_LIMIT_SCALE",
    "HIVEMATRIX_COMPAT_SERVICE_WRITES",
    "HIVEMATRIX_VERSION",
];

/// Documented variables of one service; a name that ends in `*` stands for all with that beginning. The service's own
/// name as a beginning (`CODEX_…`) need not be listed.
fn documented(service: &str) -> &'static [&'static str] {
    match service {
        "core" => &["JWT_*", "HIVEMATRIX_COMPAT_OPEN_SERVICE_TOKEN"],
        "helm" => &["HIVEMATRIX_ALERT_WEBHOOK"],
        "nexus" => &["BEHIND_PROXY", "TRUSTED_PROXIES"],
        "codex" => &[
            "FRESHSERVICE_*",
            "SUPEROPS_*",
            "DATTO_*",
            "PSA_*",
            "RMM_*",
            "SYNC_*",
            "WEBHOOKS_*",
            "BILLING_PLANS_FILE",
            "DATABASE_CONNECTIONS",
            "TICKET_SYNC_INTERVAL_SECONDS",
            "KEYCLOAK_ADMIN_USER",
            "KEYCLOAK_ADMIN_PASS",
        ],
        "beacon" => &[
            "SIREN_THRESHOLD",
            "AUTO_REFRESH_INTERVAL_SECONDS",
            "PROFESSIONAL_SERVICES_GROUP_*",
            "DISPLAY_*",
            "PUBLIC_DISPLAY_ENABLED",
            "VIEWS",
            "CODEX_SERVICE_URL",
        ],
        "ledger" => &["CODEX_SERVICE_URL", "DATABASE_CONNECTIONS", "SMTP_*"],
        "knowledgetree" => {
            &["NEO4J_URI", "NEO4J_USER", "NEO4J_PASSWORD", "CODEX_SERVICE_URL", "DATABASE_CONNECTIONS"]
        }
        "brainhair" => &[
            "ANTHROPIC_*",
            "CLAUDE_*",
            "CODEX_SERVICE_URL",
            "KNOWLEDGETREE_SERVICE_URL",
            "LEDGER_SERVICE_URL",
            "PRESIDIO_ANALYZER_URL",
            "SERVICE_URL",
        ],
        _ => &[],
    }
}

impl Suite {
    /// What the operator set wins over everything else, and reaches only who reads it.
    pub(super) fn operator_overrides(&self, env: &mut Env, service: &str) {
        let own = format!("{}_", service.to_uppercase());
        for (name, value) in &self.operator {
            let listed = SYSTEM.contains(&name.as_str())
                || COMMON.contains(&name.as_str())
                || documented(service).iter().any(|pattern| matches(pattern, name));
            let by_prefix = name.starts_with(&own)
                && !name.ends_with("_DATABASE_URL")
                && !name.ends_with("_SERVICE_URL")
                && name != "NEXUS_PORT";
            if listed || by_prefix {
                env.set(name, value.clone());
            }
        }
    }
}

/// Whether a variable of the operator's shell means anything to the suite; others are not kept.
#[must_use]
pub fn is_operator_variable(name: &str, services: &[&str]) -> bool {
    const SUITE: [&str; 5] = [
        "HIVEMATRIX_ADMIN_PASSWORD",
        "HIVEMATRIX_ALERT_WEBHOOK",
        "NEXUS_SERVICE_URL",
        "REDIS_URL",
        "HIVEMATRIX_DATABASE_URL",
    ];
    SYSTEM.contains(&name)
        || COMMON.contains(&name)
        || SUITE.contains(&name)
        || name.starts_with("KEYCLOAK_")
        || services.iter().any(|service| {
            name.starts_with(&format!("{}_", service.to_uppercase()))
                || documented(service).iter().any(|pattern| matches(pattern, name))
        })
}

/// Whether a variable belongs to the machine rather than to the suite.
#[must_use]
pub fn is_system_variable(name: &str) -> bool {
    SYSTEM.contains(&name)
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}
