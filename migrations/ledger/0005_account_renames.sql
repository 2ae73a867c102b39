-- A company whose account number became another one: what Ledger keeps under the former number goes on under the new one. Archived
-- bills stay as they are, and the hours and months they hold still count.
create table account_renames (
    former_account_number varchar(50) primary key,
    account_number        varchar(50) not null,
    renamed_by            varchar(255) not null,
    renamed_at            timestamptz not null default now(),
    check (former_account_number <> account_number)
);
create index idx_account_renames on account_renames (account_number);
