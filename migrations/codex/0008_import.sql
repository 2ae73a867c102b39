-- What was taken over from another database: which row became which, and how it looked then. A row that looks different
-- by now was changed here, and the next import leaves it alone.
create table imported_rows (
    entity      text not null,                      -- table
    source_key  text not null,
    key         text not null,                      -- ours
    digest      text not null,                      -- of the columns an import writes
    primary key (entity, source_key)
);
create index idx_imported_row_key on imported_rows (entity, key);
