//! Contacts of the customers, the technicians and their groups.

use std::ops::Range;

use chrono::{DateTime, TimeDelta, Utc};

use super::World;
use super::text::names::{AGENT_JOBS, FIRST, JOBS, LAST, LOCALES, ascii_slug};
use crate::dice::{Dice, Salt};

/// First id of requesters in the vendor's system.
pub const FIRST_CONTACT_ID: u64 = 19_000_300_001;
/// The contact who is the demo user `client`, so that this user has a company to see.
const CLIENT_EMAIL: &str = "client@hivematrix.local";
/// First id of agents in the vendor's system.
pub const FIRST_AGENT_ID: u64 = 19_000_200_001;
/// The group whose tickets are project work; consumers know this id.
pub const PROFESSIONAL_SERVICES: u64 = 19_000_234_009;

/// Groups of technicians: id, name, description.
pub const GROUPS: &[(u64, &str, &str)] = &[
    (19_000_234_001, "Service Desk", "First contact for all users"),
    (19_000_234_003, "Network & Servers", "Infrastructure and backups"),
    (19_000_234_005, "Security", "Suspicious mail, sign-ins and malware"),
    (19_000_234_007, "Field Service", "Visits on site"),
    (PROFESSIONAL_SERVICES, "Professional Services", "Projects and consulting"),
];

/// One person at a customer.
#[derive(Debug, Clone)]
pub struct Contact {
    /// Vendor id.
    pub id: u64,
    /// Given name.
    pub first_name: &'static str,
    /// Family name; some people have none on file.
    pub last_name: Option<&'static str>,
    /// Mail address; shared tablets and lifts have none.
    pub email: Option<String>,
    /// Job title.
    pub job_title: Option<&'static str>,
    /// Vendor ids of the companies, the own one first.
    pub companies: Vec<u64>,
    /// Still employed.
    pub active: bool,
    /// Important.
    pub vip: bool,
    /// Office and mobile number.
    pub phones: (Option<String>, Option<String>),
    /// Language, time zone, time format.
    pub locale: (&'static str, &'static str, &'static str),
    /// Number within the company.
    pub number: u32,
    /// Time of entry.
    pub created_at: DateTime<Utc>,
}

impl Contact {
    /// First and last name.
    #[must_use]
    pub fn name(&self) -> String {
        self.last_name
            .map_or_else(|| self.first_name.to_owned(), |last| format!("{} {last}", self.first_name))
    }
}

/// One technician.
#[derive(Debug, Clone)]
pub struct Agent {
    /// Vendor id.
    pub id: u64,
    /// Given name.
    pub first_name: &'static str,
    /// Family name.
    pub last_name: Option<&'static str>,
    /// Mail address.
    pub email: String,
    /// Job title.
    pub job_title: Option<&'static str>,
    /// Still employed.
    pub active: bool,
    /// Works by the day instead of full time.
    pub occasional: bool,
    /// Groups, the main one first.
    pub groups: Vec<u64>,
    /// Time of entry.
    pub created_at: DateTime<Utc>,
}

impl World {
    /// Indexes of a company's contacts; empty for the provider itself.
    #[must_use]
    pub fn contacts_of(&self, company: u32) -> Range<u32> {
        let at = |i: u32| self.contact_offsets.get(i as usize).copied().unwrap_or(self.size.contacts);
        at(company)..at(company + 1)
    }

    /// Index of the company of a contact.
    #[must_use]
    pub fn company_of(&self, contact: u32) -> u32 {
        (self.contact_offsets.partition_point(|start| *start <= contact) as u32).saturating_sub(1)
    }

    /// The contact at an index below `size.contacts`. The first one is the person whom a demo suite signs in as `client`.
    #[must_use]
    pub fn contact(&self, index: u32) -> Contact {
        let mut dice = Dice::new(self.seed, Salt::Contact, u64::from(index));
        let own = self.company_of(index);
        let company = self.company(own);
        let number = index - self.contact_offsets[own as usize];
        let (first_name, last_name) =
            person(own.wrapping_mul(1_237).wrapping_add(number.wrapping_mul(2_503)));
        let last_name = (!dice.chance(0.01)).then_some(last_name);
        // A company with more people than names would repeat addresses, which the vendor does not allow.
        let round = number / (FIRST.len() * LAST.len()) as u32;
        let suffix = if round == 0 { String::new() } else { (round + 1).to_string() };
        let local = match last_name {
            Some(last) => format!("{}.{}{suffix}", ascii_slug(first_name), ascii_slug(last)),
            None => format!("{}{number}", ascii_slug(first_name)),
        };
        let mut companies = vec![company.id];
        let other = dice.below(self.size.companies);
        if dice.chance(0.03) && other != own {
            companies.push(super::companies::FIRST_COMPANY_ID + u64::from(other));
        }
        let address = (!dice.chance(0.015)).then(|| format!("{local}@{}", company.domain));
        Contact {
            id: FIRST_CONTACT_ID + u64::from(index),
            first_name,
            last_name,
            email: if index == 0 { Some(CLIENT_EMAIL.to_owned()) } else { address },
            job_title: (!dice.chance(0.15)).then(|| dice.pick(JOBS)),
            companies,
            active: !dice.chance(0.04),
            vip: dice.chance(0.04),
            phones: (
                dice.chance(0.7).then(|| format!("{} ext. {}", company.phone, 100 + number)),
                dice.chance(0.5).then(|| format!("+1 555 {:07}", dice.range(1_000_000, 9_999_999))),
            ),
            locale: dice.weighted(LOCALES),
            number,
            created_at: company.customer_since + TimeDelta::seconds(dice.range(0, 190 * 86_400)),
        }
    }

    /// The technician at an index below `size.agents`; the first one owns the API key.
    #[must_use]
    pub fn agent(&self, index: u32) -> Agent {
        let mut dice = Dice::new(self.seed, Salt::Agent, u64::from(index));
        let (first_name, last_name) = person(4_001_u32.wrapping_add(index.wrapping_mul(1_087)));
        let last_name = (index % 25 != 21).then_some(last_name);
        let local = match last_name {
            Some(last) => format!("{}.{}", ascii_slug(first_name), ascii_slug(last)),
            None => ascii_slug(first_name),
        };
        let suffix = if index < 100 { String::new() } else { index.to_string() };
        let main = GROUPS[group_of_agent(index)].0;
        let mut groups = vec![main];
        if main != PROFESSIONAL_SERVICES && dice.chance(0.4) {
            groups.push(GROUPS[(group_of_agent(index) + 1) % 4].0);
        }
        Agent {
            id: FIRST_AGENT_ID + u64::from(index),
            first_name,
            last_name,
            email: format!("{local}{suffix}@msp.example"),
            job_title: (index % 25 != 18).then(|| dice.pick(AGENT_JOBS)),
            active: !has_left(index),
            occasional: index % 25 == 23,
            groups,
            created_at: self.timeline.begin() - TimeDelta::seconds(dice.range(86_400, 900 * 86_400)),
        }
    }

    /// Vendor id of a technician of a group, the busy ones more often.
    pub(super) fn someone_of(&self, group: u64, dice: &mut Dice) -> u64 {
        let team = GROUPS.iter().position(|(id, _, _)| *id == group).unwrap_or(0);
        let team = &self.teams[team];
        let index = if team.is_empty() { 0 } else { team[dice.skewed(0.0, team.len() as f64, 2) as usize] };
        FIRST_AGENT_ID + u64::from(index)
    }
}

/// Indexes of the present technicians by position of their main group in [`GROUPS`].
pub(super) fn teams(agents: u32) -> [Vec<u32>; GROUPS.len()] {
    let mut teams: [Vec<u32>; GROUPS.len()] = Default::default();
    for index in (0..agents).filter(|i| !has_left(*i)) {
        teams[group_of_agent(index)].push(index);
    }
    teams
}

/// One in 25 has left the company.
pub(super) const fn has_left(agent: u32) -> bool {
    agent % 25 == 24
}

/// Position in [`GROUPS`] of a technician's main group: the desk is the biggest team, projects come second.
const fn group_of_agent(index: u32) -> usize {
    match index % 10 {
        0 | 2 | 4 | 6 => 0,
        1 => 1,
        5 => 2,
        9 => 3,
        3 | 7 => 4,
        _ => 1,
    }
}

/// A name by number; numbers below the product of both lists give different names.
fn person(number: u32) -> (&'static str, &'static str) {
    let (first, last) = (FIRST.len() as u32, LAST.len() as u32);
    let inside = number % (first * last);
    let (row, column) = (inside % first, (inside / first + inside % first) % last);
    (FIRST[row as usize], LAST[column as usize])
}
