-- What the person who decided wants others to know.
alter table review_items add column note text;
