#!/usr/bin/env bash
# Generated requests against the API documents of running services: no answer may be a server error or something the document
# does not declare. Needs Python 3 with venv; schemathesis comes from PyPI.
#
#   scripts/check-api.sh [SERVICE...]     default: codex
#
#   CHECK_API_OFFSET    added to the ports of the suite that is started for it (3000)
#   CHECK_API_EXAMPLES  generated requests for each operation (40)
#   CHECK_API_SEED      of the generator; the same seed makes the same requests (1)
#   CHECK_API_BINARIES  folder of binaries that are there already, instead of building them
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/packages.sh

case " $* " in *" --help "* | *" -h "*) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
[ $# -gt 0 ] || set -- codex

SCHEMATHESIS=4.32.5
CHECKS=not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance
CHECKS=$CHECKS,response_schema_conformance,unsupported_method,ignored_auth
# What empties the service's tables or changes where its data come from, which would end the check of all else: comes last.
DESTRUCTIVE='clear-data|/admin/update-|/api/admin/(settings|webhook-secret)'

MISSING=""
need python3 python3
python3 -c 'import ensurepip' 2>/dev/null || MISSING="$MISSING python3-venv"
need curl curl
has_postgres || MISSING="$MISSING postgresql"
need redis-server redis-server
install_missing

BINARIES="${CHECK_API_BINARIES:-target/release}"
if [ -z "${CHECK_API_BINARIES:-}" ]; then
  find_cargo
  say "Building"
  cargo build --release --locked --bins
fi

WORK="$PWD/target/check-api"
mkdir -p "$WORK"
if [ "$("$WORK/venv/bin/st" --version 2>/dev/null | tr -dc 0-9.)" != "$SCHEMATHESIS" ]; then
  say "Fetching schemathesis $SCHEMATHESIS (once)"
  python3 -m venv "$WORK/venv"
  "$WORK/venv/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$SCHEMATHESIS"
fi

HIVEMATRIX_HOME="$(mktemp -d "$WORK/home.XXXXXX")"
export HIVEMATRIX_HOME HIVEMATRIX_PORT_OFFSET="${CHECK_API_OFFSET:-3000}"
# Everything is configured, so that 503 means a failure; and the limits, which have their own tests, let the flood through.
WEBHOOKS_SECRET="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
export WEBHOOKS_SECRET WEBHOOKS_ENABLED=true PSA_DEFAULT_PROVIDER=freshservice RMM_DEFAULT_PROVIDER=datto
export PSA_ENABLED_PROVIDERS=freshservice,superops SUPEROPS_SUBDOMAIN=simulated SUPEROPS_API_KEY=simulator-key
superops_port=$((5093 + HIVEMATRIX_PORT_OFFSET))
export SUPEROPS_BASE_URL="http://127.0.0.1:$superops_port"
export HIVEMATRIX_RATE_LIMIT_SCALE=1000000
helm() { "$BINARIES/helm" "$@"; }

stop() {
  [ -z "${superops:-}" ] || kill "$superops" 2>/dev/null || true
  helm down >/dev/null 2>&1 || true
  rm -rf "$HIVEMATRIX_HOME"
}
trap stop EXIT

say "Starting a suite with the simulated vendors' data"
# The demo has one PSA; the other one only has to be there, since webhooks may bring a ticket of it.
"$BINARIES/hivematrix-simulators" superops --port "$superops_port" >"$WORK/superops.log" 2>&1 &
superops=$!
helm up --demo

port_of() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]]["port"])' "$HIVEMATRIX_HOME/services.json" "$1"
}

# token WHO SERVICE: a user token of a level, or for `service` that of another service.
token() {
  if [ "$1" = service ]; then helm token --service "nexus:$2"; else helm token --permission "$1"; fi
}

# Companies, tickets and devices have come when a job of each vendor has ended; without them most requests would meet empty
# lists.
wait_for_data() {
  local url jobs ended
  url="http://127.0.0.1:$(port_of codex)"
  for _ in $(seq 60); do
    sleep 2
    jobs="$(curl -s -m 10 -H "Authorization: Bearer $(token admin codex)" "$url/api/sync/jobs")"
    ended="$({ grep -oE '"script":"[a-z]+","provider":[^,]+,"sync_type":[^,]+,"status":"completed"' <<<"$jobs" || true; } |
      cut -d, -f1 | sort -u | wc -l)"
    if [ "$ended" -ge 2 ]; then return; fi
  done
  fail "the demo's data did not arrive within two minutes"
}
say "Waiting for the first sync"
wait_for_data

failed=""
# check SERVICE WHO NAME [ARGUMENTS]: NAME is that of the report.
check() {
  local service="$1" who="$2" report="$WORK/$3.txt" url
  shift 3
  url="http://127.0.0.1:$(port_of "$service")"
  say "$service as $who"
  python3 scripts/lib/api_values.py "$url" "$(token admin "$service")" "$WEBHOOKS_SECRET" >"$HIVEMATRIX_HOME/schemathesis.toml"
  # It keeps its notes in the folder it runs in. One worker: Python 3.11 fails to parse its own sources in two threads.
  (cd "$WORK" && "$WORK/venv/bin/st" --config-file "$HIVEMATRIX_HOME/schemathesis.toml" run "$url/static/openapi.json" \
    --header "Authorization: Bearer $(token "$who" "$service")" --checks "$CHECKS" --seed "${CHECK_API_SEED:-1}" \
    --max-examples "${CHECK_API_EXAMPLES:-40}" --workers 1 --continue-on-failure --request-timeout 60 --warnings off \
    --no-color "$@") >"$report" 2>&1 || failed="$failed $report"
  case "$failed" in *"$report") sed -n '/= FAILURES =/,$p; /= ERRORS =/,$p' "$report" ;; *) tail -1 "$report" ;; esac
}

for service in "$@"; do
  for who in client service technician admin; do
    check "$service" "$who" "$service-$who" --exclude-path-regex "$DESTRUCTIVE"
  done
done
for service in "$@"; do
  curl -s "http://127.0.0.1:$(port_of "$service")/static/openapi.json" | grep -qE "$DESTRUCTIVE" || continue
  check "$service" admin "$service-destructive" --include-path-regex "$DESTRUCTIVE"
done

[ -z "$failed" ] || fail "answers that the API documents do not allow, see$failed"
say "No server error and no undeclared answer"
