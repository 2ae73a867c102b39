//! Devices as people write them. What an RMM reports belongs to the RMM; by hand are made, changed and deleted only those
//! that no RMM knows.

use sqlx::PgConnection;

use super::changes;

/// A device somebody is about to change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Locked {
    /// Database id.
    pub id: i64,
    /// Name of the device.
    pub hostname: String,
    /// Account number of its company.
    pub company: String,
    /// Name of the RMM that reports it; none for one that was made by hand.
    pub rmm_provider: Option<String>,
}

/// What people say about a device that no RMM reports.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AssetRow {
    /// Name of the device.
    pub hostname: String,
    /// Account number of its company.
    pub company: String,
    /// Kind as an RMM would call it, such as `Desktop`.
    pub hardware_type: Option<String>,
    /// Kind by which Ledger bills it.
    pub device_type: Option<String>,
    /// Operating system.
    pub operating_system: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Address inside.
    pub int_ip_address: Option<String>,
    /// Address outside.
    pub ext_ip_address: Option<String>,
    /// Domain or workgroup.
    pub domain: Option<String>,
}

/// Reads a device and keeps others from changing it until the transaction ends.
///
/// # Errors
/// When the database cannot be read.
pub async fn lock(conn: &mut PgConnection, id: i64) -> sqlx::Result<Option<Locked>> {
    sqlx::query_as!(
        Locked,
        "select id, hostname, company_account_number as company, rmm_provider from assets where id = $1 for update",
        id
    )
    .fetch_optional(conn)
    .await
}

/// What people said about a device.
///
/// # Errors
/// When the database cannot be read.
pub async fn read(conn: &mut PgConnection, id: i64) -> sqlx::Result<AssetRow> {
    sqlx::query_as!(
        AssetRow,
        "select hostname, company_account_number as company, hardware_type, device_type, operating_system, description,
            int_ip_address, ext_ip_address, domain from assets where id = $1",
        id
    )
    .fetch_one(conn)
    .await
}

/// Makes a device by hand and answers its id.
///
/// # Errors
/// When the database cannot be written.
pub async fn create(conn: &mut PgConnection, asset: &AssetRow) -> sqlx::Result<i64> {
    let id = sqlx::query_scalar!(
        "insert into assets (hostname, company_account_number, hardware_type, device_type, operating_system, description,
            int_ip_address, ext_ip_address, domain)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
        asset.hostname,
        asset.company,
        asset.hardware_type,
        asset.device_type,
        asset.operating_system,
        asset.description,
        asset.int_ip_address,
        asset.ext_ip_address,
        asset.domain
    )
    .fetch_one(&mut *conn)
    .await?;
    changes::note(conn, "assets", &id.to_string(), "created", None, Some(&asset.hostname)).await?;
    Ok(id)
}

/// Stores a changed device.
///
/// # Errors
/// When the database cannot be written.
pub async fn update(conn: &mut PgConnection, id: i64, asset: &AssetRow) -> sqlx::Result<()> {
    sqlx::query!(
        "update assets set hostname = $2, company_account_number = $3, hardware_type = $4, device_type = $5,
            operating_system = $6, description = $7, int_ip_address = $8, ext_ip_address = $9, domain = $10
         where id = $1",
        id,
        asset.hostname,
        asset.company,
        asset.hardware_type,
        asset.device_type,
        asset.operating_system,
        asset.description,
        asset.int_ip_address,
        asset.ext_ip_address,
        asset.domain
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a device; the reason stands in the tombstone.
///
/// # Errors
/// When the database cannot be written.
pub async fn delete(conn: &mut PgConnection, id: i64, reason: &str) -> sqlx::Result<()> {
    changes::removing(conn, reason).await?;
    sqlx::query!("delete from assets where id = $1", id).execute(conn).await?;
    Ok(())
}

/// A secret of a device: its name, its company and the value of that custom field. Reading it changes nothing.
///
/// # Errors
/// When the database cannot be read.
pub async fn secret(
    conn: &mut PgConnection,
    id: i64,
    field: &str,
) -> sqlx::Result<Option<(String, Option<String>)>> {
    let row = sqlx::query!(
        "select hostname, case $2 when 'udf2' then udf2 when 'udf9' then udf9 end as value from assets where id = $1",
        id,
        field
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| (row.hostname, row.value.filter(|value| !value.trim().is_empty()))))
}
