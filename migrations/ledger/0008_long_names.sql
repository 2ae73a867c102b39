-- Names are as long as Codex has them: one that does not fit would leave a company without a bill.
alter table billing_snapshots
    alter column company_name type text,
    alter column billing_plan type text,
    alter column contract_term type text,
    alter column support_level type text,
    alter column created_by type text;
alter table billed_hours alter column ticket_number type text;
alter table credit_notes alter column issued_by type text;
