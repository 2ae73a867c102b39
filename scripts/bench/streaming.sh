# Bodies of 1 GB through the gateway. Sourced by run.sh, which has set up the gateway with the service `bench`.

STREAMED=$((1024 * 1024 * 1024))
# KB by which the gateway may grow meanwhile.
GROWTH=$((20 * 1024))

pss_of() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }

# growth_during PID COMMAND…: runs the command and prints by how many KB the process grew at most; its output goes to
# $work/streamed.
growth_during() {
  local pid="$1" before most now running
  shift
  before="$(pss_of "$pid")"
  most="$before"
  "$@" > "$work/streamed" &
  running=$!
  while kill -0 "$running" 2>/dev/null; do
    now="$(pss_of "$pid")"
    most=$((now > most ? now : most))
    sleep 0.1
  done
  wait "$running" || fail "a body of 1 GB did not pass"
  echo $((most > before ? most - before : 0))
}

# bench_streaming TOKEN: a file of 1 GB down from nginx, and up to a service that swallows it.
bench_streaming() {
  local token="$1" gateway nexus grown
  gateway="https://localhost:$(port 8443)"
  nexus="$(pid_of nexus)"
  say "1 GB down and up through the gateway"
  truncate -s "$STREAMED" "$work/www/big.bin"
  grown="$(growth_during "$nexus" curl -skf -H "Authorization: Bearer $token" -o /dev/null -w '%{size_download} %{time_total}\n' "$gateway/bench/big.bin")"
  report_streamed download "$grown"
  grown="$(growth_during "$nexus" curl -skf -H "Authorization: Bearer $token" -H 'Expect:' -T "$work/www/big.bin" -w ' %{time_total}\n' "$gateway/swallow/big.bin")"
  report_streamed upload "$grown"
  rm "$work/www/big.bin"
}

report_streamed() {
  local bytes seconds
  read -r bytes seconds < "$work/streamed"
  [ "$bytes" = "$STREAMED" ] || fail "only $bytes bytes of the $1 arrived"
  report_most "memory growth, 1 GB $1" "$2 KB" "$GROWTH" "$2"
  echo "   in $seconds s"
}
