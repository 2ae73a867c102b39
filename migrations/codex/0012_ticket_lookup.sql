-- Tickets are looked up by source and vendor id together. An index on the source alone made PostgreSQL read all tickets
-- of a vendor for each page of a first sync, as long as it had no statistics of the growing table.
drop index idx_ticket_source;
create index idx_ticket_source on ticket_details (external_source, external_id);
