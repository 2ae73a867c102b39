use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

fn work(arguments: &str) -> Vec<Work> {
    let words = ["codex", "sync", "psa"].into_iter().chain(arguments.split_whitespace());
    let Command::Sync(SyncCommand::Psa(args)) = Line::parse_from(words).command else {
        panic!("not a sync of the PSA");
    };
    args.work()
}

#[test]
fn every_form_of_the_rmm_script_is_understood() {
    let devices = |push| Some(Work::Assets { push });
    for (arguments, expected) in [
        ("", devices(None)),
        ("--provider datto", devices(None)),
        ("--push-account-numbers", devices(Some(Mode::Write))),
        ("--push-account-numbers --dry-run", Some(Work::PushAccountNumbers(Mode::DryRun))),
        // Nothing would be left out: reading devices writes nothing at the vendor.
        ("--dry-run", None),
    ] {
        let words = ["codex", "sync", "rmm"].into_iter().chain(arguments.split_whitespace());
        let work = Line::try_parse_from(words).ok().map(|line| match line.command {
            Command::Sync(SyncCommand::Rmm(args)) => args.work(),
            other => panic!("not a sync of the RMM: {other:?}"),
        });
        assert_eq!(work, expected, "{arguments}");
    }
}

#[test]
fn every_form_of_the_script_is_understood() {
    let tickets = |reach, details| Work::Tickets { reach, details };
    for (arguments, expected) in [
        ("--type tickets", vec![tickets(Reach::Changes, Details::Due)]),
        ("--type tickets --light --detail", vec![tickets(Reach::Changes, Details::Skip)]),
        ("--type tickets --detail --full-history", vec![tickets(Reach::Changes, Details::Recent)]),
        ("--type tickets --full-history", vec![tickets(Reach::Full, Details::All)]),
        ("--type tickets --full-sync", vec![tickets(Reach::Full, Details::All)]),
        ("--type tickets --force-reconcile", vec![tickets(Reach::Full, Details::Refresh)]),
        ("--type agents", vec![Work::Base(vec![BasePart::Agents])]),
        ("--type base --provider freshservice", vec![Work::base()]),
        ("", vec![Work::base(), tickets(Reach::Changes, Details::Due)]),
        ("--type base --dry-run", vec![Work::DryRun { parts: BasePart::ALL.to_vec(), tickets: None }]),
        (
            "--dry-run --full-sync",
            vec![Work::DryRun { parts: BasePart::ALL.to_vec(), tickets: Some(Reach::Full) }],
        ),
    ] {
        assert_eq!(work(arguments), expected, "{arguments}");
    }
}

#[test]
fn the_scripts_of_the_original_are_found_by_their_names() {
    let parse = |line: &str| Line::try_parse_from(["codex"].into_iter().chain(line.split_whitespace()));
    for line in [
        "sync_psa --type tickets",
        "sync-psa --type tickets --full-sync",
        "sync_psa --all-providers --type base",
        "sync_psa --list-providers",
        "sync_rmm --provider datto",
        "sync_rmm --test-connection",
        "push_account_numbers --provider datto",
        "create_account_numbers --dry-run",
        "init_db --headless --db-host h --db-port 1 --db-name n --db-user u --db-password p --migrate-only",
        "init_db --headless --db-password p --create-sample-data",
        "init_db --migrate-only",
        "init_db --force-rebuild",
        "init_db --test",
        "init_db",
    ] {
        assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
    }
    for line in
        ["sync_psa --type everything", "init_db --force-rebuild --headless", "push_account_numbers --push"]
    {
        assert!(parse(line).is_err(), "{line}");
    }
    let Command::SyncPsa(args) = parse("sync_psa --type tickets --light").unwrap().command else { panic!() };
    assert_eq!(args.work(), work("--type tickets --light"));
}

#[test]
fn all_providers_are_also_those_that_are_wanted_and_cannot_be_used() {
    let load = |more: &[&str]| {
        let args = ["codex", "--freshservice-domain", "a.example", "--freshservice-api-key", "k"];
        let home = std::env::temp_dir().join("hivematrix-no-such-home");
        let args = args.into_iter().chain(more.iter().copied());
        let settings: crate::config::Settings = hivematrix_shared::config::load_from(args, &home).unwrap();
        Providers::from_settings(&settings)
    };
    for (more, names) in [
        (vec![], vec!["freshservice"]),
        (vec!["--psa-enabled-providers", "superops, freshservice"], vec!["freshservice", "superops"]),
        (vec!["--psa-enabled-providers", "autotask"], vec!["freshservice", "autotask"]),
    ] {
        let providers = load(&more);
        assert_eq!(providers.names(), names, "{more:?}");
        let usable = names.iter().filter(|name| providers.get(Some(name)).is_ok());
        assert_eq!(usable.count(), 1, "{more:?}");
    }
}
