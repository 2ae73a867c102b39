use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::*;
use crate::domain::{
    master_config::Document,
    operator::Operator,
    registry::{Addressing, AppsRegistry, Registry},
    secrets::{Secrets, ServiceSecrets},
};

struct Place {
    _folder: tempfile::TempDir,
    layout: Layout,
    theirs: PathBuf,
    suite: Suite,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("instance"));
    let theirs = folder.path().join("hivematrix-brainhair");
    fs::create_dir_all(&theirs).unwrap();
    fs::create_dir_all(layout.home()).unwrap();
    fs::write(theirs.join("run.py"), "").unwrap();
    let mut apps: AppsRegistry =
        serde_json::from_str(include_str!("../../../../../deploy/apps_registry.json")).unwrap();
    let brainhair = json!({"name": "Brainhair", "port": 5050, "python_bin": "pyenv/bin/python",
        "path": "../hivematrix-brainhair", "dependencies": ["postgresql"]});
    apps.default_apps.insert("brainhair".into(), serde_json::from_value(brainhair).unwrap());
    let secrets = ServiceSecrets { secret_key: "our-key".into(), ..ServiceSecrets::default() };
    let config = json!({"apps": {"brainhair": {"sections": {"billing": {"currency": "EUR 50 %"}}}}});
    let suite = Suite {
        home: layout.home().to_owned(),
        services_file: layout.services_json(),
        port_offset: 0,
        registry: Registry::generate(&apps, Addressing::default()).unwrap(),
        secrets: Secrets { services: [("brainhair".to_owned(), secrets)].into(), ..Secrets::default() },
        database_urls: [(
            "brainhair".to_owned(),
            "postgres://brainhair_user:p%40w@127.0.0.1:5442/brainhair_db".to_owned(),
        )]
        .into(),
        redis_url: None,
        hostname: None,
        addresses: Vec::new(),
        service_secrets_file: PathBuf::new(),
        admin_password_file: None,
        simulator: None,
        simulator_rmm: None,
        config: Document::of(config).unwrap().into(),
        own_lines: BTreeMap::new(),
        operator: Operator::default(),
    };
    Place { _folder: folder, layout, theirs, suite }
}

impl Place {
    fn sync(&self, minute: u32) -> Synced {
        let now = format!("2025-11-22T10:{minute:02}:00Z").parse().unwrap();
        let mut all = sync(&self.layout, &self.suite, None, now);
        assert_eq!(all.len(), 1, "only services of others have files there");
        all.remove(0)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.theirs.join(name)).unwrap()
    }
}

#[test]
fn a_new_service_gets_its_files() {
    let place = place();
    let synced = place.sync(30);
    assert_eq!(synced.written, [".flaskenv", "instance/brainhair.conf", "services.json"]);
    let env = place.text(".flaskenv");
    for line in ["FLASK_APP=run.py\n", "SECRET_KEY=our-key\n", "DB_PORT=5442\n", "LOG_LEVEL=INFO\n"] {
        assert!(env.contains(line), "{line}: {env}");
    }
    assert!(!env.contains("SERVICE_SECRET"), "what it does not read is not written down");
    let conf = place.text("instance/brainhair.conf");
    for line in [
        "connection_string = postgresql://brainhair_user:p%40w@127.0.0.1:5442/brainhair_db\n",
        "db_user = brainhair_user\n",
        "[billing]\ncurrency = EUR 50 %\n",
    ] {
        assert!(conf.contains(line), "{line}: {conf}");
    }
    for file in [".flaskenv", "instance/brainhair.conf"] {
        let mode = fs::metadata(place.theirs.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    assert_eq!(place.sync(31).written, Vec::<String>::new(), "a second time there is nothing to do");
    assert!(!place.theirs.join("instance/backups").exists());
}

#[test]
fn what_a_service_has_of_its_own_is_kept() {
    let mut place = place();
    fs::create_dir(place.theirs.join("instance")).unwrap();
    fs::write(place.theirs.join(".flaskenv"), "# by hand\nSECRET_KEY=their-key\nLOG_LEVEL=DEBUG\nOWN=1\n")
        .unwrap();
    fs::write(place.theirs.join("instance/brainhair.conf"), "; by hand\n[quickbooks]\nrate = 20 %\n")
        .unwrap();
    let brainhair = place.suite.registry.get("brainhair").unwrap().clone();
    let own = own_lines(&place.layout, &brainhair);
    let expected = [("OWN", "1"), ("SECRET_KEY", "their-key")];
    assert_eq!(own.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    place.suite.own_lines.insert("brainhair".into(), own);
    place.sync(30);
    let env = place.text(".flaskenv");
    assert!(env.starts_with("# by hand\nSECRET_KEY=their-key\nLOG_LEVEL=INFO\nOWN=1\n"), "{env}");
    assert!(place.text("instance/brainhair.conf").starts_with("; by hand\n[quickbooks]\nrate = 20 %\n"));
    let copy = place.text("instance/backups/.flaskenv.20251122_103000");
    assert!(copy.contains("LOG_LEVEL=DEBUG"), "what was replaced is there: {copy}");
    assert!(place.theirs.join("instance/backups/brainhair.conf.20251122_103000").exists());
}

#[test]
fn of_many_copies_the_newest_are_kept() {
    let place = place();
    for minute in 0..14 {
        fs::create_dir_all(place.theirs.join("instance")).unwrap();
        fs::write(place.theirs.join(".flaskenv"), format!("LOG_LEVEL=DEBUG\nN={minute}\n")).unwrap();
        place.sync(minute);
    }
    let mut copies: Vec<String> = fs::read_dir(place.theirs.join("instance/backups"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    copies.sort();
    assert_eq!(copies.len(), COPIES);
    assert_eq!(copies.last().unwrap(), ".flaskenv.20251122_101300");
}

#[test]
fn a_link_to_the_registry_is_left_alone() {
    let place = place();
    std::os::unix::fs::symlink("/nowhere/services.json", place.theirs.join("services.json")).unwrap();
    assert!(!place.sync(30).written.contains(&"services.json".to_owned()));
    assert!(fs::symlink_metadata(place.theirs.join("services.json")).unwrap().is_symlink());
}

#[test]
fn a_file_that_cannot_be_written_is_said() {
    let place = place();
    fs::create_dir(place.theirs.join(".flaskenv")).unwrap();
    let synced = place.sync(30);
    assert!(synced.error.unwrap().contains(".flaskenv"));
}

#[test]
#[ignore = "needs root"]
fn a_link_of_the_service_leads_root_nowhere() {
    let place = place();
    let (secret, nobody) = (place.layout.home().join("secret"), Some(65_534));
    fs::write(&secret, "SECRET=x\n").unwrap();
    for (link, target) in [("instance", place.layout.home()), (".flaskenv", secret.as_path())] {
        let link = place.theirs.join(link);
        std::os::unix::fs::symlink(target, &link).unwrap();
        std::os::unix::fs::lchown(&link, nobody, nobody).unwrap();
        let synced = place.sync(30);
        assert!(synced.error.unwrap().contains("is a link that the account 65534 has made"));
        assert_eq!(synced.written, [""; 0]);
        fs::remove_file(link).unwrap();
    }
    assert_eq!(fs::read_to_string(&secret).unwrap(), "SECRET=x\n");
    assert_eq!(fs::read_dir(place.layout.home()).unwrap().count(), 1, "nothing was made there");
}

#[test]
#[ignore = "needs root"]
fn the_registry_leads_root_into_no_folder_of_somebody_else() {
    let place = place();
    let elsewhere = place.layout.home().with_file_name("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("run.py"), "").unwrap();
    let brainhair = place.suite.registry.get("brainhair").unwrap().clone();
    let led_astray = HelmEntry { path: "../elsewhere".to_owned(), ..brainhair.clone() };
    let write = |entry: &HelmEntry| write(File::Dotenv, &place.layout, &place.suite, "brainhair", entry);
    // Where the instance is root's own, so is the registry.
    assert!(is_its_place(&place.layout, "brainhair", &led_astray).is_ok());
    std::os::unix::fs::chown(place.layout.home(), Some(65_533), Some(65_533)).unwrap();
    let refused = write(&led_astray).unwrap_err().to_string();
    assert!(refused.contains("is not called hivematrix-brainhair"), "{refused}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1, "nothing was made there");
    assert_eq!(write(&brainhair).unwrap().as_deref(), Some(".flaskenv"));
}
