//! The certificate: a given one, or one made by the suite's own local authority (nexus.md §12).
//!
//! The authority exists so that programs on this machine can verify the gateway (`VERIFY_SSL=true` with `ca.crt`), and so
//! that a browser which was told to trust it keeps trusting renewed certificates.

use std::{
    collections::BTreeSet,
    fs, io,
    net::{IpAddr, UdpSocket},
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::files;

const AUTHORITY_NAME: &str = "HiveMatrix local authority";
const ORGANIZATION: &str = "HiveMatrix";
const AUTHORITY_DAYS: i64 = 3650;
const CERTIFICATE_DAYS: i64 = 365;
/// A self-made certificate is renewed, a given one warned about, this long before its end.
const RENEW_BEFORE: TimeDelta = TimeDelta::days(30);

/// Where the certificate lies and what it must name.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub key: PathBuf,
    /// Directory of the local authority.
    pub authority_dir: PathBuf,
    /// Host names and addresses a self-made certificate is for.
    pub names: BTreeSet<String>,
}

/// A certificate ready for use.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Chain and key for rustls.
    pub certified: std::sync::Arc<CertifiedKey>,
    /// Made here or signed by itself: no outside authority vouches for it.
    pub self_made: bool,
    /// End of its life.
    pub not_after: DateTime<Utc>,
}

impl Loaded {
    /// Warns when the certificate is about to end: only a given one ever is.
    pub fn warn_before_end(&self, now: DateTime<Utc>) {
        if self.not_after - now < RENEW_BEFORE {
            tracing::warn!(not_after = %self.not_after, "the certificate ends soon");
        }
    }
}

/// The gateway has no usable certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A certificate without its key or the other way round.
    #[error("{present} is there but {missing} is not: add it, or remove both to have a new certificate made")]
    Incomplete {
        /// The file that is there.
        present: PathBuf,
        /// The file that is missing.
        missing: PathBuf,
    },
    /// A file holds something else.
    #[error("{path} is not valid: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Generate(#[from] rcgen::Error),
}

/// Loads the certificate; makes one when there is none, and a new one when a self-made one is about to end or does not
/// name this machine any more.
pub fn load_or_make(wanted: &Wanted, now: DateTime<Utc>) -> Result<Loaded, CertificateError> {
    match (wanted.certificate.exists(), wanted.key.exists()) {
        (false, false) => make(wanted, now)?,
        (true, true) => {}
        (true, false) => return Err(incomplete(&wanted.certificate, &wanted.key)),
        (false, true) => return Err(incomplete(&wanted.key, &wanted.certificate)),
    }
    let chain = read_chain(&wanted.certificate)?;
    let facts = Facts::read(&wanted.certificate, &chain[0])?;
    if facts.is_ours && (facts.not_after - now < RENEW_BEFORE || !facts.names.is_superset(&wanted.names)) {
        tracing::info!("the self-made certificate is renewed");
        make(wanted, now)?;
    }
    load(wanted)
}

/// The names of this machine: loopback, host name, addresses it is reached by.
pub fn own_names() -> BTreeSet<String> {
    let mut names = BTreeSet::from(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    if let Ok(name) = fs::read_to_string("/proc/sys/kernel/hostname") {
        names.extend(Some(name.trim().to_owned()).filter(|name| !name.is_empty()));
    }
    // No packet is sent: the system only says which of its addresses it would use.
    for (from, towards) in [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")] {
        let address = UdpSocket::bind(from).and_then(|socket| {
            socket.connect(towards)?;
            socket.local_addr()
        });
        if let Ok(address) = address {
            names.insert(address.ip().to_string());
        }
    }
    names
}

fn load(wanted: &Wanted) -> Result<Loaded, CertificateError> {
    let chain = read_chain(&wanted.certificate)?;
    let facts = Facts::read(&wanted.certificate, &chain[0])?;
    let invalid_key = |reason: String| CertificateError::Invalid { path: wanted.key.clone(), reason };
    let key = PrivateKeyDer::from_pem_file(&wanted.key).map_err(|error| invalid_key(error.to_string()))?;
    let certified = CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| invalid_key(error.to_string()))?;
    Ok(Loaded {
        certified: certified.into(),
        self_made: facts.is_ours || facts.is_self_signed,
        not_after: facts.not_after,
    })
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let invalid = |reason: String| CertificateError::Invalid { path: path.to_owned(), reason };
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| invalid(error.to_string()))?;
    if chain.is_empty() { Err(invalid("it holds no certificate".to_owned())) } else { Ok(chain) }
}

/// What the rules need to know of a certificate.
struct Facts {
    not_after: DateTime<Utc>,
    names: BTreeSet<String>,
    is_ours: bool,
    is_self_signed: bool,
}

impl Facts {
    fn read(path: &Path, der: &CertificateDer<'_>) -> Result<Self, CertificateError> {
        let invalid = |reason: String| CertificateError::Invalid { path: path.to_owned(), reason };
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| invalid(error.to_string()))?;
        let not_after =
            DateTime::from_timestamp(certificate.validity().not_after.timestamp(), 0).unwrap_or_default();
        let names = certificate
            .subject_alternative_name()
            .ok()
            .flatten()
            .map(|extension| extension.value.general_names.iter().filter_map(name_of).collect());
        let has = |text: &str| certificate.issuer().iter_common_name().any(|name| name.as_str() == Ok(text));
        Ok(Self {
            not_after,
            names: names.unwrap_or_default(),
            is_ours: has(AUTHORITY_NAME),
            is_self_signed: certificate.issuer().as_raw() == certificate.subject().as_raw(),
        })
    }
}

fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

/// Makes a certificate with the local authority, which is made first when there is none.
fn make(wanted: &Wanted, now: DateTime<Utc>) -> Result<(), CertificateError> {
    files::create_private_dir(&wanted.authority_dir).map_err(at(&wanted.authority_dir))?;
    let issuer = authority(&wanted.authority_dir, now)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(wanted.names.iter().cloned().collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    params.distinguished_name.push(DnType::CountryName, "US");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, CERTIFICATE_DAYS);
    let certificate = params.signed_by(&key, &issuer)?;
    // The key first: a certificate without its key would keep the gateway from starting.
    files::write(&wanted.key, &key.serialize_pem(), files::PRIVATE).map_err(at(&wanted.key))?;
    files::write(&wanted.certificate, &certificate.pem(), files::PUBLIC).map_err(at(&wanted.certificate))?;
    tracing::info!(certificate = %wanted.certificate.display(), "a certificate was made");
    Ok(())
}

fn authority(directory: &Path, now: DateTime<Utc>) -> Result<Issuer<'static, KeyPair>, CertificateError> {
    let (certificate_path, key_path) = (directory.join("ca.crt"), directory.join("ca.key"));
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, AUTHORITY_NAME);
    params.distinguished_name.push(DnType::OrganizationName, ORGANIZATION);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    if certificate_path.exists() && key_path.exists() && !ends_soon(&certificate_path, now)? {
        let pem = fs::read_to_string(&key_path).map_err(at(&key_path))?;
        return Ok(Issuer::new(params, KeyPair::from_pem(&pem)?));
    }
    let key = KeyPair::generate()?;
    set_validity(&mut params, now, AUTHORITY_DAYS);
    let certificate = params.self_signed(&key)?;
    files::write(&key_path, &key.serialize_pem(), files::PRIVATE).map_err(at(&key_path))?;
    files::write(&certificate_path, &certificate.pem(), files::PUBLIC).map_err(at(&certificate_path))?;
    Ok(Issuer::new(params, key))
}

/// The authority must outlive what it signs.
fn ends_soon(authority: &Path, now: DateTime<Utc>) -> Result<bool, CertificateError> {
    let chain = read_chain(authority)?;
    Ok(Facts::read(authority, &chain[0])?.not_after - now < TimeDelta::days(CERTIFICATE_DAYS + 1))
}

fn set_validity(params: &mut CertificateParams, now: DateTime<Utc>, days: i64) {
    use chrono::Datelike;
    let at = |time: DateTime<Utc>| {
        date_time_ymd(
            time.year(),
            u8::try_from(time.month()).unwrap_or(1),
            u8::try_from(time.day()).unwrap_or(1),
        )
    };
    // A day back, for clocks that differ.
    params.not_before = at(now - TimeDelta::days(1));
    params.not_after = at(now + TimeDelta::days(days));
}

fn incomplete(present: &Path, missing: &Path) -> CertificateError {
    CertificateError::Incomplete { present: present.to_owned(), missing: missing.to_owned() }
}

fn at(path: &Path) -> impl Fn(io::Error) -> CertificateError {
    let path = path.to_owned();
    move |source| CertificateError::File { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use rustls::{
        RootCertStore,
        client::{WebPkiServerVerifier, danger::ServerCertVerifier},
        pki_types::{ServerName, UnixTime},
    };

    use super::*;

    fn wanted(home: &Path, names: &[&str]) -> Wanted {
        let names = own_names().into_iter().chain(names.iter().map(|n| (*n).to_owned())).collect();
        Wanted {
            certificate: home.join("nexus.crt"),
            key: home.join("nexus.key"),
            authority_dir: home.to_owned(),
            names,
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_763_805_000, 0).unwrap()
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_made_certificate_is_verified_by_the_local_authority_for_every_name() {
        let home = tempfile::tempdir().unwrap();
        let wanted = wanted(home.path(), &["msp.example.net"]);
        let loaded = load_or_make(&wanted, now()).unwrap();
        assert!(loaded.self_made);
        assert_eq!((loaded.not_after - now()).num_days(), CERTIFICATE_DAYS - 1);
        assert_eq!((mode(&wanted.certificate), mode(&wanted.key)), (0o644, 0o600));
        assert_eq!((mode(&home.path().join("ca.crt")), mode(&home.path().join("ca.key"))), (0o644, 0o600));

        let mut roots = RootCertStore::empty();
        roots.add(read_chain(&home.path().join("ca.crt")).unwrap().remove(0)).unwrap();
        let provider = aws_lc_rs::default_provider().into();
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build().unwrap();
        let time =
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(now().timestamp().try_into().unwrap()));
        for (name, counts) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("::1", true),
            ("msp.example.net", true),
            ("evil.example", false),
        ] {
            let name = ServerName::try_from(name).unwrap();
            let verified = verifier.verify_server_cert(&loaded.certified.cert[0], &[], &name, &[], time);
            assert_eq!(verified.is_ok(), counts, "{name:?}: {verified:?}");
        }
    }

    #[test]
    fn a_self_made_certificate_is_kept_until_it_ends_or_lacks_a_name() {
        let home = tempfile::tempdir().unwrap();
        let first = load_or_make(&wanted(home.path(), &[]), now()).unwrap();
        let authority = fs::read(home.path().join("ca.crt")).unwrap();
        let again = load_or_make(&wanted(home.path(), &[]), now() + TimeDelta::days(300)).unwrap();
        assert_eq!(first.certified.cert, again.certified.cert);
        let named = load_or_make(&wanted(home.path(), &["other.example"]), now()).unwrap();
        assert_ne!(first.certified.cert, named.certified.cert);
        let renewed =
            load_or_make(&wanted(home.path(), &["other.example"]), now() + TimeDelta::days(340)).unwrap();
        assert!(renewed.not_after > named.not_after);
        assert_eq!(fs::read(home.path().join("ca.crt")).unwrap(), authority, "the authority stays");
    }

    #[test]
    fn a_given_certificate_is_never_replaced() {
        let home = tempfile::tempdir().unwrap();
        let wanted = wanted(home.path(), &[]);
        let key = KeyPair::generate().unwrap();
        let given =
            CertificateParams::new(vec!["given.example".to_owned()]).unwrap().self_signed(&key).unwrap();
        fs::write(&wanted.certificate, given.pem()).unwrap();
        assert!(matches!(load_or_make(&wanted, now()), Err(CertificateError::Incomplete { .. })));
        fs::write(&wanted.key, key.serialize_pem()).unwrap();
        let loaded = load_or_make(&wanted, now()).unwrap();
        assert_eq!(loaded.certified.cert[0].as_ref(), given.der().as_ref());
        assert!(loaded.self_made, "it is signed by itself");
    }

    #[test]
    fn a_key_that_does_not_fit_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let wanted = wanted(home.path(), &[]);
        load_or_make(&wanted, now()).unwrap();
        fs::write(&wanted.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(matches!(load_or_make(&wanted, now()), Err(CertificateError::Invalid { .. })));
    }
}
