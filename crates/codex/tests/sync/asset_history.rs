//! How backup and patches of a device went.

use std::time::Duration;

use hivematrix_codex::store::asset_history;
use serde_json::json;
use sqlx::PgPool;

use crate::rmm_world::RmmWorld;

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn backup_and_patches_are_remembered_a_row_for_each_day_with_a_change(pool: PgPool) {
    let world = RmmWorld::new(pool).await;
    let uid = world.devices_of(&world.site(0))[0].clone();
    let set = |bytes: &str, status: &str| {
        let members = json!({ "udf": { "udf6": bytes }, "patchManagement": { "patchStatus": status } });
        world.vendor.control.patch_device(&uid, members.as_object().unwrap().clone());
    };
    let history = async || -> Vec<(i32, Option<String>, Option<String>)> {
        sqlx::query_as(
            "select $1::date - h.day, h.backup_usage_tb::text, h.patch_status from asset_history h
             join assets a on a.id = h.asset_id where a.external_id = $2 order by h.day",
        )
        .bind(world.clock.now().date_naive())
        .bind(&uid)
        .fetch_all(&world.pool)
        .await
        .unwrap()
    };
    let row = |age: i32, size: &str, status: &str| (age, Some(size.to_owned()), Some(status.to_owned()));
    let days = |days: u64| {
        world.vendor.control.advance(Duration::from_secs(days * 24 * 60 * 60));
    };
    set("549755813888", "FullyPatched");
    world.devices().await;
    assert_eq!(history().await, [row(0, "0.50", "FullyPatched")]);
    days(1);
    world.devices().await;
    assert_eq!(history().await, [row(1, "0.50", "FullyPatched")], "nothing was different");
    for (bytes, status) in [("1099511627776", "FullyPatched"), ("1099511627776", "InstallError")] {
        set(bytes, status);
        world.devices().await;
    }
    assert_eq!(
        history().await,
        [row(1, "0.50", "FullyPatched"), row(0, "1.00", "InstallError")],
        "one row a day"
    );
    let others = "select count(*) from assets a where 1 <> (select count(*) from asset_history h where h.asset_id = a.id)
        and (a.backup_usage_tb is not null or a.patch_status is not null)";
    assert_eq!(world.count(others).await, 1, "of the others nothing has changed");

    // What lies too far back is forgotten, but for how it stood when the time that is kept began.
    days(401);
    set("1099511627776", "FullyPatched");
    world.devices().await;
    asset_history::prune(&world.pool, world.clock.now()).await.unwrap();
    assert_eq!(history().await, [row(401, "1.00", "InstallError"), row(0, "1.00", "FullyPatched")]);

    world.sql("delete from assets").await;
    assert_eq!(world.count("select count(*) from asset_history").await, 0, "it goes with its device");
}
