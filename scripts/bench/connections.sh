# Connections that rest. Sourced by run.sh, which has started the suite.

HELD=5000
# Files that the gateway needs for them: one each, as many kept free for services, and a few.
FILES_NEEDED=$((2 * HELD + 200))

enough_files() {
  local hard
  hard="$(ulimit -Hn)"
  [ "$hard" = unlimited ] || [ "$hard" -ge "$FILES_NEEDED" ]
}

# bench_connections: opens them with one request each, lets them rest for ten seconds and asks again on each. The gateway
# counts connections by address, but not those of its own machine.
bench_connections() {
  local held before after nexus
  say "$HELD connections that rest"
  nexus="$(pid_of nexus)"
  before="$(pss_of "$nexus")"
  held="$(taskset -c 1 "$peer" hold "https://localhost:$(port 8443)/favicon.ico" "$HIVEMATRIX_HOME/nexus/certs/ca.crt" "$HELD" 10)"
  after="$(pss_of "$nexus")"
  report_least "connections held" "$held" 1 "$(ratio "$held" "$HELD")" "of $HELD"
  echo "   $(((after - before) / 1024)) MB kept of them by the gateway"
}
