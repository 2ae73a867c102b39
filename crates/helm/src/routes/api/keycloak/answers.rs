//! What is answered about users and groups (helm.md §4.4).

use hivematrix_shared::extract::Json;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A change that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Changed {
    success: bool,
    message: &'static str,
    /// What did not follow from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

pub(super) fn changed(message: &'static str, warnings: Warnings) -> Json<Changed> {
    Json(Changed { success: true, message, warning: warnings.text() })
}

/// What did not follow from a change.
#[derive(Debug, Default)]
pub(super) struct Warnings(Vec<&'static str>);

impl Warnings {
    pub fn add(&mut self, warning: Option<&'static str>) {
        self.0.extend(warning);
    }

    pub fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join(" "))
    }
}

/// Users.
#[derive(Debug, Serialize, ToSchema)]
pub struct Users {
    /// Users as Keycloak writes them.
    #[schema(value_type = Vec<Object>)]
    pub(super) users: Vec<Value>,
    /// How many fit in all.
    pub(super) total: usize,
}

/// One user.
#[derive(Debug, Serialize, ToSchema)]
pub struct OneUser {
    /// The user as Keycloak writes it.
    #[schema(value_type = Object)]
    pub(super) user: Value,
}

/// The user that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Created {
    pub(super) success: bool,
    pub(super) message: &'static str,
    /// The realm's id.
    pub(super) id: Option<Uuid>,
    /// What did not follow from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warning: Option<String>,
}

/// Groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct Groups {
    /// Groups as Keycloak writes them.
    #[schema(value_type = Vec<Object>)]
    pub(super) groups: Vec<Value>,
}
