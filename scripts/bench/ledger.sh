#!/usr/bin/env bash
# Ledger's performance targets: the dashboard and all invoices of 200 companies against the call to Codex they make, with all
# months since the beginning of last year in the archive; bills a second; and the month of 10,000 companies as one job, killed in
# its midst and begun again.
#
#   scripts/bench/ledger.sh [MEASUREMENTS OF EACH KIND, default 7]
#
# Ratios against Codex's own answer measured in the same run: the best of several, one after the other in turns, so that a busy
# moment of the machine meets all of them. Ledger and Codex share the machine as they do for an operator; nothing is pinned. Data is
# the simulator's `reference` size, read without the vendor's limits. Load goes to loopback only. Exits 1 when a target is missed.
#
#   BENCH_PROFILE    profile of the programs (release); another one shows that the script works, its numbers mean nothing
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/packages.sh
. scripts/bench/measure.sh
. scripts/bench/suite.sh

times="${1:-7}"
profile="${BENCH_PROFILE:-release}"
MISSING=""
has_postgres || MISSING="$MISSING postgresql"
need redis-server redis-server
need jq jq
need curl curl
need unzip unzip
need psql postgresql-client
install_missing
find_cargo

say "Building"
cargo build --profile "$profile" --locked --bins
cargo build --profile "$profile" --locked -p hivematrix-ledger --example bills_per_second
bin="${CARGO_TARGET_DIR:-$PWD/target}/${profile/#dev/debug}"
helm="$bin/helm"

work="$(mktemp -d "${TMPDIR:-/tmp}/hivematrix-bench.XXXXXX")"
chmod 755 "$work"
export HIVEMATRIX_HOME="$work/instance" HIVEMATRIX_PORT_OFFSET=11000 HIVEMATRIX_RATE_LIMIT_SCALE=1000000
finish() {
  [ -z "${vendor:-}" ] || kill "$vendor" 2>/dev/null || true
  "$helm" down >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

say "Bills on one core, inputs parsed"
taskset -c 0 "$bin/examples/bills_per_second" | tee "$work/bills"
rate="$(awk 'NR == 1 { print int($1) }' "$work/bills")"
report_least "bills with their explanation" "$rate/s" 1 "$(ratio "$rate" 10000)" "10000/s"

say "Starting a suite with reference data, the vendors' limits off"
"$bin/hivematrix-simulators" freshservice --port "$(port 6010)" --size reference --rate-limit 1000000000 --api-key bench \
  --datto-port "$(port 6011)" --datto-read-limit 1000000000 2>/dev/null &
vendor=$!
until curl -sf "http://127.0.0.1:$(port 6010)/livez" >/dev/null; do
  kill -0 "$vendor" 2>/dev/null || fail "the simulator ended"
  sleep 0.1
done
FRESHSERVICE_API_KEY=bench FRESHSERVICE_BASE_URL="http://127.0.0.1:$(port 6010)" DATTO_BASE_URL="http://127.0.0.1:$(port 6011)" \
  DATTO_PUBLIC_KEY=simulator-public DATTO_SECRET_KEY=simulator-secret BILLING_PLANS_FILE="$PWD/deploy/demo/billing_plans.json" \
  "$helm" up >"$work/up.log" || { cat "$work/up.log" >&2; exit 1; }
codex="http://127.0.0.1:$(port 5010)"
ledger="http://127.0.0.1:$(port 5030)"
admin="$("$helm" token --permission admin)"
billing="$("$helm" token --permission billing)"
get_json() { curl -s -H "Authorization: Bearer $admin" "$codex$1"; }

# What is measured is the suite at rest: a first sync reads hours and messages for a while after its list.
say "Waiting for the first syncs"
settle() {
  for _ in $(seq 1 1800); do
    [ "$(get_json /api/sync/running | jq '.jobs | length')" != 0 ] || return 0
    sleep 1
  done
  fail "the syncs did not end"
}
for _ in $(seq 1 600); do
  total="$(get_json '/api/tickets?limit=1' | jq '.total // 0')"
  [ "$total" -lt 19000 ] || break
  sleep 1
done
[ "$total" -ge 19000 ] || fail "only $total tickets were synchronised"
settle
# Devices, unless the schedule reads them already.
curl -s -o /dev/null -X POST -H "Authorization: Bearer $admin" "$codex/sync/datto"
settle
echo "   $(get_json '/assets/api/search?per_page=1' | jq .pagination.total) devices"

# seconds of the first byte and of the whole answer: timed FILE TOKEN URL
timed() {
  local said
  said="$(curl -s -o "$1" -H "Authorization: Bearer $2" -w '%{http_code} %{time_starttransfer} %{time_total}' "$3")"
  [ "${said%% *}" = 200 ] || fail "$3 answers ${said%% *}"
  echo "${said#* }"
}
# The least of a column, in microseconds.
least() { awk -v column="$2" '{ t = int($column * 1000000); if (NR == 1 || t < least) least = t } END { print least }' "$work/$1"; }
ms() { echo "$(($1 / 1000)) ms"; }

year="$(date -u +%Y)"
month="$(date -u +%-m)"
# The job that archives a month, begun; waits while one that was killed is not noted as dead.
begin_month() {
  local said
  for _ in $(seq 1 120); do
    said="$(curl -s -X POST -H "Authorization: Bearer $billing" -H 'Content-Type: application/json' \
      -d "{\"year\": $1, \"month\": $2}" "$ledger/archive/api/snapshot/bulk" || true)"
    job="$(jq -r '.job_id // empty' <<<"$said" 2>/dev/null || true)"
    [ -z "$job" ] || return 0
    sleep 1
  done
  fail "archiving $1-$2 does not begin: $said"
}
of_job() { curl -s -H "Authorization: Bearer $billing" "$ledger/archive/api/scheduler/jobs/$job" | jq -r "$1"; }
end_of_job() {
  for _ in $(seq 1 3600); do
    [ "$(of_job .status)" = running ] || return 0
    sleep 1
  done
  fail "a job does not end"
}

say "Archiving all months since the beginning of last year"
for y in $((year - 1)) "$year"; do
  for m in $(seq 1 12); do
    [ "$y" -lt "$year" ] || [ "$m" -lt "$month" ] || break
    begin_month "$y" "$m"
    end_of_job
    [ "$(of_job .status)" = completed ] || fail "$y-$m: $(of_job .error)"
  done
done
ledger_database="$(database_of "$(pid_of ledger)")"
echo "   $(psql -qAt "$ledger_database" -c "select count(*) || ' bills' from billing_snapshots") in the archive"

say "Dashboard and all invoices against Codex's answer about all companies"
bulk="$codex/api/companies/bulk?include_tickets=true&fields=billing&year=$year"
for n in $(seq 0 "$times"); do
  # A service token lives for five minutes.
  [ $((n % 3)) -ne 0 ] || service="$("$helm" token --service ledger:codex)"
  timed "$work/bulk.json" "$service" "$bulk" >>"$work/bulk"
  timed "$work/dashboard.json" "$billing" "$ledger/api/billing/dashboard?year=$year&month=$month" >>"$work/dashboard"
  timed "$work/invoices.zip" "$billing" "$ledger/invoices/bulk/download?year=$year&month=$month" >>"$work/zip"
  # The first of each makes connections, and tokens of its own.
  [ "$n" -ne 0 ] || rm "$work/bulk" "$work/dashboard" "$work/zip"
done
companies="$(jq length "$work/bulk.json")"
bills="$(jq '.companies | length' "$work/dashboard.json")"
files="$(unzip -Z1 "$work/invoices.zip" | wc -l)"
echo "   $companies companies, $bills bills, $files invoices, $(stat -c %s "$work/bulk.json") bytes from Codex"
[ "$companies" -ge 200 ] || fail "only $companies companies were synchronised"
[ "$bills" -ge 150 ] && [ "$files" -eq "$bills" ] || fail "$bills bills and $files invoices of $companies companies"

call="$(least bulk 2)"
dashboard="$(least dashboard 2)"
first="$(least zip 1)"
whole="$(least zip 2)"
echo "   Codex's answer takes $(ms "$call")"
report_most "dashboard" "$(ms "$dashboard")" $((call * 3 / 2)) "$dashboard"
report_most "all invoices, first byte" "$(ms "$first")" $((call * 6 / 5)) "$first"
report_most "all invoices, whole" "$(ms "$whole")" $((dashboard * 2)) "$whole"
memory="$(awk '/^Pss:/ {print $2}' "/proc/$(pid_of ledger)/smaps_rollup")"
echo "   Ledger has $((memory / 1024)) MB now"

say "A month of 10,000 companies more, killed in its midst"
past="$(date -u -d "$(date -u +%Y-%m-15) -1 month" +%Y-%m)"
year="${past%-*}"
month="$((10#${past#*-}))"
psql -q "$(database_of "$(pid_of codex)")" -v ON_ERROR_STOP=1 -v month="$past-01" -f scripts/bench/companies.sql
"$helm" restart ledger >/dev/null
billing="$("$helm" token --permission billing)"
watch_memory "$(pid_of ledger)" "$work/most" &
began="$(now_ms)"
begin_month "$year" "$month"
until [ "$(of_job .completed_companies)" -ge 3000 ]; do
  [ "$(of_job .status)" = running ] || fail "the job ended early: $(of_job .error)"
  sleep 0.2
done
killed="$(pid_of ledger)"
kill -9 "$killed"
until [ "$(pid_of ledger)" != "$killed" ] && curl -sf "$ledger/livez" >/dev/null; do sleep 0.5; done
before="$(psql -qAt "$ledger_database" -c "select count(*) from billing_snapshots where billing_year = $year and billing_month = $month")"
watch_memory "$(pid_of ledger)" "$work/most" &
begin_month "$year" "$month"
end_of_job
took=$(($(now_ms) - began))
[ "$(of_job .status)" = completed ] || fail "the job has failed: $(of_job .error)"
read -r archived of_companies left <<<"$(psql -qAt -F ' ' "$ledger_database" -c "
  select count(*), count(distinct company_account_number), count(*) filter (where company_account_number like 'BENCH-%')
  from billing_snapshots where billing_year = $year and billing_month = $month")"
echo "   $before bills were there when it was killed, $archived in the end, after $((took / 1000)) s; $(of_job .failed_companies) failed"
[ "$left" -eq 10000 ] && [ "$archived" -eq "$of_companies" ] && [ "$(of_job .output.already_archived_count)" -eq "$before" ] ||
  fail "$left of 10,000 companies archived, $archived bills of $of_companies companies, $(of_job .output.already_archived_count) of $before known"
report_most "memory of 10,000 companies in one job" "$(($(cat "$work/most") / 1024)) MB" $((120 * 1024)) "$(cat "$work/most")"

summary
