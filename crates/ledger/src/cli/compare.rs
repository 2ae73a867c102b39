//! `hivematrix-ledger compare`: invoice files of the original suite beside our bills, before one takes the place of the other.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};
use clap::Args;
use hivematrix_shared::context::ServiceContext;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::say;
use crate::{
    Ledger,
    bills::Material,
    clients::codex::Years,
    config::Settings,
    domain::{
        billing::{Inputs, Period, Readings, compute, inputs::Ticket},
        migration::{Explained, Original, TheirInvoice, explain, our_lines, read_csv},
    },
};

/// What is compared.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// Folder with invoice files of the original suite (`*.csv`), of any number of companies and months.
    #[arg(long, value_name = "FOLDER")]
    pub with: PathBuf,
    /// The result as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Compares and tells. Exit code 0 when all bills are the same, 1 when one is not.
///
/// # Errors
/// When the folder cannot be read, or Codex does not answer.
pub async fn run(args: &CompareArgs, settings: &Settings, pool: PgPool) -> anyhow::Result<ExitCode> {
    let context = ServiceContext::start_without_shipping("ledger", settings.common.clone())?;
    let ledger = Ledger::new(context.clone(), settings, pool);
    let compared = compare(&ledger, &args.with).await;
    context.stop().await;
    let compared = compared?;
    let is_same = compared.iter().all(|company| company["differences"].as_array().is_some_and(Vec::is_empty));
    if args.json {
        say(&serde_json::to_string_pretty(&compared)?);
    } else {
        compared.iter().for_each(tell);
    }
    Ok(if is_same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

type Months = BTreeMap<Period, BTreeMap<String, TheirInvoice>>;

fn read(folder: &Path) -> anyhow::Result<Months> {
    let mut months = Months::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("csv")) {
            continue;
        }
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let invoices = read_csv(&text).map_err(|fault| anyhow::anyhow!("{}: {fault}", path.display()))?;
        for invoice in invoices {
            let number = || anyhow::anyhow!("{}: `{}` is no invoice number", path.display(), invoice.number);
            let (account, year, month) = invoice.account_and_month().ok_or_else(number)?;
            let period = Period::new(year, month).ok_or_else(number)?;
            months.entry(period).or_default().insert(account.to_owned(), invoice.clone());
        }
    }
    ensure!(!months.is_empty(), "{} holds no invoice files", folder.display());
    Ok(months)
}

/// Compares the invoice files of a folder with our bills, one object for each invoice.
///
/// # Errors
/// When the folder cannot be read, or Codex does not answer.
pub async fn compare(ledger: &Ledger, folder: &Path) -> anyhow::Result<Vec<Value>> {
    let months = read(folder)?;
    let accounts: BTreeSet<&String> = months.values().flat_map(BTreeMap::keys).collect();
    let tickets = tickets(ledger, &accounts).await?;
    let mut compared = Vec::new();
    for (period, mut theirs) in months {
        let only = theirs.keys().cloned().collect();
        let mut each = ledger.bills.each(Some(only), period).await?;
        while let Some(chunk) = each.next().await? {
            for material in &chunk.materials {
                if let Some(invoice) = theirs.remove(material.account_number()) {
                    let all_years = tickets.get(material.account_number());
                    compared.push(one(material, all_years.map(Vec::as_slice), &invoice));
                }
            }
            for company in &chunk.bad {
                if let Some(invoice) = theirs.remove(&company.account_number) {
                    compared.push(missing(&invoice, &company.reason));
                }
            }
        }
        compared.extend(theirs.values().map(|invoice| missing(invoice, "Codex knows no such company")));
    }
    Ok(compared)
}

/// The tickets of these companies of all years: the original makes its invoices of them.
async fn tickets(
    ledger: &Ledger,
    accounts: &BTreeSet<&String>,
) -> anyhow::Result<HashMap<String, Vec<Ticket>>> {
    let mut companies = ledger.codex.companies(Years::All);
    let mut found = HashMap::new();
    while let Some(sent) = companies.recv().await {
        // What cannot be read of a company is told where its bill is made.
        let Ok(data) = sent? else { continue };
        if let Some(number) = data.company.account_number.clone().filter(|number| accounts.contains(number)) {
            found.insert(number, data.tickets);
        }
    }
    Ok(found)
}

fn one(material: &Material, all_years: Option<&[Ticket]>, theirs: &TheirInvoice) -> Value {
    let bill = match material.bill() {
        Ok(bill) => bill,
        Err(reason) => return missing(theirs, &reason.to_string()),
    };
    let original = |tickets: Option<&[Ticket]>| {
        let inputs = Inputs { readings: Readings::ORIGINAL, ..material.inputs() };
        let inputs = Inputs { tickets: tickets.unwrap_or(inputs.tickets), ..inputs };
        compute(&inputs).map(|bill| our_lines(&bill)).unwrap_or_default()
    };
    let (all_years, same_tickets) = (original(all_years), original(None));
    let original = Original { all_years: &all_years, same_tickets: &same_tickets };
    let found: Vec<Value> =
        explain(&theirs.lines, &our_lines(&bill), original).iter().map(difference).collect();
    json!({
        "invoice_number": theirs.number,
        "company": material.company_name(),
        "theirs": format!("{:.2}", theirs.total()),
        "ours": bill.receipt.total.to_string(),
        "differences": found,
    })
}

fn missing(theirs: &TheirInvoice, reason: &str) -> Value {
    json!({
        "invoice_number": theirs.number,
        "company": theirs.customer,
        "theirs": format!("{:.2}", theirs.total()),
        "ours": null,
        "differences": [{ "line": null, "theirs": null, "ours": null, "rule": null, "why": reason }],
    })
}

fn difference(found: &Explained) -> Value {
    json!({
        "kind": found.line.line_type,
        "line": found.line.name,
        "theirs": found.line.before.map(|amount| format!("{amount:.2}")),
        "ours": found.line.after.map(|amount| format!("{amount:.2}")),
        "rule": found.rule,
        "why": found.why,
    })
}

fn tell(company: &Value) {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let (number, name) = (word(&company["invoice_number"]), word(&company["company"]));
    say(&format!("{number} {name}: theirs {}, ours {}", word(&company["theirs"]), word(&company["ours"])));
    for found in company["differences"].as_array().into_iter().flatten() {
        let rule = found["rule"].as_u64().map(|rule| format!("rule {rule}: ")).unwrap_or_default();
        let line = word(&found["line"]);
        say(&format!(
            "  {line}: {} -> {}  {rule}{}",
            word(&found["theirs"]),
            word(&found["ours"]),
            word(&found["why"])
        ));
    }
}
