#!/usr/bin/env bash
# Codex's performance targets: bulk answers, syncs, lists with ten times the data, memory.
#
#   scripts/bench/codex.sh [SECONDS PER MEASUREMENT, default 10]
#
# Ratios against PostgreSQL or nginx measured in the same run, or rates. Load goes to loopback only. The large data set takes
# some minutes to arrive. Exits 1 when a target is missed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/packages.sh
. scripts/lib/servers.sh
. scripts/bench/measure.sh

seconds="${1:-10}"
MISSING=""
has_postgres || MISSING="$MISSING postgresql"
need redis-server redis-server
need nginx nginx-light
need wrk wrk
need jq jq
need curl curl
install_missing
find_cargo

say "Building"
cargo build --release --locked --bins
bin="$PWD/target/release"

work="$(mktemp -d "${TMPDIR:-/tmp}/hivematrix-bench.XXXXXX")"
chmod 755 "$work"
export HIVEMATRIX_PORT_OFFSET=13000 HIVEMATRIX_RATE_LIMIT_SCALE=1000000
port() { echo $(($1 + HIVEMATRIX_PORT_OFFSET)); }
finish() {
  stop_nginx
  [ -z "${vendor:-}" ] || stop_vendor
  [ -z "${sampler:-}" ] || kill "$sampler" 2>/dev/null || true
  for home in "$work"/reference "$work"/large; do
    [ ! -d "$home" ] || HIVEMATRIX_HOME="$home" "$bin/helm" down >/dev/null 2>&1 || true
  done
  stop_servers
  rm -rf "$work"
}
trap finish EXIT
await_vendor() {
  until curl -sf "http://127.0.0.1:$(port 6010)/livez" >/dev/null; do
    kill -0 "$vendor" 2>/dev/null || fail "the simulator ended"
    sleep 0.1
  done
}
# Its port is free when this returns.
stop_vendor() {
  kill "$vendor" 2>/dev/null || true
  wait "$vendor" 2>/dev/null || true
  vendor=""
}

say "Sync of reference data, the vendor's limits off"
start_servers
psql -q "$TEST_DATABASE_URL" -c 'create database bench_sync'
"$bin/hivematrix-simulators" freshservice --port "$(port 6010)" --size reference --rate-limit 1000000000 --api-key bench 2>/dev/null &
vendor=$!
await_vendor
mkdir -p "$work/sync"
sync_psa() {
  DATABASE_URL="${TEST_DATABASE_URL%/postgres}/bench_sync" FRESHSERVICE_API_KEY=bench LOG_LEVEL=ERROR HIVEMATRIX_HOME="$work/sync" \
    FRESHSERVICE_BASE_URL="http://127.0.0.1:$(port 6010)" "$bin/hivematrix-codex" sync psa "$@" >"$work/sync.log" ||
    { cat "$work/sync.log" >&2; fail "the sync failed"; }
}
# Count of the newest job and the milliseconds it took.
job() {
  psql -At -F ' ' "${TEST_DATABASE_URL%/postgres}/bench_sync" -c "
    select coalesce((progress->'counts'->>'$1')::int, 0), (extract(epoch from completed_at - started_at) * 1000)::int
    from sync_jobs order by started_at desc limit 1"
}
sync_psa --type base
sync_psa --type tickets --light
read -r tickets took < <(job tickets)
rate=$((tickets * 1000 / took))
report_least "list phase of a first sync, tickets a second" "$rate/s" 1 "$(ratio "$rate" 3000)" "$tickets tickets in $took ms"
sync_psa --type tickets
read -r details took < <(job details)
rate=$((details * 1000 / took))
report_least "detail phase, tickets a second" "$rate/s" 1 "$(ratio "$rate" 300)" "$details tickets in $took ms"
stop_vendor

# start_suite NAME TICKETS [ARGUMENTS OF THE SIMULATOR]: a suite that reads a vendor without limits; sets token, codex (its
# address), pid and database; waits for so many tickets.
start_suite() {
  local wanted="$2"
  export HIVEMATRIX_HOME="$work/$1"
  shift 2
  "$bin/hivematrix-simulators" freshservice --port "$(port 6010)" --rate-limit 1000000000 --api-key bench \
    --datto-port "$(port 6011)" --datto-read-limit 1000000000 "$@" 2>/dev/null &
  vendor=$!
  await_vendor
  FRESHSERVICE_API_KEY=bench FRESHSERVICE_BASE_URL="http://127.0.0.1:$(port 6010)" "$bin/helm" up >"$work/up.log" ||
    { cat "$work/up.log" >&2; exit 1; }
  token="$("$bin/helm" token --permission technician)"
  codex="http://127.0.0.1:$(port 5010)"
  measured="$codex"
  pid="$("$bin/helm" status --json | jq -r '.[] | select(.name == "codex") | .pid')"
  database="$(database_of "$pid")"
  echo 0 >"$work/most"
  watch_memory "$pid" "$work/most" &
  sampler=$!
  local total=0
  for _ in $(seq 1 600); do
    total="$(curl -s -H "Authorization: Bearer $token" "$codex/api/tickets?limit=1" | jq '.total // 0')"
    [ "$total" -lt "$wanted" ] || return 0
    sleep 1
  done
  fail "only $total of $wanted tickets were synchronised"
}

# The details of a first sync go on behind the list, also when a later sync is through; what is measured is the service at
# rest, and a database that is not cleaning up what was written.
settle() {
  for _ in $(seq 1 1200); do
    if [ "$(get_json /api/sync/running | jq '.jobs | length')" = 0 ] &&
      [ "$(psql -At "$database" -c 'select count(*) from pg_stat_progress_vacuum')" = 0 ]; then
      return 0
    fi
    sleep 1
  done
  fail "the syncs did not end"
}

# What PostgreSQL does by itself within minutes of so many new rows.
tidy() { psql -q "$database" -c 'vacuum analyze' 2>/dev/null; }

# Reads all devices, as fast as the vendor's quota of 600 calls a minute lets a client; unless the schedule does so already.
sync_devices() {
  local answer
  answer="$(curl -s -o /dev/null -w '%{http_code}' -X POST \
    -H "Authorization: Bearer $("$bin/helm" token --permission admin)" "$codex/sync/datto")"
  case "$answer" in
    200 | 409) ;;
    *) fail "the sync of devices did not start ($answer)" ;;
  esac
  settle
  [ "$(get_json /sync/last/rmm | jq -r .success)" = true ] || fail "the sync of devices failed: $(get_json /sync/last/rmm)"
  echo "   $(get_json '/assets/api/search?per_page=1' | jq .pagination.total) devices"
}

get_json() { curl -s -H "Authorization: Bearer $token" "$codex$1"; }

say "Bulk answer of reference data against psql"
export DATTO_PUBLIC_KEY=simulator-public DATTO_SECRET_KEY=simulator-secret DATTO_BASE_URL="http://127.0.0.1:$(port 6011)"
start_suite reference 19000 --size reference
unset DATTO_PUBLIC_KEY DATTO_SECRET_KEY DATTO_BASE_URL
settle
sync_devices
get_json '/api/companies/bulk?include_tickets=true' >"$work/bulk.json"
echo "   $(stat -c %s "$work/bulk.json") bytes, $(jq length "$work/bulk.json") companies"
best() {
  local began took least=999999999
  for _ in 1 2 3 4 5; do
    began="$(now_ms)"
    "$@" >/dev/null
    took=$(($(now_ms) - began))
    [ "$took" -ge "$least" ] || least="$took"
  done
  echo "$least"
}
ours="$(best get_json '/api/companies/bulk?include_tickets=true')"
theirs="$(best psql -At "$database" -f scripts/bench/bulk.sql)"
report_most "companies/bulk with tickets" "$ours ms" $((2 * theirs)) "$ours"
tidy
curl -s -H "Authorization: Bearer $token" "$codex/api/tickets/active" >"$work/active.json"
active="$(jq .total_active "$work/active.json")"
small="$(requests_per_second "$seconds" "$codex/api/tickets/active" "$token")"
report_most "memory of Codex, reference data" "$(($(cat "$work/most") / 1024)) MB" $((80 * 1024)) "$(cat "$work/most")"
"$bin/helm" down >/dev/null
wait "$sampler" 2>/dev/null || true
sampler=""
stop_vendor

say "Ten times the data"
start_suite large 190000 --size large --active "$active"
settle
psql -q "$database" -f scripts/bench/devices.sql
tidy
echo "   $(get_json '/assets/api/search?per_page=1' | jq .pagination.total) devices"
big="$(requests_per_second "$seconds" "$codex/api/tickets/active" "$token")"
report_least "active tickets among ten times as many" "$big/s" 0.667 "$(ratio "$big" "$small")" "reference $small/s"
name="$(get_json '/companies/api/search?per_page=25&page=3' | jq -r '.companies[0].name // "Consulting"' | jq -sRr @uri)"
p95 50 "company list and search" "/companies/" "/companies/?page=9" "/companies/?sort_by=plan_selected&order=desc" "/companies/?search=$name" "/companies/?search=nothing-like-this" "/companies/api/search?search=er"
p95 50 "contact list and search" "/contacts/" "/contacts/?page=900" "/contacts/?sort_by=email&order=desc" "/contacts/?search=anna" "/contacts/?search=nothing-like-this" "/contacts/api/search?search=555"
p95 50 "asset list and search" "/assets/" "/assets/?page=700" "/assets/?sort_by=operating_system&order=desc" "/assets/?search=SRV" "/assets/?search=nothing-like-this" "/assets/api/search?search=1"
get_json '/api/companies/bulk' >/dev/null
report_most "memory of Codex, ten times the data" "$(($(cat "$work/most") / 1024)) MB" $((80 * 1024)) "$(cat "$work/most")"

summary
