-- The orders of the lists, readable from the index alone: a page far down in eighty thousand names took 200 ms because every
-- row before it was fetched. PostgreSQL reads an expression from an index only where the column itself is in it as well;
-- `active` is what the contact list filters by unless asked otherwise.
drop index idx_contact_name;
drop index idx_contact_email_order;
drop index idx_asset_hostname;
create index idx_contact_name on contacts (lower(name), id) include (active, name);
create index idx_contact_email_order on contacts (lower(email), id) include (active, email);
create index idx_asset_hostname on assets (lower(hostname), id) include (hostname);
