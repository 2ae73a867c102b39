-- A size of a backup that no device can have came from a field of free text. It is dropped where it comes in now; what was
-- stored before would keep every reader of that company's bills from its answer.
update assets set backup_usage_tb = null
where backup_usage_tb is not null and not (backup_usage_tb >= 0 and backup_usage_tb <= 1048576);
