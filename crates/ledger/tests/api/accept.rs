//! Accepting bills.

use hivematrix_shared::auth::PermissionLevel;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Company, Suite};

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn an_accepted_bill_is_final_and_answered_from_then_on(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let mut company = Company::new("1001", "Harbor & Vine").ticket("9001", "2025-06-18T10:00:00Z", 2.5);
    company
        .contacts
        .insert(1, json!({"id": 100109, "name": "Zoe Gone", "email": "z@1001.example", "active": false}));
    suite.peers.companies([company.clone()]);
    suite
        .send("POST", "/api/overrides/line-items/1001", json!({"name": "Office", "monthly_fee": 62.5}))
        .await;
    suite
        .send(
            "POST",
            "/api/overrides/manual-users/1001",
            json!({"full_name": "Temp", "billing_type": "custom", "custom_cost": 2.02}),
        )
        .await;
    let live = suite.get("/invoice/1001/download?year=2025&month=6").await.text();
    let body = json!({"account_number": "1001", "year": "2025", "month": 6, "notes": " as agreed "});
    let answer = suite.send("POST", "/api/bill/accept", body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(
        answer.json(),
        json!({"success": true, "message": "Bill accepted and archived successfully", "invoice_number": "1001-202506",
            "total_amount": 574.01})
    );
    let again = suite.send("POST", "/api/bill/accept", body).await;
    assert_eq!(again.status, 409);
    assert_eq!(
        (&again.json()["success"], &again.json()["error"]),
        (&json!(false), &json!("This bill has already been archived"))
    );

    // What comes later changes nothing of it.
    suite.peers.companies([Company::new("1001", "Renamed")]);
    let stored = suite.json("/archive/api/snapshot/1001-202506").await;
    assert_eq!(stored["total_amount"], json!(574.01));
    assert_eq!(
        json!([
            stored["company_name"],
            stored["created_by"],
            stored["notes"],
            stored["invoice_date"],
            stored["due_date"],
            stored["archived_at"],
            stored["user_count"],
            stored["asset_count"],
            stored["billable_hours"]
        ]),
        json!([
            "Harbor & Vine",
            "billing@example.test",
            "as agreed",
            "2025-06-30",
            "2025-07-30",
            "2025-07-15T12:00:00Z",
            4,
            3,
            2.5
        ])
    );
    assert_eq!(stored["billing_data"]["receipt_data"]["total"], json!(574.01));
    let people = stored["billing_data"]["users"].as_array().unwrap();
    assert_eq!(people.len(), 3, "who left is not on the bill, and not in the archive");
    assert!(!stored["billing_data"].to_string().contains("Zoe Gone"));
    assert_eq!(
        people[0],
        json!({"id": 100101, "name": "Amy Jones", "active": true}),
        "nothing more than a bill needs"
    );
    assert_eq!(stored["billing_data"]["client"].get("description"), None);
    let lines = stored["line_items"].as_array().unwrap();
    assert_eq!(lines.len(), 9);
    assert_eq!(
        lines[7],
        json!({"line_type": "ticket", "item_name": "Billable Hours", "description": "Billable Hours (2.50 hrs)",
            "quantity": 2.50, "rate": 110.00, "amount": 275.00})
    );
    let csv = suite.get("/archive/api/snapshot/1001-202506/csv").await;
    assert_eq!(csv.text(), live, "archived is exactly what was shown");
    assert_eq!(suite.get("/invoice/1001/download?year=2025&month=6").await.text(), live);
    assert_eq!(
        suite.json("/api/bill/check-archived/1001?year=2025&month=6").await,
        json!({"invoice_number": "1001-202506", "is_archived": true})
    );
    let hours: Vec<(String, String)> =
        sqlx::query_as("select ticket_number, hours::text from billed_hours").fetch_all(&pool).await.unwrap();
    assert_eq!(hours, [("9001".to_owned(), "2.5".to_owned())]);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_is_archived_is_told_so_whatever_has_become_of_the_company(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
    let archived = json!({"account_number": "1001", "year": 2025, "month": 6, "expected_total": 1});
    let told = async |suite: &Suite, when: &str| {
        let answer = suite.send("POST", "/api/bill/accept", archived.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"], &answer.json()["invoice_number"]),
            (409, &json!("This bill has already been archived"), &json!("1001-202506")),
            "{when}"
        );
    };
    told(&suite, "another total was looked at").await;
    suite.peers.last_sync("2025-06-29T10:00:00Z");
    told(&suite, "the bill is incomplete by now").await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine").plan(None)]);
    told(&suite, "the plan is gone").await;
    suite.peers.companies([]);
    told(&suite, "the company is gone").await;
    suite.peers.fault("/api/companies/1001", 503, "");
    told(&suite, "Codex is away").await;
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_codex_that_does_not_say_how_far_it_has_read_gives_bills_to_look_at_and_none_to_archive(
    pool: PgPool,
) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    for body in ["no document", r#"{"title": "Too Many Requests"}"#] {
        suite.peers.fault("/health", 503, body);
        let bill = suite.json("/api/billing/1001?year=2025&month=6").await;
        assert_eq!(
            (&bill["receipt"]["total"], &bill["complete"]),
            (&json!(234.49), &json!(false)),
            "it can be looked at"
        );
        let dashboard = suite.json("/api/billing/dashboard?year=2025&month=6").await;
        assert_eq!(dashboard["companies"][0]["complete"], json!(false));
        let answer = suite.accept("1001", 2025, 6).await;
        assert_eq!(answer.status, 409);
        assert!(answer.text().contains("Codex did not answer when it was asked"), "{}", answer.text());
    }
    let asked = suite.peers.seen("/health");
    assert!(!asked.is_empty() && asked.iter().all(|asked| asked.ends_with(" shallow")), "{asked:?}");
    suite.peers.mend("/health");
    assert_eq!(suite.accept("1001", 2025, 6).await.status, 201);
}

/// With an expired contract, a device of an unknown kind, and hours that no month can have.
fn doubtful(number: &str) -> Company {
    let mut company = Company::new(number, "Harbor & Vine");
    company.company["contract_end_date"] = json!("2025-05-31");
    company
        .assets
        .push(json!({"id": 77, "hostname": "ODD-1", "hardware_type": "Toaster", "device_type": "Toaster",
        "backup_data_bytes": 0}));
    company.tickets.push(json!({"ticket_number": "9001", "subject": "Odd", "last_updated_at": null,
        "total_hours_spent": 2, "time_entries": [
            {"id": 1, "executed_at": "2025-06-10T10:00:00Z", "hours": 1, "billable": true},
            {"id": 2, "executed_at": null, "hours": 1, "billable": true}]}));
    company
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_should_be_looked_at_is_told_with_the_bill_that_was_archived(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([doubtful("1001"), Company::new("1002", "Tilia")]);
    let answer = suite.accept("1001", 2025, 6).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let warnings = json!([
        "The contract ended on 2025-05-31",
        "Devices of a kind without a billing type are billed as Workstation: ODD-1",
        "Tickets without a readable time are left out: 9001"
    ]);
    assert_eq!(answer.json()["warnings"], warnings);
    assert_eq!(suite.accept("1002", 2025, 6).await.json().get("warnings"), None);

    // Of many at once, by company.
    let started = suite.send("POST", "/archive/api/snapshot/bulk", json!({"year": 2025, "month": 5})).await;
    assert_eq!(started.status, 202, "{}", started.text());
    let path = format!("/archive/api/scheduler/jobs/{}", started.json()["job_id"].as_str().unwrap());
    let job = loop {
        let job = suite.json(&path).await;
        if job["status"] != "running" {
            break job;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    assert_eq!(
        job["output"]["warnings"],
        json!(["1001: The contract ended on 2025-05-31; \
                Devices of a kind without a billing type are billed as Workstation: ODD-1; \
                Tickets without a readable time are left out: 9001"])
    );
    let companies = suite.json(&format!("{path}/companies")).await;
    assert_eq!(companies["companies"][0]["outcome"], "archived");
    assert!(companies["companies"][0]["reason"].as_str().unwrap().starts_with("The contract ended"));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn of_two_who_accept_at_once_one_is_told_that_it_is_done(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    let second = suite.second();
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    for month in 1..=5 {
        let (one, other) =
            tokio::join!(suite.accept("1001", 2025, month), second.accept("1001", 2025, month));
        let mut codes = [one.status.as_u16(), other.status.as_u16()];
        codes.sort_unstable();
        assert_eq!(codes, [201, 409], "{} {}", one.text(), other.text());
    }
    // Different months of one company at once: each is archived, and the chain holds.
    let (one, other) = tokio::join!(suite.accept("1001", 2025, 6), second.accept("1001", 2025, 7));
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (201, 201), "{} {}", one.text(), other.text());
    let report = suite.json("/archive/api/verify").await;
    assert_eq!(report, json!({"companies": 1, "documents": 7, "faults": []}));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn what_cannot_be_final_is_not_archived(pool: PgPool) {
    let suite = Suite::start(pool.clone()).await;
    suite
        .peers
        .companies([Company::new("1001", "Harbor & Vine"), Company::new("1002", "No plan").plan(None)]);
    let needed = "account_number, year, and month are required";
    for (body, status, error) in [
        (json!({}), 400, needed),
        (json!({"account_number": "1001", "year": 2025}), 400, needed),
        (json!({"account_number": "", "year": 2025, "month": 6}), 400, needed),
        (json!({"account_number": "1001", "year": "x", "month": 6}), 400, "year must be a whole number"),
        (
            json!({"account_number": "1001", "year": 2025, "month": 13}),
            400,
            "month must be a number from 1 to 12",
        ),
        (
            json!({"account_number": "1001", "year": 2025, "month": 8}),
            400,
            "A month that has not begun cannot be archived",
        ),
        (
            json!({"account_number": "9", "year": 2025, "month": 6}),
            404,
            "Unable to fetch company data from Codex",
        ),
        (
            json!({"account_number": "1002", "year": 2025, "month": 6}),
            422,
            "Unable to calculate billing for this company",
        ),
        (json!([]), 400, "The body must be a JSON object"),
    ] {
        let answer = suite.send("POST", "/api/bill/accept", body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (status, Some(error)),
            "{body}"
        );
    }
    suite.peers.last_sync("2025-06-29T10:00:00Z");
    let answer = suite.accept("1001", 2025, 6).await;
    assert_eq!(answer.status, 409);
    assert!(answer.json()["error"].as_str().unwrap().contains("Codex last read the tickets on 2025-06-29"));
    let bill = suite.json("/api/billing/1001?year=2025&month=6").await;
    assert_eq!(bill["complete"], json!(false));
    suite.peers.last_sync("2025-07-01T00:05:00Z");
    // What was looked at has become another bill meanwhile.
    let seen = json!({"account_number": "1001", "year": 2025, "month": 6, "expected_total": 200.00});
    let answer = suite.send("POST", "/api/bill/accept", seen).await;
    assert_eq!(answer.status, 409);
    assert_eq!(
        (&answer.json()["error"], &answer.json()["total_amount"]),
        (&json!("This bill has changed: its total has become 234.49 since it was looked at"), &json!(234.49))
    );
    let seen = json!({"account_number": "1001", "year": 2025, "month": 6, "expected_total": "234.49"});
    assert_eq!(suite.send("POST", "/api/bill/accept", seen).await.status, 201);
    let early = suite.accept("1001", 2025, 7).await;
    assert_eq!(early.status, 201);
    assert!(early.json()["warnings"][0].as_str().unwrap().contains("is not over"));
    let count: i64 =
        sqlx::query_scalar("select count(*) from billing_snapshots").fetch_one(&pool).await.unwrap();
    assert_eq!(count, 2);
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_service_archives_for_a_person_with_the_right_to(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    let body = json!({"account_number": "1001", "year": 2025, "month": 6});
    let with = |token: String| suite.client.post("/api/bill/accept").bearer(token).json(&body).send();
    let alone = with(suite.identity.service_token("brainhair", "ledger")).await;
    assert_eq!(alone.status, 403);
    let technician =
        suite.identity.service_token_on_behalf("brainhair", "ledger", PermissionLevel::Technician);
    assert_eq!(with(technician).await.status, 403);
    let billing = suite.identity.service_token_on_behalf("brainhair", "ledger", PermissionLevel::Billing);
    assert_eq!(with(billing).await.status, 201);
    let stored: Value = suite.json("/archive/api/snapshot/1001-202506").await;
    assert_eq!(stored["created_by"], "billing@example.test");
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn every_refusal_says_that_nothing_was_accepted(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.peers.companies([Company::new("1001", "Harbor & Vine")]);
    let long = "9".repeat(51);
    for (body, status) in [
        (json!([]), 400),
        (json!({"account_number": "1001", "year": 2025}), 400),
        (json!({"account_number": "1001", "year": 2025, "month": 13}), 400),
        (json!({"account_number": "1001", "year": 0, "month": 6}), 400),
        (json!({"account_number": "1001", "year": "x", "month": 6}), 400),
        (json!({"account_number": "1001", "year": 2026, "month": 6}), 400),
        (json!({"account_number": "1001", "year": 2025, "month": 6, "expected_total": "x"}), 400),
        (json!({"account_number": long, "year": 2025, "month": 6}), 404),
        (json!({"account_number": "9999", "year": 2025, "month": 6}), 404),
    ] {
        let answer = suite.send("POST", "/api/bill/accept", body.clone()).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["success"]), (status, &json!(false)), "{body}");
    }
    let token = suite.identity.user_token(PermissionLevel::Billing);
    let request = suite.client.post("/api/bill/accept").bearer(token);
    let answer = request.body("application/json", b"{".to_vec()).send().await;
    assert_eq!((answer.status.as_u16(), &answer.json()["success"]), (400, &json!(false)));
}

#[sqlx::test(migrations = "../../migrations/ledger")]
async fn a_name_of_any_length_is_billed_and_kept_whole(pool: PgPool) {
    let suite = Suite::start(pool).await;
    let name = "Harbor & Vine ".repeat(30).trim().to_owned();
    let ticket = "T".repeat(150);
    let plan = "Silver".to_owned() + &" and more".repeat(20);
    suite.peers.plan(&plan);
    suite.peers.companies([Company::new("1001", &name).plan(Some(&plan)).ticket(
        &ticket,
        "2025-06-18T10:00:00Z",
        1.0,
    )]);
    let answer = suite.accept("1001", 2025, 6).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let warnings = answer.json()["warnings"].clone();
    let told = warnings.as_array().unwrap().iter().filter_map(Value::as_str);
    assert!(told.clone().any(|text| text.starts_with("The company's name has 419 letters")), "{warnings}");
    let stored = suite.json("/archive/api/snapshot/1001-202506").await;
    assert_eq!((&stored["company_name"], &stored["billing_plan"]), (&json!(name), &json!(plan)));
    assert_eq!(suite.json("/archive/api/verify").await["faults"], json!([]));
    let xero = suite.get("/client/1001/export/xero?year=2025&month=6").await.text();
    assert!(xero.contains(&name[..255]) && !xero.contains(&name[..256]), "{xero}");
    for path in ["/invoice/1001/download", "/invoice/1001/pdf"] {
        let file = suite.get(&format!("{path}?year=2025&month=6")).await;
        assert!(file.status == 200 && file.header("content-disposition").len() < 300, "{path}");
    }

    // So does a job for all.
    let started = suite.send("POST", "/archive/api/snapshot/bulk", json!({"year": 2025, "month": 5})).await;
    let id = started.json()["job_id"].as_str().unwrap().to_owned();
    for _ in 0..200 {
        let job = suite.json(&format!("/archive/api/scheduler/jobs/{id}")).await;
        if job["status"] != "running" {
            assert_eq!(
                (&job["success"], &job["output"]["success_count"]),
                (&json!(true), &json!(1)),
                "{job}"
            );
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the job does not end");
}
