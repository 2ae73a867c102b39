//! Backup: base fees by device, a pooled allowance, and what goes beyond it (rules 29 to 34).

use super::{
    Inputs,
    assets::Typed,
    explain::{Behind, Line, LineKind, Quantity, TypeSource},
    number::Money,
    rates::{Rate, Rates},
    result::BackupInfo,
    terabytes::Terabytes,
};

/// What counts as a server here.
const SERVERS: [&str; 2] = ["Server", "VM"];

/// The backup of a bill.
#[derive(Debug)]
pub(super) struct Backup<'a> {
    pub info: BackupInfo,
    pub total_tb: Terabytes,
    pub included_tb: Terabytes,
    pub overage_tb: Terabytes,
    pub base_workstation: Money,
    pub base_server: Money,
    pub overage_charge: Money,
    pub lines: Vec<Line<'a>>,
}

impl Backup<'_> {
    /// Base fees and the rounded overage (rules 34 and 41).
    pub(super) fn charge(&self) -> Money {
        self.base_workstation + self.base_server + self.overage_charge
    }
}

/// Bills the backup of Codex's devices, which have the types given; devices entered by hand have none.
pub(super) fn bill<'a>(inputs: &Inputs<'a>, types: &[Typed<'a>], rates: &Rates<'a>) -> Backup<'a> {
    // Upstream counts a device by the type it comes with alone; the type it is billed as is the right one (rule 31).
    let counts = |typed: &Typed<'_>, names: &[&str]| {
        typed.is(names) && (!inputs.readings.original || typed.source == TypeSource::Codex)
    };
    let (mut workstations, mut servers, mut all) = (Vec::new(), Vec::new(), Vec::new());
    let mut bytes = 0_i128;
    for (asset, typed) in inputs.assets.iter().zip(types) {
        bytes = bytes.saturating_add(i128::from(asset.backup_data_bytes));
        if asset.backup_data_bytes <= 0 {
            continue;
        }
        all.push(asset.id);
        if counts(typed, &["Workstation"]) {
            workstations.push(asset.id);
        } else if counts(typed, &SERVERS) {
            servers.push(asset.id);
        }
    }
    let info = BackupInfo {
        total_backup_bytes: bytes,
        backed_up_workstations: u32::try_from(workstations.len()).unwrap_or(u32::MAX),
        backed_up_servers: u32::try_from(servers.len()).unwrap_or(u32::MAX),
    };
    let mut each = rates.included_tb();
    if inputs.readings.original && each.is_zero() {
        each = rust_decimal::Decimal::ONE;
    }
    let total_tb = Terabytes::from_bytes(bytes);
    let included_tb =
        Terabytes::allowance(info.backed_up_workstations.saturating_add(info.backed_up_servers), each);
    let overage_tb = total_tb.beyond(included_tb);
    let mut backup = Backup {
        info,
        total_tb,
        included_tb,
        overage_tb,
        base_workstation: rates.value(Rate::BackupWorkstation).times(info.backed_up_workstations),
        base_server: rates.value(Rate::BackupServer).times(info.backed_up_servers),
        overage_charge: overage_tb.at(rates.value(Rate::BackupTb)),
        lines: Vec::new(),
    };
    let mut line = |name, quantity, rate: Rate, amount, asset_ids: Vec<Option<i64>>| {
        backup.lines.push(Line {
            kind: LineKind::Backup,
            rule: 34,
            name,
            billing_type: "Backup",
            type_source: None,
            quantity,
            rate: rates.value(rate),
            rate_name: Some(rate.name()),
            rate_source: rates.source(rate),
            amount,
            behind: Behind::Devices { asset_ids },
        });
    };
    if info.backed_up_workstations > 0 {
        let count = Quantity::Count(info.backed_up_workstations);
        line(
            "Workstation Backup Base",
            count,
            Rate::BackupWorkstation,
            backup.base_workstation,
            workstations,
        );
    }
    if info.backed_up_servers > 0 {
        let count = Quantity::Count(info.backed_up_servers);
        line("Server Backup Base", count, Rate::BackupServer, backup.base_server, servers);
    }
    if !overage_tb.is_zero() {
        line("Storage Overage", Quantity::Volume(overage_tb), Rate::BackupTb, backup.overage_charge, all);
    }
    backup
}
