#!/usr/bin/env bash
# Helm's performance targets: ingestion against COPY, searches in a large log, memory, what a log costs a request.
#
#   scripts/bench/helm.sh [LOG LINES, default 10000000] [SECONDS OF INGESTION, default 10]
#
# Ratios against PostgreSQL measured in the same run, or times. Load goes to loopback only. Ten million lines take a while to be
# made, with all the indexes they have. Exits 1 when a target is missed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/packages.sh
. scripts/bench/measure.sh

lines="${1:-10000000}"
seconds="${2:-10}"
MISSING=""
has_postgres || MISSING="$MISSING postgresql"
need redis-server redis-server
need wrk wrk
need jq jq
need curl curl
install_missing
find_cargo

say "Building"
cargo build --release --locked --bins
cargo build --release --locked -p hivematrix-shared --example log_cost
bin="$PWD/target/release"

work="$(mktemp -d "${TMPDIR:-/tmp}/hivematrix-bench.XXXXXX")"
chmod 755 "$work"
export HIVEMATRIX_HOME="$work/instance" HIVEMATRIX_PORT_OFFSET=14000 HIVEMATRIX_RATE_LIMIT_SCALE=1000000
finish() {
  [ -z "${sampler:-}" ] || kill "$sampler" 2>/dev/null || true
  "$bin/helm" down >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

say "What a log costs a request"
cost="$(HIVEMATRIX_HOME="$work" "$bin/examples/log_cost" 2>/dev/null)"
report_most "log line of a request" "$cost us" 5000 "$(awk -v c="$cost" 'BEGIN { print int(c * 1000) }')"

say "Starting a suite"
"$bin/helm" up >"$work/up.log" || { cat "$work/up.log" >&2; exit 1; }
helm="http://127.0.0.1:$((5004 + HIVEMATRIX_PORT_OFFSET))"
measured="$helm"
pid="$("$bin/helm" status --json | jq -r '.[] | select(.name == "helm") | .pid')"
# Codex reads from the same server, by a role and a database of its own; only the address is taken from it.
codex="$("$bin/helm" status --json | jq -r '.[] | select(.name == "codex") | .pid')"
address="$(database_of "$codex")"
export PGPASSWORD="$(jq -r .services.helm.database_password "$work/instance/helm/secrets.json")"
database="$(sed -E 's#^postgres(ql)?://[^@]*@([^/]*)/.*#postgres://helm_user@\2/helm_db#' <<<"$address")"
sql() { psql -qAt -v ON_ERROR_STOP=1 "$database" "$@"; }
sql -c 'select 1' >/dev/null
admin() { "$bin/helm" token --permission admin; }

# The highest Pss of Helm, sampled until it ends.
echo 0 >"$work/most"
watch_memory "$pid" "$work/most" &
sampler=$!

say "Ingestion in batches of 100 against COPY"
# Every batch has numbers of its own, as those of a service have: an entry that comes twice would be stored once.
cat >"$work/ingest.lua" <<LUA
local run, batch, head, tail = 0, 0, {}, {}
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer $("$bin/helm" token --service beacon:helm)"
for i = 1, 100 do
  head[i] = '{"level":"INFO","message":"GET /api/tickets/' .. i .. ' 200","timestamp":"$(date -u +%FT%T).' .. string.format("%03d", i) ..
    'Z","context":{"route":"/api/tickets/{id}","status":200,"duration_ms":1.234,"method":"GET","path":"/api/tickets/' .. i ..
    '"},"trace_id":"'
  tail[i] = '","user_id":"tech' .. i .. '@example.com","hostname":"bench","process_id":7,"source":"$(cat /proc/sys/kernel/random/uuid)","seq":'
end
request = function()
  batch = batch + 1
  local parts = {}
  for i = 1, 100 do
    parts[i] = head[i] .. string.format("%08x-0000-4000-8000-%012x", batch, i) .. tail[i] .. (batch * 100 + i) .. "}"
  end
  return wrk.format(nil, nil, nil, '{"service_name":"beacon","logs":[' .. table.concat(parts, ",") .. "]}")
end
LUA
before="$(sql -c "select count(*) from log_entries where hostname = 'bench'")"
began="$(now_ms)"
wrk -t1 -c4 -d"${seconds}s" -s "$work/ingest.lua" "$helm/api/logs/ingest" >"$work/ingest.log"
took=$(($(now_ms) - began))
if grep -q 'Non-2xx' "$work/ingest.log"; then cat "$work/ingest.log" >&2; fail "Helm refused batches"; fi
stored=$(($(sql -c "select count(*) from log_entries where hostname = 'bench'") - before))
ours=$((stored * 1000 / took))
columns='service, level, message, "timestamp", correlation_id, user_email, extra_data, hostname, process_id, source, seq'
# The same rows under numbers of their own, into the same table with the same indexes.
sql -c "copy (select $(sed 's/, source, seq//' <<<"$columns"), gen_random_uuid(), seq from log_entries where hostname = 'bench' order by id) to stdout" >"$work/rows"
began="$(now_ms)"
sql -c "copy log_entries ($columns) from stdin" <"$work/rows"
took=$(($(now_ms) - began))
theirs=$((stored * 1000 / took))
report_least "rows a second in batches of 100" "$ours/s" 0.30 "$(ratio "$ours" "$theirs")" "COPY $theirs/s"
rm "$work/rows"

say "Filling the log to $lines lines"
sql -c "select ensure_log_partition((current_date - n)::date) from generate_series(0, 9) as n" >/dev/null
# Lines come in the order of their time. Indexes are made over all of them at once, which takes a fraction of the time.
of_log="from pg_index where indrelid = 'log_entries'::regclass and not indisunique"
indexes="$(sql -c "select replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') || ';' $of_log")"
sql -c "$(sql -c "select 'drop index ' || indexrelid::regclass || ';' $of_log")"
step=200000
have="$(sql -c 'select count(*) from log_entries')"
while [ "$have" -lt "$lines" ]; do
  [ $((lines - have)) -ge "$step" ] || step=$((lines - have))
  sql -c "
    insert into log_entries (service, level, message, \"timestamp\", correlation_id, user_email, extra_data, hostname, process_id, source, seq)
    select (array['core','nexus','codex','beacon','helm','ledger','knowledgetree','brainhair'])[1 + n % 8],
           case when n % 1000 = 0 then 'CRITICAL' when n % 100 = 0 then 'ERROR' when n % 20 = 0 then 'WARNING' else 'INFO' end,
           case when n % 3 = 0 then 'GET /api/companies/' || n % 9973 || ' 200'
                when n % 3 = 1 then 'Ticket ' || n || ' was updated by the sync of ' || (array['tickets','contacts','assets'])[1 + n % 3]
                else 'Rendered view ' || n % 41 || ' with ' || n % 350 || ' tickets' end,
           now() - (1 - n / $lines.0) * interval '9 days' - random() * interval '2 seconds',
           md5((n / 8)::text), 'user' || n % 40 || '@example.com',
           jsonb_build_object('status', 200, 'duration_ms', n % 500), 'fill', 1, '00000000-0000-4000-8000-000000000001', n
      from generate_series($have, $((have + step - 1))) as n"
  have=$((have + step))
  echo "   $have"
done
echo "   their indexes"
sql -c "set maintenance_work_mem = '512MB'; $indexes"
sql -c 'vacuum analyze log_entries'

say "Searches"
token="$(admin)"
day="$(date -u -d '3 days ago' +%F)"
chain="$(sql -c "select correlation_id from log_entries where hostname = 'fill' order by seq desc limit 1")"
filters=("service=codex" "level=ERROR" "service=codex&level=CRITICAL" "user=user7@" "start_time=$day&end_time=${day}T12:00:00Z" "search=companies/4711"
  "words=contacts" "search=nothing-like-this" "service=ledger&search=view%2017")
accept=application/json
p95 100 "filtered first page" "${filters[@]/#//api/logs?}"
accept=text/html
p95 100 "filtered first page in HTML" "${filters[@]/#//logs?}"
accept=application/json
p95 30 "correlation chain" "/api/logs/correlation/$chain"

report_most "memory of Helm" "$(($(cat "$work/most") / 1024)) MB" $((40 * 1024)) "$(cat "$work/most")"
summary
