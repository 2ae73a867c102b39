//! The customers' devices as an RMM sees them: the same companies, machines and people as in the ticketing system.

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::companies::FIRST_COMPANY_ID;
use super::people::FIRST_CONTACT_ID;
use super::text::names::ascii_slug;
use crate::dice::{Dice, Salt};

/// A customer's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// The RMM's uid.
    pub uid: String,
    /// Display name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// Account number, where somebody has entered it.
    pub account_number: Option<String>,
}

/// A managed machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// The RMM's uid.
    pub uid: String,
    /// Index of the company.
    pub company: u32,
    /// Host name.
    pub hostname: String,
    /// Category as Datto writes it.
    pub category: &'static str,
    /// Class as Datto writes it.
    pub class: &'static str,
    /// Operating system with its build.
    pub system: &'static str,
    /// Windows domain.
    pub domain: Option<String>,
    /// Who used it last.
    pub last_user: Option<String>,
    /// Addresses inside and outside.
    pub addresses: (String, String),
    /// Whether it is switched on when the world begins.
    pub online: bool,
    /// When it was last seen, when it is not.
    pub seen_at: DateTime<Utc>,
    /// Last start, last inventory.
    pub rebooted_at: DateTime<Utc>,
    /// `None` for one that was never looked into.
    pub audited_at: Option<DateTime<Utc>>,
    /// Virus scanner and its state.
    pub antivirus: Option<(&'static str, &'static str)>,
    /// Patch state.
    pub patches: &'static str,
    /// Bytes of backup, where there is one.
    pub backup_bytes: Option<u64>,
    /// What the provider bills it as.
    pub billed_as: Option<&'static str>,
    /// Processor, bytes of memory, bytes of disk, free bytes.
    pub hardware: (&'static str, u64, u64, u64),
    /// Of its network card.
    pub mac_address: String,
}

/// Programs that machines have.
pub const SOFTWARE: &[(&str, &str)] = &[
    ("Microsoft 365 Apps for business", "16.0.17932.20286"),
    ("Google Chrome", "131.0.6778.86"),
    ("Adobe Acrobat (64-bit)", "24.004.20272"),
    ("Datto RMM Agent", "4.4.2234.2234"),
    ("7-Zip 24.08 (x64)", "24.08"),
    ("Zoom Workplace", "6.2.11"),
    ("Microsoft Visual C++ 2015-2022 Redistributable (x64)", "14.40.33810"),
];

const WORKSTATIONS: &[(&str, u32)] = &[
    ("Microsoft Windows 11 Pro 10.0.22631", 6),
    ("Microsoft Windows 11 Pro 10.0.26100", 3),
    ("Microsoft Windows 10 Pro 10.0.19045", 3),
    ("macOS 15.1.1", 1),
];
const SERVERS: &[(&str, u32)] = &[
    ("Microsoft Windows Server 2022 Standard 10.0.20348", 5),
    ("Microsoft Windows Server 2019 Standard 10.0.17763", 3),
    ("Ubuntu 24.04.1 LTS", 1),
];

impl World {
    /// Whether a customer has a second place. It is named after the customer and carries its account number.
    #[must_use]
    pub fn has_branch(&self, company: u32) -> bool {
        company < self.size.companies && Dice::new(self.seed, Salt::Site, u64::from(company)).chance(0.25)
    }

    /// The main place of the company at an index below [`Self::company_count`], or its second one. Most carry the account
    /// number, some only the exact name, and the main places of a few are named so that nobody can be sure.
    #[must_use]
    pub fn site(&self, company: u32, branch: bool) -> Site {
        let customer = self.company(company);
        let key = u64::from(company) * 2 + u64::from(branch);
        let mut dice = Dice::new(self.seed, Salt::Site, 1_000_000 + key);
        let uid = uid(&mut dice);
        if branch {
            let place = dice.pick(&["Warehouse", "Downtown", "North Branch", "Plant 2"]);
            let name = format!("{} - {place}", customer.name);
            return Site { uid, name, description: None, account_number: customer.account_number };
        }
        // The first customer belongs to the demo user `client` and must be in order.
        let (exact, known) = if company == 0 {
            (true, true)
        } else {
            dice.weighted(&[
                ((true, true), 70),
                ((false, true), 10),
                ((true, false), 15),
                ((false, false), 5),
            ])
        };
        let name = if exact { customer.name.clone() } else { format!("{} (HQ)", customer.name) };
        let account_number = customer.account_number.filter(|_| known);
        Site { uid, name, description: Some(customer.address), account_number }
    }

    /// The device at an index below `size.assets`, and whether it stands in the second place of its company.
    #[must_use]
    pub fn device(&self, index: u32) -> (Device, bool) {
        let asset = self.asset(index);
        let company = (asset.department_id - FIRST_COMPANY_ID) as u32;
        let mut dice = Dice::new(self.seed, Salt::Device, u64::from(index));
        let customer = self.company(company);
        let user = asset.user_id.map(|id| self.contact((id - FIRST_CONTACT_ID) as u32));
        let short: String = ascii_slug(&customer.name).to_uppercase().chars().take(15).collect();
        let (category, class, system, billed_as) = match asset.description {
            "Desktop computer" => ("Desktop", "device", dice.weighted(WORKSTATIONS), Some("Workstation")),
            "Laptop" => ("Laptop", "device", dice.weighted(WORKSTATIONS), Some("Workstation")),
            "Server" if dice.chance(0.2) => ("ESXI Host", "esxihost", "VMware ESXi 8.0.3", Some("Server")),
            "Server" => {
                ("Server", "device", dice.weighted(SERVERS), dice.pick(&[Some("Server"), Some("VM")]))
            }
            "Printer" => ("Printer", "printer", "Embedded", None),
            "Firewall" => ("Network Device", "rmmnetworkdevice", "FortiOS 7.4.5", Some("Firewall")),
            _ => ("Network Device", "rmmnetworkdevice", "ArubaOS-CX 10.13", Some("Switch")),
        };
        let computer = class == "device";
        let windows = system.starts_with("Microsoft");
        let server = category == "Server";
        let gib = 1_u64 << 30;
        let disk =
            gib * u64::from(dice.pick(if server { &[960_u32, 1_920, 3_840] } else { &[256_u32, 512, 512] }));
        let user_name = user.as_ref().filter(|_| computer).map(|user| {
            let last = user.last_name.map(|last| format!(".{}", ascii_slug(last))).unwrap_or_default();
            format!("{short}\\{}{last}", ascii_slug(user.first_name))
        });
        let device = Device {
            uid: uid(&mut dice),
            company,
            hostname: asset.name,
            category,
            class,
            system,
            domain: (computer && windows).then(|| format!("{}.local", short.to_lowercase())),
            last_user: if server { Some(format!("{short}\\administrator")) } else { user_name },
            addresses: (
                format!("10.{}.{}.{}", company % 250, dice.range(0, 8), dice.range(10, 250)),
                format!("203.0.113.{}", 1 + company % 250),
            ),
            online: dice.chance(if computer && !server { 0.78 } else { 0.97 }),
            seen_at: self.start - TimeDelta::minutes(dice.skewed(40.0, 60_000.0, 3) as i64),
            rebooted_at: self.start - TimeDelta::minutes(dice.skewed(30.0, 90_000.0, 2) as i64),
            audited_at: (computer || dice.chance(0.5))
                .then(|| self.start - TimeDelta::minutes(dice.range(60, 2_000))),
            antivirus: (computer && windows).then(|| {
                let state = dice.weighted(&[
                    ("RunningAndUpToDate", 90),
                    ("RunningAndNotUpToDate", 6),
                    ("NotRunning", 3),
                    ("NotDetected", 1),
                ]);
                (
                    dice.pick(&[
                        "Windows Defender",
                        "Windows Defender",
                        "SentinelOne",
                        "Webroot SecureAnywhere",
                    ]),
                    state,
                )
            }),
            patches: if computer && windows {
                dice.weighted(&[
                    ("FullyPatched", 70),
                    ("ApprovedPending", 18),
                    ("RebootRequired", 8),
                    ("InstallError", 4),
                ])
            } else {
                "NoPolicy"
            },
            backup_bytes: (server || (computer && dice.chance(0.05)))
                .then(|| (dice.skewed(0.05, 6.0, 2) * (1_u64 << 40) as f64) as u64),
            billed_as: billed_as.filter(|_| dice.chance(0.95)),
            hardware: (
                dice.pick(&[
                    "13th Gen Intel(R) Core(TM) i5-1335U",
                    "12th Gen Intel(R) Core(TM) i7-12700",
                    "AMD Ryzen 5 PRO 7530U with Radeon Graphics",
                ]),
                gib * u64::from(dice.pick(if server { &[64_u32, 128, 256] } else { &[8_u32, 16, 16, 32] })),
                disk,
                (disk as f64 * dice.skewed(0.05, 0.9, 1)) as u64,
            ),
            mac_address: {
                let mut part = || dice.below(256);
                let (a, b, c) = (part(), part(), part());
                format!("00:1A:4B:{a:02X}:{b:02X}:{c:02X}")
            },
        };
        let branch = self.has_branch(company) && dice.chance(0.2);
        (device, branch)
    }
}

/// A made-up UUID.
fn uid(dice: &mut Dice) -> String {
    let mut part = || dice.below(0x1_0000);
    let (a, b, c, d, e, f, g, h) = (part(), part(), part(), part(), part(), part(), part(), part());
    format!("{a:04x}{b:04x}-{c:04x}-4{:03x}-a{:03x}-{f:04x}{g:04x}{h:04x}", d & 0xfff, e & 0xfff)
}
