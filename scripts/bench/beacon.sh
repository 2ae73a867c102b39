#!/usr/bin/env bash
# Beacon's performance targets: the page through the gateway, its data, and 200 open boards.
#
#   scripts/bench/beacon.sh [SECONDS PER MEASUREMENT, default 10]
#
# Ratios against nginx or Codex measured in the same run on the same machine. Server and reference are each held to one core,
# wrk (1 thread, 32 keep-alive connections) and backends to the other. Data is the simulator's `reference` size. Load goes to
# loopback only. Exits 1 when a target is missed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/packages.sh
. scripts/bench/measure.sh
. scripts/bench/suite.sh

seconds="${1:-10}"
boards=200
MISSING=""
has_postgres || MISSING="$MISSING postgresql"
need redis-server redis-server
need nginx nginx-light
need wrk wrk
need openssl openssl
need jq jq
need curl curl
need pgrep procps
install_missing
find_cargo
[ "$(nproc)" -ge 2 ] || fail "two cores are needed: one for the server, one for the load"

say "Building"
cargo build --release --locked --bins
helm="$PWD/target/release/helm"

work="$(mktemp -d "${TMPDIR:-/tmp}/hivematrix-bench.XXXXXX")"
chmod 755 "$work"
mkdir "$work/www" "$work/streams"
export HIVEMATRIX_HOME="$work/instance" HIVEMATRIX_PORT_OFFSET=14000 HIVEMATRIX_RATE_LIMIT_SCALE=1000000
# One view with every active ticket, beside the usual one.
export VIEWS='[{"slug": "helpdesk", "name": "Helpdesk"}, {"slug": "all", "name": "All"}]'
finish() {
  stop_nginx
  [ -z "${readers:-}" ] || kill "$readers" 2>/dev/null || true
  "$helm" down >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

start_reference "$work/up.log"
codex="http://127.0.0.1:$(port 5010)"
beacon="http://127.0.0.1:$(port 5001)"
gateway="https://localhost:$(port 8443)"

say "The page of $total tickets through the gateway, against nginx over TLS serving the same bytes"
curl -skf -H "Authorization: Bearer $token" -H 'Accept: text/html' "$gateway/beacon/all" > "$work/www/board.html"
rows="$(grep -c '<tr .*data-item-id=' "$work/www/board.html")"
[ "$rows" -ge 340 ] || fail "the page has $rows rows for about $total tickets"
echo "   $(stat -c %s "$work/www/board.html") bytes"
start_nginx "$work" "$(port 6001)" "$(port 6002)" "$(port 6003)"
pin_others
# Both that make the page share the one core that nginx has.
hold "$(pid_of nexus)" 0
hold "$(pid_of beacon)" 0
theirs="$(requests_per_second "$seconds" "https://localhost:$(port 6003)/board.html" "$token")"
ours="$(requests_per_second "$seconds" "$gateway/beacon/all" "$token" -H 'Accept: text/html')"
report_least "page through the gateway" "$ours/s" 0.10 "$(ratio "$ours" "$theirs")" "nginx $theirs/s"

say "The data of the board, against Codex' own answer"
pin_others
hold "$(pid_of codex)" 0
theirs="$(requests_per_second "$seconds" "$codex/api/tickets/active" "$token")"
pin_others
hold "$(pid_of beacon)" 0
ours="$(requests_per_second "$seconds" "$beacon/api/tickets/all" "$token")"
report_least "tickets of a view" "$ours/s" 1 "$(ratio "$ours" "$theirs")" "Codex $theirs/s"

say "$boards open boards"
pin_others
# fetches: whole answers that Codex has given; what had not changed is not among them.
fetches() {
  curl -s "$codex/metrics" | awk -F ' ' '/^http_requests_total\{/ && /route="\/api\/tickets\/active"/ && /status="200"/ { n += $2 } END { print n + 0 }'
}
{
  echo "header = \"Authorization: Bearer $token\""
  for n in $(seq 1 "$boards"); do
    printf 'url = "%s/beacon/api/stream/all"\noutput = "%s/streams/%s"\n' "$gateway" "$work" "$n"
  done
} > "$work/readers.conf"
chmod 600 "$work/readers.conf"
before="$(fetches)"
curl -skN --http1.1 --parallel --parallel-immediate --parallel-max "$boards" -K "$work/readers.conf" 2>/dev/null &
readers=$!
# events STREAM: how many boards have arrived whole.
events() { local n; n="$(grep -c '^data: .*}$' "$1" 2>/dev/null)" || true; echo "${n:-0}"; }
# Texts change with the minute, tickets with the simulator's life.
for _ in $(seq 1 240); do
  [ "$(events "$work/streams/1")" -lt 4 ] || break
  sleep 1
done
sleep 2
memory="$(awk '/^Pss:/ {print $2}' "/proc/$(pid_of beacon)/smaps_rollup")"
after="$(fetches)"
kill "$readers" 2>/dev/null || true
wait "$readers" 2>/dev/null || true
readers=""
changes="$(sed -n 's/^id: //p' "$work/streams/1" | sort -u | wc -l)"
[ "$changes" -ge 4 ] || fail "only $((changes - 1)) changes arrived"
for n in $(seq 1 "$boards"); do
  seen="$(sed -n 's/^id: //p' "$work/streams/$n" | sort -u | wc -l)"
  [ "$seen" -ge 4 ] || fail "board $n saw $seen of $changes boards"
done
report_most "fetches from Codex for $((changes - 1)) changes" "$((after - before))" $((changes + 1)) $((after - before))
report_most "memory of Beacon, $boards open boards" "$((memory / 1024)) MB" $((64 * 1024)) "$memory"

summary
