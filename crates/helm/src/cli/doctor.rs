//! `helm doctor`.

use anyhow::{Context, Result, bail};
use clap::Args;

use super::output::{Colour, answer, coloured, paint, say};
use crate::{
    doctor,
    domain::doctor::{Finding, Severity, is_well},
    instance::Layout,
};

/// Arguments of `helm doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// As JSON: `ok` and the findings with check, severity, message, why and fix.
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn run(layout: &Layout, args: &DoctorArgs) -> Result<()> {
    let findings = doctor::examine(layout).await?;
    let well = is_well(&findings);
    if args.json {
        let document = serde_json::json!({"ok": well, "findings": findings});
        answer(&document).context("cannot write JSON")?;
    } else {
        findings.iter().for_each(print);
    }
    let problems = findings.iter().filter(|finding| finding.severity == Severity::Problem).count();
    match problems {
        0 => Ok(()),
        1 => bail!("1 problem keeps the suite from working"),
        many => bail!("{many} problems keep the suite from working"),
    }
}

fn print(finding: &Finding) {
    let (sign, colour) = match finding.severity {
        Severity::Ok => ("✓", Colour::Green),
        Severity::Skipped => ("-", Colour::Grey),
        Severity::Warning => ("!", Colour::Yellow),
        Severity::Problem => ("✗", Colour::Red),
    };
    say!("{} {:<12} {}", paint(sign, colour, coloured()), finding.check, finding.message);
    if !finding.why.is_empty() {
        say!("{:<14} why: {}", "", finding.why);
    }
    if !finding.fix.is_empty() {
        say!("{:<14} fix: {}", "", finding.fix);
    }
}
