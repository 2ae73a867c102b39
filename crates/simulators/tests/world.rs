//! The made-up world: sizes, determinism, the mix of the board.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};
use hivematrix_simulators::world::companies::FIRST_COMPANY_ID;
use hivematrix_simulators::world::people::{FIRST_CONTACT_ID, PROFESSIONAL_SERVICES};
use hivematrix_simulators::world::text::names::ascii_slug;
use hivematrix_simulators::world::{Folder, Size, SizeName, Ticket, World, status};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn world(name: SizeName) -> World {
    World::new(1, Size::named(name), at("2026-03-18T15:20:00Z"))
}

fn active(world: &World) -> Vec<Ticket> {
    world.active().iter().map(|id| world.ticket(*id).unwrap().into_owned()).collect()
}

#[test]
fn sizes_are_what_they_promise() {
    for (name, tickets, active) in
        [(SizeName::Demo, 6_000, 120), (SizeName::Reference, 20_000, 350), (SizeName::Large, 200_000, 3_500)]
    {
        let world = world(name);
        assert_eq!((world.ticket_count(), world.active().len()), (tickets, active), "{name:?}");
        let listed =
            world.ids(Folder::Listed, None, None).filter(|id| world.ticket(*id).unwrap().is_active());
        assert_eq!(listed.count(), active, "{name:?}: nothing else looks active");
    }
}

#[test]
fn overridden_sizes_hold() {
    let now = at("2026-03-18T15:20:00Z");
    for (active, companies) in [(0, 1), (1, 3), (5, 40), (700, 2_000), (4_000, 40)] {
        let size = Size::named(SizeName::Demo).with_active(active).with_companies(companies);
        let world = World::new(9, size, now);
        assert_eq!(world.active().len(), active as usize);
        assert_eq!(world.company_count(), companies + 1);
        assert!((0..companies).all(|company| !world.contacts_of(company).is_empty()));
    }
}

#[test]
fn the_same_seed_makes_the_same_world() {
    let (a, b) = (world(SizeName::Demo), world(SizeName::Demo));
    let other = World::new(2, Size::named(SizeName::Demo), at("2026-03-18T15:20:00Z"));
    let ids: Vec<u64> = a.ids(Folder::Listed, None, None).collect();
    assert_eq!(ids, b.ids(Folder::Listed, None, None).collect::<Vec<_>>());
    let mut differs = 0;
    for id in ids.iter().step_by(37) {
        let (one, two) = (a.ticket(*id).unwrap(), b.ticket(*id).unwrap());
        assert_eq!(one, two);
        assert_eq!(a.words(&one).html, b.words(&two).html);
        assert_eq!(a.thread(&one), b.thread(&two));
        assert_eq!(a.work(&one), b.work(&two));
        differs += usize::from(other.ticket(*id).is_some_and(|ticket| *ticket != *one));
    }
    assert!(differs > 100);
}

#[test]
fn the_past_is_in_order() {
    let world = world(SizeName::Demo);
    let now = at("2026-03-18T15:20:00Z");
    let ids: Vec<u64> = world.ids(Folder::Listed, None, None).collect();
    let mut office = 0;
    let mut younger = now;
    for id in &ids {
        let t = world.ticket(*id).unwrap();
        assert!(t.created_at <= younger, "#{id} is newer than the ticket after it");
        younger = t.created_at;
        let steps =
            [Some(t.created_at), t.first_responded_at, t.agent_responded_at, Some(t.updated_at), Some(now)];
        let steps: Vec<_> = steps.into_iter().flatten().collect();
        assert!(steps.is_sorted(), "#{id}: {steps:?}");
        let weekday = !matches!(t.created_at.weekday(), Weekday::Sat | Weekday::Sun);
        office += usize::from(weekday && (7..19).contains(&t.created_at.hour()));
    }
    assert!(office * 10 > ids.len() * 9, "{office} of {} in office hours", ids.len());
}

/// What a board makes of an active ticket.
fn section(t: &Ticket, now: DateTime<Utc>) -> &'static str {
    let limit = match t.priority {
        4 => TimeDelta::minutes(30),
        3 => TimeDelta::days(2),
        2 => TimeDelta::days(3),
        _ => TimeDelta::days(4),
    };
    let target = if t.kind == "Service Request" { t.due_by } else { t.fr_due_by };
    let critical = t.first_responded_at.is_none() && target.unwrap() - now < TimeDelta::hours(4);
    match t.status {
        status::CUSTOMER_REPLIED => "replied",
        status::PENDING_HUBSPOT => "other",
        status::UPDATE_NEEDED => "hot",
        _ if critical || now - t.updated_at > limit || t.priority == 4 => "hot",
        status::OPEN => "open",
        _ => "other",
    }
}

#[test]
fn the_board_is_convincing_at_any_time_of_the_week() {
    for now in
        ["2026-03-18T15:20:00Z", "2026-03-16T06:00:00Z", "2026-03-15T23:30:00Z", "2026-03-20T18:59:00Z"]
    {
        let now = at(now);
        for (name, open) in [(SizeName::Demo, 25..45), (SizeName::Reference, 75..130)] {
            let world = World::new(1, Size::named(name), now);
            let tickets = active(&world);
            let mut sections = BTreeMap::new();
            for t in &tickets {
                *sections.entry(section(t, now)).or_insert(0) += 1;
            }
            assert!((4..10).contains(&sections["hot"]), "{now} {sections:?}");
            assert!(open.contains(&sections["open"]), "{now} {sections:?}");
            assert!(sections["replied"] * 100 >= tickets.len() * 14, "{now} {sections:?}");
            assert!(sections["other"] * 100 >= tickets.len() * 35, "{now} {sections:?}");
            let projects = tickets.iter().filter(|t| t.group_id == Some(PROFESSIONAL_SERVICES)).count();
            assert!((20..=30).contains(&(projects * 100 / tickets.len())), "{projects} projects");
            let agents: HashSet<_> = tickets.iter().filter_map(|t| t.responder_id).collect();
            assert!(agents.len() >= 12, "{} agents have work", agents.len());
        }
    }
}

#[test]
fn oddities_are_there() {
    let world = world(SizeName::Demo);
    let tickets = active(&world);
    let subjects: Vec<String> = tickets.iter().map(|t| world.words(t).subject).collect();
    let different: HashSet<_> = subjects.iter().collect();
    assert!(different.len() >= 100, "{} different subjects on the board", different.len());
    assert!(subjects.iter().any(|s| s.contains("<script>") || s.contains('\\')), "hostile markup");
    assert!(tickets.iter().any(|t| t.requester_id.is_none()), "alerts without a requester");
    assert!(tickets.iter().any(|t| t.status == status::ODD), "an unknown status");
    assert!(world.ids(Folder::Spam, None, None).count() > 0);
    assert!(world.ids(Folder::Deleted, None, None).count() > 0);
    let contacts: Vec<_> = (0..1500).map(|i| world.contact(i)).collect();
    assert!(contacts.iter().any(|c| c.email.is_none()));
    assert!(contacts.iter().any(|c| c.companies.len() > 1));
    assert!(contacts.iter().any(|c| !c.active));
    let emails: Vec<_> = contacts.iter().filter_map(|c| c.email.as_deref()).collect();
    assert_eq!(emails.iter().collect::<HashSet<_>>().len(), emails.len(), "addresses are unique");
    assert!(emails.iter().all(|email| email.is_ascii()));
    assert!(tickets.iter().any(|t| !world.words(t).subject.is_ascii() || !world.words(t).text.is_ascii()));
    let long = world.ticket(42_001 + 17).unwrap();
    assert_eq!(world.work(&long).len(), 130, "more time entries than fit on a page");
    let many = world.ticket(42_001 + 5).unwrap();
    assert!(world.thread(&many).len() > 40, "more conversations than an include shows");
}

#[test]
fn the_rmm_has_the_same_companies_machines_and_people() {
    let (world, again) = (world(SizeName::Demo), world(SizeName::Demo));
    let (mut uids, mut users, mut branches) = (HashSet::new(), 0, 0);
    for index in 0..world.size().assets {
        let (device, branch) = world.device(index);
        assert_eq!((device.clone(), branch), again.device(index));
        let asset = world.asset(index);
        assert_eq!(device.hostname, asset.name);
        assert_eq!(u64::from(device.company), asset.department_id - FIRST_COMPANY_ID);
        assert!(!branch || world.has_branch(device.company));
        branches += u32::from(branch);
        if let (Some(user), Some(last)) = (asset.user_id, device.last_user.as_deref()) {
            let contact = world.contact((user - FIRST_CONTACT_ID) as u32);
            assert!(last.contains(&ascii_slug(contact.first_name)), "{last} is not {}", contact.name());
            users += 1;
        }
        assert!(uids.insert(device.uid));
    }
    assert!(users > 1_000 && branches > 50, "{users} users, {branches} devices in branches");
    let sites: Vec<_> = (0..world.company_count()).map(|company| world.site(company, false)).collect();
    let numbered = sites.iter().filter(|site| site.account_number.is_some()).count();
    assert!((25..40).contains(&numbered), "{numbered} sites have their number");
    assert_eq!(sites[0].account_number, world.company(0).account_number, "the demo's client has its devices");
}
