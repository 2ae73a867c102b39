-- The account numbers under which the archive may hold bills of these companies: their own, and those they had before. An index
-- finds rows by them, where they are asked for once, as `any ((select numbers_of(...))::text[])`; whose a row is now, only the view
-- archived_months knows.
create function numbers_of(wanted text[]) returns text[] language sql stable parallel safe as $$
    select array(select unnest(wanted)
                 union
                 select former_account_number from account_renames where account_number = any (wanted))
$$;
