//! An instance with a private cluster and a registry of its own.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
};

use hivematrix_helm::{
    backup::{
        history,
        run::{self, Done, Order},
    },
    domain::{operator::Operator, ports, secrets::Secrets},
    instance::{
        Layout,
        databases::{self, Databases},
        options::{Given, Options},
        postgres, secrets,
    },
    restore::server::Server,
    suite::Basis,
};
use hivematrix_shared::clock::Clock;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// An instance directory in a folder of its own.
pub struct Instance {
    pub folder: tempfile::TempDir,
    pub layout: Layout,
}

/// Ports that instances of this program have; one whose server is stopped will want its port again.
static TAKEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());

fn free_offset() -> u16 {
    let mut taken = TAKEN.lock().unwrap();
    let is_free = |offset: &u16| {
        !taken.contains(offset) && TcpListener::bind(("127.0.0.1", ports::POSTGRES + offset)).is_ok()
    };
    let beginning = u16::try_from(std::process::id() % 1000).unwrap() + 14_000;
    let offset = (beginning..beginning + 5000).find(is_free).unwrap();
    taken.push(offset);
    offset
}

impl Instance {
    /// An instance of these services. But for Helm they are foreign to the suite and never started.
    pub fn new(services: &[&str]) -> Self {
        let instance = Self::empty();
        let apps: BTreeMap<&str, serde_json::Value> = services
            .iter()
            .zip(6001..)
            .map(|(name, port)| {
                let mut app = serde_json::json!({"name": name, "port": port, "dependencies": ["postgresql"]});
                if *name != "helm" {
                    app["start_command"] = "run".into();
                }
                (*name, app)
            })
            .collect();
        let registry = serde_json::json!({"core_apps": apps, "system_dependencies": {"postgresql": {}}});
        instance.write("apps_registry.json", &registry.to_string(), 0o600);
        let given = Given { port_offset: Some(free_offset()), ..Given::default() };
        Basis::of(&instance.layout, &given, &Operator::default()).unwrap();
        instance
    }

    /// A machine on which nothing is.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The servers' account must be able to pass through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let layout = Layout::new(folder.path().join("instance"));
        Self { folder, layout }
    }

    pub fn home(&self) -> &Path {
        self.layout.home()
    }

    fn secrets(&self) -> Secrets {
        secrets::read(&self.layout).unwrap()
    }

    fn port(&self) -> u16 {
        ports::shifted(ports::POSTGRES, Options::read(&self.layout).unwrap().port_offset).unwrap()
    }

    pub fn admin_url(&self) -> String {
        postgres::admin_url(self.port(), &self.secrets().postgres_password)
    }

    pub fn database_as_admin(&self, database: &str) -> String {
        databases::with_database(&self.admin_url(), database).unwrap()
    }

    /// The database of a service, as the service.
    pub fn url(&self, service: &str) -> String {
        databases::own_url(&self.admin_url(), service, &self.secrets().of(service).database_password).unwrap()
    }

    /// Starts the cluster and makes the databases of alpha and beta.
    pub async fn start(&self) -> Server {
        let server =
            Server::start(&self.layout, self.port(), &self.secrets().postgres_password).await.unwrap();
        self.make_databases().await;
        server
    }

    pub async fn make_databases(&self) {
        let managed = self.secrets().services.into_keys().collect();
        let admin_url = Some(self.admin_url());
        Databases { urls: BTreeMap::new(), managed, admin_url }.make(&self.secrets()).await.unwrap();
    }

    pub async fn backup(&self) -> anyhow::Result<Done> {
        let lock = history::take(&self.layout).await?.unwrap();
        run::run(&self.layout, &Order::default(), &Clock::system(), lock).await
    }

    pub fn write(&self, path: &str, content: &str, mode: u32) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helm"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HIVEMATRIX_HOME", self.home())
            .stdin(Stdio::null());
        command
    }

    pub fn helm(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Every saved or remembered file with its content; not the cluster, whose files change by themselves.
    pub fn listing(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.home().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.ends_with("postgres")
                    || path.ends_with("logs")
                    || path.extension().is_some_and(|it| it == "lock")
                {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.clone(), fs::read(path).unwrap_or_default());
                }
            }
        }
        found
    }

    /// What tells an old state from a new one: a row of each database, and a setting.
    pub async fn state(&self) -> (String, String, String) {
        let server = self.start().await;
        let mut rows = Vec::new();
        for service in ["alpha", "beta"] {
            let mut connection = PgConnection::connect(&self.url(service)).await.unwrap();
            let row: String = sqlx::query_scalar("SELECT string_agg(id::text, ',') FROM t")
                .fetch_one(&mut connection)
                .await
                .unwrap();
            rows.push(row);
            connection.close().await.unwrap();
        }
        let mut admin = PgConnection::connect(&self.admin_url()).await.unwrap();
        let databases: Vec<String> = sqlx::query_scalar(
            "SELECT datname::text FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1",
        )
        .fetch_all(&mut admin)
        .await
        .unwrap();
        admin.close().await.unwrap();
        server.stop().await.unwrap();
        assert_eq!(databases, ["alpha_db", "beta_db"], "nothing is left over");
        assert!(!self.home().join("helm/restore").exists());
        let conf = fs::read_to_string(self.home().join("alpha/alpha.conf")).unwrap_or_default();
        (rows.remove(0), rows.remove(0), conf)
    }
}

pub async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

pub async fn query(url: &str, sql: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let found = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    found
}

pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
