//! Whoever takes a file away is noted.

use std::{
    fmt::{Debug, Write as _},
    sync::{Arc, Mutex},
};

use sqlx::PgPool;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::support::{Company, Suite};

/// Entries of the audit log, one line each.
#[derive(Clone, Default)]
struct Audit(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, "{field}={value} ").unwrap();
    }
}

impl Subscriber for Audit {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "audit"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn every_file_that_leaves_is_logged_with_the_user(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    assert_eq!(suite.accept("1001", 2025, 5).await.status, 201);
    let legal = serde_json::json!({"no_tax": "out_of_scope", "no_tax_reason": "Small business", "sender_name": "Brightwater",
        "sender_address": "1 Main St", "sender_country": "US", "sender_tax_id": "12-3", "sender_registration": "R 7",
        "sender_email": "b@example.test"});
    assert_eq!(suite.as_admin("PUT", "/api/settings", legal).await.status, 200);
    let audit = Audit::default();
    let guard = tracing::subscriber::set_default(audit.clone());
    for (path, words) in [
        ("/invoice/1001/pdf?year=2025&month=6", "Invoice downloaded as PDF"),
        ("/archive/api/document/1001-202505/pdf", "Archived document downloaded as PDF"),
        ("/client/1001/export/xero?year=2025&month=6", "Invoice downloaded for Xero"),
        ("/invoice/1001/ubl?year=2025&month=6", "Electronic invoice downloaded"),
        ("/archive/api/snapshot/1001-202505/csv", "Archived invoice downloaded"),
    ] {
        let answer = suite.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let lines = std::mem::take(&mut *audit.0.lock().unwrap());
        let is_noted = |line: &String| line.contains(words) && line.contains("user=");
        assert!(lines.iter().any(is_noted), "{path}: {lines:?}");
    }
    drop(guard);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_form_that_does_not_fit_is_a_problem(pool: PgPool) {
    let suite = Suite::start(pool).await;
    for fields in [[("month", "5"), ("month", "6")], [("year", "x"), ("month", "6")]] {
        let answer = suite.form("/export/all_bills", &fields).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (400, "application/problem+json"),
            "{fields:?}"
        );
    }
}
