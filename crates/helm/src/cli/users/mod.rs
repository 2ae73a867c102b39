//! `helm users`: the users of the realm, as the page of that name changes them.

mod realm;
mod show;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use self::realm::Realm;
use super::{
    output::{self, say},
    prompt,
};
use crate::instance::Layout;

/// What `helm users` can do.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// All users, or those a search finds.
    List(ListArgs),
    /// One user with its groups.
    Show(UserArgs),
    /// Make a user. The password is asked for, or read from standard input.
    Create(CreateArgs),
    /// Change address and names.
    Edit(EditArgs),
    /// Let a user sign in again.
    Enable(UserArgs),
    /// Keep a user from signing in, and end the open sessions.
    Disable(UserArgs),
    /// Set a new password, and end the open sessions. It is asked for, or read from standard input.
    ResetPassword(PasswordArgs),
    /// The groups of a user; without a name all groups.
    Groups(GroupsArgs),
    /// Put a user into a group.
    Join(GroupArgs),
    /// Take a user out of a group.
    Leave(GroupArgs),
    /// Remove a user.
    Delete(DeleteArgs),
    /// Who changed which user, the newest first.
    History(HistoryArgs),
}

/// One user.
#[derive(Debug, Args)]
pub struct UserArgs {
    /// Login name or id.
    pub user: String,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm users list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Words of the login name, the e-mail address or the name.
    #[arg(long, short, value_name = "TEXT")]
    pub search: Option<String>,
    /// Only those who can sign in.
    #[arg(long, conflicts_with = "disabled")]
    pub enabled: bool,
    /// Only those who cannot.
    #[arg(long)]
    pub disabled: bool,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm users create`.
#[derive(Debug, Args)]
pub struct CreateArgs {
    /// Login name.
    pub user: String,
    /// E-mail address.
    #[arg(long, value_name = "ADDRESS")]
    pub email: String,
    /// Given name.
    #[arg(long, value_name = "NAME")]
    pub first_name: Option<String>,
    /// Family name.
    #[arg(long, value_name = "NAME")]
    pub last_name: Option<String>,
    /// A group, such as technicians; several times for several.
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Vec<String>,
    /// The user cannot sign in before somebody enables the account.
    #[arg(long)]
    pub disabled: bool,
    /// Without a password: somebody resets it later.
    #[arg(long, conflicts_with = "permanent")]
    pub no_password: bool,
    /// The password stays; else a new one is asked for at the first sign-in.
    #[arg(long)]
    pub permanent: bool,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm users edit`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").args(["email", "first_name", "last_name"]).multiple(true).required(true))]
pub struct EditArgs {
    /// Login name or id.
    pub user: String,
    /// E-mail address.
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
    /// Given name.
    #[arg(long, value_name = "NAME")]
    pub first_name: Option<String>,
    /// Family name.
    #[arg(long, value_name = "NAME")]
    pub last_name: Option<String>,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm users reset-password`.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// Login name or id.
    pub user: String,
    /// The password stays; else a new one is asked for at the next sign-in.
    #[arg(long)]
    pub permanent: bool,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm users groups`.
#[derive(Debug, Args)]
pub struct GroupsArgs {
    /// Login name or id; none for all groups.
    pub user: Option<String>,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// A user and a group.
#[derive(Debug, Args)]
pub struct GroupArgs {
    /// Login name or id.
    pub user: String,
    /// Name of the group.
    pub group: String,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm users delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// Login name or id.
    pub user: String,
    /// Without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `helm users history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Only changes of this user: login name or id.
    pub user: Option<String>,
    /// How many.
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub tail: u32,
    /// The answer as JSON.
    #[arg(long)]
    pub json: bool,
}

pub(super) async fn run(layout: &Layout, command: UsersCommand) -> Result<()> {
    match command {
        UsersCommand::List(args) => list(layout, &args).await,
        UsersCommand::Show(args) => show::one(&Realm::open(layout).await?, &args).await,
        UsersCommand::Create(args) => create(layout, args).await,
        UsersCommand::Edit(args) => edit(layout, args).await,
        UsersCommand::Enable(args) => enable(layout, &args, true).await,
        UsersCommand::Disable(args) => enable(layout, &args, false).await,
        UsersCommand::ResetPassword(args) => reset_password(layout, &args).await,
        UsersCommand::Groups(args) => show::groups(&Realm::open(layout).await?, &args).await,
        UsersCommand::Join(args) => membership(layout, &args, Method::PUT).await,
        UsersCommand::Leave(args) => membership(layout, &args, Method::DELETE).await,
        UsersCommand::Delete(args) => delete(layout, &args).await,
        UsersCommand::History(args) => show::history(&Realm::open(layout).await?, &args).await,
    }
}

/// Says what was done.
fn done(answer: &Value, json: bool) -> Result<()> {
    if json {
        output::answer(answer)?;
    } else {
        say!("✓ {}", answer["message"].as_str().unwrap_or("Done"));
    }
    Ok(())
}

async fn list(layout: &Layout, args: &ListArgs) -> Result<()> {
    let realm = Realm::open(layout).await?;
    let mut query = Serializer::new(String::new());
    if let Some(search) = &args.search {
        query.append_pair("search", search);
    }
    if args.enabled || args.disabled {
        query.append_pair("enabled", if args.enabled { "true" } else { "false" });
    }
    let path = format!("/users?{}", query.finish());
    let found = realm.call(Method::GET, &path, None).await?;
    show::list(&found, args.json)
}

async fn create(layout: &Layout, args: CreateArgs) -> Result<()> {
    let realm = Realm::open(layout).await?;
    let mut body = json!({
        "username": args.user, "email": args.email, "emailVerified": true, "enabled": !args.disabled, "groups": args.groups,
        "temporary": !args.permanent,
    });
    for (name, value) in [("firstName", args.first_name), ("lastName", args.last_name)] {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    if !args.no_password {
        body["password"] = json!(prompt::new_password(&args.user)?.expose());
    }
    done(&realm.call(Method::POST, "/users", Some(&body)).await?, args.json)
}

async fn edit(layout: &Layout, args: EditArgs) -> Result<()> {
    let realm = Realm::open(layout).await?;
    let person = realm.person(&args.user).await?;
    let members = [("email", args.email), ("firstName", args.first_name), ("lastName", args.last_name)];
    let mut body: Map<String, Value> = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
        .collect();
    if body.contains_key("email") {
        // Whoever types it vouches for it.
        body.insert("emailVerified".to_owned(), Value::Bool(true));
    }
    let path = format!("/users/{}", person.id);
    done(&realm.call(Method::PUT, &path, Some(&Value::Object(body))).await?, args.json)
}

async fn enable(layout: &Layout, args: &UserArgs, enabled: bool) -> Result<()> {
    let realm = Realm::open(layout).await?;
    let person = realm.person(&args.user).await?;
    let body = json!({ "enabled": enabled });
    done(&realm.call(Method::PUT, &format!("/users/{}", person.id), Some(&body)).await?, args.json)
}

async fn reset_password(layout: &Layout, args: &PasswordArgs) -> Result<()> {
    let realm = Realm::open(layout).await?;
    let person = realm.person(&args.user).await?;
    let password = prompt::new_password(person.text("username"))?;
    let body = json!({ "password": password.expose(), "temporary": !args.permanent });
    let path = format!("/users/{}/reset-password", person.id);
    done(&realm.call(Method::POST, &path, Some(&body)).await?, args.json)
}

async fn membership(layout: &Layout, args: &GroupArgs, method: Method) -> Result<()> {
    let realm = Realm::open(layout).await?;
    let person = realm.person(&args.user).await?;
    let path = format!("/users/{}/groups/{}", person.id, realm.group(&args.group).await?);
    done(&realm.call(method, &path, None).await?, args.json)
}

async fn delete(layout: &Layout, args: &DeleteArgs) -> Result<()> {
    let realm = Realm::open(layout).await?;
    let person = realm.person(&args.user).await?;
    let question = format!("Remove {} ({}) for good?", person.text("username"), person.text("email"));
    if !args.yes && !prompt::confirmed(&question)? {
        bail!("nothing was changed");
    }
    done(&realm.call(Method::DELETE, &format!("/users/{}", person.id), None).await?, args.json)
}
