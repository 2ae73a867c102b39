//! `GET /api/psa/agents` and `/api/psa/config` (codex-api.md §4.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{ToSchema, openapi::schema::Schema};

use super::wire::PsaId;

/// A technician in the PSA.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct PsaAgent {
    /// Codex's own id.
    pub id: i64,
    /// The PSA's id, as in `responder_id` of tickets.
    pub external_id: PsaId,
    /// Name of the provider.
    #[serde(default)]
    pub source: Option<String>,
    /// First and last name, else the one that is known, else `Agent <id>`.
    pub name: String,
    /// E-mail address.
    #[serde(default)]
    pub email: Option<String>,
    /// Job title.
    #[serde(default)]
    pub job_title: Option<String>,
    /// Whether the agent still works; missing means yes.
    #[serde(default = "yes")]
    pub active: bool,
}

const fn yes() -> bool {
    true
}

/// How to link into the PSA.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct PsaConfig {
    /// Name of the provider to use when none is named.
    #[serde(default)]
    pub default_provider: Option<String>,
    /// The configured providers by name.
    #[serde(default)]
    pub providers: BTreeMap<String, PsaProviderConfig>,
}

/// One configured provider.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct PsaProviderConfig {
    /// Display name, e.g. `Freshservice`.
    #[serde(default)]
    pub name: Option<String>,
    /// Address of a ticket; `{ticket_id}` stands for its PSA id.
    #[serde(default)]
    pub ticket_url_template: Option<String>,
    /// Address of a company; `{company_id}`.
    #[serde(default)]
    pub company_url_template: Option<String>,
    /// Address of a contact; `{contact_id}`.
    #[serde(default)]
    pub contact_url_template: Option<String>,
    /// Host of the account.
    #[serde(default)]
    pub domain: Option<String>,
    /// `***` when a key is set: the key itself never leaves Codex.
    #[serde(default)]
    pub api_key: Option<String>,
    /// Groups with a meaning of their own.
    #[serde(default)]
    pub group_ids: PsaGroupIds,
}

/// Groups with a meaning of their own.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
pub struct PsaGroupIds {
    /// Groups of the professional-services view; one is written as a number, several as a list, none as `null`.
    #[serde(default, serialize_with = "one_or_many", deserialize_with = "read_one_or_many")]
    #[schema(schema_with = one_or_many_ids)]
    pub professional_services: Vec<PsaId>,
    /// The helpdesk's group; `null` means every other one.
    #[serde(default)]
    pub helpdesk: Option<PsaId>,
}

/// As [`one_or_many`] writes them.
fn one_or_many_ids() -> Schema {
    use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
    let id = || <PsaId as utoipa::PartialSchema>::schema();
    let ids = OneOfBuilder::new()
        .item(id())
        .item(ArrayBuilder::new().items(id()))
        .item(ObjectBuilder::new().schema_type(Type::Null));
    Schema::OneOf(ids.build())
}

fn one_or_many<S: serde::Serializer>(ids: &[PsaId], serializer: S) -> Result<S::Ok, S::Error> {
    match ids {
        [] => serializer.serialize_none(),
        [one] => one.serialize(serializer),
        many => many.serialize(serializer),
    }
}

fn read_one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PsaId>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Many(Vec<PsaId>),
        One(PsaId),
    }
    Ok(match Option::<Form>::deserialize(deserializer)? {
        None => Vec::new(),
        Some(Form::One(id)) => vec![id],
        Some(Form::Many(ids)) => ids,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn professional_services_is_a_number_a_list_or_null() {
        for (json, ids) in [
            (r#"{"professional_services":19000234009,"helpdesk":null}"#, vec![PsaId(19_000_234_009)]),
            (r#"{"professional_services":[1,2],"helpdesk":7}"#, vec![PsaId(1), PsaId(2)]),
            (r#"{"professional_services":null,"helpdesk":null}"#, vec![]),
        ] {
            let read: PsaGroupIds = serde_json::from_str(json).unwrap();
            assert_eq!(read.professional_services, ids);
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }
}
