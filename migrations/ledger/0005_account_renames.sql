-- A company whose account number became another one: what Ledger keeps under the former number goes on under the new one. Archived
-- bills stay as they are, and the hours and months they hold still count.
create table account_renames (
    former_account_number varchar(50) not null,
    account_number        varchar(50) not null,
    -- Where the archive ended then. What comes later under the former number is somebody else's.
    archive_end           bigint not null,
    renamed_by            varchar(255) not null,
    renamed_at            timestamptz not null default now(),
    primary key (former_account_number, archive_end),
    check (former_account_number <> account_number)
);
create index idx_account_renames on account_renames (account_number);

-- Archived months, and whose they are now.
create view archived_months as
    select s.id, s.invoice_number, s.company_account_number, s.billing_year, s.billing_month, s.archived_at, s.position,
           coalesce((select r.account_number from account_renames r
                      where r.former_account_number = s.company_account_number and s.position <= r.archive_end
                      order by r.archive_end limit 1), s.company_account_number) as current_account_number
      from billing_snapshots s;
