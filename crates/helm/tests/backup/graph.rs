//! The graph of a real Neo4j, the suite's own: installed, saved while it is written to, brought back, taken back.

use std::{
    io::Write,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};
use hivematrix_helm::{
    backup::{
        graph::{Scope, read},
        verify,
    },
    clients::neo4j::{Connected, connect},
    domain::{
        backup::graph::GraphFacts,
        master_config::{MasterConfig, Neo4j},
    },
    instance::{master_config, neo4j},
    restore::graph::{GraphStep, OwnServer, finish, load, swap, undo},
};
use hivematrix_shared::clock::Clock;
use neo4rs::query;

use super::instance::Instance;

/// A folder with the programs, as `scripts/test.sh` fetches them.
fn programs() -> Option<PathBuf> {
    let known = std::env::var_os("TEST_NEO4J_LIB").map(PathBuf::from);
    assert!(known.is_some() || std::env::var_os("CI").is_none(), "TEST_NEO4J_LIB names no folder with Neo4j");
    if known.is_none() {
        eprintln!("skipped: there is no Neo4j (TEST_NEO4J_LIB)");
    }
    known
}

/// One of each kind of value, labels and types that need quotes, and enough for more than one batch.
const SEED: [&str; 6] = [
    "CREATE CONSTRAINT item_id FOR (n:ContextItem) REQUIRE n.id IS UNIQUE",
    "CREATE FULLTEXT INDEX contextItemSearch FOR (n:ContextItem) ON EACH [n.name, n.content]",
    "CREATE (r:ContextItem {id: 'root', name: 'Root', is_folder: true})
     WITH r UNWIND range(1, 2500) AS i
     CREATE (r)-[:PARENT_OF {place: i}]->(:ContextItem {id: 'item-' + i, name: 'Item ' + i, content: 'text\n\"' + i})",
    "CREATE (:Kinds:`Odd``label` {
        whole: -9007199254740993, part: 0.1, none: 0.0/0.0, flag: false, text: 'é\n\\u0041', empty: '', list: [1, 2],
        texts: ['a', 'b'], nothing: [], flat: point({x: 1.5, y: -2}), place: point({latitude: 52.5, longitude: 13.4}),
        solid: point({x: 1, y: 2, z: 3}), day: date('-0044-03-15'), span: duration('P1Y2M3DT4.000000005S'),
        clock: localtime('12:34:56.123456789'), zoned: time('01:02:03+05:30'), local: localdatetime('2025-10-26T02:30:00'),
        offset: datetime('2025-10-26T02:30:00.000000001+01:00'),
        twice: datetime('2025-10-26T02:30:00+01:00[Europe/Berlin]'), days: [date('2025-01-01'), date('2025-01-02')],
        `odd``name`: 'x'})",
    "MATCH (a:Kinds), (b:ContextItem {id: 'item-7'})
     CREATE (a)-[:`ODD``TYPE` {since: datetime('2025-01-01T00:00:00Z'), weight: 1.0}]->(b), (a)-[:SELF]->(a)",
    "CREATE ({note: 'without a label'})",
];
/// What must hold of it afterwards, counted by the server with its own types.
const LASTS: &str = "MATCH (k:Kinds:`Odd``label`)-[r:`ODD``TYPE`]->(i:ContextItem {id: 'item-7'}), (k)-[:SELF]->(k)
    WHERE k.whole = -9007199254740993 AND k.part = 0.1 AND isNaN(k.none) AND k.flag = false AND k.text = 'é\n\\u0041'
      AND k.empty = '' AND k.list = [1, 2] AND k.texts = ['a', 'b'] AND k.nothing = [] AND k.flat = point({x: 1.5, y: -2})
      AND k.place = point({latitude: 52.5, longitude: 13.4}) AND k.solid = point({x: 1, y: 2, z: 3})
      AND k.day = date('-0044-03-15') AND k.span = duration('P1Y2M3DT4.000000005S')
      AND k.clock = localtime('12:34:56.123456789') AND k.zoned = time('01:02:03+05:30')
      AND k.local = localdatetime('2025-10-26T02:30:00') AND k.offset = datetime('2025-10-26T02:30:00.000000001+01:00')
      AND toString(k.twice) = '2025-10-26T02:30:00+01:00[Europe/Berlin]' AND k.days = [date('2025-01-01'), date('2025-01-02')]
      AND k.`odd``name` = 'x' AND r.since = datetime('2025-01-01T00:00:00Z') AND valueType(r.weight) STARTS WITH 'FLOAT'
    RETURN count(*)";

async fn run(server: &Connected, statement: &str) {
    server.graph.run(query(statement)).await.unwrap();
}

async fn number(server: &Connected, statement: &str) -> i64 {
    let mut rows = server.graph.execute(query(statement)).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    row.to().unwrap()
}

/// Nothing of a restore is left over.
async fn is_tidy(server: &Connected) {
    let left = "MATCH (n) WHERE n:HelmIncoming OR n:HelmArrived OR n:HelmOutgoing OR n._helm_id IS NOT NULL
                   OR n._helm_labels IS NOT NULL RETURN count(n)";
    assert_eq!(number(server, left).await, 0, "marks");
    assert_eq!(
        number(server, "SHOW INDEXES YIELD name WHERE name STARTS WITH 'helm' RETURN count(*)").await,
        0
    );
}

struct Own {
    instance: Instance,
    place: Neo4j,
}

impl Own {
    fn installed(programs: &std::path::Path) -> Self {
        let instance = Instance::new(&["alpha"]);
        let from = programs.to_str().unwrap();
        let first = instance.helm(&["install", "neo4j", "--from", from, "--json"]);
        assert!(first.status.success(), "{first:?}");
        let config = MasterConfig::from(master_config::read(&instance.layout).unwrap().document);
        let place = config.neo4j().unwrap();
        let said = String::from_utf8(first.stdout).unwrap();
        assert!(
            said.contains("\"success\": true") && !said.contains(place.password.as_ref().unwrap()),
            "{said}"
        );
        let again = instance.helm(&["install", "neo4j", "--from", from]);
        assert!(String::from_utf8_lossy(&again.stdout).contains("installed already"), "{again:?}");
        assert!(neo4j::is_installed(&instance.layout));
        Self { instance, place }
    }

    async fn start(&self) -> (OwnServer, Connected) {
        let server = OwnServer::start(&self.instance.layout, &self.place).await.unwrap();
        (server, connect(&self.place).await.unwrap())
    }

    fn step(&self) -> GraphStep {
        GraphStep { part: "neo4j".into(), place: self.place.clone(), own: true }
    }
}

fn packed(lines: &str) -> Vec<u8> {
    let mut packing = GzEncoder::new(Vec::new(), Compression::default());
    packing.write_all(lines.as_bytes()).unwrap();
    packing.finish().unwrap()
}

async fn loaded(own: &Own, lines: &str, facts: &GraphFacts) -> anyhow::Result<()> {
    let (pieces, taken) = tokio::sync::mpsc::channel(1);
    pieces.send(packed(lines)).await.unwrap();
    drop(pieces);
    load(&own.step(), facts, taken).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_graph_is_saved_while_it_is_written_to_and_comes_back() {
    let Some(programs) = programs() else { return };
    let own = Own::installed(&programs);
    let (neo4j, server) = own.start().await;
    for statement in SEED {
        run(&server, statement).await;
    }
    assert_eq!(number(&server, LASTS).await, 1, "the seed");
    let cluster = own.instance.start().await;

    // Somebody writes all the time, and then has enough.
    let (busy, writes) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let writing = {
        let (busy, writes, place) = (busy.clone(), writes.clone(), own.place.clone());
        tokio::spawn(async move {
            let server = connect(&place).await.unwrap();
            while busy.load(Ordering::Relaxed) {
                run(&server, "MATCH (n:ContextItem {id: 'root'}) SET n.count = coalesce(n.count, 0) + 1")
                    .await;
                writes.store(true, Ordering::Relaxed);
            }
        })
    };
    while !writes.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let calm = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(4)).await;
        busy.store(false, Ordering::Relaxed);
    });
    let done = own.instance.backup().await.unwrap();
    calm.await.unwrap();
    writing.await.unwrap();
    cluster.stop().await.unwrap();
    assert!(done.manifest.is_complete(), "{:?}", done.manifest.missing().collect::<Vec<_>>());
    let part = done.manifest.parts.iter().find(|part| part.graph.is_some()).unwrap();
    assert!(part.name.starts_with("neo4j/"), "a try while somebody wrote was none: {}", part.name);
    let facts = part.graph.clone().unwrap();
    assert_eq!((facts.nodes, facts.relationships), (2503, 2502));
    let now = read(&server, Scope::WHOLE, None).await.unwrap();
    assert_eq!(now, facts, "what was saved is the state after the last write");

    let report = verify::verify(&own.instance.layout, &done.archive, None, &Clock::system()).await.unwrap();
    assert!(report.ok && report.graph.is_some_and(|graph| graph.nodes == 2503));

    run(&server, "MATCH (n:ContextItem) WHERE n.id <> 'root' DETACH DELETE n").await;
    run(&server, "CREATE (:Later {id: 1})-[:T]->(:ContextItem {id: 'later'})").await;
    neo4j.stop().await.unwrap();

    // By itself it starts the server, and stops it afterwards.
    let archive = done.archive.to_str().unwrap();
    let restored = own.instance.helm(&["restore", archive, "--force"]);
    assert!(restored.status.success(), "{restored:?}");
    assert!(
        String::from_utf8_lossy(&restored.stdout).contains("Restored the graph, 2503 nodes"),
        "{restored:?}"
    );
    assert!(connect(&own.place).await.is_err(), "it was stopped");

    let (neo4j, server) = own.start().await;
    assert_eq!(number(&server, LASTS).await, 1, "every value is as it was");
    assert_eq!(
        number(&server, "MATCH (:ContextItem {id: 'root'})-[r:PARENT_OF]->() RETURN count(r)").await,
        2500
    );
    assert_eq!(number(&server, "MATCH (n:Later) RETURN count(n)").await, 0);
    assert_eq!(number(&server, "MATCH (n) RETURN count(n)").await, 2503);
    let search =
        "CALL db.index.fulltext.queryNodes('contextItemSearch', '\"Item 77\"') YIELD node RETURN count(node)";
    assert!(number(&server, search).await >= 1, "what came back is in the index");
    is_tidy(&server).await;
    neo4j.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_restore_of_a_graph_is_taken_back_whole() {
    let Some(programs) = programs() else { return };
    let own = Own::installed(&programs);
    let (neo4j, server) = own.start().await;
    run(&server, "CREATE CONSTRAINT item_id FOR (n:ContextItem) REQUIRE n.id IS UNIQUE").await;
    run(
        &server,
        "CREATE (:ContextItem:Two {id: 'root', at: datetime()})-[:PARENT_OF]->(:ContextItem {id: 'a'})",
    )
    .await;
    let before = read(&server, Scope::WHOLE, None).await.unwrap();

    // The same key as one in use: both are there at once until the swap.
    let lines = "{\"node\":{\"id\":\"1\",\"labels\":[\"ContextItem\"],\"properties\":{\"id\":\"root\"}}}\n\
                 {\"node\":{\"id\":\"2\",\"labels\":[\"New\"],\"properties\":{}}}\n\
                 {\"relationship\":{\"from\":\"1\",\"type\":\"PARENT_OF\",\"to\":\"2\",\"properties\":{}}}\n";
    let wrong = loaded(&own, lines, &GraphFacts { nodes: 3, ..GraphFacts::default() }).await.unwrap_err();
    assert!(wrong.to_string().contains("2 nodes instead of 3"), "{wrong}");
    undo(&own.step()).await.unwrap();
    assert_eq!(read(&server, Scope::WHOLE, None).await.unwrap(), before, "nothing was in use yet");
    is_tidy(&server).await;

    let mut lines_of = hivematrix_helm::backup::graph_lines::Lines::default();
    lines_of.take(&packed(lines), |_| Ok(())).unwrap();
    let facts = lines_of.end(|_| Ok(())).unwrap();
    for _ in 0..2 {
        // A second time over what a killed one has left.
        loaded(&own, lines, &facts).await.unwrap();
    }
    swap(&own.step()).await.unwrap();
    let new = "MATCH (:ContextItem {id: 'root'})-[:PARENT_OF]->(n:New) RETURN count(n)";
    assert_eq!(number(&server, new).await, 1);
    assert_eq!(number(&server, "MATCH (n:ContextItem) RETURN count(n)").await, 1, "the old ones stand aside");
    for _ in 0..2 {
        undo(&own.step()).await.unwrap();
        assert_eq!(
            read(&server, Scope::WHOLE, None).await.unwrap(),
            before,
            "the old graph is back, the same nodes"
        );
        is_tidy(&server).await;
    }

    loaded(&own, lines, &facts).await.unwrap();
    swap(&own.step()).await.unwrap();
    for _ in 0..2 {
        finish(&own.step()).await.unwrap();
        assert_eq!(number(&server, "MATCH (n) RETURN count(n)").await, 2);
        is_tidy(&server).await;
    }
    let wrong = Neo4j { password: Some("another".into()), ..own.place.clone() };
    let refused = format!("{:#}", connect(&wrong).await.err().unwrap());
    assert!(refused.contains("cannot reach Neo4j") && !refused.contains("another"), "{refused}");
    neo4j.stop().await.unwrap();
}
