//! What people may change of their own account at Keycloak: not the e-mail address, by which services find a client's
//! company.

use serde_json::{Value, json};

/// The attribute that is the administrators' to write.
const ADDRESS: &str = "email";

/// The user profile of a realm with the address closed to its owner; `None` when it is so already. All else stays, such as
/// attributes of the operator's own.
#[must_use]
pub fn with_closed_address(found: &Value) -> Option<Value> {
    let mut profile = found.clone();
    let attributes = profile.get_mut("attributes")?.as_array_mut()?;
    let address = attributes.iter_mut().find(|attribute| attribute["name"] == ADDRESS)?;
    let editors = json!(["admin"]);
    if address["permissions"]["edit"] == editors {
        return None;
    }
    let viewers = address["permissions"]["view"].take();
    let viewers = if viewers.is_null() { json!(["admin", "user"]) } else { viewers };
    address["permissions"] = json!({ "view": viewers, "edit": editors });
    Some(profile)
}

/// Keycloak's own profile of a new realm with a closed address. Its names are plain: Keycloak's references to translations
/// look like variables of the import.
const NEW: &str = include_str!("user_profile.json");

/// The user profile as a component of the import file, which holds it as a text.
pub(super) fn component() -> Value {
    json!({
        "org.keycloak.userprofile.UserProfileProvider": [{
            "providerId": "declarative-user-profile",
            "config": { "kc.user.profile.config": [NEW] },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_import_closes_the_address() {
        let profile: Value = serde_json::from_str(NEW).unwrap();
        assert_eq!(with_closed_address(&profile), None);
        let address = profile["attributes"].as_array().unwrap().iter().find(|one| one["name"] == ADDRESS);
        assert_eq!(address.unwrap()["permissions"]["edit"], json!(["admin"]));
    }

    #[test]
    fn only_the_right_to_write_the_address_is_taken_away() {
        let profile = |edit: Value| {
            json!({
                "attributes": [
                    { "name": "phone", "permissions": { "edit": ["user"] } },
                    { "name": "email", "required": { "roles": ["user"] },
                      "permissions": { "view": ["admin"], "edit": edit } },
                ],
                "unmanagedAttributePolicy": "ADMIN_VIEW",
            })
        };
        let closed = profile(json!(["admin"]));
        assert_eq!(with_closed_address(&profile(json!(["admin", "user"]))), Some(closed.clone()));
        assert_eq!(with_closed_address(&profile(json!(["user"]))), Some(closed.clone()));
        assert_eq!(with_closed_address(&closed), None);
        let without_rights = json!({ "attributes": [{ "name": "email" }] });
        let closed = json!({ "attributes": [{ "name": "email",
            "permissions": { "view": ["admin", "user"], "edit": ["admin"] } }] });
        assert_eq!(with_closed_address(&without_rights), Some(closed));
        for nothing in [json!({}), json!({ "attributes": [] }), json!(null)] {
            assert_eq!(with_closed_address(&nothing), None, "{nothing}");
        }
    }
}
