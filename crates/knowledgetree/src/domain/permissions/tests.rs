use PermissionLevel::{Admin, Billing, Client, Technician};

use super::*;

const READS: [Action; 1] = [Action::Read];
const STAFF: [Action; 1] = [Action::ReadHistory];
const WRITES: [Action; 9] = [
    Action::CreateIn,
    Action::Upload,
    Action::RemoveFile,
    Action::Link,
    Action::Edit,
    Action::Rename,
    Action::Move,
    Action::Delete,
    Action::Restore,
];
const ADMIN_READS: [Action; 1] = [Action::ReadAdministration];
const ADMIN_WRITES: [Action; 2] = [Action::Purge, Action::Administer];
const PAGES: [Action; 1] = [Action::OpenPage];
const ADMIN_PAGES: [Action; 1] = [Action::OpenAdminPage];

/// Who may do each group of actions: reads, history, writes, administration read, administration, pages, admin pages.
#[test]
fn the_table_of_rights() {
    let groups: [&[Action]; 7] = [&READS, &STAFF, &WRITES, &ADMIN_READS, &ADMIN_WRITES, &PAGES, &ADMIN_PAGES];
    for (who, rights) in [
        (Who::User(Admin), "yyyyyyy"),
        (Who::User(Technician), "yyynnyn"),
        (Who::User(Billing), "yynnnyn"),
        (Who::User(Client), "ynnnnyn"),
        (Who::ServiceFor(Admin), "yyyyynn"),
        (Who::ServiceFor(Technician), "yyynnnn"),
        (Who::ServiceFor(Billing), "yynnnnn"),
        (Who::ServiceFor(Client), "ynnnnnn"),
        (Who::Service { may_write: false }, "yynynnn"),
        (Who::Service { may_write: true }, "yyyyynn"),
    ] {
        for (actions, right) in groups.iter().zip(rights.chars()) {
            for action in *actions {
                let allowed = check(who, *action, Target::default()).is_ok();
                assert_eq!(allowed, right == 'y', "{who:?} {action:?}");
            }
        }
    }
}

#[test]
fn refusals_name_what_is_missing() {
    for (who, action, refusal) in [
        (Who::User(Billing), Action::Edit, Refusal::Level("admin or technician")),
        (Who::User(Technician), Action::Administer, Refusal::Level("admin")),
        (Who::User(Client), Action::ReadHistory, Refusal::Level("admin, technician or billing")),
        (Who::Service { may_write: false }, Action::CreateIn, Refusal::ServiceAlone),
        (Who::ServiceFor(Admin), Action::OpenPage, Refusal::UsersOnly),
    ] {
        assert_eq!(check(who, action, Target::default()), Err(refusal));
    }
}

#[test]
fn for_a_client_companies_do_not_exist() {
    let target = Target { in_companies: true, read_only: true, ..Target::default() };
    for who in [Who::User(Client), Who::ServiceFor(Client)] {
        assert!(companies_are_hidden(who));
        for action in [READS.as_slice(), &WRITES, &ADMIN_WRITES].concat() {
            assert_eq!(check(who, action, target), Err(Refusal::Hidden), "{action:?}");
        }
    }
    for who in [Who::User(Billing), Who::ServiceFor(Technician), Who::Service { may_write: false }] {
        assert_eq!(check(who, Action::Read, target), Ok(()));
    }
}

#[test]
fn read_only_protects_the_item_and_leaves_room_beside_and_below_it() {
    let target = Target { read_only: true, ..Target::default() };
    for (action, technician, admin) in [
        (Action::CreateIn, true, true),
        (Action::Upload, true, true),
        (Action::Link, true, true),
        (Action::Edit, false, false),
        (Action::Rename, false, false),
        (Action::Move, false, false),
        (Action::Delete, false, true),
    ] {
        assert_eq!(check(Who::User(Technician), action, target).is_ok(), technician, "{action:?}");
        assert_eq!(check(Who::ServiceFor(Admin), action, target).is_ok(), admin, "{action:?}");
    }
    let holder = Target { holds_read_only: true, ..Target::default() };
    assert_eq!(check(Who::User(Technician), Action::Delete, holder), Err(Refusal::HoldsReadOnly));
    assert_eq!(check(Who::User(Technician), Action::Rename, holder), Ok(()));
    assert_eq!(check(Who::User(Admin), Action::Delete, holder), Ok(()));
    let upstream = Who::Service { may_write: true };
    assert_eq!(check(upstream, Action::Delete, target), Err(Refusal::ReadOnly));
}

#[test]
fn nobody_touches_the_root_but_its_text() {
    let root = Target { is_root: true, ..Target::default() };
    for action in [Action::Rename, Action::Move, Action::Delete] {
        let refusal = check(Who::User(Admin), action, root).unwrap_err();
        assert_eq!((refusal, refusal.status()), (Refusal::Root, 400));
    }
    assert_eq!(check(Who::User(Technician), Action::Edit, root), Ok(()));
    assert_eq!(check(Who::User(Technician), Action::CreateIn, root), Ok(()));
}
