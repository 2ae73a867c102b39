//! Datto's sites, devices, variables and jobs as normalised rows (codex-api.md §7.1 and §13.2).

use chrono::{DateTime, TimeZone as _, Utc};
use hivematrix_shared::contracts::codex::wire::parse_time;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::super::rmm::{DeviceAudit, Software};
use super::super::row::Row;
use super::super::{RmmDevice, RmmSite};
use crate::domain::asset::MOST_BACKUP_TB;

/// Custom fields that are kept.
const FIELDS: u8 = 30;
/// One TiB.
const TIB: u64 = 1 << 40;

/// A variable of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) value: Option<String>,
}

pub(super) fn variable(row: &mut Row<'_>) -> Option<Variable> {
    Some(Variable { id: row.int("id")?, name: row.text("name")?, value: row.text("value") })
}

pub(super) fn site(row: &mut Row<'_>) -> Option<RmmSite> {
    let external_id = row.text("uid")?;
    let name = row.line("name").unwrap_or_else(|| format!("Site {external_id}"));
    Some(RmmSite { external_id, name, description: row.text("description"), account_number: None })
}

/// A device, and whether the vendor marks it as deleted.
pub(super) fn device(row: &mut Row<'_>, site: Option<&str>) -> Option<(RmmDevice, bool)> {
    let external_id = row.text("uid")?;
    let site_id = row.text("siteUid").or_else(|| site.map(str::to_owned))?;
    let mut device = RmmDevice {
        external_id,
        site_id,
        rmm_site_name: row.text("siteName"),
        hostname: row.line("hostname").unwrap_or_default(),
        operating_system: row.text("operatingSystem"),
        last_logged_in_user: row.text("lastLoggedInUser"),
        domain: row.text("domain"),
        description: row.text("description"),
        online: row.get("online").and_then(Value::as_bool),
        int_ip_address: row.text("intIpAddress"),
        ext_ip_address: row.text("extIpAddress"),
        last_seen: time(row, "lastSeen"),
        last_reboot: time(row, "lastReboot"),
        last_audit_date: time(row, "lastAuditDate"),
        portal_url: row.text("portalUrl"),
        web_remote_url: row.text("webRemoteUrl"),
        ..RmmDevice::default()
    };
    let inner = |object: &str, name: &str| row.object(object).and_then(|mut row| row.text(name));
    device.hardware_type = inner("deviceType", "category");
    device.antivirus_product = inner("antivirus", "antivirusProduct");
    device.patch_status = inner("patchManagement", "patchStatus");
    if let Some(mut fields) = row.object("udf") {
        for number in 1..=FIELDS {
            if let Some(text) = fields.text(&format!("udf{number}")) {
                device.udf.insert(number, text);
            }
        }
    }
    device.enabled_administrators = device.udf.get(&4).cloned();
    device.backup_usage_tb = device.udf.get(&6).and_then(|bytes| tebibytes(bytes));
    if device.backup_usage_tb.is_none() && device.udf.get(&6).is_some_and(|text| is_number(text)) {
        row.note("udf.udf6", "a number of bytes that a backup can have");
    }
    device.device_type = device.udf.get(&7).cloned();
    Some((device, row.get("deleted").and_then(Value::as_bool).unwrap_or(false)))
}

/// Bytes as TiB with two decimals; nothing for what no backup can have. The field is free text at the vendor.
fn tebibytes(bytes: &str) -> Option<Decimal> {
    let bytes: Decimal = bytes.trim().parse().ok()?;
    let amount = bytes.checked_div(Decimal::from(TIB))?;
    (Decimal::ZERO..=Decimal::from(MOST_BACKUP_TB))
        .contains(&amount)
        .then(|| amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

/// Whether somebody meant a number, however large. Other texts are notes that people keep in this field.
fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok_and(|number| !number.is_nan())
}

/// A moment in any of the vendor's forms: milliseconds, seconds or ISO text. The beginning of our calendar means none.
fn time(row: &mut Row<'_>, name: &str) -> Option<DateTime<Utc>> {
    let time = match row.get(name)? {
        Value::Number(number) => {
            epoch(number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64)))
        }
        Value::String(text) if text.trim().is_empty() => return None,
        Value::String(text) => match text.trim().parse::<i64>() {
            Ok(number) => epoch(Some(number)),
            Err(_) => parse_time(text),
        },
        _ => None,
    };
    match time {
        Some(time) if time.timestamp() <= 0 => None,
        Some(time) => Some(time),
        None => {
            row.note(name, "a time");
            None
        }
    }
}

/// Seconds of our time have ten digits, milliseconds thirteen.
fn epoch(number: Option<i64>) -> Option<DateTime<Utc>> {
    let number = number?;
    if number.unsigned_abs() < 100_000_000_000 {
        Utc.timestamp_opt(number, 0).single()
    } else {
        Utc.timestamp_millis_opt(number).single()
    }
}

/// What the vendor's last audit of a device found.
pub(super) fn audit(body: &Value) -> DeviceAudit {
    let list = |name: &str| body.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = |row: &Value, name: &str| {
        row.get(name)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let number = |row: &Value, name: &str| -> Option<u64> {
        let value = row.get(name)?;
        value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
    };
    let disks: Vec<(u64, u64)> = list("logicalDisks")
        .iter()
        .filter_map(|disk| {
            let size = number(disk, "size").filter(|size| *size > 0)?;
            Some((size, number(disk, "freespace").unwrap_or(size).min(size)))
        })
        .collect();
    let (size, free) = disks.iter().fold((0_u64, 0_u64), |(size, free), (more, unused)| {
        (size.saturating_add(*more), free.saturating_add(*unused))
    });
    let disk_bytes = (size > 0).then_some(size);
    DeviceAudit {
        cpu: list("processors").iter().find_map(|processor| text(processor, "name")),
        ram_bytes: body.get("systemInfo").and_then(|info| number(info, "totalPhysicalMemory")),
        disk_bytes,
        disk_free_bytes: disk_bytes.map(|_| free),
        mac_address: list("nics").iter().find_map(|card| text(card, "macAddress")),
        software: Vec::new(),
    }
}

pub(super) fn software(row: &mut Row<'_>) -> Option<Software> {
    Some(Software { name: row.text("name")?, version: row.text("version") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_forms_of_a_time_are_read_and_the_vendors_none_is_none() {
        let expected = parse_time("2025-11-22T10:30:00Z");
        for (value, expected) in [
            (json!(1_763_807_400_000_i64), expected),
            (json!(1_763_807_400), expected),
            (json!("1763807400000"), expected),
            (json!(1_763_807_400.0), expected),
            (json!("2025-11-22T10:30:00Z"), expected),
            (json!("2025-11-22T11:30:00+01:00"), expected),
            (json!(-62_135_596_800_000_i64), None),
            (json!(i64::MIN), None),
            (json!(i64::MAX), None),
            (json!(1e300), None),
            (json!("0001-01-01T00:00:00Z"), None),
            (json!(0), None),
            (json!(null), None),
            (json!(""), None),
            (json!("soon"), None),
        ] {
            let row = json!({ "lastSeen": value });
            let mut row = Row::of(&row).unwrap();
            assert_eq!(time(&mut row, "lastSeen"), expected, "{value}");
        }
    }

    #[test]
    fn columns_come_from_where_the_contract_says() {
        let row = json!({
            "uid": "d0a7", "siteUid": "8f1c", "siteName": "Acme HQ", "hostname": "ACME-PC1", "online": true,
            "deviceType": {"category": "Desktop", "type": "Main System Chassis"},
            "intIpAddress": "10.0.0.5", "extIpAddress": "203.0.113.9",
            "udf": {"udf4": "Administrator", "udf6": "549755813888", "udf7": "Workstation", "udf30": "x", "udf31": "y"},
            "antivirus": {"antivirusProduct": "Windows Defender"}, "patchManagement": {"patchStatus": "FullyPatched"},
        });
        let (device, deleted) = device(&mut Row::of(&row).unwrap(), None).unwrap();
        assert!(!deleted);
        assert_eq!(device.hardware_type.as_deref(), Some("Desktop"));
        assert_eq!(device.device_type.as_deref(), Some("Workstation"));
        assert_eq!(device.enabled_administrators.as_deref(), Some("Administrator"));
        assert_eq!(device.backup_usage_tb, Some(Decimal::new(50, 2)));
        assert_eq!(device.antivirus_product.as_deref(), Some("Windows Defender"));
        assert_eq!(device.patch_status.as_deref(), Some("FullyPatched"));
        assert_eq!(device.udf.keys().copied().collect::<Vec<_>>(), [4, 6, 7, 30]);
    }

    #[test]
    fn backups_are_counted_in_tebibytes() {
        for (bytes, expected) in [
            ("549755813888", Some(Decimal::new(50, 2))),
            ("0", Some(Decimal::ZERO)),
            ("1099511627776", Some(Decimal::ONE)),
            ("5497558139", Some(Decimal::new(1, 2))),
            ("much", None),
            ("-5", None),
            ("1152921504606846976", Some(Decimal::from(1_048_576))),
            ("1152921504606846977", None),
            ("99999999999999999999", None),
            ("99999999999999999999999999999999999999", None),
        ] {
            assert_eq!(tebibytes(bytes), expected, "{bytes}");
        }
    }

    #[test]
    fn a_backup_that_cannot_be_is_left_out_with_a_note_and_a_remark_without_one() {
        for (text, noted) in [
            ("99999999999999999999", true),
            ("1e30", true),
            ("-5", true),
            ("549755813888", false),
            ("see the NAS", false),
            ("nan", false),
        ] {
            let row = json!({ "uid": "d0a7", "siteUid": "8f1c", "udf": { "udf6": text } });
            let mut row = Row::of(&row).unwrap();
            let (device, _) = device(&mut row, None).unwrap();
            assert_eq!(device.udf.get(&6).map(String::as_str), Some(text), "the field itself is kept");
            assert_eq!(!row.into_notes().is_empty(), noted, "{text}");
        }
    }

    #[test]
    fn an_audit_without_disks_tells_nothing_about_them() {
        let found = audit(
            &json!({"processors": [{"name": "N100"}], "systemInfo": {"totalPhysicalMemory": 8_589_934_592_u64}}),
        );
        assert_eq!(found.cpu.as_deref(), Some("N100"));
        assert_eq!(found.ram_bytes, Some(8 << 30));
        assert_eq!((found.disk_bytes, found.disk_free_bytes, found.mac_address), (None, None, None));
        let found = audit(
            &json!({"logicalDisks": [{"size": 100, "freespace": 25}, {"size": 0}, {"size": "100", "freespace": "25"}]}),
        );
        assert_eq!((found.disk_bytes, found.disk_free_bytes), (Some(200), Some(50)));
    }
}
