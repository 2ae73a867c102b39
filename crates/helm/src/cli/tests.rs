//! Which calls are understood.

use chrono::DateTime;
use clap::{CommandFactory, Parser};

use super::{args::moment, *};

fn parse(line: &str) -> Result<Command, clap::Error> {
    let words = std::iter::once("helm").chain(line.split_whitespace());
    Settings::try_parse_from(words).map(|settings| settings.command)
}

#[test]
fn every_documented_call_is_understood() {
    for line in [
        "up",
        "up --demo --port 9443 --size reference --active 350 --companies 40",
        "down",
        "start codex --mode production",
        "stop codex",
        "stop codex --json",
        "start codex --json",
        "restart beacon",
        "status",
        "status --json",
        "status codex",
        "list",
        "list --json",
        "call GET /api/services --service helm",
        "call post /codex/sync/tickets --as technician --data {}",
        "call PUT /helm/api/settings --data @settings.json",
        "call PUT /helm/api/settings --data -",
        "config get system.log_level --json",
        "config get codex --secrets",
        "config set system.log_level DEBUG",
        "config set codex {\"db_name\":\"codex_db\"} --json",
        "config set apps.codex.sections.x.offset -5",
        "config unset system.log_level",
        "config show --json",
        "config diff --json",
        "config sync",
        "config sync ledger --json",
        "config sync-all",
        "config gen-dotenv ledger --secrets",
        "config gen-conf ledger",
        "config write-dotenv ledger",
        "config write-conf ledger",
        "config setup-db ledger",
        "completion bash",
        "completion zsh",
        "completion fish",
        "man",
        "man --out man1",
        "logs",
        "logs ledger --tail 50",
        "logs core --level ERROR -n 100",
        "logs --correlation req-abc-123",
        "logs -c req-abc-123 -u ada -l warning --follow",
        "logs --correlation-id x --service codex",
        "logs codex --search timeout --since 15m --until 2025-11-22T10:30:00Z --json",
        "logs -s timeout --since 2025-11-22 --follow",
        "token",
        "token --permission technician",
        "token --service beacon:codex",
        "token --get /codex/api/companies",
        "keys rotate",
        "keys rotate --now",
        "keys status",
        "keys status --json",
        "alerts",
        "alerts --json",
        "secret beacon",
        "keycloak configure",
        "keycloak configure --url https://sso.example --realm msp --admin-user root --admin-password-file f --demo",
        "keycloak status",
        "keycloak forget",
        "keycloak realm",
        "users list",
        "users list --search ada --enabled --json",
        "users show ada --json",
        "users create ada --email ada@example.com --first-name Ada --last-name L --group technicians --group billing",
        "users create ada --email ada@example.com --disabled --no-password",
        "users edit ada --email ada@example.org",
        "users enable ada",
        "users disable ada",
        "users reset-password ada --permanent",
        "users groups",
        "users groups ada",
        "users join ada billing",
        "users leave ada billing",
        "users delete ada --yes",
        "users history ada -n 50 --json",
        "audit",
        "audit --audit --json",
        "audit --quiet --output report.txt",
        "audit --generate-firewall",
        "audit --generate-firewall nftables --output -",
        "audit --generate-iptables",
        "update-config",
        "update-config --default",
        "update-config --json",
        "down --json",
        "cleanup-logs --json",
        "keycloak status --json",
        "keys rotate --json",
        "auth login --permission technician --ttl 600",
        "auth login admin",
        "auth set-token -",
        "auth test /codex/api/companies --json",
        "call GET /codex/api/companies --kept",
        "install beacon",
        "install beacon --json",
        "install install beacon",
        "install install-defaults --json",
        "install status beacon",
        "install list-installed --json",
        "install check-deps",
        "install install-dep redis",
        "install update-config",
        "install clone codex",
        "install pull codex",
        "install --systemd --json",
        "install --systemd --undo --json",
        "install --systemd --dry-run --json",
        "cleanup-logs --days 30 --dry-run",
        "install --systemd",
        "install --systemd --prefix /opt/hivematrix --root /tmp/stage --dry-run",
        "install --systemd --undo",
        "replace ledger",
        "replace ledger --back",
        "doctor",
        "doctor --json",
        "update",
        "update --from build.tar.gz --dry-run",
        "update --from /srv/build --check --json",
        "update --resume",
        "update --json",
        "update --dry-run --json",
        "logs --words timeout",
        "logs --level warn",
        "serve",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
    }
}

/// The exit code of a call that is not understood.
fn refusal(line: &str) -> Option<u8> {
    parse(line).err().map(|error| misuse(&error, line.split_whitespace().map(OsString::from)))
}

#[test]
fn wrong_calls_are_refused_with_exit_code_2() {
    for line in [
        "start",
        "start codex --mode fast",
        "logs --level loud",
        "logs codex --service core",
        "logs --tail 0",
        "logs --since yesterday",
        "logs --since -5m",
        "logs --since 99999999999999d",
        "logs --until 5m --follow",
        "token --permission root",
        "call",
        "call GET",
        "call GET api/services",
        "call GET /api/services --as root",
        "call \u{1}GET /x",
        "completion tcsh",
        "keys rotate now",
        "secret",
        "token --service beacon",
        "token --service beacon:codex --permission admin",
        "keycloak configure --admin-password x",
        "users create ada",
        "users create ada --email a@x --password secret-word",
        "users reset-password ada secret-word",
        "users edit ada",
        "users list --enabled --disabled",
        "users join ada",
        "audit --generate-firewall pf",
        "audit --json --generate-firewall ufw",
        "call GET /x --kept --as billing",
        "update --check --resume",
        "update --resume --from x",
        "up --port 70000",
        "up --size huge",
    ] {
        assert_eq!(refusal(line), Some(2), "{line}");
    }
}

#[test]
fn a_call_without_a_command_is_helped_and_not_done() {
    for (line, code) in [
        ("", 1),
        ("config", 1),
        ("keys", 1),
        ("keycloak", 1),
        ("users", 1),
        ("install", 1),
        ("auth", 1),
        ("frobnicate", 2),
        ("start", 2),
        ("--help", 0),
        ("--version", 0),
    ] {
        assert_eq!(refusal(line), Some(code), "{line}");
    }
}

#[test]
fn what_stands_in_the_place_of_scripts_ends_as_they_did_whatever_is_wrong() {
    for line in [
        "auth test",
        "--home /srv/hivematrix config frobnicate",
        "--home=/srv/hivematrix install --json",
        "config frobnicate",
        "config get",
        "config set system.log_level",
        "install --undo",
        "install beacon --systemd",
        "install beacon --root /tmp/x",
        "install install-dep java",
        "install --json",
    ] {
        assert_eq!(refusal(line), Some(1), "{line}");
    }
}

#[test]
fn the_level_is_stored_in_its_own_form() {
    let Ok(Command::Logs(args)) = parse("logs --level warning") else { panic!("not parsed") };
    assert_eq!(args.level, Some("WARNING"));
}

#[test]
fn a_moment_is_a_time_or_how_long_ago() {
    let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
    let now = at("2025-11-22T10:30:00Z");
    for (given, expected) in [
        ("90s", Some("2025-11-22T10:28:30Z")),
        ("15m", Some("2025-11-22T10:15:00Z")),
        ("2h", Some("2025-11-22T08:30:00Z")),
        ("7d", Some("2025-11-15T10:30:00Z")),
        ("2025-11-22T10:00:00+02:00", Some("2025-11-22T08:00:00Z")),
        ("2025-11-22", Some("2025-11-22T00:00:00Z")),
        ("99999999999999d", None),
        ("m", None),
        ("", None),
    ] {
        assert_eq!(moment(given, now), expected.map(at), "{given}");
    }
}

#[test]
fn the_definition_of_the_command_line_is_sound() {
    Settings::command().debug_assert();
}
