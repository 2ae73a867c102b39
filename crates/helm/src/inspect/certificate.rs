//! The certificate that the gateway shows.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use crate::{domain::audit::checks::Certificate, instance::certificate};

/// Reads the first certificate of a file: the one that is shown.
pub(super) fn read(file: &Path) -> Certificate {
    match certificate::read(file) {
        Ok(Some(read)) => Certificate::Read(read),
        Ok(None) => Certificate::Missing,
        Err(error) if is_closed(&error) => Certificate::Closed,
        Err(error) => Certificate::Broken(format!("{error:#}")),
    }
}

fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_damaged_file_is_broken_and_only_one_that_may_not_be_read_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nexus.crt");
        assert_eq!(read(&file), Certificate::Missing);
        for text in ["nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            fs::write(&file, text).unwrap();
            let broken = read(&file);
            assert!(
                matches!(&broken, Certificate::Broken(reason) if reason.contains("no certificate")),
                "{broken:?}"
            );
        }
        let denied = certificate_error(ErrorKind::PermissionDenied);
        assert!(is_closed(&denied));
        assert!(!is_closed(&certificate_error(ErrorKind::FileTooLarge)));
    }

    /// As the reader of certificates tells it.
    fn certificate_error(kind: ErrorKind) -> anyhow::Error {
        anyhow::Error::new(io::Error::from(kind)).context("cannot read nexus.crt")
    }
}
