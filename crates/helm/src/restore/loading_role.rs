//! With whose rights `--as-admin` loads a database. A dump orders more than tables: its functions run while it is loaded, in
//! checks, indexes and generated columns. So no administrator loads it, but a role for the time of the restore that may act as
//! the roles the archive names: not as one that may do more than have what is in this database.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sqlx::{Connection, PgConnection};
use url::Url;

use super::target::{identifier, literal, run};
use crate::{backup::database, domain::backup::manifest::DatabaseFacts, instance::databases::with_database};

/// The roles among those of a database that another one may be for a while: none that may do something beyond this database,
/// by itself or as a member of another one.
const PLAIN: &str = "
    SELECT r.rolname::text FROM pg_catalog.pg_roles r
     WHERE r.rolname = ANY ($1)
       AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_roles p
            WHERE pg_catalog.pg_has_role(r.oid, p.oid, 'MEMBER')
              AND (p.rolsuper OR p.rolcreaterole OR p.rolcreatedb OR p.rolreplication OR p.rolbypassrls
                   -- What comes with PostgreSQL: programs, files of the server, data of all.
                   OR p.oid < 16384
                   OR EXISTS (SELECT FROM pg_catalog.pg_database d WHERE d.datdba = p.oid AND d.datname <> ALL ($2))))";

/// The role, which is there from [`Self::make`] to [`Self::remove`]. The journal knows its name before it is made.
#[derive(Clone, Serialize, Deserialize)]
pub struct LoadingRole {
    /// Address of another database of the server, as its administrator.
    server: String,
    /// Loads.
    name: String,
    /// Those it acts as belong to this one: whoever gets an object must be allowed to make one in its schema.
    makers: String,
}

/// A database that waits for its dump.
pub struct Waiting<'a> {
    /// Its name.
    pub fresh: &'a str,
    /// The name it will have.
    pub name: &'a str,
    /// Who has it.
    pub owner: &'a str,
    /// What the archive knows of it.
    pub facts: &'a DatabaseFacts,
}

impl LoadingRole {
    /// A role that is still to be made on the server at this address.
    #[must_use]
    pub fn new(server: &str) -> Self {
        let mark = format!("{:016x}", rand::random::<u64>());
        Self { server: server.to_owned(), name: format!("hm_load_{mark}"), makers: format!("hm_make_{mark}") }
    }

    /// Makes the role; the address as which it loads the database.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn make(&self, waiting: &Waiting<'_>) -> Result<String> {
        let password = format!("{:032x}", rand::random::<u128>());
        let (name, makers) = (identifier(&self.name), identifier(&self.makers));
        let mut server = database::connect(&self.server).await?;
        let mut statements = vec![
            format!("CREATE ROLE {makers} NOLOGIN"),
            format!("CREATE ROLE {name} LOGIN PASSWORD {}", literal(&password)),
        ];
        let is_superuser = sqlx::query_scalar("SELECT rolsuper FROM pg_roles WHERE rolname = current_user");
        if !is_superuser.fetch_one(&mut server).await? {
            statements.push(format!("GRANT {name}, {makers} TO CURRENT_USER"));
        }
        let mut roles: Vec<String> = sqlx::query_scalar(PLAIN)
            .bind(&waiting.facts.roles)
            .bind([waiting.fresh, waiting.name])
            .fetch_all(&mut server)
            .await?;
        roles.retain(|role| role != waiting.owner);
        // Its owner may do what it may anyway: without the flag, it loads it.
        roles.push(waiting.owner.to_owned());
        for role in roles {
            let role = identifier(&role);
            statements.extend([format!("GRANT {role} TO {name}"), format!("GRANT {makers} TO {role}")]);
        }
        all(&mut server, statements).await.context("the role for the restore cannot be made")?;
        server.close().await?;

        let mut fresh = database::connect(&with_database(&self.server, waiting.fresh)?).await?;
        let rights = vec![
            format!("ALTER DEFAULT PRIVILEGES FOR ROLE {name} GRANT CREATE ON SCHEMAS TO {makers}"),
            format!("GRANT CREATE ON SCHEMA public TO {makers}"),
        ];
        all(&mut fresh, rights).await.context("the role for the restore gets no rights")?;
        fresh.close().await?;
        address_as(&with_database(&self.server, waiting.fresh)?, &self.name, &password)
    }

    /// Gives what belongs to the role to the owner of the database, and removes it.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn hand_over(&self, waiting: &Waiting<'_>) -> Result<()> {
        let (name, makers) = (identifier(&self.name), identifier(&self.makers));
        let mut fresh = database::connect(&with_database(&self.server, waiting.fresh)?).await?;
        let statements = vec![
            format!("REASSIGN OWNED BY {name} TO {}", identifier(waiting.owner)),
            // In two statements: what both have a part in, one alone would drop twice.
            format!("DROP OWNED BY {name}"),
            format!("DROP OWNED BY {makers}"),
        ];
        all(&mut fresh, statements).await.context("what was loaded cannot be given to its owner")?;
        fresh.close().await?;
        self.remove().await
    }

    /// Removes the role, if it is there; the database that it loaded is gone or its owner's.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn remove(&self) -> Result<()> {
        let mut server = database::connect(&self.server).await?;
        for role in [&self.name, &self.makers] {
            let is_there = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)");
            if is_there.bind(role).fetch_one(&mut server).await? {
                let role = identifier(role);
                // With it go rights on what all databases share.
                let statements = vec![format!("DROP OWNED BY {role}"), format!("DROP ROLE {role}")];
                all(&mut server, statements).await.context("the role of the restore cannot be removed")?;
            }
        }
        server.close().await.map_err(Into::into)
    }
}

async fn all(connection: &mut PgConnection, statements: Vec<String>) -> Result<()> {
    for statement in statements {
        run(connection, statement).await?;
    }
    Ok(())
}

fn address_as(address: &str, role: &str, password: &str) -> Result<String> {
    // The parse error would repeat the address with its password.
    let mut url: Url = address.parse().ok().context("a database address is not valid")?;
    let set = url.set_username(role).and_then(|()| url.set_password(Some(password)));
    set.ok().context("a database address names no server")?;
    Ok(url.into())
}
