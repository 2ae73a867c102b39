//! What the simulator knows: sites, devices, variables, jobs, tokens.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::Config;
use super::jobs::Job;
use super::limits::Limits;
use crate::freshservice::fault::Faults;
use crate::freshservice::request_log::RequestLog;
use crate::world::World;
use crate::world::devices::{Device, Site};

/// A variable of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    pub id: u32,
    pub name: String,
    pub value: String,
    pub masked: bool,
}

/// A site with what hangs on it.
#[derive(Debug, Clone)]
pub struct SiteState {
    pub id: u32,
    pub site: Site,
    pub variables: Vec<Variable>,
}

/// A device as it is now.
#[derive(Debug, Clone)]
pub struct DeviceState {
    pub id: u32,
    pub device: Device,
    /// Uid of its site.
    pub site: String,
    /// Members that are otherwise than made up.
    pub patch: Map<String, Value>,
}

/// Everything.
#[derive(Debug)]
pub struct State {
    pub world: World,
    /// In the order in which they are listed.
    pub sites: Vec<SiteState>,
    /// By id, in the order in which they are listed.
    pub devices: BTreeMap<u32, DeviceState>,
    pub ids: HashMap<String, u32>,
    pub jobs: HashMap<String, Job>,
    pub tokens: HashMap<String, DateTime<Utc>>,
    pub limits: Limits,
    pub faults: Faults,
    pub log: RequestLog,
    /// Numbers variables, tokens and jobs.
    pub counter: u32,
}

impl State {
    pub fn new(config: &Config) -> Self {
        let world = World::new(config.seed, config.size, config.clock.now());
        let mut state = Self {
            sites: Vec::new(),
            devices: BTreeMap::new(),
            ids: HashMap::new(),
            jobs: HashMap::new(),
            tokens: HashMap::new(),
            limits: Limits::default(),
            faults: Faults::default(),
            log: RequestLog::default(),
            counter: 0,
            world,
        };
        for company in 0..state.world.company_count() {
            state.add_site(state.world.site(company, false));
            if state.world.has_branch(company) {
                state.add_site(state.world.site(company, true));
            }
        }
        for index in 0..config.size.assets {
            let (device, branch) = state.world.device(index);
            let site = state.world.site(device.company, branch).uid;
            let id = index + 1;
            state.ids.insert(device.uid.clone(), id);
            state.devices.insert(id, DeviceState { id, device, site, patch: Map::new() });
        }
        state
    }

    /// Adds a site at the end.
    pub fn add_site(&mut self, site: Site) {
        let number = site.account_number.clone();
        let uid = site.uid.clone();
        let id = self.sites.last().map_or(1, |last| last.id + 1);
        self.sites.push(SiteState { id, site, variables: Vec::new() });
        if let Some(number) = number {
            self.set_variable(&uid, "AccountNumber", Some(number));
        }
    }

    pub fn site(&self, uid: &str) -> Option<&SiteState> {
        self.sites.iter().find(|site| site.site.uid == uid)
    }

    pub fn site_mut(&mut self, uid: &str) -> Option<&mut SiteState> {
        self.sites.iter_mut().find(|site| site.site.uid == uid)
    }

    pub fn device(&self, uid: &str) -> Option<&DeviceState> {
        self.devices.get(self.ids.get(uid)?)
    }

    pub fn device_mut(&mut self, uid: &str) -> Option<&mut DeviceState> {
        self.devices.get_mut(self.ids.get(uid)?)
    }

    /// The next number.
    pub fn count(&mut self) -> u32 {
        self.counter += 1;
        self.counter
    }

    /// Sets, changes or, without a value, removes a variable; false when there is no such site.
    pub fn set_variable(&mut self, site: &str, name: &str, value: Option<String>) -> bool {
        let id = self.count();
        let Some(site) = self.site_mut(site) else { return false };
        let Some(value) = value else {
            site.variables.retain(|variable| variable.name != name);
            return true;
        };
        match site.variables.iter_mut().find(|variable| variable.name == name) {
            Some(variable) => variable.value = value,
            None => site.variables.push(Variable { id, name: name.to_owned(), value, masked: false }),
        }
        true
    }
}
