//! Sites and devices as Datto writes them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::state::{DeviceState, SiteState, State};
use crate::world::devices::SOFTWARE;

/// What the vendor writes where there is no time.
const NONE: i64 = -62_135_596_800_000;
const ACCOUNT: &str = "acc0a17e-0000-4000-a000-000000000001";

/// A site.
pub fn site(state: &State, site: &SiteState) -> Value {
    let devices: Vec<&DeviceState> =
        state.devices.values().filter(|device| device.site == site.site.uid).collect();
    let online = devices.iter().filter(|device| is_online(device)).count();
    json!({
        "id": site.id,
        "uid": site.site.uid,
        "accountUid": ACCOUNT,
        "name": site.site.name,
        "description": site.site.description,
        "notes": "",
        "onDemand": false,
        "splashtopAutoInstall": true,
        "proxySettings": null,
        "devicesStatus": {
            "numberOfDevices": devices.len(),
            "numberOfOnlineDevices": online,
            "numberOfOfflineDevices": devices.len() - online,
        },
        "autotaskCompanyName": null,
        "autotaskCompanyId": null,
        "portalUrl": format!("https://portal.rmm.example/site/{}", site.id),
    })
}

fn is_online(device: &DeviceState) -> bool {
    device.patch.get("online").and_then(Value::as_bool).unwrap_or(device.device.online)
}

/// A moment in one of the three forms the vendor uses.
fn time(form: u32, at: Option<DateTime<Utc>>) -> Value {
    match (at, form % 3) {
        (None, 0 | 1) => json!(NONE),
        (None, _) => json!("0001-01-01T00:00:00Z"),
        (Some(at), 0) => json!(at.timestamp_millis()),
        (Some(at), 1) => json!(at.timestamp()),
        (Some(at), _) => json!(at.to_rfc3339_opts(SecondsFormat::Secs, true)),
    }
}

/// A recovery key of BitLocker: eight groups of six digits, each divisible by eleven.
fn recovery_key(id: u32) -> String {
    let groups = (1..=8u32).map(|place| format!("{:06}", (id * 7919 + place * 12_343) % 65_536 * 11));
    groups.collect::<Vec<_>>().join("-")
}

/// A device.
pub fn device(state: &State, own: &DeviceState, now: DateTime<Utc>) -> Value {
    let device = &own.device;
    let site = state.site(&own.site);
    let online = is_online(own);
    let seen = if online { now - TimeDelta::seconds(i64::from(own.id % 240)) } else { device.seen_at };
    let mut udf = serde_json::Map::new();
    for number in 1..=300 {
        udf.insert(format!("udf{number}"), Value::Null);
    }
    if device.class == "device" {
        udf.insert("udf4".to_owned(), json!("Administrator, itadmin"));
        if device.system.contains("Windows") && !device.system.contains("Server") {
            udf.insert("udf2".to_owned(), json!(recovery_key(own.id)));
        }
    }
    udf.insert("udf6".to_owned(), json!(device.backup_bytes.map(|bytes| bytes.to_string())));
    udf.insert("udf7".to_owned(), json!(device.billed_as));
    let mut value = json!({
        "id": own.id,
        "uid": device.uid,
        "siteId": site.map(|site| site.id),
        "siteUid": own.site,
        "siteName": site.map(|site| site.site.name.as_str()),
        "deviceType": { "category": device.category, "type": "Main System Chassis" },
        "hostname": device.hostname,
        "intIpAddress": device.addresses.0,
        "extIpAddress": device.addresses.1,
        "operatingSystem": device.system,
        "lastLoggedInUser": device.last_user,
        "domain": device.domain,
        "cagVersion": "4.4.2234.2234",
        "displayVersion": "4.4.2234.2234",
        "description": device.hostname,
        "a64Bit": true,
        "rebootRequired": device.patches == "RebootRequired",
        "online": online,
        "suspended": false,
        "deleted": false,
        "lastSeen": time(own.id, Some(seen)),
        "lastReboot": time(own.id + 1, Some(device.rebooted_at)),
        "lastAuditDate": time(own.id + 2, device.audited_at),
        "creationDate": time(own.id, Some(device.rebooted_at - TimeDelta::days(200))),
        "udf": udf,
        "snmpEnabled": device.class == "rmmnetworkdevice",
        "deviceClass": device.class,
        "portalUrl": format!("https://portal.rmm.example/device/{}", own.id),
        "webRemoteUrl": (device.class == "device").then(|| format!("https://remote.rmm.example/{}", own.id)),
        "warrantyDate": null,
        "antivirus": device.antivirus.map(|(product, state)| json!({
            "antivirusProduct": product, "antivirusStatus": state,
        })),
        "patchManagement": {
            "patchStatus": device.patches,
            "patchesApprovedPending": if device.patches == "ApprovedPending" { 4 } else { 0 },
            "patchesNotApproved": 0,
            "patchesInstalled": 120,
        },
        "softwareStatus": "Not Managed",
        "networkProbe": false,
        "onboardedViaNetworkMonitor": false,
    });
    if let Some(object) = value.as_object_mut() {
        for (name, patched) in &own.patch {
            match (object.get_mut(name).and_then(Value::as_object_mut), patched) {
                (Some(inner), Value::Object(fields)) => inner.extend(fields.clone()),
                _ => {
                    object.insert(name.clone(), patched.clone());
                }
            }
        }
    }
    value
}

/// The last inventory of a device.
pub fn audit(own: &DeviceState) -> Value {
    let device = &own.device;
    let (cpu, memory, size, free) = device.hardware;
    json!({
        "portalUrl": format!("https://portal.rmm.example/device/{}", own.id),
        "webRemoteUrl": null,
        "systemInfo": {
            "manufacturer": "Dell Inc.", "model": "OptiPlex 7010", "totalPhysicalMemory": memory,
            "username": device.last_user, "dotNetVersion": "4.8.9032", "totalCpuCores": 8,
        },
        "netBiosInfo": null,
        "baseBoard": { "manufacturer": "Dell Inc.", "product": "0YXT71", "serialNumber": format!("SN{:06}", own.id) },
        "bios": { "instance": "BIOS", "serialNumber": format!("SN{:06}", own.id), "releaseDate": null },
        "displays": [],
        "logicalDisks": [{ "description": "Local Fixed Disk", "diskIdentifier": "C:", "freespace": free, "size": size }],
        "mobileInfo": null,
        "processors": [{ "name": cpu }],
        "videoBoards": [],
        "attachedDevices": [],
        "snmpInfo": null,
        "nics": [{
            "instance": "Ethernet", "ipv4": device.addresses.0, "ipv6": null, "macAddress": device.mac_address,
            "type": "Ethernet CSMA/CD",
        }],
        "physicalMemory": [],
    })
}

/// The programs of a device.
pub fn software(own: &DeviceState) -> Vec<Value> {
    let count = 3 + own.id as usize % (SOFTWARE.len() - 2);
    SOFTWARE.iter().take(count).map(|(name, version)| json!({ "name": name, "version": version })).collect()
}
