//! The real door in front of a test's gateway, and clients that say to it whatever they like.

use std::sync::Arc;

use hivematrix_nexus::{
    tls::{
        certificate::{self, Wanted},
        listener::{self, CurrentCertificate},
        places::Places,
    },
    workers::Workers,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::support::World;

/// A listener with a certificate made on the spot.
pub struct Door {
    pub address: std::net::SocketAddr,
    pub authority: reqwest::Certificate,
    pub stop: CancellationToken,
    pub running: tokio::task::JoinHandle<()>,
    pub home: tempfile::TempDir,
    pub wanted: Wanted,
    pub certificate: Arc<CurrentCertificate>,
}

/// Opens the door to `world`.
pub async fn open_door(world: &World) -> Door {
    let home = tempfile::tempdir().unwrap();
    let wanted = Wanted {
        certificate: home.path().join("nexus.crt"),
        key: home.path().join("nexus.key"),
        authority_dir: home.path().to_owned(),
        names: certificate::own_names().into_iter().chain(["gw.test".to_owned()]).collect(),
    };
    #[expect(clippy::disallowed_methods, reason = "the client's certificate check uses the machine's clock")]
    let loaded = certificate::load_or_make(&wanted, chrono::Utc::now()).unwrap();
    let certificate = Arc::new(CurrentCertificate::new(&loaded));
    let config = listener::server_config(certificate.clone()).unwrap();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let stop = CancellationToken::new();
    let app = world.gateway.router();
    let places = Places::new(1024, Default::default());
    let origin = "https://gw.test".to_owned();
    let until = stop.clone();
    let running = tokio::spawn(async move {
        listener::serve(&Workers::none(), socket, config, app, origin, places, until).await;
    });
    let authority =
        reqwest::Certificate::from_pem(&std::fs::read(home.path().join("ca.crt")).unwrap()).unwrap();
    Door { address, authority, stop, running, home, wanted, certificate }
}

impl Door {
    pub fn client(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .tls_certs_only([self.authority.clone()])
            .resolve("gw.test", self.address)
            .redirect(reqwest::redirect::Policy::none())
    }

    /// A TLS connection on which nothing was said yet.
    pub async fn connection(&self, protocol: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.home.path().join("ca.crt")).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        self.connect(config).await
    }

    /// A connection of one version of TLS, whatever the certificate is.
    pub async fn unverified(&self, version: &'static SupportedProtocolVersion) -> TlsStream<TcpStream> {
        let config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(&[version])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate))
            .with_no_client_auth();
        self.connect(config).await
    }

    async fn connect(&self, config: ClientConfig) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("gw.test").unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://gw.test{path}")
    }

    /// Says `request` over HTTP/1.1 and listens until the other side ends the connection.
    pub async fn say(&self, request: &[u8]) -> String {
        let mut connection = self.connection("http/1.1").await;
        connection.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // A connection that is cut in the middle has said what it had to say.
        let _ = connection.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }
}

/// For tests that look at the certificate themselves.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
