//! The thirty custom fields of a device: what they mean, and which of them are secrets (codex-pages.md §5.2).

/// Custom fields a device has.
pub const COUNT: usize = 30;

/// Bytes of a tebibyte.
const TIB: f64 = 1_099_511_627_776.0;

/// A custom field that has a value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CustomField {
    /// Column, such as `udf2`.
    pub key: String,
    /// Name for people.
    pub label: String,
    /// The value; none for a secret, which is read one by one and on the record.
    pub value: Option<String>,
}

/// The name of the secret in a field; none for other fields. These values never leave the database but by a request that
/// is written down.
pub fn secret(key: &str) -> Option<&'static str> {
    match key {
        "udf2" => Some("BitLocker Key"),
        "udf9" => Some("Windows Key"),
        _ => None,
    }
}

/// The filled ones of the values of `udf1` to `udf30`, in which any text stands for a secret.
pub fn fields(values: &[Option<String>]) -> Vec<CustomField> {
    let filled = |value: &Option<String>| {
        value.as_deref().map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
    };
    values
        .iter()
        .enumerate()
        .filter_map(|(index, value)| {
            let key = format!("udf{}", index + 1);
            let value = filled(value)?;
            let value = match (secret(&key), key.as_str()) {
                (Some(_), _) => None,
                (None, "udf6") => Some(tebibytes(&value)),
                (None, _) => Some(value),
            };
            Some(CustomField { label: label(&key), key, value })
        })
        .collect()
}

fn label(key: &str) -> String {
    if let Some(secret) = secret(key) {
        return secret.to_owned();
    }
    match key {
        "udf1" => "Entra ID Tenant".to_owned(),
        "udf3" => "Disk Information".to_owned(),
        "udf4" => "Enabled Administrators".to_owned(),
        "udf5" => "Windows 11".to_owned(),
        "udf6" => "Backup Usage (TB)".to_owned(),
        "udf7" => "Device Type".to_owned(),
        other => other.to_uppercase(),
    }
}

/// The RMM's script writes bytes into a field whose name speaks of terabytes; what is no number stays as it is.
fn tebibytes(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(bytes) if bytes.is_finite() && bytes >= 0.0 => format!("{:.2}", bytes / TIB),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_filled_fields_are_shown_and_secrets_without_their_value() {
        let mut values = vec![None; COUNT];
        for (index, value) in
            [(0, "t-1"), (1, "any"), (3, "  "), (5, "2199023255552"), (8, "any"), (9, "ten"), (29, "last")]
        {
            values[index] = Some(value.to_owned());
        }
        let shown: Vec<_> =
            fields(&values).into_iter().map(|field| (field.key, field.label, field.value)).collect();
        let expected = [
            ("udf1", "Entra ID Tenant", Some("t-1")),
            ("udf2", "BitLocker Key", None),
            ("udf6", "Backup Usage (TB)", Some("2.00")),
            ("udf9", "Windows Key", None),
            ("udf10", "UDF10", Some("ten")),
            ("udf30", "UDF30", Some("last")),
        ];
        let expected =
            expected.map(|(key, label, value)| (key.to_owned(), label.to_owned(), value.map(str::to_owned)));
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_no_number_of_bytes_stays() {
        for (value, shown) in [("0", "0.00"), ("1.5 TB", "1.5 TB"), ("-1", "-1"), ("1e400", "1e400")] {
            assert_eq!(tebibytes(value), shown);
        }
    }
}
