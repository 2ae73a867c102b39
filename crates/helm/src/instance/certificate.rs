//! The certificate that the gateway shows: where it lies, and how it is read.

use std::{
    io::{self, ErrorKind},
    net::{Ipv4Addr, Ipv6Addr},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, Utc};
use x509_parser::{extensions::GeneralName, parse_x509_certificate, pem::parse_x509_pem, time::ASN1Time};

use super::{Layout, beneath::Found};
use crate::domain::certificate::Certificate;

/// Common name of the authority that the gateway makes for itself.
const OWN_AUTHORITY: &str = "HiveMatrix local authority";

/// The gateway's certificate: the file that the operator names in `NEXUS_CERT_FILE`, else its own.
#[must_use]
pub fn gateway_file(layout: &Layout, chosen: Option<&str>) -> PathBuf {
    chosen.map_or_else(|| layout.folder("nexus").join("certs").join("nexus.crt"), PathBuf::from)
}

/// The first certificate of a PEM file, which is the one that is shown; `None` where there is no file.
///
/// # Errors
/// When the file cannot be read or is no certificate.
pub fn read(file: &Path) -> Result<Option<Certificate>> {
    let pem = match pem(file) {
        Ok(pem) => pem,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    parse(&pem).map(Some).with_context(|| format!("{} is no certificate", file.display()))
}

/// What stands in a file of certificates. It is the gateway's, whose links may lead anywhere: nothing is waited for, and only
/// what is a plain file is opened.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn pem(file: &Path) -> io::Result<Vec<u8>> {
    Found::by_any_link(file)?.read()
}

/// The first certificate of a PEM text.
///
/// # Errors
/// When it is none.
pub fn parse(pem: &[u8]) -> Result<Certificate> {
    let (_, pem) = parse_x509_pem(pem).map_err(|error| anyhow!("{error}"))?;
    of_der(&pem.contents)
}

/// A certificate as it is shown in a handshake (DER).
///
/// # Errors
/// When it is none.
pub fn of_der(der: &[u8]) -> Result<Certificate> {
    let (_, parsed) = parse_x509_certificate(der)?;
    let (subject, issuer) = (parsed.subject(), parsed.issuer());
    let is_ours = issuer.iter_common_name().any(|name| name.as_str() == Ok(OWN_AUTHORITY));
    let names = parsed.subject_alternative_name()?;
    let names = names.iter().flat_map(|extension| &extension.value.general_names);
    Ok(Certificate {
        subject: subject.to_string(),
        issuer: issuer.to_string(),
        not_before: moment(parsed.validity().not_before)?,
        not_after: moment(parsed.validity().not_after)?,
        names: names.filter_map(name).collect(),
        is_self_made: is_ours || issuer.as_raw() == subject.as_raw(),
    })
}

fn moment(time: ASN1Time) -> Result<DateTime<Utc>> {
    DateTime::from_timestamp(time.timestamp(), 0).context("its time is out of range")
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(Ipv4Addr::from(v4).to_string()),
            Err(_) => Some(Ipv6Addr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn nobody_waits_for_what_the_gateway_has_put_in_the_place_of_its_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nexus.crt");
        nix::unistd::mkfifo(&file, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(read(&file).is_err());
        for endless in ["/dev/zero", "/proc/self/pagemap"] {
            fs::remove_file(&file).unwrap();
            std::os::unix::fs::symlink(endless, &file).unwrap();
            assert!(read(&file).is_err(), "{endless}");
        }
    }

    #[test]
    fn a_certificate_is_missing_broken_or_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nexus.crt");
        assert_eq!(read(&file).unwrap(), None);
        fs::write(&file, "nonsense").unwrap();
        let error = read(&file).unwrap_err();
        assert!(format!("{error:#}").contains("nexus.crt is no certificate"), "{error:#}");
        fs::write(&file, include_bytes!("../../tests/support/self_signed.crt")).unwrap();
        let read = read(&file).unwrap().unwrap();
        assert!(read.is_self_made && read.subject == "CN=msp.example" && read.issuer == read.subject);
        assert_eq!(read.not_after.to_rfc3339(), "2035-01-01T00:00:00+00:00");
        assert_eq!(read.not_before.to_rfc3339(), "2025-01-01T00:00:00+00:00");
    }

    #[test]
    fn the_operator_says_where_it_lies() {
        let layout = Layout::new("/i".into());
        assert_eq!(gateway_file(&layout, None), Path::new("/i/nexus/certs/nexus.crt"));
        assert_eq!(gateway_file(&layout, Some("/etc/tls/a.crt")), Path::new("/etc/tls/a.crt"));
    }
}
