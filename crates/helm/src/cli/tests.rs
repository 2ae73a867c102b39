//! Which calls are understood.

use clap::Parser;

use super::*;

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
        "restart beacon",
        "status",
        "status --json",
        "status codex",
        "list",
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
        "secret beacon",
        "keycloak configure",
        "keycloak configure --url https://sso.example --realm msp --admin-user root --admin-password-file f --demo",
        "keycloak status",
        "keycloak forget",
        "keycloak realm",
        "update-config",
        "update-config --default",
        "cleanup-logs --days 30 --dry-run",
        "serve",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
    }
}

#[test]
fn wrong_calls_are_refused_with_exit_code_2() {
    for line in [
        "",
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
        "keys",
        "keys rotate now",
        "secret",
        "token --service beacon",
        "token --service beacon:codex --permission admin",
        "keycloak",
        "keycloak configure --admin-password x",
        "up --port 70000",
        "up --size huge",
    ] {
        let error = parse(line).err().map(|error| error.exit_code());
        assert_eq!(error, Some(2), "{line}");
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
