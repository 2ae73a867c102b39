//! Groups and who is in them.

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::domain::user::Group;

/// Makes a group unless one of that name exists.
pub async fn ensure(connection: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO groups (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        Uuid::new_v4(),
        name
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A page of groups by name; `pattern` is a `LIKE` pattern in lower case.
pub async fn list(pool: &PgPool, pattern: Option<&str>, first: i64, max: i64) -> sqlx::Result<Vec<Group>> {
    sqlx::query_as!(
        Group,
        "SELECT id, name FROM groups WHERE $1::text IS NULL OR lower(name) LIKE $1 ORDER BY name OFFSET $2 LIMIT $3",
        pattern,
        first,
        max
    )
    .fetch_all(pool)
    .await
}

/// A group by id.
pub async fn find(pool: &PgPool, id: Uuid) -> sqlx::Result<Option<Group>> {
    sqlx::query_as!(Group, "SELECT id, name FROM groups WHERE id = $1", id).fetch_optional(pool).await
}

/// The groups of a user, by name.
pub async fn of_user(pool: &PgPool, user: Uuid) -> sqlx::Result<Vec<Group>> {
    sqlx::query_as!(
        Group,
        "SELECT g.id, g.name FROM groups g JOIN group_members m ON m.group_id = g.id WHERE m.user_id = $1 ORDER BY g.name",
        user
    )
    .fetch_all(pool)
    .await
}

/// The names of a user's groups, as in the `groups` claim: without a path.
pub async fn names_of_user(pool: &PgPool, user: Uuid) -> sqlx::Result<Vec<String>> {
    Ok(of_user(pool, user).await?.into_iter().map(|group| group.name).collect())
}

/// Adds a user to a group; being in it already is fine.
pub async fn add(pool: &PgPool, user: Uuid, group: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO group_members (user_id, group_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        user,
        group
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Adds a user to a group by name; `false` when there is no such group.
pub async fn add_by_name(connection: &mut PgConnection, user: Uuid, group: &str) -> sqlx::Result<bool> {
    let group = sqlx::query_scalar!("SELECT id FROM groups WHERE name = $1", group)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(group) = group else { return Ok(false) };
    sqlx::query!(
        "INSERT INTO group_members (user_id, group_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        user,
        group
    )
    .execute(connection)
    .await?;
    Ok(true)
}

/// Takes a user out of a group.
pub async fn remove(pool: &PgPool, user: Uuid, group: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM group_members WHERE user_id = $1 AND group_id = $2", user, group)
        .execute(pool)
        .await?;
    Ok(())
}
