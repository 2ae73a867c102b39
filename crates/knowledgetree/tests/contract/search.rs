//! Searching.

use hivematrix_knowledgetree::domain::{
    item::{ROOT_ID, ROOT_NAME},
    search::{HitKind, Match, SearchHit, SearchQuery},
    synced::{CompanyRow, SourceKind},
};

use crate::support::*;

async fn found(store: &Store, query: SearchQuery<'_>) -> Vec<SearchHit> {
    store.search(&query).await.unwrap()
}

/// Names of what is found, in order of the alphabet.
async fn names_of(store: &Store, query: SearchQuery<'_>) -> Vec<String> {
    let mut names: Vec<String> = found(store, query).await.into_iter().map(|hit| hit.item.name).collect();
    names.sort();
    names
}

pub async fn words_find_articles_best_first(store: Store) {
    let howto = folder(&store, ROOT_ID, "How to").await;
    article(&store, &howto, "Print spooler", "Restart the service, then look at the queue.").await;
    article(&store, &howto, "Mail", "The spooler of the print server may also hold mails. Much more text follows here.").await;
    article(&store, &howto, "DNS", "Clear the cache.").await;
    let hits = found(&store, SearchQuery::new("  SPOOLER print ")).await;
    assert_eq!(hits.iter().map(|hit| hit.item.name.as_str()).collect::<Vec<_>>(), ["Print spooler", "Mail"]);
    assert!(hits[0].score > hits[1].score);
    assert!(hits.iter().all(|hit| hit.matched == Match::Words));
    let way: Vec<&str> = hits[0].path.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(way, [ROOT_NAME, "How to", "Print spooler"]);
    assert_eq!(hits[0].snippet, None, "only its name fits");
    let snippet = hits[1].snippet.clone().unwrap();
    let marked: Vec<&str> = snippet.marks.iter().map(|(start, end)| &snippet.text[*start..*end]).collect();
    assert_eq!(marked, ["spooler", "print"]);
    assert_eq!(found(&store, SearchQuery { limit: 1, ..SearchQuery::new("spooler") }).await.len(), 1);
    assert!(names_of(&store, SearchQuery::new("spooler cache")).await.is_empty(), "every word must be there");
}

pub async fn the_last_word_may_be_a_beginning(store: Store) {
    article(&store, ROOT_ID, "a", "The firewall of Müller at 192.168.1.5 is fw-core-01.").await;
    for text in ["fire", "the fi", "MÜLL", "192.168.1.5", "192.168", "fw-core-01", "fw-co", "firewall of m"] {
        assert_eq!(names_of(&store, SearchQuery::new(text)).await, ["a"], "{text}");
    }
    assert!(names_of(&store, SearchQuery::new("fire müller x")).await.is_empty());
}

pub async fn mistakes_are_forgiven_only_where_nothing_fits(store: Store) {
    article(&store, ROOT_ID, "a", "The printer is out of paper.").await;
    article(&store, ROOT_ID, "b", "The painter is out of paint.").await;
    for text in ["pritner", "prinetr", "brinter papr"] {
        let hits = found(&store, SearchQuery::new(text)).await;
        assert_eq!(hits.iter().map(|hit| hit.item.name.as_str()).collect::<Vec<_>>(), ["a"], "{text}");
        assert_eq!(hits[0].matched, Match::Nearly);
        assert!(hits[0].snippet.as_ref().is_some_and(|snippet| !snippet.marks.is_empty()), "{text}");
    }
    assert_eq!(names_of(&store, SearchQuery::new("printer")).await, ["a"], "the painter is not what was meant");
    assert!(names_of(&store, SearchQuery::new("xylophone")).await.is_empty());
}

pub async fn parts_of_names_fill_up(store: Store) {
    article(&store, ROOT_ID, "Interne Notizen", "").await;
    article(&store, ROOT_ID, "x", "extern").await;
    article(&store, ROOT_ID, "50% off_", "").await;
    folder(&store, ROOT_ID, "Extern").await;
    let hits = found(&store, SearchQuery { include_folders: true, ..SearchQuery::new("TERN") }).await;
    let seen: Vec<_> = hits.iter().map(|hit| (hit.item.name.as_str(), hit.matched)).collect();
    assert_eq!(seen, [("Extern", Match::NamePart), ("Interne Notizen", Match::NamePart)]);
    assert_eq!(names_of(&store, SearchQuery::new("tern otiz")).await, ["Interne Notizen"]);
    assert_eq!(names_of(&store, SearchQuery::new("extern")).await, ["x"], "folders only where asked for");
    assert!(names_of(&store, SearchQuery::new("%%%")).await.is_empty());
    assert!(names_of(&store, SearchQuery::new("___")).await.is_empty());
}

pub async fn a_search_can_be_narrowed(store: Store) {
    let mut items = acme();
    items.push(synced("company:2", SourceKind::Company, under("companies"), "Beta"));
    items.push(synced("asset:1", SourceKind::Asset, under("company:2"), "needle-pc"));
    let ids = store.sync_items(run("1"), &items, &ann(0)).await.unwrap().ids;
    let companies = [("1", "C-1", &ids[1]), ("2", "C-2", &ids[5])].map(|(id, number, folder)| CompanyRow {
        id: id.to_owned(),
        name: id.to_owned(),
        account_number: number.to_owned(),
        folder_id: Some(folder.clone()),
    });
    store.merge_companies(&companies, at(0)).await.unwrap();
    article(&store, ROOT_ID, "needle at the top", "").await;
    let scripts = attached(&store, &ids[1], "scripts").await;
    article(&store, &scripts, "needle in scripts", "").await;
    folder(&store, &ids[1], "needle folder").await;
    let needle = || SearchQuery::new("needle");
    let all = ["needle at the top", "needle in scripts", "needle-pc"];
    assert_eq!(names_of(&store, needle()).await, all);
    let with_folders = SearchQuery { include_folders: true, ..needle() };
    assert_eq!(names_of(&store, with_folders).await.len(), 4);
    let kind = |kind| SearchQuery { kind: Some(kind), ..needle() };
    assert_eq!(names_of(&store, kind(HitKind::Folder)).await, ["needle folder"]);
    assert_eq!(names_of(&store, kind(HitKind::Asset)).await, ["needle-pc"]);
    assert_eq!(names_of(&store, kind(HitKind::Article)).await, all[..2]);
    assert!(names_of(&store, kind(HitKind::Ticket)).await.is_empty());
    let company = |company| SearchQuery { company: Some(company), ..needle() };
    assert_eq!(names_of(&store, company("1")).await, ["needle in scripts"]);
    assert_eq!(names_of(&store, company("C-2")).await, ["needle-pc"]);
    assert!(names_of(&store, company("3")).await.is_empty());
    let attached = |attached| SearchQuery { attached: Some(attached), ..needle() };
    assert_eq!(names_of(&store, attached(true)).await, ["needle in scripts"]);
    assert_eq!(names_of(&store, attached(false)).await, ["needle at the top", "needle-pc"]);
    let start = |start| SearchQuery { start, ..needle() };
    assert_eq!(names_of(&store, start(ids[1].as_str())).await, ["needle in scripts"]);
    let inside = SearchQuery { company: Some("2"), ..start(ids[1].as_str()) };
    assert!(names_of(&store, inside).await.is_empty());
    assert!(names_of(&store, start("nobody")).await.is_empty());
}

pub async fn no_input_breaks_a_search(store: Store) {
    article(&store, ROOT_ID, "c++ notes", "a AND b OR NOT c: \"quoted\" [1 TO 2] (x) {y} ~ * ? \\ / ^ ! & | - +").await;
    for text in [
        "", " ", "\0", "*", "?", "~", "\"", "\\", "/", "AND", "OR", "NOT", "a AND", "AND b", "(", ")", "[1 TO 2]", "{a TO b}",
        "name:x", "name:*", "*:*", "a~2", "a^9", "\"a", "a\"", "\\\\", "a\\", "/a/", "/[/", "a && b || !c", "+a -b", "'", "';--", "%",
        "_", ":*", "a:*", "a <-> b", "a & | b", "!!", "<script>", "🖨️", "\u{202e}abc", "İ", "ß", "a\u{0}b", "\u{fffe}", "$limit", "{{x}}",
    ] {
        store.search(&SearchQuery { include_folders: true, ..SearchQuery::new(text) }).await.unwrap_or_else(|error| panic!("{text:?}: {error}"));
    }
    let long = "word ".repeat(20_000) + &"x".repeat(100_000);
    store.search(&SearchQuery::new(&long)).await.unwrap();
    assert_eq!(names_of(&store, SearchQuery::new("\"quoted\" c:")).await, ["c++ notes"]);
    assert_eq!(names_of(&store, SearchQuery::new("NOT and OR")).await, ["c++ notes"]);
    assert_eq!(found(&store, SearchQuery { limit: 0, ..SearchQuery::new("notes") }).await.len(), 1);
}

pub async fn files_are_found_by_what_is_in_them(store: Store) {
    let a = article(&store, ROOT_ID, "contract", "see the file").await;
    let file = crate::files::new_file("offer.txt", "h", Some("The customer pays in installments"));
    let file = store.add_file(&a, &file, &ann(0)).await.unwrap();
    let hits = found(&store, SearchQuery::new("installm")).await;
    assert_eq!(hits.len(), 1);
    assert_eq!((hits[0].item.id.as_str(), hits[0].file.as_ref().map(|file| file.name.as_str())), (a.as_str(), Some("offer.txt")));
    assert_eq!(hits[0].file.as_ref().map(|file| file.id.as_str()), Some(file.id.as_str()));
    assert!(hits[0].snippet.as_ref().is_some_and(|snippet| snippet.text.contains("customer pays")));
    assert_eq!(names_of(&store, SearchQuery::new("offer")).await, ["contract"], "by the file's name");
    store.delete_file(&file.id).await.unwrap();
    assert!(names_of(&store, SearchQuery::new("installments")).await.is_empty());
}
