//! `GET /companies/{account_number}`: one company (codex-pages.md §3.2 and §10).

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::{PermissionLevel, UserOnly},
    contracts::codex::{Location, PsaConfig},
    extract::{LenientQuery, Path},
    pages::Page,
    problem::{Problem, Result},
};
use serde::Deserialize;

use super::{
    company_lines::{Line, Lines, Shown},
    parts::{self, ChangeLine, Head, HeadLink, Moment, TicketLine, counted},
    phone::tel,
};
use crate::{
    Codex,
    domain::{
        contract::Standing,
        features::{EffectiveFeature, NOT_INCLUDED, Source},
        listing::Pagination,
    },
    routes::api::{companies::no_such_company, reader::Reader},
    store::{
        changes,
        company_edit::MANUAL,
        company_page::{self, Device, Person, Whole},
        features, locations, related_tickets,
    },
};

/// Contacts and assets on one page.
const PER_PAGE: i64 = 25;
/// Tickets that are shown.
const TICKETS: i64 = 10;

/// Which part of the long lists is shown.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Parts {
    contacts_page: Option<i64>,
    assets_page: Option<i64>,
}

/// Where in one of the page's own lists somebody is, and the ways to its other parts.
struct Pages {
    place: Pagination,
    previous: Option<String>,
    next: Option<String>,
}

impl Pages {
    /// The part that is asked for, else the nearest there is.
    fn of(asked: Option<i64>, total: i64, name: &str, anchor: &str) -> Self {
        let last = Pagination::at(1, PER_PAGE, total).pages.max(1);
        let place = Pagination::at(asked.unwrap_or(1).clamp(1, last), PER_PAGE, total);
        let link = |page: i64| format!("?{name}={page}#{anchor}");
        Self { place, previous: place.prev_num.map(link), next: place.next_num.map(link) }
    }

    const fn offset(&self) -> i64 {
        (self.place.page - 1) * PER_PAGE
    }
}

/// A feature with what can be chosen for it.
struct Feature {
    feature: EffectiveFeature,
    options: Vec<String>,
}

impl Feature {
    fn is_custom(&self) -> bool {
        self.feature.source == Source::Override
    }
}

#[derive(Template)]
#[template(path = "companies/company.html")]
struct CompanyPage {
    page: Page,
    head: Head,
    company: Whole,
    overview: Vec<Line>,
    contract: Vec<Line>,
    address: Line,
    portal: Line,
    sites: Vec<String>,
    locations: Vec<Location>,
    features: Vec<Feature>,
    /// Whether the company's plan is a listed one.
    has_plan: bool,
    people: Vec<Person>,
    people_pages: Pages,
    devices: Vec<Device>,
    device_pages: Pages,
    tickets: Vec<TicketLine>,
    ticket_total: i64,
    /// None for those who may not see it.
    history: Option<Vec<ChangeLine>>,
    may_edit: bool,
    may_remove: bool,
    is_synced: bool,
}

impl CompanyPage {
    fn map(address: &str) -> String {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("query", address).finish();
        format!("https://www.google.com/maps/search/?api=1&{query}")
    }

    /// What is lost with the company, for whoever is about to remove it.
    fn lost(&self) -> String {
        let company = &self.company;
        let back = if self.is_synced {
            " As long as it is in the PSA, the next sync brings the company back."
        } else {
            ""
        };
        format!(
            "Removed with it: {}, {} and the agreed features. {} and {} stay, without a company.{back}",
            counted(company.assets, "asset"),
            counted(self.locations.len(), "location"),
            counted(self.ticket_total, "ticket"),
            counted(company.contacts, "contact"),
        )
    }
}

/// Address of the company at its vendor.
fn psa_link(psa: &PsaConfig, company: &Whole) -> Option<String> {
    let template = psa.providers.get(&company.external_source)?.company_url_template.as_ref()?;
    Some(template.replace("{company_id}", &company.external_id?.to_string()))
}

/// The page.
pub async fn page(
    State(codex): State<Codex>,
    UserOnly(user): UserOnly,
    reader: Reader,
    Path(account_number): Path<String>,
    LenientQuery(parts): LenientQuery<Parts>,
    page: Page,
) -> Result<Html<String>> {
    reader.may_see(Some(&account_number))?;
    let (pool, number) = (&codex.pool, account_number.as_str());
    let company = company_page::whole(pool, number).await?.ok_or_else(|| no_such_company(number))?;
    let level = user.permission_level;
    let is_staff = reader.is_staff().is_ok();
    let may_edit = level.may_edit();
    let people_pages = Pages::of(parts.contacts_page, company.contacts, "contacts_page", "contacts");
    let device_pages = Pages::of(parts.assets_page, company.assets, "assets_page", "assets");
    let only = [account_number.clone()];
    let tickets = related_tickets::of_company(pool, number, TICKETS).await?;
    let history = if is_staff {
        Some(parts::history(changes::of(pool, "companies", number, parts::CHANGES).await?))
    } else {
        None
    };
    let (candidates, offered) = if may_edit {
        (company_page::candidates(pool, number).await?, company_page::offered(pool).await?)
    } else {
        (Vec::new(), company_page::Offered::default())
    };
    let has_plan = features::plan_of(pool, number).await?.is_some();
    let effective = if has_plan { features::effective(pool, number).await? } else { Vec::new() };
    let registry = codex.context.registry.load();
    let opens = |name: &str| registry.get(name).is_some_and(|entry| entry.allows(level));
    let psa = parts::psa(&codex, is_staff);
    let billing = opens("ledger").then(|| HeadLink {
        href: format!("/ledger/client/{}", percent_encoded(number)),
        icon: "receipt",
        label: "Billing",
    });
    let knowledge = opens("knowledgetree").then(|| HeadLink {
        href: format!("/knowledgetree/browse/Companies/{}", percent_encoded(&company.name)),
        icon: "folder",
        label: "Knowledge",
    });
    let plan = company.plan.as_deref().filter(|plan| !plan.is_empty());
    let head = Head {
        title: company.name.clone(),
        note: [Some(number), plan].into_iter().flatten().collect::<Vec<_>>().join(" · "),
        links: psa_link(&psa, &company)
            .map(HeadLink::psa)
            .into_iter()
            .chain(billing)
            .chain(knowledge)
            .collect(),
        back: "/companies/",
    };
    let lines = Lines::new(&company, codex.context.clock.now().date_naive());
    let html = CompanyPage {
        overview: lines.overview(&candidates, &offered),
        contract: lines.contract(),
        address: lines.address(),
        portal: lines.portal(),
        sites: company_page::sites(pool, number).await?,
        locations: locations::list(pool, Some(&only)).await?.into_iter().map(|row| row.location).collect(),
        features: effective
            .into_iter()
            .map(|feature| Feature { options: options(&offered.features, &feature), feature })
            .collect(),
        has_plan,
        people: company_page::people(pool, number, PER_PAGE, people_pages.offset()).await?,
        devices: company_page::devices(pool, number, PER_PAGE, device_pages.offset()).await?,
        people_pages,
        device_pages,
        tickets: parts::tickets(tickets.items, &psa),
        ticket_total: tickets.total,
        history,
        may_edit,
        may_remove: level == PermissionLevel::Admin,
        is_synced: company.external_source != MANUAL,
        head,
        page,
        company,
    };
    html.render().map(Html).map_err(Problem::internal)
}

/// The values of a feature, the present one included.
fn options(all: &[(String, String)], feature: &EffectiveFeature) -> Vec<String> {
    let of_feature = all.iter().filter(|(key, _)| *key == feature.key).map(|(_, value)| value.clone());
    let mut options: Vec<String> = of_feature.collect();
    for always in [NOT_INCLUDED, feature.value.as_str()] {
        if !options.iter().any(|known| known == always) {
            options.push(always.to_owned());
        }
    }
    options
}

/// A part of a path.
fn percent_encoded(text: &str) -> String {
    let mut base = url::Url::parse("http://x/").ok();
    if let Some(Ok(mut segments)) = base.as_mut().map(url::Url::path_segments_mut) {
        segments.clear().push(text);
    }
    base.map(|url| url.path().trim_start_matches('/').to_owned()).unwrap_or_default()
}
