-- The plans over which upstream gave the answers of plans.json; terms in the one spelling that we store.
insert into billing_plans (id, plan_name, term_length, support_level, per_user_cost, per_workstation_cost, per_server_cost, per_vm_cost, per_switch_cost, per_firewall_cost, per_hour_ticket_cost, backup_base_fee_workstation, backup_base_fee_server, backup_included_tb, backup_per_tb_fee) values
    (1, 'Basic', 'Month to Month', 'Billed Hourly', 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 150.0, 0.0, 0.0, 1.0, 0.0),
    (2, 'Standard', '1 Year', 'All Inclusive', 15.0, 25.0, 125.5, 75.0, 20.0, 30.0, 150.0, 25.0, 50.0, 1.0, 99.99),
    (3, 'Premium', '3 Year', 'All Inclusive', 30.0, 50.0, 251.0, 150.0, 40.0, 60.0, 0.0, 50.0, 100.0, 1.0, 199.98),
    (4, 'Premium', 'Month to Month / Special', 'Custom', 22.5, 37.5, 188.25, 112.5, 30.0, 45.0, 0.0, 37.5, 75.0, 1.0, 149.99);
insert into plan_features (plan_id, feature_type, feature_value) values
    (1, 'antivirus', 'SentinelOne'),
    (2, 'antivirus', 'SentinelOne'),
    (2, 'soc', 'Arctic Wolf'),
    (3, 'antivirus', 'SentinelOne'),
    (3, 'soc', 'Arctic Wolf'),
    (3, 'web_filtering', 'DNSFilter'),
    (4, 'antivirus', 'SentinelOne'),
    (4, 'password_manager', 'Not Included'),
    (4, 'soc', 'Arctic Wolf'),
    (4, 'web_filtering', 'DNSFilter');
insert into feature_options (id, feature_category, option_value, display_name, description) values
    (1, 'antivirus', 'SentinelOne', 'SentinelOne', 'EDR'),
    (2, 'antivirus', 'Datto EDR', 'Datto EDR', null),
    (3, 'soc', 'Arctic Wolf', 'Arctic Wolf', null),
    (4, 'soc', 'Not Included', 'Not Included', null),
    (5, 'web_filtering', 'DNSFilter', 'DNS Filter', 'DNS level');
insert into companies (account_number, name, plan_selected, contract_term_length) values
    ('1', 'A', 'Basic', null), ('2', 'B', 'Premium', '3 Year'), ('3', 'C', 'Standard', '1 Year');
