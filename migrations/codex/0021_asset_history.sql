-- How backup and patches of a device stood: a row for each day (of UTC) on which something was not as before.
create table asset_history (
    asset_id         bigint not null references assets (id) on delete cascade,
    day              date not null,
    backup_usage_tb  numeric,
    patch_status     text,
    primary key (asset_id, day)
);
create index idx_asset_history_day on asset_history (day);
