//! Assets as normalised devices (codex-api.md §7.1, §13.3).

use super::super::rmm::RmmDevice;
use super::super::row::Row;

/// A managed device. `site` is the client it belongs to.
pub(super) fn device(row: &mut Row<'_>) -> Option<RmmDevice> {
    let name_of = |row: &Row<'_>, member: &str| row.object(member).and_then(|mut object| object.text("name"));
    let category = row.text("platformCategory");
    let device_category = name_of(row, "deviceCategory").or_else(|| row.text("deviceCategory"));
    let class = name_of(row, "assetClass").or_else(|| row.text("assetClass"));
    let online = row.text("status").map(|status| status.eq_ignore_ascii_case("ONLINE"));
    let site_id = row.object("client").and_then(|mut client| client.int("accountId"))?;
    let client_name = name_of(row, "client");
    let model: Vec<String> =
        ["manufacturer", "model"].into_iter().filter_map(|part| row.text(part)).collect();
    let serial = row.text("serialNumber").map(|serial| format!("S/N {serial}"));
    let description: Vec<String> =
        (!model.is_empty()).then(|| model.join(" ")).into_iter().chain(serial).collect();
    Some(RmmDevice {
        external_id: row.int("assetId")?.to_string(),
        site_id: site_id.to_string(),
        rmm_site_name: name_of(row, "site").or(client_name),
        hostname: row.line("hostName").or_else(|| row.line("name")).unwrap_or_default(),
        device_type: device_type(category.as_deref(), device_category.as_deref()).map(str::to_owned),
        hardware_type: device_category.or(category).or(class),
        operating_system: operating_system(row),
        last_logged_in_user: row.text("loggedInUser"),
        domain: row.text("domain"),
        description: (!description.is_empty()).then(|| description.join(", ")),
        online,
        ext_ip_address: row.text("publicIp"),
        last_seen: row.time("lastCommunicatedTime"),
        last_audit_date: row.time("lastReportedTime"),
        patch_status: row.text("patchStatus"),
        ..RmmDevice::default()
    })
}

/// Our type: the finer category where it says more than `WORKSTATION`.
fn device_type(platform: Option<&str>, device: Option<&str>) -> Option<&'static str> {
    let device = device.unwrap_or_default().to_lowercase();
    let contains = |words: &[&str]| words.iter().any(|word| device.contains(word));
    if contains(&["laptop", "notebook"]) {
        return Some("laptop");
    }
    if contains(&["virtual"]) {
        return Some("virtual_machine");
    }
    if contains(&["switch", "router", "firewall", "access point", "network"]) {
        return Some("network_device");
    }
    if contains(&["phone", "tablet", "mobile"]) {
        return Some("mobile");
    }
    match platform.map(str::to_uppercase).as_deref() {
        Some("WORKSTATION") => Some("workstation"),
        Some("SERVER") => Some("server"),
        Some(_) => Some("other"),
        None if contains(&["server"]) => Some("server"),
        None if contains(&["desktop", "workstation"]) => Some("workstation"),
        None => (!device.is_empty()).then_some("other"),
    }
}

/// Name and version; the platform of Windows machines names the edition already.
fn operating_system(row: &mut Row<'_>) -> Option<String> {
    let name = row.text("platform").or_else(|| row.text("platformFamily"))?;
    match row.text("platformVersion") {
        Some(version) if !name.contains(&version) => Some(format!("{name} {version}")),
        _ => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_asset_becomes_a_device() {
        let value = json!({"assetId": "7206852887969157999", "name": "desk 4", "hostName": "ACME-WS-04",
            "client": {"accountId": "7206852887969157120", "name": "Acme"}, "site": {"id": "9", "name": "HQ"},
            "assetClass": {"classId": "1", "name": "Windows"}, "deviceCategory": {"deviceCategoryId": "2", "name": "Laptop"},
            "platform": "Microsoft Windows 11 Pro", "platformVersion": "10.0.22631", "platformCategory": "WORKSTATION",
            "manufacturer": "Dell", "model": "Latitude", "serialNumber": "X1", "status": "ONLINE", "publicIp": "192.0.2.7",
            "lastCommunicatedTime": "2025-11-22T09:00:00", "patchStatus": "Fully Patched"});
        let device = device(&mut Row::of(&value).unwrap()).unwrap();
        assert_eq!(device.external_id, "7206852887969157999");
        assert_eq!(device.site_id, "7206852887969157120");
        assert_eq!((device.hostname.as_str(), device.rmm_site_name.as_deref()), ("ACME-WS-04", Some("HQ")));
        assert_eq!(
            (device.device_type.as_deref(), device.hardware_type.as_deref()),
            (Some("laptop"), Some("Laptop"))
        );
        assert_eq!(device.operating_system.as_deref(), Some("Microsoft Windows 11 Pro 10.0.22631"));
        assert_eq!(device.description.as_deref(), Some("Dell Latitude, S/N X1"));
        assert_eq!(device.online, Some(true));
        assert_eq!(device.last_seen, Some("2025-11-22T09:00:00Z".parse().unwrap()));
        assert_eq!(super::device(&mut Row::of(&json!({"assetId": "1"})).unwrap()), None, "nobody's device");
    }

    #[test]
    fn types_come_from_the_finest_category() {
        for (platform, device, expected) in [
            (Some("WORKSTATION"), Some("Laptop"), Some("laptop")),
            (Some("WORKSTATION"), Some("Desktop"), Some("workstation")),
            (Some("SERVER"), None, Some("server")),
            (None, Some("Network Switch"), Some("network_device")),
            (None, Some("Printer"), Some("other")),
            (None, None, None),
        ] {
            assert_eq!(device_type(platform, device), expected, "{platform:?} {device:?}");
        }
    }
}
