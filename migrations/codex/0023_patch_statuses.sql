-- The choices of the list's filter by patch status are read along it.
create index idx_asset_patch on assets (lower(patch_status), id);
