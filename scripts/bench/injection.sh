# What the shared look costs a page. Sourced by run.sh, which has set up the gateway with the service `bench`.

# p50_us SECONDS URL TOKEN [WRK ARGUMENTS]: median of one connection, in microseconds; fails when any answer is not 2xx.
p50_us() {
  local seconds="$1" url="$2" token="$3" out
  shift 3
  out="$(taskset -c 1 wrk -t1 -c1 -d"${seconds}s" --latency -H "Authorization: Bearer $token" "$@" "$url")"
  if grep -q 'Non-2xx' <<<"$out"; then
    printf '%s\n' "$out" >&2
    fail "the server refused requests of the benchmark"
  fi
  awk '$1 == "50%" { unit = $2; gsub(/[0-9.]/, "", unit); n = $2 + 0
                     print int(unit == "us" ? n : unit == "ms" ? n * 1000 : n * 1000000) }' <<<"$out"
}

# bench_injection SECONDS TOKEN: the same page of 100 KB as a document, which gets the look, and as a part that a script
# asked for, which does not; in turns, so that neither has the quieter machine.
bench_injection() {
  local seconds="$1" token="$2" page bare composed add
  say "The look put into a page of 100 KB"
  {
    printf '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>A long page</title></head>\n<body>\n<main>\n<table>\n'
    for n in $(seq 827); do
      printf '<tr class="row"><td data-value="%d">#%d</td><td><a href="/bench/%d">A line of a page as services make them</a></td></tr>\n' "$n" "$n" "$n"
    done
    printf '</table>\n</main>\n</body>\n</html>\n'
  } > "$work/www/page.html"
  page="https://localhost:$(port 8443)/bench/page.html"
  # Into files: a pipe that grep leaves early would count as a failure of curl.
  curl -sk -H "Authorization: Bearer $token" -o "$work/composed.html" "$page"
  curl -sk -H "Authorization: Bearer $token" -H 'Sec-Fetch-Dest: empty' -o "$work/bare.html" "$page"
  grep -q 'id="side-panel"' "$work/composed.html" || fail "the gateway does not compose the benchmark's page"
  ! grep -q 'id="side-panel"' "$work/bare.html" || fail "the gateway composes what a script asked for"
  p50_us 1 "$page" "$token" >/dev/null
  bare=1000000 composed=1000000
  for _ in 1 2 3; do
    composed="$(least "$composed" "$(p50_us "$(part "$seconds")" "$page" "$token")")"
    bare="$(least "$bare" "$(p50_us "$(part "$seconds")" "$page" "$token" -H 'Sec-Fetch-Dest: empty')")"
  done
  add=$((composed > bare ? composed - bare : 0))
  report_most "HTML injection, 100 KB, p50" "$add us" 400 "$add"
  echo "   $(stat -c %s "$work/www/page.html") bytes: $composed us with the look, $bare us without"
}

least() { echo $(($1 < $2 ? $1 : $2)); }
# part SECONDS: a third, at least one.
part() { echo $(($1 / 3 > 0 ? $1 / 3 : 1)); }
