//! What is asked of the machine: room, memory, the gateway's certificate, names and addresses.

use std::{collections::BTreeSet, net::IpAddr, path::Path};

use anyhow::Result;
use chrono::{DateTime, Utc};
use hivematrix_shared::health;

use super::certificate;
use crate::domain::alerts::Room;

/// Room on the disk of the system or of the instance, whichever has less. May wait for a network mount.
#[must_use]
pub fn disk(home: &Path) -> Option<Room> {
    health::least_space(home).map(|(total, left)| Room { total, left })
}

/// Memory of the machine.
#[must_use]
pub fn memory() -> Option<Room> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    Some(Room { total: system.total_memory(), left: system.available_memory() })
}

/// When a folder was made, where the file system knows it.
#[must_use]
pub fn made_at(folder: &Path) -> Option<DateTime<Utc>> {
    std::fs::metadata(folder).and_then(|metadata| metadata.created()).ok().map(DateTime::from)
}

/// Until when a certificate (PEM, the first of the file) is good.
///
/// # Errors
/// When the file is there and is no certificate.
pub fn certificate_until(file: &Path) -> Result<Option<DateTime<Utc>>> {
    Ok(certificate::read(file)?.map(|certificate| certificate.not_after))
}

/// Until when a certificate (DER) is good.
///
/// # Errors
/// When it is none.
pub fn shown_until(der: &[u8]) -> Result<Option<DateTime<Utc>>> {
    Ok(Some(certificate::of_der(der)?.not_after))
}

/// The addresses under which others may reach the machine. Link-local ones mean something else on each network.
#[must_use]
pub fn addresses() -> Vec<IpAddr> {
    let interfaces = nix::ifaddrs::getifaddrs().into_iter().flatten();
    let found: BTreeSet<IpAddr> = interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
        })
        .filter(|address| match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local() && !v4.is_unspecified(),
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local() && !v6.is_unspecified(),
        })
        .collect();
    found.into_iter().collect()
}

/// The name under which the machine may be reached, when it is a plain one.
#[must_use]
pub fn hostname() -> Option<String> {
    let name = sysinfo::System::host_name().ok()?.to_ascii_lowercase();
    let plain =
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    (plain && name != "localhost").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_certificate_is_unknown_and_a_broken_one_an_error() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("nexus.crt");
        assert_eq!(certificate_until(&file).unwrap(), None);
        std::fs::write(&file, "no certificate").unwrap();
        assert!(certificate_until(&file).is_err());
        std::fs::write(&file, include_bytes!("../../tests/certificate.crt")).unwrap();
        assert_eq!(certificate_until(&file).unwrap().unwrap().to_rfc3339(), "2036-11-27T16:12:36+00:00");
    }

    #[test]
    fn the_machine_has_memory_and_a_disk() {
        let memory = memory().unwrap();
        assert!(memory.left > 0 && memory.left <= memory.total);
        let disk = disk(Path::new("/")).unwrap();
        assert!(disk.left <= disk.total && disk.total > 0);
    }
}
