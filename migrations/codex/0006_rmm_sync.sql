-- Which site of the RMM a device belongs to, and when a sync last met it there.
alter table assets
    add column rmm_site_uid   text,
    add column rmm_synced_at  timestamptz;
create index idx_asset_synced on assets (rmm_provider, rmm_synced_at) where external_id is not null;

-- A sync of devices that was begun and has not ended: where it goes on.
create table rmm_runs (
    provider  text primary key,
    run       jsonb not null
);
