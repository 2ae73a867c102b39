//! The files in `deploy/systemd` are those that the registry of this version makes.

use std::{collections::BTreeMap, fs};

use super::*;
use crate::{
    domain::{ports, registry::Addressing},
    instance::{postgres, registry},
};

fn default_registry() -> Registry {
    Registry::generate(&registry::built_in().unwrap(), Addressing::default()).unwrap()
}

/// As on Debian 12; an installation names what it finds.
fn debian() -> OwnServers {
    let home = Places::default().home;
    let (postgres, redis) = (home.join("postgres"), home.join("redis"));
    OwnServers {
        postgresql: Some(ServerCommand {
            program: "/usr/lib/postgresql/15/bin/postgres".into(),
            args: postgres::arguments(&postgres.join("data"), ports::POSTGRES),
            folder: postgres,
            port: ports::POSTGRES,
        }),
        redis: Some(ServerCommand {
            program: "/usr/bin/redis-server".into(),
            args: vec![redis.join("redis.conf").display().to_string()],
            folder: redis,
            port: ports::REDIS,
        }),
    }
}

fn generated() -> BTreeMap<String, String> {
    let (registry, places) = (default_registry(), Places::default());
    let units = unit_files(&registry, &debian(), &places).into_iter().map(|file| (file.name, file.text));
    let beside = [
        ("sysusers.conf".to_owned(), sysusers(&registry, &places)),
        ("polkit.rules".to_owned(), polkit_rule(&registry)),
    ];
    units.chain(beside).collect()
}

/// `BLESS=yes` writes the files anew, after a change of the registry or of what makes them.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd")
}

#[test]
fn the_files_of_the_project_are_the_generated_ones() {
    if std::env::var_os("BLESS").is_some() {
        for (name, text) in generated() {
            fs::write(folder().join(name), text).unwrap();
        }
    }
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        found.insert(entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap());
    }
    let expected = generated();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected));
    for (name, text) in &expected {
        assert_eq!(&found[name], text, "{name}");
    }
}

#[test]
fn every_service_of_the_registry_has_its_unit_and_its_account() {
    let files = generated();
    for name in default_registry().names() {
        let text = &files[&unit_name(name)];
        assert!(text.contains(&format!("User=hivematrix-{name}\n")), "{name}");
        assert!(text.contains("NoNewPrivileges=yes\n") && text.contains("ProtectSystem=strict\n"), "{name}");
        assert!(files[TARGET].contains(&format!("Wants=hivematrix-{name}.service\n")), "{name}");
        assert!(files["sysusers.conf"].contains(&format!("u hivematrix-{name} ")), "{name}");
    }
}

#[test]
fn nothing_starts_on_half_a_restore() {
    let condition = "ConditionPathExists=!/var/lib/hivematrix/helm/restore\n";
    for (name, text) in generated() {
        // A job would be skipped in silence, and an update goes by whether there is a backup: `helm backup` says no itself.
        let is_member = name.ends_with(".service") && text.contains("PartOf=");
        assert_eq!(text.contains(condition), is_member, "{name}");
    }
}

#[test]
fn no_unit_has_longer_to_stop_than_is_waited_for_it() {
    for (name, text) in generated() {
        let seconds = text.lines().find_map(|line| line.strip_prefix("TimeoutStopSec="));
        let longest = seconds.is_none_or(|seconds| seconds.parse::<u64>().unwrap() <= LONGEST_STOP.as_secs());
        assert!(longest, "{name}");
        let is_service = name.ends_with(".service");
        assert_eq!(is_job(&name), is_service && !text.contains("PartOf="), "{name}");
    }
}

#[test]
fn the_leave_of_polkit_names_nothing_for_all_rules_of_the_machine() {
    let rule = &generated()["polkit.rules"];
    let outside: Vec<&str> = rule.lines().filter(|line| !line.starts_with([' ', '/', '}'])).collect();
    assert_eq!(outside, ["polkit.addRule(function (action, subject) {"]);
}

#[test]
fn nexus_alone_may_bind_a_low_port() {
    for (name, text) in generated() {
        assert_eq!(text.contains("CAP_NET_BIND_SERVICE"), name == "hivematrix-nexus.service", "{name}");
    }
}

#[test]
fn nobody_stands_in_for_another_one() {
    let files = generated();
    let denied = |name: &str| -> Vec<&str> {
        files[&unit_name(name)].lines().filter_map(|line| line.strip_prefix("SocketBindDeny=tcp:")).collect()
    };
    assert_eq!(denied("codex"), ["5000", "5001", "5004", "5020", "5030", "5442", "6389", "8443"]);
    assert!(denied("redis").contains(&"5010") && !denied("redis").contains(&"6389"));
    assert!(denied("backup").is_empty(), "a job listens nowhere");
}

#[test]
fn a_service_writes_to_its_own_folder_only() {
    let files = generated();
    let writable = |name: &str| -> Vec<String> {
        let lines = files[&unit_name(name)].lines();
        lines.filter_map(|line| line.strip_prefix("ReadWritePaths=")).map(str::to_owned).collect()
    };
    assert_eq!(writable("codex"), ["/var/lib/hivematrix/codex"]);
    assert_eq!(writable("postgresql"), ["/var/lib/hivematrix/postgres"]);
    assert_eq!(writable("backup"), ["/var/lib/hivematrix", "/var/backups/hivematrix"]);
    assert!(writable("audit").is_empty());
}

#[test]
fn a_service_elsewhere_has_no_unit_and_a_foreign_one_runs_its_own_command() {
    let apps = serde_json::from_str(
        r#"{"default_apps": {
            "codex": {"name": "Codex", "port": 5010, "urls": ["http://10.0.0.2:5010"]},
            "brainhair": {"name": "Brainhair", "port": 5050, "dependencies": ["codex"], "path": "../hivematrix-brainhair",
                       "start_command": "pyenv/bin/python run.py"}}}"#,
    )
    .unwrap();
    let registry = Registry::generate(&apps, Addressing::default()).unwrap();
    let files = unit_files(&registry, &OwnServers::default(), &Places::default());
    assert!(!files.iter().any(|file| file.name == "hivematrix-codex.service"));
    let brainhair = files.iter().find(|file| file.name == "hivematrix-brainhair.service").unwrap();
    assert!(brainhair.text.contains("ExecStart=/var/lib/hivematrix-brainhair/pyenv/bin/python run.py\n"));
    assert!(!brainhair.text.contains("hivematrix-codex.service"));
    assert!(brainhair.text.contains("MemoryDenyWriteExecute=no\n"));
}

#[test]
fn folders_that_the_units_do_not_see_are_known() {
    for (folder, hidden) in [
        ("/var/lib/hivematrix", false),
        ("/srv/home/hivematrix", false),
        ("/homes/x", false),
        ("/home/ada/instance", true),
        ("/root/instance", true),
        ("/tmp/x", true),
    ] {
        assert_eq!(is_hidden(Path::new(folder)), hidden, "{folder}");
    }
}
