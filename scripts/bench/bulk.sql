-- The rows of GET /api/companies/bulk?include_tickets=true as PostgreSQL itself makes JSON of them.
select json_agg(json_build_object(
    'company', json_build_object(
        'account_number', c.account_number, 'name', c.name, 'description', c.description, 'compliance_level', c.compliance_level,
        'billing_plan', c.billing_plan, 'contract_term_length', c.contract_term_length, 'contract_start_date', c.contract_start_date,
        'contract_end_date', c.contract_end_date, 'support_level', c.support_level, 'profit_or_non_profit', c.profit_or_non_profit,
        'company_main_number', c.company_main_number, 'company_start_date', c.company_start_date, 'domains', c.domains,
        'phone_system', c.phone_system, 'email_system', c.email_system),
    'assets', (select json_agg(json_build_object(
        'id', a.id, 'hostname', a.hostname, 'hardware_type', a.hardware_type, 'operating_system', a.operating_system,
        'device_type', a.device_type, 'last_logged_in_user', a.last_logged_in_user, 'antivirus_product', a.antivirus_product,
        'ext_ip_address', a.ext_ip_address, 'int_ip_address', a.int_ip_address, 'domain', a.domain, 'online', a.online,
        'last_seen', a.last_seen, 'backup_usage_tb', a.backup_usage_tb))
        from assets a where a.company_account_number = c.account_number),
    'contacts', people.list,
    'users', people.list,
    'locations', (select json_agg(json_build_object('id', l.id, 'name', l.name, 'address', l.address, 'phone_number', l.phone_number))
        from locations l where l.company_account_number = c.account_number),
    'tickets', (select json_agg(json_build_object(
        'ticket_id', t.id, 'external_id', t.external_id, 'ticket_number', t.ticket_number, 'subject', t.subject,
        'description', t.description, 'description_text', t.description_text, 'status', t.status, 'priority', t.priority,
        'requester_email', t.requester_email, 'requester_name', t.requester_name, 'created_at', t.created_at,
        'last_updated_at', t.last_updated_at, 'closed_at', t.closed_at, 'total_hours_spent', t.total_hours_spent,
        'conversations', t.conversations, 'notes', t.notes,
        'time_entries', (select json_agg(json_build_object('id', e.id, 'hours', e.hours, 'billable', e.billable,
            'executed_at', e.executed_at, 'agent_id', e.agent_id, 'updated_at', e.updated_at)) from ticket_time_entries e where e.ticket_id = t.id))
        order by t.id)
        from ticket_details t where t.company_account_number = c.account_number)) order by lower(c.name))
from companies c,
    lateral (select json_agg(json_build_object(
            'id', p.id, 'name', p.name, 'email', p.email, 'title', p.title, 'employment_type', p.employment_type, 'active', p.active,
            'mobile_phone_number', p.mobile_phone_number, 'work_phone_number', p.work_phone_number, 'secondary_emails', p.secondary_emails)) as list
        from contact_company_link k join contacts p on p.id = k.contact_id where k.company_account_number = c.account_number) as people;
