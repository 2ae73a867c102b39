use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
};

use super::*;

fn ports() -> Ports {
    Ports {
        ssh: [2222].into(),
        public: [443].into(),
        // One of them is SSH's own, which must never be closed.
        internal: [2222, 5000, 5004, 8080].into(),
    }
}

/// Programs that only say how they were called, in a folder of their own; `ufw`, `nft` and so on need root.
fn stage(folder: &Path) {
    let log = folder.join("calls");
    for (name, body) in [
        ("id", "echo 0".to_owned()),
        ("sshd", "echo port 2200".to_owned()),
        ("ss", "echo 'LISTEN 0 128 [::]:2222 [::]:* users:((\"sshd\",pid=1,fd=3))'".to_owned()),
    ] {
        program(folder, name, &body);
    }
    for name in ["iptables", "ip6tables", "nft"] {
        program(folder, name, &format!("echo {name} \"$@\" >>{}", log.display()));
    }
    let added = "if [ \"$*\" = 'show added' ]; then echo \"ufw limit 2200/tcp comment 'mine'\"; exit; fi";
    program(folder, "ufw", &format!("{added}; echo ufw \"$@\" >>{}", log.display()));
    // As ssh.socket listens in the place of sshd.
    program(folder, "systemctl", "[ \"$1\" != show ] || echo 'Listen=[::]:2201 (Stream)'");
    for name in ["iptables-restore", "ip6tables-restore"] {
        program(folder, name, &format!("{{ echo {name} \"$@\"; cat; }} >>{}", log.display()));
    }
    // The scripts save to the machine itself, start a timer and change a file of ufw: none of that here.
    for name in ["systemd-run", "setsid", "sed", "iptables-save", "ip6tables-save"] {
        program(folder, name, "exit 0");
    }
}

fn program(folder: &Path, name: &str, body: &str) {
    let file = folder.join(name);
    fs::write(&file, format!("#!/bin/bash\n{body}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Runs a script with its state in the folder.
fn run(folder: &Path, kind: Kind, word: &str, before: &str) -> Output {
    let text = script(kind, &ports());
    let state = format!("STATE=/var/lib/hivematrix-firewall-{}", kind.as_str());
    assert!(text.contains(&state));
    let text = text.replace(&state, &format!("STATE={}", folder.join("state").display()));
    let text = text.replace("main \"$@\"\n", &format!("{before}\nmain \"$@\"\n"));
    let file = folder.join(kind.filename());
    fs::write(&file, text).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    Command::new("bash").arg(file).arg(word).env("PATH", path).env_remove("SSH_CONNECTION").output().unwrap()
}

fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn bash_understands_every_script() {
    let folder = tempfile::tempdir().unwrap();
    for kind in Kind::ALL {
        let file = folder.path().join(kind.filename());
        fs::write(&file, script(kind, &ports())).unwrap();
        let checked = Command::new("bash").arg("-n").arg(&file).output().unwrap();
        assert!(checked.status.success(), "{kind:?}: {}", text(&checked));
    }
}

#[test]
fn the_rules_are_shown_without_a_change() {
    for (kind, wanted) in [
        (Kind::Ufw, &["ufw allow 2222/tcp", "ufw allow 443/tcp", "ufw deny 8080/tcp"][..]),
        (Kind::Iptables, &["# ip6tables", "--dport 2200 -j ACCEPT", "--dport 8080 -j DROP", "-P INPUT DROP"]),
        (
            Kind::Nftables,
            &["tcp dport { 443, 2200, 2201, 2222 } accept", "tcp dport { 5000, 5004, 8080 } drop"],
        ),
    ] {
        if kind == Kind::Iptables && !Path::new("/proc/net/if_inet6").exists() {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        stage(folder.path());
        for word in ["show", ""] {
            let shown = run(folder.path(), kind, word, "");
            assert!(shown.status.success(), "{}", text(&shown));
            for line in wanted {
                assert!(text(&shown).contains(line), "{kind:?} without {line}: {}", text(&shown));
            }
        }
        assert!(!folder.path().join("calls").exists() && !folder.path().join("state").exists());
    }
}

#[test]
fn ssh_is_allowed_on_every_port_it_uses_before_anything_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    stage(folder.path());
    let done = run(folder.path(), Kind::Ufw, "apply", "save() { :; }");
    assert!(done.status.success(), "{}", text(&done));
    let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
    let at = |line: &str| calls.find(line).unwrap_or_else(|| panic!("no {line} in {calls}"));
    for port in [2201, 2222] {
        assert!(at(&format!("ufw allow {port}/tcp")) < at("ufw default deny incoming"));
        assert!(!calls.contains(&format!("deny {port}/tcp")), "{calls}");
    }
    // What the operator lets in with a brake is open already.
    assert!(!calls.contains("2200/tcp"), "{calls}");
    assert!(at("ufw deny 8080/tcp") < at("ufw --force enable"));
    assert!(calls.trim_end().ends_with("ufw status numbered"));
}

#[test]
fn the_first_state_comes_back_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    stage(folder.path());
    let states = "save() { date +%s%N >\"$STATE/old\"; }; restore() { cat \"$STATE/old\"; }; keep() { :; }";
    assert!(run(folder.path(), Kind::Ufw, "apply", states).status.success());
    let old = fs::read_to_string(folder.path().join("state/old")).unwrap();
    // Applied again before it is confirmed: what was there at first is what comes back.
    assert!(run(folder.path(), Kind::Ufw, "apply", states).status.success());
    let back = run(folder.path(), Kind::Ufw, "rollback", states);
    assert!(back.status.success() && text(&back).contains(old.trim()), "{}", text(&back));
    for word in ["rollback", "confirm"] {
        assert!(!run(folder.path(), Kind::Ufw, word, states).status.success(), "{word}");
    }
    assert_eq!(run(folder.path(), Kind::Ufw, "explode", "").status.code(), Some(2));
}

#[test]
fn what_was_there_before_the_machine_started_again_does_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    stage(folder.path());
    let states = |boot: u8| {
        format!(
            "save() {{ echo {boot} >\"$STATE/old\"; }}; restore() {{ cat \"$STATE/old\"; }}; lifetime() {{ echo {boot}; }}"
        )
    };
    assert!(run(folder.path(), Kind::Ufw, "apply", &states(1)).status.success());
    for word in ["rollback", "confirm"] {
        assert!(!run(folder.path(), Kind::Ufw, word, &states(2)).status.success(), "{word}");
    }
    assert!(run(folder.path(), Kind::Ufw, "apply", &states(2)).status.success());
    let back = run(folder.path(), Kind::Ufw, "rollback", &states(2));
    assert!(back.status.success() && text(&back).starts_with('2'), "{}", text(&back));
}

#[test]
fn iptables_replaces_its_own_chain_only() {
    let folder = tempfile::tempdir().unwrap();
    stage(folder.path());
    let done = run(folder.path(), Kind::Iptables, "apply", "");
    assert!(done.status.success(), "{}", text(&done));
    let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
    assert!(calls.contains("iptables-restore --noflush\n*filter\n:HIVEMATRIX - [0:0]"), "{calls}");
    for foreign in ["-F", "-X", "--flush"] {
        assert!(!calls.contains(&format!("iptables {foreign}")), "{calls}");
    }
    let ssh = calls.find("--dport 2222 -j ACCEPT").unwrap();
    assert!(ssh < calls.find("iptables -P INPUT DROP").unwrap());
}

#[test]
fn the_ports_of_ssh_are_read_as_sshd_does() {
    for (config, ports) in [
        ("", &[22][..]),
        ("#Port 2222\nPermitRootLogin no\n", &[22]),
        ("Port 2222\nport=2200\n", &[2200, 2222]),
        ("ListenAddress 0.0.0.0:2022\nListenAddress [::]:2023\nListenAddress 10.0.0.1\n", &[2022, 2023]),
        ("Port 99999\n", &[22]),
    ] {
        assert_eq!(sshd_ports(config), ports.iter().copied().collect(), "{config}");
    }
}
