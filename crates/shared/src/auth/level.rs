//! Permission levels and the Keycloak groups they come from (core.md §4).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a user may do; decided by the highest matching group at login and frozen in the token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PermissionLevel {
    /// Everything.
    Admin,
    /// All master data and the board; no money, no administration.
    Technician,
    /// Reads master data, writes in Ledger.
    Billing,
    /// Only its own company's data; also any level this version does not know.
    #[default]
    #[serde(other)]
    Client,
}

impl PermissionLevel {
    /// All levels, most rights first.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Technician, Self::Billing, Self::Client];

    /// The claim's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Technician => "technician",
            Self::Billing => "billing",
            Self::Client => "client",
        }
    }

    /// The level of a group list: first match of `admins`, `technicians`, `billing`, with or without a leading slash.
    pub fn from_groups<S: AsRef<str>>(groups: &[S]) -> Self {
        let has =
            |name: &str| groups.iter().any(|g| g.as_ref().strip_prefix('/').unwrap_or(g.as_ref()) == name);
        if has("admins") {
            Self::Admin
        } else if has("technicians") {
            Self::Technician
        } else if has("billing") {
            Self::Billing
        } else {
            Self::Client
        }
    }

    /// Whether master data may be changed: administrators and technicians.
    pub const fn may_edit(self) -> bool {
        matches!(self, Self::Admin | Self::Technician)
    }

    /// Whether master data of all companies may be read: everyone but clients.
    pub const fn is_staff(self) -> bool {
        !matches!(self, Self::Client)
    }
}

impl fmt::Display for PermissionLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no permission level.
#[derive(Debug, thiserror::Error)]
#[error("unknown permission level `{0}` (admin, technician, billing or client)")]
pub struct UnknownLevel(String);

impl FromStr for PermissionLevel {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == name)
            .ok_or_else(|| UnknownLevel(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_matching_group_decides() {
        for (groups, level) in [
            (&["technicians", "admins"][..], PermissionLevel::Admin),
            (&["/technicians", "billing"], PermissionLevel::Technician),
            (&["/billing"], PermissionLevel::Billing),
            (&["client"], PermissionLevel::Client),
            (&["/x/admins", "Admins", "//admins"], PermissionLevel::Client),
            (&[], PermissionLevel::Client),
        ] {
            assert_eq!(PermissionLevel::from_groups(groups), level, "{groups:?}");
        }
    }

    #[test]
    fn an_unknown_claim_is_the_lowest_level() {
        assert_eq!(serde_json::from_str::<PermissionLevel>("\"root\"").unwrap(), PermissionLevel::Client);
    }
}
