//! Devices: what each is billed as, and for how much (rules 10 to 15, 44 and 45).

use super::{
    Inputs,
    explain::{Behind, Line, LineKind, Quantity, TypeSource},
    inputs::{Asset, ManualAsset},
    number::Money,
    quantities::Quantities,
    rates::{Rate, Rates, Source},
    result::{BilledLine, UnmappedDevice},
};

/// Type of a device when nothing says otherwise.
const WORKSTATION: &str = "Workstation";

/// Name of what has none.
pub(super) const UNKNOWN: &str = "Unknown";

/// What a device is billed as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Typed<'a> {
    /// The billing type.
    pub name: &'a str,
    /// Who says so.
    pub source: TypeSource,
    /// What it costs if the type is `Custom`, and who says so.
    pub custom: (Option<Money>, Source),
}

impl Typed<'_> {
    /// Whether it is one of these types, as they are written.
    pub(super) fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name)
    }
}

/// The type of a device of Codex: its override row wins over everything (rule 44), then a type that a foreign Codex sends,
/// then the mapping of its kind (rule 45). In the original reading a type that comes with the device hides the row, and
/// nothing looks at the kind (rule 11).
pub(super) fn type_of<'a>(asset: &'a Asset, inputs: &Inputs<'a>) -> Typed<'a> {
    let row = inputs.asset_overrides.of(asset.id).map(|(name, cost)| Typed {
        name,
        source: TypeSource::Override,
        custom: (cost, Source::AssetOverride),
    });
    let typed = |name, source| Typed { name, source, custom: (asset.custom_cost, Source::Codex) };
    let sent = asset.billing_type.as_ref().map(|name| name.as_deref());
    if inputs.readings.original {
        return match sent {
            Some(name) => typed(name.unwrap_or(WORKSTATION), TypeSource::Codex),
            None => row.unwrap_or_else(|| typed(WORKSTATION, TypeSource::Default)),
        };
    }
    let sent = sent.flatten().filter(|name| !name.is_empty()).map(|name| typed(name, TypeSource::Codex));
    row.or(sent).unwrap_or_else(|| {
        match kind(asset).and_then(|kind| inputs.device_types.billing_type(kind)) {
            Some(name) => typed(name, TypeSource::Mapping),
            None => typed(WORKSTATION, TypeSource::Unmapped),
        }
    })
}

/// The kind of a device: what was set by hand, else what the RMM sees.
pub(super) fn kind(asset: &Asset) -> Option<&str> {
    let given = |kind: &'_ Option<String>| kind.as_deref().is_some_and(|kind| !kind.trim().is_empty());
    if given(&asset.device_type) {
        asset.device_type.as_deref()
    } else {
        asset.hardware_type.as_deref().filter(|kind| !kind.trim().is_empty())
    }
}

/// What a device of a type costs (rule 12), and who says so.
fn price(typed: &Typed<'_>, rates: &Rates<'_>) -> (Money, Source, Option<Rate>) {
    match typed.name {
        "Custom" => (typed.custom.0.unwrap_or_default(), typed.custom.1, None),
        "No Charge" => (Money::ZERO, Source::Free, None),
        name => match Rate::of_type(name) {
            Some(rate) => (rates.value(rate), rates.source(rate), Some(rate)),
            None => (Money::ZERO, Source::Free, None),
        },
    }
}

/// The devices of a bill.
#[derive(Debug, Default)]
pub(super) struct Devices<'a> {
    pub billed: Vec<BilledLine<'a>>,
    pub lines: Vec<Line<'a>>,
    pub unmapped: Vec<UnmappedDevice<'a>>,
    pub total: Money,
}

/// Bills all devices: those of Codex in its order, with the types given, then those entered by hand (rule 10).
pub(super) fn bill<'a>(
    inputs: &Inputs<'a>,
    types: &[Typed<'a>],
    rates: &Rates<'a>,
    quantities: &mut Quantities<'a>,
) -> Devices<'a> {
    let count = inputs.assets.len() + inputs.manual_assets.len();
    let mut devices =
        Devices { billed: Vec::with_capacity(count), lines: Vec::with_capacity(count), ..Devices::default() };
    for (asset, typed) in inputs.assets.iter().zip(types) {
        let name = asset.hostname.as_deref().unwrap_or(UNKNOWN);
        if typed.source == TypeSource::Unmapped {
            devices.unmapped.push(UnmappedDevice {
                asset_id: asset.id,
                hostname: name,
                device_type: kind(asset),
            });
        }
        let behind = Behind::Asset { asset_id: asset.id, device_type: kind(asset) };
        devices.add(name, typed, 12, behind, rates);
        quantities.count(typed.name);
    }
    for row in inputs.manual_assets {
        let typed = type_of_row(row);
        let behind = Behind::ManualAsset { manual_asset_id: row.id };
        devices.add(row.hostname.as_deref().unwrap_or(UNKNOWN), &typed, 13, behind, rates);
        quantities.count(typed.name);
    }
    devices
}

/// Rule 13.
fn type_of_row(row: &ManualAsset) -> Typed<'_> {
    Typed {
        name: row.billing_type.as_deref().filter(|name| !name.is_empty()).unwrap_or(WORKSTATION),
        source: TypeSource::ManualRow,
        custom: (row.custom_cost, Source::ManualRow),
    }
}

impl<'a> Devices<'a> {
    fn add(&mut self, name: &'a str, typed: &Typed<'a>, rule: u8, behind: Behind<'a>, rates: &Rates<'a>) {
        let (cost, rate_source, rate) = price(typed, rates);
        self.total = self.total + cost;
        self.billed.push(BilledLine { name, billing_type: typed.name, cost });
        self.lines.push(Line {
            kind: LineKind::Asset,
            rule,
            name,
            billing_type: typed.name,
            type_source: Some(typed.source),
            quantity: Quantity::Count(1),
            rate: cost,
            rate_name: rate.map(Rate::name),
            rate_source,
            amount: cost,
            behind,
        });
    }
}
