-- Sixty thousand devices as the sync stores them, spread over all companies. Through the vendor's quota they would take a
-- quarter of an hour to arrive.
insert into assets (
    external_id, rmm_provider, hostname, company_account_number, hardware_type, device_type, operating_system,
    antivirus_product, domain, last_logged_in_user, rmm_site_name, description, ext_ip_address, int_ip_address,
    last_seen, patch_status, online, udf7, rmm_synced_at)
select
    'bench-' || n,
    'datto',
    (array['PC', 'NB', 'SRV', 'SW', 'PRN'])[1 + n % 5] || '-' || company.account_number || '-' || n,
    company.account_number,
    (array['Desktop', 'Laptop', 'Server', 'Network Device', 'Printer'])[1 + n % 5],
    (array['Desktop', 'Laptop', 'Server', 'Network Device', 'Printer'])[1 + n % 5],
    (array['Microsoft Windows 11 Pro 10.0.22631', 'Microsoft Windows 10 Pro 10.0.19045', 'Microsoft Windows Server 2022', null])[1 + n % 4],
    'Microsoft Defender Antivirus',
    'corp.example',
    'CORP\user' || n % 997,
    company.name,
    case when n % 3 = 0 then 'Room ' || n % 41 || ', ' || md5(n::text) end,
    '203.0.113.' || n % 250,
    '10.' || n % 200 || '.' || n % 250 || '.' || n % 254,
    now() - n % 5000 * interval '1 minute',
    (array['FullyPatched', 'InstallError', 'RebootRequired', 'ApprovedPending'])[1 + n % 4],
    n % 7 <> 0,
    'Workstation',
    now()
from generate_series(1, 60000) as n
join (select account_number, name, row_number() over (order by account_number) - 1 as place, count(*) over () as all_of_them
      from companies) as company on company.place = n % company.all_of_them;
