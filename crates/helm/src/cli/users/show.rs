//! Users, groups and changes for people, or as JSON.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::{
    super::output::{Colour, answer, coloured, harmless, paint, say},
    GroupsArgs, HistoryArgs, UserArgs,
    realm::Realm,
};
use crate::{
    domain::user_change::{Action, in_words},
    realm_admin::name_of,
};

/// Texts of others in one line.
fn text(value: &Value) -> String {
    harmless(value.as_str().unwrap_or_default()).replace('\n', " ")
}

fn full_name(user: &Value) -> String {
    format!("{} {}", text(&user["firstName"]), text(&user["lastName"])).trim().to_owned()
}

fn state(user: &Value, colours: bool) -> String {
    match user["enabled"] == true {
        true => paint("enabled ", Colour::Green, colours),
        false => paint("disabled", Colour::Red, colours),
    }
}

pub(super) fn list(found: &Value, as_json: bool) -> Result<()> {
    if as_json {
        answer(found)?;
        return Ok(());
    }
    let users = found["users"].as_array().map(Vec::as_slice).unwrap_or_default();
    if users.is_empty() {
        say!("No users found");
        return Ok(());
    }
    say!("{:<24} {:<10} {:<28} EMAIL", "USERNAME", "STATE", "NAME");
    for user in users {
        let (name, state) = (text(&user["username"]), state(user, coloured()));
        say!("{name:<24} {state}   {:<28} {}", full_name(user), text(&user["email"]));
    }
    Ok(())
}

pub(super) async fn one(realm: &Realm, args: &UserArgs) -> Result<()> {
    let person = realm.person(&args.user).await?;
    let groups = realm.groups(Some(&person)).await?;
    if args.json {
        answer(&json!({ "user": person.user, "groups": groups }))?;
        return Ok(());
    }
    let user = &person.user;
    let names: Vec<String> = groups.iter().filter_map(name_of).map(harmless).collect();
    let confirmed = if user["emailVerified"] == true { "" } else { " (not confirmed)" };
    say!("Username  {}", text(&user["username"]));
    say!("Id        {}", person.id);
    say!("Name      {}", full_name(user));
    say!("Email     {}{confirmed}", text(&user["email"]));
    say!("State     {}", state(user, coloured()));
    say!("Groups    {}", names.join(", "));
    Ok(())
}

pub(super) async fn groups(realm: &Realm, args: &GroupsArgs) -> Result<()> {
    let person = match &args.user {
        Some(name) => Some(realm.person(name).await?),
        None => None,
    };
    let groups = realm.groups(person.as_ref()).await?;
    if args.json {
        answer(&json!({ "groups": groups }))?;
        return Ok(());
    }
    for name in groups.iter().filter_map(name_of) {
        say!("{}", harmless(name));
    }
    Ok(())
}

pub(super) async fn history(realm: &Realm, args: &HistoryArgs) -> Result<()> {
    let mut path = format!("/audit?limit={}", args.tail);
    if let Some(name) = &args.user {
        path.push_str(&format!("&user_id={}", realm.person(name).await?.id));
    }
    let found = realm.call(Method::GET, &path, None).await?;
    if args.json {
        answer(&found)?;
        return Ok(());
    }
    let changes = found["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if changes.is_empty() {
        say!("No changes found");
    }
    for change in changes {
        let outcome = match change["outcome"].as_str() {
            Some("done") | None => String::new(),
            Some(other) => format!(" ({other})"),
        };
        let what = Action::words(change["action"].as_str().unwrap_or_default());
        let (user, by) = (text(&change["username"]), text(&change["by_name"]));
        let details = harmless(&in_words(&change["details"])).replace('\n', " ");
        say!("{}  {what}{outcome}: {user}, by {by}", text(&change["at"]));
        if !details.is_empty() {
            say!("    {details}");
        }
    }
    Ok(())
}
