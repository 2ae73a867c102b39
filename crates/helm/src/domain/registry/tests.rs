use super::*;

fn authority() -> AppsRegistry {
    serde_json::from_str(include_str!("../../../../../deploy/apps_registry.json")).unwrap()
}

#[test]
fn the_committed_services_json_is_what_the_authority_generates() {
    let registry = Registry::generate(&authority(), Addressing::default()).unwrap();
    assert_eq!(
        include_str!("../../../../../services.json"),
        registry.services_json(),
        "run `helm update-config --default` and commit services.json"
    );
}

#[test]
fn the_offset_moves_every_port_but_an_explicit_gateway_port() {
    let addressing = Addressing { offset: 20_000, gateway_port: Some(9443) };
    let registry = Registry::generate(&authority(), addressing).unwrap();
    assert_eq!(registry.get("core").unwrap().service.url, "http://localhost:25000");
    assert_eq!(registry.get("nexus").unwrap().service.url, "https://localhost:9443");
    let shifted = Registry::generate(&authority(), Addressing { offset: 7, gateway_port: None }).unwrap();
    assert_eq!(shifted.get("nexus").unwrap().service.url, "https://localhost:8450");
}

#[test]
fn the_files_are_in_side_panel_order_and_starts_in_start_order() {
    let registry = Registry::generate(&authority(), Addressing::default()).unwrap();
    assert_eq!(
        registry.names().collect::<Vec<_>>(),
        ["beacon", "knowledgetree", "codex", "ledger", "helm", "core", "nexus"]
    );
    assert_eq!(
        registry.start_sequence(),
        ["helm", "core", "nexus", "codex", "ledger", "knowledgetree", "beacon"]
    );
    assert_eq!(registry.predecessors("nexus"), ["helm", "core"]);
    assert_eq!(
        registry.predecessors("beacon"),
        ["knowledgetree", "codex", "ledger", "helm", "core", "nexus"]
    );
}

#[test]
fn a_guest_is_behind_the_gateway_and_nobody_supervises_it() {
    let registry = Registry::generate(&authority(), Addressing::default()).unwrap();
    let guest = registry.get("beacon").unwrap().service.clone();
    let registry = registry.with_guest("simulator", guest);
    let services: serde_json::Value = serde_json::from_str(&registry.services_json()).unwrap();
    assert_eq!(services["simulator"]["port"], 5001);
    assert!(registry.get("simulator").is_none() && !registry.helm_services_json().contains("simulator"));
}

#[test]
fn an_entry_may_name_its_places_in_the_panel_and_at_the_start() {
    let apps: AppsRegistry = serde_json::from_str(
        r#"{"default_apps": {
            "beacon": {"name": "B", "port": 1, "install_order": 2},
            "codex": {"name": "C", "port": 2, "install_order": 3},
            "zoo": {"name": "Z", "port": 3, "order": 1, "install_order": 9, "start_order": 1}}}"#,
    )
    .unwrap();
    let registry = Registry::generate(&apps, Addressing::default()).unwrap();
    assert_eq!(registry.names().collect::<Vec<_>>(), ["zoo", "beacon", "codex"]);
    assert_eq!(registry.start_sequence(), ["zoo", "beacon", "codex"]);
    let zoo = &registry.get("zoo").unwrap().service;
    assert_eq!((zoo.order, zoo.start_order), (1, 1));
}

#[test]
fn servers_are_no_services_in_the_dependencies() {
    let registry = Registry::generate(&authority(), Addressing::default()).unwrap();
    assert_eq!(registry.get("codex").unwrap().service.dependencies, ["core"]);
}

#[test]
fn services_of_one_start_order_do_not_wait_for_each_other_unless_they_depend() {
    let apps: AppsRegistry = serde_json::from_str(
        r#"{"default_apps": {
            "a": {"name": "A", "port": 1, "install_order": 5},
            "b": {"name": "B", "port": 2, "install_order": 5},
            "c": {"name": "C", "port": 3, "install_order": 5, "dependencies": ["b", "postgresql"]}}}"#,
    )
    .unwrap();
    let registry = Registry::generate(&apps, Addressing::default()).unwrap();
    assert_eq!(registry.predecessors("a"), Vec::<String>::new());
    assert_eq!(registry.predecessors("b"), Vec::<String>::new());
    assert_eq!(registry.predecessors("c"), ["b"]);
}

#[test]
fn two_services_never_share_a_port() {
    let apps: AppsRegistry = serde_json::from_str(
        r#"{"core_apps": {"a": {"name": "A", "port": 5000}, "far": {"name": "Far", "port": 5000, "urls": ["http://far:1"]}},
            "default_apps": {"b": {"name": "B", "port": 5000}}}"#,
    )
    .unwrap();
    let error = Registry::generate(&apps, Addressing::default()).unwrap_err();
    assert_eq!(error.to_string(), "a and b both have port 5000; change one of them in apps_registry.json");
    for port in [ports::POSTGRES, ports::REDIS, ports::SIMULATOR, ports::SIMULATOR_RMM] {
        let apps = serde_json::json!({"core_apps": {"a": {"name": "A", "port": port}}});
        let apps: AppsRegistry = serde_json::from_value(apps).unwrap();
        assert!(Registry::generate(&apps, Addressing::default()).is_err(), "{port} is a server's");
    }
}

#[test]
fn a_foreign_service_is_run_by_its_command_or_its_python() {
    let apps: AppsRegistry = serde_json::from_str(
        r#"{"default_apps": {
            "a": {"name": "A", "port": 1, "start_command": "bin/a --port 1", "python_bin": "ignored"},
            "b": {"name": "B", "port": 2, "python_bin": "venv/bin/python", "run_script": "main.py"},
            "c": {"name": "C", "port": 3}}}"#,
    )
    .unwrap();
    let registry = Registry::generate(&apps, Addressing::default()).unwrap();
    let command = |name: &str| registry.get(name).unwrap().start_command.clone();
    assert_eq!(command("a").as_deref(), Some("bin/a --port 1"));
    assert_eq!(command("b").as_deref(), Some("venv/bin/python main.py"));
    assert_eq!(command("c"), None);
}

#[test]
fn what_root_would_read_differently_is_refused() {
    let error = |name: &str, app: serde_json::Value| {
        let mut whole = serde_json::json!({"name": "A", "port": 1});
        whole.as_object_mut().unwrap().extend(app.as_object().unwrap().clone());
        let apps: AppsRegistry =
            serde_json::from_value(serde_json::json!({"default_apps": {name: whole}})).unwrap();
        Registry::generate(&apps, Addressing::default()).err()
    };
    for name in ["/etc", "../etc", "a/b", "", ".", "A", "a\nb", "a b", &"x".repeat(51)] {
        assert_eq!(
            error(name, serde_json::json!({})),
            Some(RegistryError::Name(name.to_owned())),
            "{name:?}"
        );
    }
    for member in ["name", "title", "path", "start_command", "python_bin", "run_script"] {
        for text in ["x\n[Service]\nUser=root", "x\r", "x\u{85}User=root", "x\\"] {
            let refused = error("a", serde_json::json!({member: text}));
            assert_eq!(refused, Some(RegistryError::Text { name: "a".to_owned(), member }), "{text:?}");
        }
    }
    for command in ["+sh x", "!!sh", "@/bin/sh sh", "-sh", ":sh", "|sh", "\"+sh\" x", "", " ", "${SHELL}"] {
        let refused = error("a", serde_json::json!({"start_command": command}));
        assert_eq!(refused, Some(RegistryError::Program("a".to_owned())), "{command:?}");
    }
    for command in ["pyenv/bin/python run.py", "/usr/bin/java -jar a.jar", "node +x", "./run", "../x/run"] {
        assert_eq!(error("a", serde_json::json!({"start_command": command})), None, "{command}");
    }
    let server = serde_json::json!({"system_dependencies": {"x\n[Service]": {}}});
    let apps: AppsRegistry = serde_json::from_value(server).unwrap();
    assert!(Registry::generate(&apps, Addressing::default()).is_err());
}
