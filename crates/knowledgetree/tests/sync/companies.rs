//! Companies with people and devices.

use hivematrix_knowledgetree::{
    domain::{item::Visibility, synced::ContextOwner},
    jobs::sync::Kind,
};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Suite, company};

const ACME: &str = "Companies/Acme Corp";

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_company_becomes_protected_folders_and_articles_with_upstream_s_ids(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("100001", "Acme Corp")]);
    let ended = suite.completed(Kind::Companies).await;
    assert_eq!((ended.progress.companies, ended.progress.created, ended.progress.removed), (1, 7, 0));
    assert_eq!(
        suite.paths().await,
        [
            "!Companies/Acme Corp/",
            "!Companies/Acme Corp/Assets/",
            "!Companies/Acme Corp/Assets/HOST-01.md",
            "!Companies/Acme Corp/Users/",
            "!Companies/Acme Corp/Users/Pia Park/",
            "!Companies/Acme Corp/Users/Pia Park/Contact.md",
            "Companies/",
        ]
    );
    let card = suite.item(&format!("{ACME}/Users/Pia Park/Contact.md")).await;
    assert_eq!(card.id, "root_Companies_Acme_Corp_Users_Pia_Park_Contact.md");
    for line in [
        "# Contact Information for Pia Park",
        "- **Title:** Clerk",
        "- **Mobile Phone:** N/A",
        "- **Active:** Yes",
    ] {
        assert!(card.content.lines().any(|have| have == line), "{line} is not in {}", card.content);
    }
    assert!(suite.item(&format!("{ACME}/Assets/HOST-01.md")).await.content.contains("✓ Online"));
    // The company is known, and its folder is its context; by its number too.
    let folder = suite.item(ACME).await;
    for owner in ["100001"] {
        let context = suite.store.context_of(ContextOwner::Company(owner), Visibility::All).await.unwrap();
        assert_eq!(context.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), [folder.id.as_str()]);
    }
    assert_eq!(suite.store.counts().await.unwrap().companies, 1);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_did_not_change_is_not_written_again(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("100001", "Acme Corp"), company("100002", "Birch")]);
    suite.completed(Kind::Companies).await;
    let before = suite.item(ACME).await;
    suite.clock.set("2026-11-23T12:00:00Z".parse().unwrap());
    suite.peers.change(|companies| companies[1]["contacts"][0]["title"] = json!("Head"));
    let ended = suite.completed(Kind::Companies).await;
    assert_eq!((ended.progress.created, ended.progress.updated, ended.progress.unchanged), (0, 1, 12));
    assert_eq!(suite.item(ACME).await.updated_at, before.updated_at);
    assert!(suite.item("Companies/Birch/Users/Pia Park/Contact.md").await.content.contains("Head"));
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn only_a_whole_answer_removes_and_what_it_removes_comes_back(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("100001", "Acme Corp"), company("100002", "Birch")]);
    suite.completed(Kind::Companies).await;
    let birch = suite.item("Companies/Birch").await;
    let note = suite.write(&birch.id, "How to get in", "The key is at the neighbour's.").await;

    // Codex ends in the middle of its answer, and every time at the same place.
    suite.peers.break_off(700);
    let reason = suite.failed(Kind::Companies).await;
    assert!(reason.contains("Codex's answer cannot be used"), "{reason}");
    suite.peers.mend();
    suite.peers.fault("/api/companies/bulk", 500);
    assert!(suite.failed(Kind::Companies).await.contains("status 500"));
    suite.peers.mend();
    assert!(suite.exists("Companies/Birch/How to get in").await);

    suite.peers.change(|companies| drop(companies.pop()));
    let ended = suite.completed(Kind::Companies).await;
    assert_eq!(ended.progress.removed, 1);
    assert!(!suite.exists("Companies/Birch").await && suite.exists(ACME).await);
    let [entry] = &suite.store.trashed().await.unwrap()[..] else { panic!("one subtree") };
    assert_eq!((entry.id.as_str(), entry.by_sync, entry.own_items), (birch.id.as_str(), true, 1));
    assert_eq!(suite.store.counts().await.unwrap().companies, 1);

    // It was a mistake at Codex: with the folder the note is there again.
    suite.peers.change(|companies| companies.push(company("100002", "Birch")));
    suite.completed(Kind::Companies).await;
    assert_eq!(suite.item("Companies/Birch").await.id, birch.id);
    assert_eq!(suite.item("Companies/Birch/How to get in").await.id, note.id);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_answer_that_breaks_off_is_asked_for_again_as_long_as_more_comes(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let all: Vec<_> =
        (1..=3).map(|number| company(&number.to_string(), &format!("Company {number}"))).collect();
    let length = all[0].to_string().len();
    suite.peers.companies(all);
    // One company comes whole each time, and then the same one again: the second pass brings nothing new.
    suite.peers.break_off(length + 40);
    suite.failed(Kind::Companies).await;
    assert_eq!(suite.peers.seen().len(), 2);
    suite.peers.mend();
    let ended = suite.completed(Kind::Companies).await;
    assert_eq!(ended.progress.companies, 3);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_renamed_company_is_the_same_and_two_of_one_name_are_two(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp"), company("2", "Acme Corp"), company("3", "A/B")]);
    suite.completed(Kind::Companies).await;
    let first = suite.item(ACME).await;
    assert!(suite.exists("Companies/Acme Corp (2)/Users/Pia Park").await);
    assert!(suite.exists("Companies/A_B/Users").await);
    suite.write(&first.id, "Note", "x").await;

    suite.peers.change(|companies| companies[0]["company"]["name"] = json!("Acme Limited"));
    suite.completed(Kind::Companies).await;
    let renamed = suite.item("Companies/Acme Limited").await;
    assert_eq!(renamed.id, first.id, "links to it go on working");
    assert!(suite.exists("Companies/Acme Limited/Note").await);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_a_person_wrote_is_never_taken_over(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp")]);
    suite.completed(Kind::Companies).await;
    let users = suite.item(&format!("{ACME}/Users")).await;
    let own = suite.write(&users.id, "Quin Quest", "met at the fair").await;
    suite.peers.change(|companies| {
        let quin = json!({"id": 9, "name": "Quin Quest", "email": "q@1.example", "active": true});
        companies[0]["contacts"].as_array_mut().unwrap().push(quin);
    });
    suite.completed(Kind::Companies).await;
    let mine = suite.item(&format!("{ACME}/Users/Quin Quest")).await;
    assert_eq!(
        (mine.id.as_str(), mine.content.as_str(), mine.read_only),
        (own.id.as_str(), "met at the fair", false)
    );
    assert!(suite.exists(&format!("{ACME}/Users/Quin Quest (9)/Contact.md")).await);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_codex_that_lost_everything_empties_no_tree(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp")]);
    suite.completed(Kind::Companies).await;
    suite.peers.companies([]);
    assert_eq!(suite.failed(Kind::Companies).await, "Codex knows no company. Nothing was changed.");
    assert!(suite.exists(ACME).await);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_cannot_be_read_is_told_the_rest_is_taken_and_nothing_is_removed(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp"), company("2", "Birch")]);
    suite.completed(Kind::Companies).await;
    suite.peers.change(|companies| {
        companies[0]["contacts"] = json!(null);
        companies.push(company("3", "Cedar"));
    });
    let ended = suite.completed(Kind::Companies).await;
    assert_eq!((ended.progress.unreadable, ended.progress.removed), (1, 0));
    assert!(
        ended.progress.problems[0].starts_with("the people of company 1: "),
        "{:?}",
        ended.progress.problems
    );
    assert!(
        suite.exists("Companies/Cedar/Users").await && suite.exists(&format!("{ACME}/Users/Pia Park")).await
    );
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_person_at_two_companies_stands_in_both(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([company("1", "Acme Corp"), company("2", "Birch")]);
    suite.completed(Kind::Companies).await;
    for path in [ACME, "Companies/Birch"] {
        assert!(suite.exists(&format!("{path}/Users/Pia Park/Contact.md")).await, "{path}");
    }
}
