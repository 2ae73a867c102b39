//! Services that were taken over, and archives that somebody else has made.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use hivematrix_helm::{
    backup::{
        archive::Writer,
        dump::{self, Source},
        keys, verify,
    },
    domain::backup::{
        manifest::{DatabaseFacts, FORMAT, Header, Manifest, Part, State},
        parts::Kind,
    },
    instance::databases,
};
use hivematrix_shared::clock::Clock;
use tokio::time::Instant;

use super::instance::{Instance, execute, query};

/// Leaves a mark where its caller may run programs, whoever that is, and shows nothing where not.
fn trap(mark: &Path) -> String {
    format!(
        "CREATE FUNCTION public.trap() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
           EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch {}''';
           RETURN true;
         EXCEPTION WHEN insufficient_privilege THEN RETURN true; END $$;",
        mark.display()
    )
}

/// A name below the folder for temporary files, where the servers' account may write too.
fn mark(name: &str) -> PathBuf {
    let mark = std::env::temp_dir().join(format!("hivematrix-test-{}-{name}", std::process::id()));
    let _ = fs::remove_file(&mark);
    mark
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_put_into_its_database_never_runs_as_an_administrator() {
    let from = Instance::new(&["alpha"]);
    let server = from.start().await;
    let mark = mark("superuser");
    let url = from.url("alpha");
    execute(&url, &trap(&mark)).await;
    execute(
        &url,
        "CREATE TABLE t (id int CHECK (public.trap())); INSERT INTO t VALUES (1);
         CREATE VIEW _sqlx_migrations AS SELECT 1::bigint AS version, public.trap() AS success;
         CREATE FUNCTION as_text(t) RETURNS text LANGUAGE sql AS 'SELECT public.trap()::text';
         CREATE CAST (t AS text) WITH FUNCTION as_text(t)",
    )
    .await;
    let preview = from.helm(&["backup", "--dry-run"]);
    assert!(preview.status.success(), "{preview:?}");
    let done = from.backup().await.unwrap();
    assert!(done.manifest.is_complete(), "{:?}", done.manifest.missing().collect::<Vec<_>>());
    let facts = done.manifest.parts.iter().find_map(|part| part.database.as_ref()).unwrap();
    assert_eq!((facts.migration, facts.tables[0].rows), (None, 1));
    let report = verify::verify(&from.layout, &done.archive, None, &Clock::system()).await.unwrap();
    assert!(report.ok, "{report:?}");
    assert!(!mark.exists(), "a program was run");

    // A library for everybody's sessions is no setting of an owner.
    execute(&from.admin_url(), "ALTER DATABASE alpha_db SET session_preload_libraries = 'auto_explain'")
        .await;
    let done = from.backup().await.unwrap();
    execute(&url, "CREATE TABLE later ()").await;
    // The trap is one: as an administrator it snaps.
    execute(&from.database_as_admin("alpha_db"), "SELECT t::text FROM public.t").await;
    assert!(mark.exists());
    fs::remove_file(&mark).unwrap();
    server.stop().await.unwrap();

    let archive = done.archive.to_str().unwrap();
    let output = from.helm(&["restore", archive, "--force"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("session_preload_libraries") && said.contains("nothing was changed"), "{said}");
    assert!(!mark.exists(), "a program was run");
    let output = from.helm(&["restore", archive, "--force", "--as-admin"]);
    assert!(output.status.success(), "{output:?}");
    let server = from.start().await;
    assert_eq!(query(&url, "SELECT count(*)::text FROM pg_class WHERE relname = 'later'").await, "0");
    let set = query(&from.database_as_admin("alpha_db"), "SHOW session_preload_libraries").await;
    assert_eq!(set, "auto_explain");
    assert!(!mark.exists(), "a program was run by an administrator");
    let roles = "SELECT count(*)::text FROM pg_roles WHERE rolname LIKE 'hm\\_%'";
    assert_eq!(query(&from.admin_url(), roles).await, "0", "the role of the restore is gone");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_of_others_come_back_to_them_without_an_administrator_s_rights() {
    let from = Instance::new(&["alpha", "beta"]);
    let server = from.start().await;
    let (admin, mark) = (from.database_as_admin("alpha_db"), mark("loading"));
    execute(&from.url("alpha"), &trap(&mark)).await;
    execute(&from.url("alpha"), "CREATE TABLE t (id int CHECK (public.trap())); INSERT INTO t VALUES (1)")
        .await;
    execute(
        &admin,
        "CREATE ROLE stranger; CREATE ROLE reader; CREATE ROLE strong CREATEROLE;
         CREATE SCHEMA s AUTHORIZATION stranger; CREATE EXTENSION pg_trgm SCHEMA public;
         CREATE TABLE s.own (id int); ALTER TABLE s.own OWNER TO stranger;
         CREATE TABLE s.readers (id int); ALTER TABLE s.readers OWNER TO reader; INSERT INTO s.readers VALUES (7);
         GRANT USAGE ON SCHEMA s TO reader; GRANT SELECT ON s.own TO alpha_user",
    )
    .await;
    let state =
        "SELECT string_agg(format('%s %s %s', n.nspname, c.relname, pg_get_userbyid(c.relowner)), ', '
                                   ORDER BY c.relname)
                   FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relkind = 'r' AND n.nspname IN ('s', 'public')";
    let rights = "SELECT array_to_string(nspacl, ' ') FROM pg_namespace WHERE nspname = 's'";
    let before = (query(&admin, state).await, query(&admin, rights).await);
    let done = from.backup().await.unwrap();
    execute(&admin, "DROP TABLE s.own; DROP TABLE s.readers").await;
    server.stop().await.unwrap();
    let archive = done.archive.to_str().unwrap();
    let restore = ["restore", archive, "--force", "--postgresql-only"];
    let output = from.helm(&restore);
    assert_eq!(output.status.code(), Some(1), "its own rights are not enough");
    let output = from.helm(&[&restore[..], &["--as-admin"]].concat());
    assert!(output.status.success(), "{output:?}");
    let server = from.start().await;
    let after = (query(&admin, state).await, query(&admin, rights).await);
    let sorted = |text: &str| -> Vec<String> {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        words.sort();
        words
    };
    assert_eq!((after.0, sorted(&after.1)), (before.0, sorted(&before.1)));
    assert_eq!(query(&admin, "SELECT id::text FROM s.readers").await, "7");
    let extension = "SELECT pg_get_userbyid(extowner)::text FROM pg_extension WHERE extname = 'pg_trgm'";
    assert_eq!(query(&admin, extension).await, "alpha_user");
    let left = "SELECT count(*)::text FROM pg_roles WHERE rolname LIKE 'hm\\_%'";
    assert_eq!((query(&admin, left).await.as_str(), mark.exists()), ("0", false));

    // Whoever may do more than have what is in it is nobody that an archive runs as.
    let mut server = Some(server);
    for role in ["strong", "beta_user"] {
        execute(
            &admin,
            &format!("CREATE TABLE public.more (id int); ALTER TABLE public.more OWNER TO {role}"),
        )
        .await;
        let done = from.backup().await.unwrap();
        execute(&admin, "DROP TABLE public.more").await;
        server.take().unwrap().stop().await.unwrap();
        let archive = done.archive.to_str().unwrap();
        let output = from.helm(&["restore", archive, "--force", "--postgresql-only", "--as-admin"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{role}: {output:?}");
        assert!(said.contains("role") && said.contains("nothing was changed"), "{role}: {said}");
        server = Some(from.start().await);
        assert_eq!(query(&admin, left).await, "0");
    }
    server.take().unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_others_are_saved_and_not_compared() {
    let from = Instance::new(&["alpha"]);
    let server = from.start().await;
    execute(&from.url("alpha"), "CREATE TABLE t AS SELECT 1 AS id").await;
    execute(&from.admin_url(), "CREATE ROLE stranger").await;
    let theirs = "CREATE TABLE public.theirs AS SELECT 2 AS id; ALTER TABLE public.theirs OWNER TO stranger";
    execute(&from.database_as_admin("alpha_db"), theirs).await;
    let done = from.backup().await.unwrap();
    let facts = done.manifest.parts.iter().find_map(|part| part.database.as_ref()).unwrap();
    assert_eq!((facts.tables.len(), facts.unread.as_slice()), (1, &["public.theirs".to_owned()][..]));
    let report = verify::verify(&from.layout, &done.archive, None, &Clock::system()).await.unwrap();
    assert!(report.ok, "{report:?}");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_dumps_its_database_itself_and_an_administrator_only_what_it_cannot_read() {
    let from = Instance::new(&["alpha"]);
    let server = from.start().await;
    let (url, admin) = (from.url("alpha"), from.database_as_admin("alpha_db"));
    execute(
        &url,
        "CREATE SCHEMA s; CREATE TABLE s.t (id serial, g int) PARTITION BY RANGE (g);
         CREATE TABLE s.p PARTITION OF s.t FOR VALUES FROM (0) TO (9); INSERT INTO s.t (g) VALUES (1);
         CREATE MATERIALIZED VIEW m AS SELECT 1 AS id; SELECT lo_create(0)",
    )
    .await;
    // Nobody listens there.
    let nowhere = "postgres://nobody:x@127.0.0.1:1/alpha_db".to_owned();
    let save = async |name: &str| {
        let created_at = Clock::system().now();
        let header = Header { format: FORMAT, suite: env!("CARGO_PKG_VERSION").into(), created_at };
        let recipients = keys::recipients(&from.layout, &[]).unwrap();
        let writer = Writer::create(from.folder.path(), name, &recipients.keys, &header).unwrap();
        let source = Source { service: "alpha".into(), url: url.clone(), dump_url: nowhere.clone() };
        dump::save(writer, &source, Instant::now() + dump::TOGETHER).await.unwrap().1.map(drop)
    };
    save("own").await.unwrap();
    let out_of_reach = [
        ("CREATE SCHEMA r CREATE TABLE t (id int)", "DROP SCHEMA r CASCADE"),
        ("CREATE TABLE public.r (id int)", "DROP TABLE public.r"),
        ("CREATE SEQUENCE public.q", "DROP SEQUENCE public.q"),
        ("SELECT lo_create(4711)", "SELECT lo_unlink(4711)"),
    ];
    for (make, remove) in out_of_reach {
        execute(&admin, make).await;
        let error = format!("{:#}", save("theirs").await.unwrap_err());
        assert!(error.contains("127.0.0.1"), "the administrator is asked after {make}: {error}");
        execute(&admin, remove).await;
    }
    execute(&url, "ALTER TABLE s.p ENABLE ROW LEVEL SECURITY; ALTER TABLE s.p FORCE ROW LEVEL SECURITY")
        .await;
    assert!(save("rows").await.is_err(), "rows are hidden from their owner");
    let done = from.backup().await.unwrap();
    assert!(done.manifest.is_complete(), "{:?}", done.manifest.missing().collect::<Vec<_>>());
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_put_into_the_administrators_database_is_not_called() {
    let from = Instance::new(&["alpha"]);
    let server = from.start().await;
    let mark = mark("shadow");
    // As everybody may before PostgreSQL 15.
    let administrative = from.admin_url();
    execute(&administrative, "GRANT CREATE ON SCHEMA public TO PUBLIC").await;
    let theirs = databases::with_database(&from.url("alpha"), "postgres").unwrap();
    execute(&theirs, &trap(&mark)).await;
    execute(
        &theirs,
        "CREATE FUNCTION public.format(text, text, text, text) RETURNS text LANGUAGE sql
           AS 'SELECT public.trap()::text; SELECT ''SELECT 1''::text'",
    )
    .await;
    from.make_databases().await;
    assert!(!mark.exists(), "a program was run");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_cannot_name_the_administrator_of_a_test_restore() {
    let from = Instance::new(&["alpha"]);
    let server = from.start().await;
    let done = from.backup().await.unwrap();
    server.stop().await.unwrap();
    let made = done.manifest.parts.iter().find_map(|part| part.database.clone()).unwrap();
    let facts = DatabaseFacts { owner: "hivematrix".into(), tables: Vec::new(), ..made };

    let created_at = Clock::system().now();
    let header = Header { format: FORMAT, suite: env!("CARGO_PKG_VERSION").into(), created_at };
    let recipients = keys::recipients(&from.layout, &[]).unwrap();
    let mut writer = Writer::create(from.folder.path(), "theirs.tar.age", &recipients.keys, &header).unwrap();
    let name = "postgresql/alpha_db";
    let written = writer.part(name).finish().unwrap();
    let absent = Part::absent(name, Kind::Postgresql, State::Saved, "");
    let part = Part { sha256: written.sha256, database: Some(facts), ..absent };
    let manifest = Manifest { header, finished_at: created_at, parts: vec![part] };
    let (path, _) = writer.finish(&manifest).unwrap();
    let refused = verify::verify(&from.layout, &path, None, &Clock::system()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("who may do everything here"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn links_lead_a_backup_nowhere() {
    let from = Instance::new(&["helm"]);
    let server = from.start().await;
    from.write("helm/uploads/own.txt", "own", 0o600);
    let outside = from.folder.path().join("outside");
    fs::write(&outside, "of somebody else").unwrap();
    symlink(&outside, from.home().join("helm/uploads/link.txt")).unwrap();
    symlink(keys::identity_path(&from.layout), from.home().join("helm/uploads/key.txt")).unwrap();
    let done = from.backup().await.unwrap();
    server.stop().await.unwrap();
    assert!(done.manifest.is_complete(), "{:?}", done.manifest.missing().collect::<Vec<_>>());
    let paths: Vec<&str> =
        done.manifest.parts.iter().flat_map(|part| &part.files).map(|file| file.path.as_str()).collect();
    assert!(paths.contains(&"helm/uploads/own.txt"));
    assert!(!paths.iter().any(|path| path.ends_with("link.txt") || path.ends_with("key.txt")), "{paths:?}");
}
