#!/usr/bin/env bash
# The performance targets, as ratios against a reference measured in the same run on the same machine.
#
#   scripts/bench/run.sh [SECONDS PER MEASUREMENT, default 10]
#
# Server and nginx are each held to one core, wrk (1 thread, 32 keep-alive connections) and backends to the other. Data is the
# simulator's `reference` size. Load goes to loopback only. Exits 1 when a target is missed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/packages.sh
. scripts/bench/measure.sh
. scripts/bench/suite.sh
. scripts/bench/injection.sh
. scripts/bench/streaming.sh
. scripts/bench/connections.sh

seconds="${1:-10}"
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
enough_files || fail "a process may have only $(ulimit -Hn) files open here, $FILES_NEEDED are needed (ulimit -Hn)"

say "Building"
cargo build --release --locked --bins
cargo build --release --locked -p hivematrix-shared --example token_check
cargo build --release --locked -p hivematrix-nexus --example bench_peer
helm="$PWD/target/release/helm"
peer="$PWD/target/release/examples/bench_peer"

work="$(mktemp -d "${TMPDIR:-/tmp}/hivematrix-bench.XXXXXX")"
chmod 755 "$work"
export HIVEMATRIX_HOME="$work/instance" HIVEMATRIX_PORT_OFFSET=12000 HIVEMATRIX_RATE_LIMIT_SCALE=1000000
finish() {
  stop_nginx
  [ -z "${swallower:-}" ] || kill "$swallower" 2>/dev/null || true
  "$helm" down >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

start_reference "$work/up.log"
tickets="http://127.0.0.1:$(port 5010)/api/tickets/active"

say "Start of an existing instance"
"$helm" down >/dev/null
began="$(now_ms)"
"$helm" up >/dev/null
took=$(($(now_ms) - began))
report_most "start until all services are healthy" "$took ms" 3000 "$took"
token="$("$helm" token --permission technician)"

say "/api/tickets/active against nginx serving the same bytes"
pin_others
hold "$(pid_of codex)" 0
mkdir -p "$work/www"
curl -s -H "Authorization: Bearer $token" "$tickets" > "$work/www/active.json"
echo "   $(jq .total_active "$work/www/active.json") tickets, $(stat -c %s "$work/www/active.json") bytes"
start_nginx "$work" "$(port 6001)" "$(port 6002)" "$(port 6003)"
ours="$(requests_per_second "$seconds" "$tickets" "$token")"
theirs="$(requests_per_second "$seconds" "http://127.0.0.1:$(port 6001)/active.json" "$token")"
report_least "active tickets" "$ours/s" 0.40 "$(ratio "$ours" "$theirs")" "nginx $theirs/s"

say "/service-token against openssl speed rsa2048"
pin_others
core="$(pid_of core)"
hold "$core" 0
secret="$("$helm" secret beacon)"
cat > "$work/post.lua" <<LUA
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Service-Secret"] = "$secret"
wrk.body = '{"calling_service":"beacon","target_service":"codex"}'
LUA
chmod 600 "$work/post.lua"
ours="$(requests_per_second "$seconds" "http://127.0.0.1:$(port 5000)/service-token" "" -s "$work/post.lua")"
theirs="$(taskset -c 0 openssl speed -seconds 5 rsa2048 2>/dev/null | awk '$1 == "rsa" && $2 == 2048 { print int($6) }')"
report_least "service tokens" "$ours/s" 0.75 "$(ratio "$ours" "$theirs")" "openssl $theirs/s"

say "Token check in a service"
read -r first remembered < <(taskset -c 0 target/release/examples/token_check)
report_most "token check, signature included" "$first us" 30 "$first"
report_most "token check, remembered token" "$remembered us" 30 "$remembered"

say "Gateway, 10 KB of JSON, against nginx proxy_pass over TLS"
jq -n '{rows: [range(0; 120) | {id: ., subject: "A line of about eighty characters of JSON text for the gateway"}]}' -c > "$work/www/ten.json"
truncate -s 10240 "$work/www/ten.json"
taskset -c 1 "$peer" swallow "$(port 6004)" &
swallower=$!
gateway="https://localhost:$(port 8443)/bench/ten.json"
# Adds the benchmark's backends to the registry and holds the processes to their cores.
prepare_gateway() {
  local registry="$HIVEMATRIX_HOME/services.json" status=""
  jq --arg bench "http://127.0.0.1:$(port 6002)" --arg swallow "http://127.0.0.1:$(port 6004)" \
    '.bench = {url: $bench} | .swallow = {url: $swallow}' "$registry" > "$registry.new"
  mv "$registry.new" "$registry"
  for _ in $(seq 1 20); do
    status="$(curl -sk -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$gateway")"
    [ "$status" != 200 ] || break
    sleep 0.5
  done
  [ "$status" = 200 ] || fail "the gateway does not serve the benchmark's backend"
  pin_others
  hold "$(pid_of nexus)" 0
}
prepare_gateway
read -r theirs their_p99 < <(rate_and_p99 "$seconds" "https://localhost:$(port 6003)/ten.json" "$token")
read -r ours our_p99 < <(rate_and_p99 "$seconds" "$gateway" "$token")
report_least "gateway, log shipping on" "$ours/s" 0.40 "$(ratio "$ours" "$theirs")" "nginx $theirs/s"
report_most "gateway, 99th percentile" "$our_p99 us" $((3 * their_p99)) "$our_p99"

bench_injection "$seconds" "$token"
bench_streaming "$token"
bench_connections

say "Memory at rest"
sleep 20
total=0
# The eight of our own; PostgreSQL and Redis are other people's programs with settings of their own.
for name in helm core nexus codex ledger knowledgetree beacon simulator; do
  pid="$(pid_of "$name")"
  [ "$pid" != null ] && [ -n "$pid" ] || continue
  pss="$(awk '/^Pss:/ {print $2}' "/proc/$pid/smaps_rollup")"
  echo "   $name $((pss / 1024)) MB"
  total=$((total + pss))
done
report_most "memory of the eight services together" "$((total / 1024)) MB" $((140 * 1024)) "$total"

say "Gateway without log shipping"
"$helm" down >/dev/null
LOG_SHIPPING=false "$helm" up >/dev/null
token="$("$helm" token --permission technician)"
prepare_gateway
read -r ours our_p99 < <(rate_and_p99 "$seconds" "$gateway" "$token")
report_least "gateway, log shipping off" "$ours/s" 0.50 "$(ratio "$ours" "$theirs")" "nginx $theirs/s"
report_most "gateway, 99th percentile" "$our_p99 us" $((3 * their_p99)) "$our_p99"

summary
