-- What carrying an account number over has changed beside its own row, so that it can be taken back: the rows of which tables went
-- along, which earlier renames led on from then, and which ones ended. Null where it was done before this was kept.
alter table account_renames add column undo jsonb;
