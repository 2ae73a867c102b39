-- Which documents of the archive went out by mail: to whom, when, by whom. A mail that was sent stays noted.
create table document_mails (
    id         bigint generated always as identity primary key,
    -- Number of the invoice or credit note.
    document   varchar(110) not null,
    sent_at    timestamptz not null,
    sent_by    varchar(255) not null,
    -- Addresses, with a comma between them.
    recipients text not null
);
create index idx_document_mails_document on document_mails (document, id);
create trigger never_changed before update or delete on document_mails for each row execute function refuse_change();
create trigger never_emptied before truncate on document_mails for each statement execute function refuse_change();
