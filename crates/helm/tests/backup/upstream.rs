//! An archive of the original suite.

use std::{fs::File, io::Write, process::Command};

use super::instance::{Instance, execute, mode, query};

pub fn zip(instance: &Instance, entries: &[(&str, Vec<u8>)]) -> String {
    let path = instance.folder.path().join("hivematrix_backup_20251122_020000.zip");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    for (name, content) in entries {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_the_original_suite_is_taken_over() {
    let instance = Instance::new(&["alpha", "beta"]);
    let server = instance.start().await;
    for service in ["alpha", "beta"] {
        execute(
            &instance.url(service),
            "CREATE TABLE t (id int, words text); INSERT INTO t VALUES (1, E'\\\\! touch')",
        )
        .await;
    }
    let dump = Command::new("pg_dump").arg(instance.url("alpha")).output().unwrap();
    assert!(dump.status.success(), "{dump:?}");
    for service in ["alpha", "beta"] {
        execute(&instance.url(service), "UPDATE t SET id = 2").await;
    }
    server.stop().await.unwrap();
    let conf =
        b"[database]\nconnection_string = postgresql://old:pw@elsewhere/x\n[vendor]\nkey = value\n".to_vec();
    let archive = zip(
        &instance,
        &[
            ("postgresql/alpha_db.sql", dump.stdout.clone()),
            ("postgresql/db_credentials.json", b"{}".to_vec()),
            ("configs/service_configs/alpha.conf", conf),
            ("configs/core_keys/jwt_private.pem", b"private".to_vec()),
            ("redis/dump.rdb", b"x".to_vec()),
        ],
    );
    let plan = instance.helm(&["restore", &archive, "--dry-run"]);
    let said = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(plan.status.success() && said.contains("redis: left out"), "{plan:?}");
    let output = instance.helm(&["restore", &archive, "--force"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(instance.state().await, ("1".into(), "2".into(), "[vendor]\nkey = value\n".into()));
    assert_eq!(mode(&instance.home().join("core/keys/jwt_private.pem")), 0o600);

    // A dump can neither run a program nor leave half of itself behind.
    let mark = instance.folder.path().join("mark");
    let hostile = format!("UPDATE t SET id = 3;\n\\! touch {}\n", mark.display());
    for sql in [hostile.as_str(), "CREATE TABLE t (id int);\nINSERT INTO t VALUES (3);\nSELECT nonsense;\n"] {
        let archive = zip(&instance, &[("postgresql/alpha_db.sql", sql.as_bytes().to_vec())]);
        let output = instance.helm(&["restore", &archive, "--force"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("nothing was changed"), "{output:?}");
        assert!(!mark.exists());
        assert_eq!(instance.state().await.0, "1");
    }
    // Nor end its transaction and order something else: what it does, it does where nothing is.
    let ends = "COMMIT; DROP DATABASE IF EXISTS beta_db WITH (FORCE); ALTER ROLE alpha_user PASSWORD 'x';
                CREATE TABLE t AS SELECT 9 AS id;\n";
    let own = format!("{ends}COMMIT; DROP DATABASE alpha_db WITH (FORCE);\n");
    for (sql, code, left) in [(own.as_str(), Some(1), "1"), (ends, Some(0), "9")] {
        let archive = zip(&instance, &[("postgresql/alpha_db.sql", sql.as_bytes().to_vec())]);
        let output = instance.helm(&["restore", &archive, "--force"]);
        assert_eq!(output.status.code(), code, "{output:?}");
        let (alpha, beta, _) = instance.state().await;
        assert_eq!((alpha.as_str(), beta.as_str()), (left, "2"));
    }
    let output = instance.helm(&["restore", &archive, "--force", "--neo4j-only"]);
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_s_tables_never_take_the_place_of_ours() {
    let instance = Instance::new(&["helm"]);
    let server = instance.start().await;
    execute(&instance.url("helm"), "CREATE TABLE t AS SELECT 'ours' AS id").await;
    server.stop().await.unwrap();
    let sql = b"CREATE TABLE t AS SELECT 'original' AS id;\n".to_vec();
    let archive = zip(&instance, &[("postgresql/helm_db.sql", sql)]);
    // Twice: the second takes the place of the first.
    for _ in 0..2 {
        let output = instance.helm(&["restore", &archive, "--force"]);
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("as helm_db_original"), "{output:?}");
    }
    let server = instance.start().await;
    for (database, whose) in [("helm_db", "ours"), ("helm_db_original", "original")] {
        let url = instance.database_as_admin(database);
        assert_eq!(query(&url, "SELECT id FROM t").await, whose, "{database}");
    }
    server.stop().await.unwrap();
}
