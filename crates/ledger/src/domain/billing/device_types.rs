//! What kinds of devices are billed as (rule 45).

use std::collections::HashMap;

/// Kinds that are known from the start, and the billing types they have.
pub const KNOWN_KINDS: [(&str, &str); 10] = [
    ("Workstation", "Workstation"),
    ("Desktop", "Workstation"),
    ("Laptop", "Workstation"),
    ("Server", "Server"),
    ("ESXI Host", "Server"),
    ("Virtual Machine", "VM"),
    ("virtual_machine", "VM"),
    ("VM", "VM"),
    ("Switch", "Switch"),
    ("Firewall", "Firewall"),
];

/// Billing types by kind of device; the case of a kind does not matter.
#[derive(Clone, Debug)]
pub struct DeviceTypes(HashMap<String, String>);

impl DeviceTypes {
    /// The billing type of a kind.
    pub(super) fn billing_type(&self, kind: &str) -> Option<&str> {
        self.0.get(&kind.trim().to_lowercase()).map(String::as_str)
    }
}

/// What is known from the start.
impl Default for DeviceTypes {
    fn default() -> Self {
        KNOWN_KINDS.into_iter().collect()
    }
}

impl<K: AsRef<str>, T: Into<String>> FromIterator<(K, T)> for DeviceTypes {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(rows: I) -> Self {
        let rows = rows.into_iter();
        Self(
            rows.map(|(kind, billing_type)| (kind.as_ref().trim().to_lowercase(), billing_type.into()))
                .collect(),
        )
    }
}
