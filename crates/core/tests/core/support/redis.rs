//! A Redis server for one test, so that it can be stopped and started.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A server on a port of its own; its data survives a restart.
pub struct RedisServer {
    port: u16,
    directory: tempfile::TempDir,
    child: Option<Child>,
    certificate: Option<Certificate>,
}

/// Files of a server that speaks TLS.
struct Certificate {
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl RedisServer {
    /// A server that runs.
    pub async fn start() -> Self {
        let mut server = Self::stopped();
        server.run().await;
        server
    }

    /// A server that does not run yet.
    pub fn stopped() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { port, directory: tempfile::tempdir().unwrap(), child: None, certificate: None }
    }

    /// A server that speaks only TLS, with a certificate of an authority of its own.
    pub async fn with_tls() -> Self {
        let mut server = Self::stopped();
        let file = |name: &str| server.directory.path().join(name);
        let (authority, certificate, key) = (file("ca.pem"), file("redis.pem"), file("redis.key"));
        let made = certificates();
        for (path, pem) in [(&authority, &made[0]), (&certificate, &made[1]), (&key, &made[2])] {
            std::fs::write(path, pem).unwrap();
        }
        server.certificate = Some(Certificate { authority, certificate, key });
        server.run().await;
        server
    }

    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "rediss" } else { "redis" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// The certificate authority of a server with TLS.
    pub fn authority(&self) -> &Path {
        &self.certificate.as_ref().unwrap().authority
    }

    pub async fn run(&mut self) {
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .arg("--dir")
            .arg(self.directory.path())
            .stdout(Stdio::null());
        match &self.certificate {
            None => command.arg("--port").arg(self.port.to_string()),
            Some(files) => command
                .args(["--port", "0", "--tls-auth-clients", "no", "--tls-port"])
                .arg(self.port.to_string())
                .arg("--tls-ca-cert-file")
                .arg(&files.authority)
                .arg("--tls-cert-file")
                .arg(&files.certificate)
                .arg("--tls-key-file")
                .arg(&files.key),
        };
        self.child = Some(command.spawn().expect("redis-server is installed"));
        for _ in 0..200 {
            if self.answers().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("redis-server did not start");
    }

    async fn answers(&self) -> bool {
        match self.certificate {
            None => self.connection().await.is_some(),
            Some(_) => tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok(),
        }
    }

    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// A connection of the test's own.
    async fn connection(&self) -> Option<redis::aio::MultiplexedConnection> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        redis::cmd("PING").query_async::<()>(&mut connection).await.ok()?;
        Some(connection)
    }

    /// Runs a command.
    pub async fn command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection().await.unwrap()).await.unwrap()
    }

    pub async fn get(&self, key: &str) -> Option<String> {
        self.command(&["GET", key]).await
    }

    pub async fn ttl(&self, key: &str) -> i64 {
        self.command(&["TTL", key]).await
    }

    pub async fn setex(&self, key: &str, seconds: i64, value: &str) {
        self.command(&["SETEX", key, &seconds.to_string(), value]).await
    }
}

/// A certificate authority, a certificate of it for 127.0.0.1, and its key, as PEM.
fn certificates() -> [String; 3] {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "Test authority");
    let authority_key = KeyPair::generate().unwrap();
    let authority_pem = authority.self_signed(&authority_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    [authority_pem, server.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem()]
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}
