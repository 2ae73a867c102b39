//! Bills as they are now.

use serde_json::json;
use sqlx::PgPool;

use crate::support::{Company, Suite};

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_bill_is_answered_with_its_reasons(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine").ticket(
        "9001",
        "2025-06-18T10:00:00Z",
        2.5,
    )]);
    let bill = suite.json("/api/billing/1001?year=2025&month=6").await;
    // 3 x 24.00, 2 x 31.25 + 99.99, 2.5 x 110.00
    assert_eq!(bill["receipt"]["total"], json!(509.49));
    assert_eq!(bill["quantities"], json!({"workstation": 2, "server": 1, "regular_users": 3}));
    assert_eq!((&bill["billing_plan"], &bill["complete"]), (&json!("Silver"), &json!(true)));
    assert_eq!(bill["effective_rates"]["per_server_cost"], json!(99.99));
    let lines = bill["explain"]["lines"].as_array().unwrap();
    let total: f64 = lines.iter().map(|line| line["amount"].as_f64().unwrap()).sum();
    assert!((total - 509.49).abs() < 1e-9);
    assert!(lines.iter().all(|line| line["rule"].is_u64() && line["rate_source"].is_string()), "{lines:?}");
    // One company costs four questions and the plans; the second time not even those.
    suite.json("/api/billing/1001?year=2025&month=6").await;
    assert_eq!(suite.peers.seen("/billing-plans/api/plans").len(), 1);
    assert_eq!(
        suite.peers.seen("/api/companies/1001/tickets"),
        ["/api/companies/1001/tickets?year=2025&fields=billing"; 2]
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn nothing_that_fails_makes_a_bill_cheaper(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    for part in ["", "/assets", "/contacts", "/tickets"] {
        for (status, body) in
            [(500, "{}"), (200, "null"), (200, "[{\"id\": {}, \"ticket_number\": {}}]"), (200, "<html>")]
        {
            let path = format!("/api/companies/1001{part}");
            suite.peers.fault(&path, status, body);
            let answer = suite.get("/api/billing/1001?year=2025&month=6").await;
            assert_eq!(answer.status, 503, "{path} {status} {body}: {}", answer.text());
            assert_eq!(answer.json()["error"], "Unable to fetch company data from Codex");
            let answer = suite.accept("1001", 2025, 6).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["success"]), (503, &json!(false)));
            suite.peers.mend(&path);
        }
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn companies_that_are_not_there_and_plans_that_do_not_fit_are_told_apart(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite
        .peers
        .companies([Company::new("1001", "A").plan(Some("Gold")), Company::new("1002", "B").plan(None)]);
    for (path, status, error) in [
        ("/api/billing/9?year=2025&month=6", 404, "Company 9 not found"),
        (
            "/api/billing/1001?year=2025&month=6",
            422,
            "Unable to calculate billing. Check plan configuration.",
        ),
        (
            "/api/billing/1002?year=2025&month=6",
            422,
            "Unable to calculate billing. Check plan configuration.",
        ),
        ("/api/invoice/9/summary", 404, "Unable to generate invoice summary"),
        ("/api/billing/1001?month=13", 400, "month must be a number from 1 to 12"),
        ("/api/billing/1001?month=0", 400, "month must be a number from 1 to 12"),
        ("/api/billing/1001?year=99999", 400, "year must be a number from 1 to 9999"),
        ("/api/billing/1001?year=abc", 400, "year must be a whole number"),
    ] {
        let answer = suite.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (status, Some(error)),
            "{path}"
        );
    }
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn the_dashboard_has_every_company_or_says_why_not(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let mut broken = Company::new("1005", "Broken");
    broken.assets[0]["backup_data_bytes"] = json!("many");
    suite.peers.companies([
        Company::new("1001", "Harbor & Vine").ticket("1", "2025-03-01T10:00:00Z", 1.255),
        Company::new("1002", "Gone").plan(Some("INACTIVE")),
        Company::new("1003", "No plan").plan(None),
        Company::new("1004", "Old plan").plan(Some("Bronze")),
        broken,
    ]);
    let dashboard = suite.json("/api/billing/dashboard?year=2025&month=6").await;
    assert_eq!(dashboard["billing_period"], "2025-06");
    let companies = dashboard["companies"].as_array().unwrap();
    assert_eq!(companies.len(), 1);
    let row = &companies[0];
    assert_eq!(
        json!([
            row["account_number"],
            row["name"],
            row["total_bill"],
            row["workstations"],
            row["servers"],
            row["users"],
            row["hours"]
        ]),
        json!(["1001", "Harbor & Vine", 234.49, 2, 1, 3, 1.26])
    );
    let reasons: Vec<_> = dashboard["needs_attention"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["account_number"].as_str().unwrap(), row["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("1003", "the company has no billing plan"),
            ("1004", "there is no plan `Bronze` with the term `1 Year`"),
            ("1005", "backup_data_bytes: must be a number"),
        ]
    );
    assert_eq!(
        suite.peers.seen("/api/companies"),
        ["/api/companies/bulk?include_tickets=true&fields=billing&year=2025"],
        "one question for all of them"
    );
    suite.peers.companies([]);
    assert!(suite.json("/api/billing/dashboard").await["warning"].is_string());
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_answer_that_breaks_off_is_no_dashboard(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies((1001..1010).map(|number| Company::new(&number.to_string(), "Somebody")));
    suite.peers.break_off(2500);
    let answer = suite.get("/api/billing/dashboard?year=2025&month=6").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["companies"].clone()),
        (503, json!([])),
        "{}",
        answer.text()
    );
    assert_eq!(answer.json()["error"], "Failed to load dashboard data");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn summary_and_plans_have_upstreams_members(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine").ticket("1", "2025-06-01T10:00:00Z", 1.0)]);
    assert_eq!(
        suite.json("/api/invoice/1001/summary?year=2025&month=6").await,
        json!({"invoice_number": "1001-202506", "company_name": "Harbor & Vine", "total_amount": 344.49, "user_count": 3,
            "asset_count": 3, "line_item_count": 0, "has_backup_charges": false, "has_hourly_charges": true,
            "total_lines": 7, "is_archived": false})
    );
    let plans = suite.json("/api/plans").await;
    assert_eq!(
        plans,
        json!([{"id": 3, "billing_plan": "Silver", "term_length": "1 Year", "support_level": "Billed Hourly",
            "per_user_cost": 24.0, "per_workstation_cost": 31.25, "per_server_cost": 99.99, "per_vm_cost": 62.4,
            "per_switch_cost": 8.0, "per_firewall_cost": 19.5, "per_hour_ticket_cost": 110.0,
            "backup_base_fee_workstation": 25.0, "backup_base_fee_server": 50.0, "backup_included_tb": 1.5,
            "backup_per_tb_fee": 15.35}])
    );
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn files_have_the_names_and_dates_of_their_month(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([
        Company::new("1001", "Harbor & Vine, LLC"),
        Company::new("1002", "=cmd|' /C calc'!A0"),
        Company::new("1003", "株式会社"),
        Company::new("1004", "Gone").plan(Some("inactive")),
    ]);
    let csv = suite.get("/invoice/1001/download?year=2025&month=6").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"Harbor__Vine_LLC_2025-06.csv\"");
    let text = csv.text();
    assert!(text.starts_with(
        "InvoiceNo,Customer,InvoiceDate,DueDate,Item(Product/Service),Description,Qty,Rate,Amount\r\n"
    ));
    assert!(text.contains("1001-202506,\"Harbor & Vine, LLC\",2025-06-30,2025-07-30,Managed Services,User: Amy Jones (Paid),1,24.00,24.00\r\n"));
    let hostile = suite.get("/invoice/1002/download?year=2025&month=6").await.text();
    assert!(!hostile.contains(",=cmd") && !hostile.contains("\"=cmd"), "{hostile}");
    let foreign = suite.get("/invoice/1003/download?year=2025&month=6").await;
    assert!(
        foreign
            .header("content-disposition")
            .ends_with("filename*=UTF-8''%E6%A0%AA%E5%BC%8F%E4%BC%9A%E7%A4%BE%5F2025%2D06%2Ecsv")
    );

    let all = suite.get("/invoices/bulk/download?year=2025&month=6").await;
    assert_eq!(all.header("content-disposition"), "attachment; filename=\"invoices-2025-06.zip\"");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(all.body)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().to_string()).collect();
    assert_eq!(
        names,
        [
            "Harbor & Vine, LLC-1001-202506.csv",
            "=cmd|' _C calc'!A0-1002-202506.csv",
            "株式会社-1003-202506.csv"
        ]
    );
    let mut first = String::new();
    std::io::Read::read_to_string(&mut archive.by_index(0).unwrap(), &mut first).unwrap();
    assert_eq!(first, text);
    let quickbooks = suite.get("/client/1001/export/quickbooks?year=2025&month=6").await;
    assert_eq!(
        quickbooks.header("content-disposition"),
        "attachment; filename=\"quickbooks_export_1001_2025-06.csv\""
    );
    assert!(quickbooks.text().contains("1001-202506,"));
    suite.peers.break_off(200);
    let broken = suite.get("/invoices/bulk/download?year=2025&month=6").await;
    assert_eq!(broken.status, 503, "what fails at once is an answer");
}
