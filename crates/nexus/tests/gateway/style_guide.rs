//! The style guide: who sees it, in which look, and that it draws everything (nexus.md, "Design system").

use std::collections::BTreeSet;

use hivematrix_shared::{
    auth::PermissionLevel::{self, Admin, Technician},
    pages::icons,
};
use http::{Method, StatusCode};

use crate::support::World;

const NAMES: &str = include_str!("../../design/contract.txt");

#[tokio::test]
async fn administrators_and_technicians_see_it_others_do_not() {
    let world = World::new().await;
    for level in PermissionLevel::ALL {
        let answer = world.call(Method::GET, "/style-guide", level).send().await;
        let staff = matches!(level, Admin | Technician);
        assert_eq!(answer.status, if staff { StatusCode::OK } else { StatusCode::FORBIDDEN }, "{level}");
    }
    assert_eq!(world.get("/style-guide").send().await.status, StatusCode::UNAUTHORIZED);
    let signed_out = world.open("/style-guide").send().await;
    assert_eq!(signed_out.status, StatusCode::FOUND);
    assert_eq!(signed_out.header("location"), "/login?next=/style-guide");
}

#[tokio::test]
async fn the_address_chooses_the_look_and_no_menu_names_it() {
    let world = World::new().await;
    let mut browser = world.sign_in().await;
    for (address, attributes) in [
        ("/style-guide?theme=dark&color=matrix", "data-theme=\"dark\" data-color-theme=\"matrix\""),
        ("/style-guide?theme=light&color=blue", "data-theme=\"light\" data-color-theme=\"blue\""),
    ] {
        let page = browser.open(address).await;
        assert!(page.text().contains(&format!("<html lang=\"en\" {attributes}>")), "{address}");
        assert_eq!(page.header("cache-control"), "no-store");
        let text = page.text();
        let menu = text.split("side-panel__list").nth(1).and_then(|rest| rest.split("</ul>").next()).unwrap();
        assert!(!menu.contains("style-guide"), "{menu}");
    }
}

#[tokio::test]
async fn every_name_of_the_contract_and_every_icon_is_drawn() {
    let world = World::new().await;
    let mut browser = world.sign_in().await;
    let page = browser.open("/style-guide").await.text();
    let used: BTreeSet<&str> = page
        .split("class=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .flat_map(|(classes, _)| classes.split_whitespace())
        .collect();
    // The first is for pages that need the whole width, the second for pages of a service.
    let elsewhere = ["main--full", "side-panel__item--active"];
    let names = NAMES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('|'));
    let names = names.flat_map(|(_, names)| names.split_whitespace());
    let missing: Vec<_> = names.filter(|name| !used.contains(name) && !elsewhere.contains(name)).collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}");
    for name in icons::NAMES {
        assert!(page.contains(icons::icon(name).unwrap()), "{name}");
    }
}
