-- What an import has read last: a row that is still as it was written then takes what is there now, one that was changed here
-- since stays as it is.
create table imported_rows (
    table_name varchar(50) not null,
    source_id  varchar(100) not null,
    -- Ours, as the import left it; null: it had been removed here.
    our_id     integer,
    our_row    jsonb,
    primary key (table_name, source_id)
);
