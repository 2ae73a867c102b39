//! The lines of a company's overview: what is read, and the control that changes it (codex-pages.md §3.2).

use chrono::NaiveDate;

use super::phone::tel;
use crate::{
    domain::{
        contract::{self, Standing},
        plan_badge,
        plans::{SUPPORT_LEVELS, TERMS},
        web_address::is_web_address,
    },
    store::{
        company_edit::MANUAL,
        company_page::{Candidate, Offered, Whole},
    },
};

const MAIL: [&str; 4] = ["Microsoft 365", "Google Workspace", "Exchange On-Premise", "Other"];
const PHONES: [&str; 10] = [
    "RingCentral",
    "Microsoft Teams",
    "Zoom Phone",
    "3CX",
    "DFN",
    "Spectrum",
    "Xfinity",
    "CenturyLink",
    "On-Premise PBX",
    "Other",
];

/// How a value is read.
#[derive(Clone, Debug)]
pub enum Shown {
    /// As it is.
    Text(String),
    /// As a badge with these classes.
    Badge(&'static str, String),
    /// Address and words; an address that begins with `https:` or `http:` opens a new window.
    Links(Vec<(String, String)>),
    /// The end of a contract.
    End(Standing, String),
}

/// How a value is changed.
#[derive(Clone, Debug)]
pub enum Control {
    /// Not here.
    None,
    /// A field of this type.
    Input(&'static str),
    /// Several lines.
    Area,
    /// Value and words of each choice.
    Select(Vec<(String, String)>),
}

/// A line.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it is.
    pub label: &'static str,
    /// Field that is sent.
    pub field: &'static str,
    /// What is read.
    pub shown: Shown,
    /// What changes it.
    pub control: Control,
    /// The control's value.
    pub value: String,
    /// Where the value comes from, while it is changed.
    pub help: Option<String>,
    /// Whether a person changed it, so that a sync leaves it alone.
    pub edited: bool,
}

impl Line {
    /// The choices, for the template.
    pub fn choices(&self) -> &[(String, String)] {
        match &self.control {
            Control::Select(choices) => choices,
            _ => &[],
        }
    }

    /// Type of an input; empty for other controls.
    pub fn input(&self) -> &'static str {
        match self.control {
            Control::Input(kind) => kind,
            _ => "",
        }
    }

    /// Whether it can be changed.
    pub fn is_editable(&self) -> bool {
        !matches!(self.control, Control::None)
    }

    /// Whether the control has several lines.
    pub fn is_area(&self) -> bool {
        matches!(self.control, Control::Area)
    }
}

/// Makes the lines of one company.
pub struct Lines<'a> {
    company: &'a Whole,
    today: NaiveDate,
}

impl<'a> Lines<'a> {
    /// Of this company, as it stands today.
    pub const fn new(company: &'a Whole, today: NaiveDate) -> Self {
        Self { company, today }
    }

    fn line(&self, label: &'static str, field: &'static str, value: &str, control: Control) -> Line {
        let shown = if value.is_empty() { "N/A" } else { value };
        Line {
            label,
            field,
            shown: Shown::Text(shown.to_owned()),
            control,
            value: value.to_owned(),
            help: None,
            // All of a company that no vendor has is by hand.
            edited: self.company.external_source != MANUAL
                && self.company.edited_fields.iter().any(|edited| edited == field),
        }
    }

    fn input(
        &self,
        label: &'static str,
        field: &'static str,
        value: Option<&String>,
        kind: &'static str,
    ) -> Line {
        self.line(label, field, value.map_or("", String::as_str), Control::Input(kind))
    }

    /// A select whose present value is always among the choices.
    fn select<'b>(
        &self,
        label: &'static str,
        field: &'static str,
        value: Option<&String>,
        choices: impl IntoIterator<Item = &'b str>,
    ) -> Line {
        let value = value.map_or("", String::as_str);
        let mut all = vec![(String::new(), "Not set".to_owned())];
        all.extend(choices.into_iter().map(|choice| (choice.to_owned(), choice.to_owned())));
        if !all.iter().any(|(known, _)| known == value) {
            all.push((value.to_owned(), value.to_owned()));
        }
        self.line(label, field, value, Control::Select(all))
    }

    fn person(
        &self,
        label: &'static str,
        field: &'static str,
        id: Option<i64>,
        name: Option<&String>,
        people: &[Candidate],
    ) -> Line {
        let value = id.map(|id| id.to_string()).unwrap_or_default();
        let mut choices = vec![(String::new(), "Nobody".to_owned())];
        choices.extend(people.iter().map(|person| (person.external_id.to_string(), person.name.clone())));
        let shown = name.filter(|name| !name.is_empty()).map_or("N/A", String::as_str).to_owned();
        if !choices.iter().any(|(known, _)| *known == value) {
            choices.push((value.clone(), shown.clone()));
        }
        Line { shown: Shown::Text(shown), ..self.line(label, field, &value, Control::Select(choices)) }
    }

    fn date(&self, label: &'static str, field: &'static str, value: Option<&String>) -> Line {
        let text = value.map_or("", String::as_str);
        let day = text.split(['T', ' ']).next().unwrap_or_default();
        match NaiveDate::parse_from_str(day, "%Y-%m-%d") {
            Ok(date) => Line {
                shown: Shown::Text(date.format("%m/%d/%Y").to_string()),
                ..self.line(label, field, &date.to_string(), Control::Input("date"))
            },
            // What is no date is shown, and stays unless a date takes its place.
            Err(_) => {
                let shown = if text.is_empty() { "N/A" } else { text };
                let line = self.line(label, field, "", Control::Input("date"));
                Line { shown: Shown::Text(shown.to_owned()), ..line }
            }
        }
    }

    fn with_psa(&self, line: Line, value: Option<&String>) -> Line {
        let help = match (&self.company.external_source, value) {
            (source, _) if source == MANUAL => None,
            (_, Some(value)) if !value.is_empty() => Some(format!("In the PSA: {value}")),
            _ => Some("Not set in the PSA".to_owned()),
        };
        Line { help, ..line }
    }

    /// The overview.
    pub fn overview(&self, people: &[Candidate], offered: &Offered) -> Vec<Line> {
        let company = self.company;
        let plans = std::iter::once("Inactive").chain(
            offered.plans.iter().map(String::as_str).filter(|plan| !plan.eq_ignore_ascii_case("inactive")),
        );
        let mut plan = self.select("Plan", "billing_plan", company.plan.as_ref(), plans);
        if let Control::Select(choices) = &mut plan.control
            && let Some((_, words)) = choices.first_mut()
        {
            "Select Plan".clone_into(words);
        }
        let plan = match &company.plan {
            Some(name) if !name.is_empty() => {
                Line { shown: Shown::Badge(plan_badge::class(name), name.clone()), ..plan }
            }
            _ => plan,
        };
        let main_number = company.company_main_number.as_ref();
        let mut phone = self.input("Phone", "company_main_number", main_number, "tel");
        if let Some(number) = main_number.filter(|number| !number.is_empty()) {
            phone.shown = Shown::Links(vec![(tel(number), number.clone())]);
        }
        let number = |label, field, value: &'a Option<String>| {
            let kind = if value.as_ref().is_none_or(|value| value.is_empty() || value.parse::<u64>().is_ok())
            {
                "number"
            } else {
                "text"
            };
            self.input(label, field, value.as_ref(), kind)
        };
        let mut account = self.line("Account Number", "", &company.account_number, Control::None);
        account.edited = false;
        vec![
            self.input("Company Name", "name", Some(&company.name), "text"),
            account,
            self.with_psa(plan, company.plan_selected.as_ref()),
            self.select("Support Level", "support_level", company.support_level.as_ref(), SUPPORT_LEVELS),
            self.compliance(),
            number("Managed Users", "managed_users", &company.managed_users),
            number("Managed Devices", "managed_devices", &company.managed_devices),
            number("Managed Network Devices", "managed_network", &company.managed_network),
            self.select("Email System", "email_system", company.email_system.as_ref(), MAIL),
            self.select("Phone System", "phone_system", company.phone_system.as_ref(), PHONES),
            self.person(
                "Company Head",
                "head_user_id",
                company.head_user_id,
                company.head_name.as_ref(),
                people,
            ),
            self.person(
                "Prime User",
                "prime_user_id",
                company.prime_user_id,
                company.prime_user_name.as_ref(),
                people,
            ),
            phone,
            self.date("Company Start Date", "company_start_date", company.company_start_date.as_ref()),
            self.line("Contacts Count", "", &company.contacts.to_string(), Control::None),
            self.line("Assets Count", "", &company.assets.to_string(), Control::None),
            self.domains(),
            self.line(
                "Description",
                "description",
                company.description.as_deref().unwrap_or_default(),
                Control::Area,
            ),
        ]
    }

    fn compliance(&self) -> Line {
        let level = self.company.compliance_level.as_str();
        let choices = [("standard", "Standard"), ("cjis", "CJIS"), ("hipaa", "HIPAA")];
        let words = choices.iter().find(|(known, _)| *known == level).map_or(level, |(_, words)| words);
        let class = match level {
            "cjis" => "badge badge--warning",
            "hipaa" => "badge badge--info",
            _ => "badge badge--secondary",
        };
        let control = choices.map(|(value, words)| (value.to_owned(), words.to_owned())).into();
        Line {
            shown: Shown::Badge(class, words.to_owned()),
            help: Some("Steers what the AI assistant may see.".to_owned()),
            ..self.line("Compliance Level", "compliance_level", level, Control::Select(control))
        }
    }

    fn domains(&self) -> Line {
        let domains = &self.company.domains;
        let mut line = self.line("Domains", "domains", &domains.join("\n"), Control::Area);
        line.help = Some("One per line.".to_owned());
        let links = domains.iter().map(|domain| (format!("https://{domain}"), domain.clone()));
        if !domains.is_empty() {
            line.shown = Shown::Links(links.collect());
        }
        line
    }

    /// Contract Information.
    pub fn contract(&self) -> Vec<Line> {
        let company = self.company;
        let term = company.contract_term_length.as_ref().or(company.contract_term.as_ref());
        let term_line = self.select("Contract Term", "contract_term_length", term, TERMS);
        let standing =
            contract::standing(company.contract_end_date.as_deref(), term.map(String::as_str), self.today);
        let end = self.date("Contract End Date", "contract_end_date", company.contract_end_date.as_ref());
        let words = match &end.shown {
            Shown::Text(text) => text.clone(),
            _ => String::new(),
        };
        let (start, ended) = ("contract_start_date", "Computed from start and term when you save.");
        vec![
            self.with_psa(term_line, company.contract_term.as_ref()),
            self.date("Contract Start Date", start, company.contract_start_date.as_ref()),
            Line {
                shown: Shown::End(standing, words),
                control: Control::None,
                help: Some(ended.to_owned()),
                edited: false,
                ..end
            },
        ]
    }

    /// Where the company is; it stands among its locations.
    pub fn address(&self) -> Line {
        self.line("Address", "address", self.company.address.as_deref().unwrap_or_default(), Control::Area)
    }

    /// Systems & Technology.
    pub fn portal(&self) -> Line {
        let url = self.company.datto_portal_url.as_ref();
        let mut line = self.input("Datto Portal", "datto_portal_url", url, "url");
        if let Some(url) = url.filter(|url| is_web_address(url)) {
            line.shown = Shown::Links(vec![(url.clone(), "View Portal".to_owned())]);
        }
        line
    }
}
