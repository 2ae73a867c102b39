//! How big the world is.

use clap::ValueEnum;

/// The sizes that demos, benchmarks and load tests use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SizeName {
    /// 40 companies, 25 agents, 1,500 contacts, 2,500 assets, 6,000 tickets of which 120 active.
    Demo,
    /// 200 companies, 25 agents, 8,000 contacts, 6,000 assets, 20,000 tickets of which 350 active.
    Reference,
    /// Ten times the reference.
    Large,
}

/// Numbers of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Customers, not counting the service provider itself.
    pub companies: u32,
    /// Technicians.
    pub agents: u32,
    /// People at the customers.
    pub contacts: u32,
    /// Devices.
    pub assets: u32,
    /// Tickets ever written.
    pub tickets: u32,
    /// Tickets that are still being worked on.
    pub active: u32,
    /// How far back tickets go.
    pub history_days: u32,
}

impl Size {
    /// The numbers of a named size.
    #[must_use]
    pub const fn named(name: SizeName) -> Self {
        match name {
            SizeName::Demo => Self {
                companies: 40,
                agents: 25,
                contacts: 1_500,
                assets: 2_500,
                tickets: 6_000,
                active: 120,
                history_days: 270,
            },
            SizeName::Reference => Self {
                companies: 200,
                agents: 25,
                contacts: 8_000,
                assets: 6_000,
                tickets: 20_000,
                active: 350,
                history_days: 540,
            },
            SizeName::Large => Self {
                companies: 2_000,
                agents: 250,
                contacts: 80_000,
                assets: 60_000,
                tickets: 200_000,
                active: 3_500,
                history_days: 540,
            },
        }
    }

    /// Another number of active tickets; the total grows when it has to.
    #[must_use]
    pub fn with_active(mut self, active: u32) -> Self {
        self.active = active;
        self.tickets = self.tickets.max(active.saturating_mul(2));
        self
    }

    /// Another number of companies; every company has at least one contact.
    #[must_use]
    pub fn with_companies(mut self, companies: u32) -> Self {
        self.companies = companies.max(1);
        self.contacts = self.contacts.max(self.companies);
        self
    }
}
