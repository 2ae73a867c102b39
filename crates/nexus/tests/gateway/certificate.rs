//! The certificate in use, as handshakes see it (nexus.md §12).

use std::{fs, sync::Arc, time::Duration};

use hivematrix_nexus::{
    jobs::CertificateKeeper,
    tls::{
        certificate::{self, Wanted},
        listener::CurrentCertificate,
    },
};
use hivematrix_shared::{auth::PermissionLevel::Technician, clock::Clock};
use http::Method;
use nix::sys::signal::{Signal, raise};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    ProtocolVersion,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    door::{Door, open_door},
    support::{Plan, World, echo, serve},
};

/// Chain and key for `gw.test`, PEM, signed by an authority that is not the gateway's own.
fn of_another_authority() -> (String, String) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "Some other authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(params, KeyPair::generate().unwrap());
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["gw.test".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "gw.test");
    (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
}

/// What the next handshake shows.
async fn shown(door: &Door) -> CertificateDer<'static> {
    let connection = door.unverified(&rustls::version::TLS13).await;
    connection.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

#[tokio::test]
async fn a_changed_certificate_is_used_at_once_on_sighup_and_a_broken_one_never() {
    let world = World::new().await;
    let door = open_door(&world).await;
    let keeper = || CertificateKeeper::new(door.wanted.clone(), door.certificate.clone(), Clock::system());
    let mut looking = keeper().unwrap();
    let mut open = door.connection("http/1.1").await;
    let first = shown(&door).await;

    let (chain, key) = of_another_authority();
    fs::write(&door.wanted.certificate, &chain).unwrap();
    looking.check();
    assert_eq!(shown(&door).await, first, "the key does not fit yet");
    fs::write(&door.wanted.key, &key).unwrap();
    let keeping = tokio::spawn(keeper().unwrap().run());
    raise(Signal::SIGHUP).unwrap();
    let changed = async {
        while shown(&door).await == first {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), changed).await.unwrap();
    keeping.abort();
    let second = shown(&door).await;
    assert_eq!(second, CertificateDer::from_pem_slice(chain.as_bytes()).unwrap());

    for broken in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key] {
        fs::write(&door.wanted.certificate, broken).unwrap();
        looking.check();
        assert_eq!(shown(&door).await, second, "{broken:?}");
    }
    fs::remove_file(&door.wanted.key).unwrap();
    looking.check();
    assert_eq!(shown(&door).await, second, "no key");
    // A connection that was open all the time has noticed nothing.
    open.write_all(b"HEAD /login HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    open.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 302 "), "{answer}");
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_and_nothing_older() {
    let world = World::new().await;
    let door = open_door(&world).await;
    for (version, name) in [
        (&rustls::version::TLS12, ProtocolVersion::TLSv1_2),
        (&rustls::version::TLS13, ProtocolVersion::TLSv1_3),
    ] {
        let mut connection = door.unverified(version).await;
        assert_eq!(connection.get_ref().1.protocol_version(), Some(name));
        connection
            .write_all(b"GET /livez HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{name:?}: {answer}");
    }
    for minor in [1, 2] {
        // A greeting of TLS 1.0 or 1.1: version, random, no session, two cipher suites, no compression.
        let body = [&[3, minor][..], &[7; 32], &[0, 0, 4, 0xc0, 0x13, 0, 0x2f, 1, 0]].concat();
        let length = u8::try_from(body.len()).unwrap();
        let hello = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat();
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        stream.write_all(&hello).await.unwrap();
        let mut alert = [0; 7];
        stream.read_exact(&mut alert).await.unwrap();
        assert_eq!((alert[0], alert[5]), (21, 2), "a fatal alert: {alert:?}");
    }
}

#[tokio::test]
async fn only_a_certificate_that_browsers_trust_by_themselves_makes_https_a_must() {
    let home = tempfile::tempdir().unwrap();
    let wanted = Wanted {
        certificate: home.path().join("nexus.crt"),
        key: home.path().join("nexus.key"),
        authority_dir: home.path().to_owned(),
        names: ["gw.test".to_owned()].into(),
    };
    let clock = Clock::system();
    let own = certificate::load_or_make(&wanted, clock.now()).unwrap();
    let in_use = Arc::new(CurrentCertificate::new(&own));
    let plan = Plan {
        backends: vec![("ledger", serve(echo()).await)],
        certificate: Some(in_use.clone()),
        ..Plan::default()
    };
    let world = World::with(plan).await;
    let (chain, key) = of_another_authority();
    fs::write(&wanted.certificate, chain).unwrap();
    fs::write(&wanted.key, key).unwrap();
    let real = certificate::load_or_make(&wanted, clock.now()).unwrap();
    for (certificate, expected) in [(&own, ""), (&real, "max-age=31536000"), (&own, "")] {
        in_use.replace(certificate);
        for answer in [
            world.get("/login").send().await,
            world.open("/nope/").send().await,
            world.call(Method::GET, "/ledger/x", Technician).send().await,
        ] {
            assert_eq!(answer.header("strict-transport-security"), expected, "{}", answer.status);
        }
    }
}
