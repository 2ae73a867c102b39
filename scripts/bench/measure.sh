# Measuring and reporting for the benchmarks. Sourced by all of them.

FAILED=0
RESULTS=""

now_ms() { date +%s%3N; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b > 0) ? a / b : 0 }'; }

# rate_and_p99 SECONDS URL TOKEN [WRK ARGUMENTS]: requests per second and the 99th percentile of the latency in microseconds;
# fails when any answer is not 2xx.
rate_and_p99() {
  local seconds="$1" url="$2" token="$3" out
  shift 3
  local header=()
  [ -z "$token" ] || header=(-H "Authorization: Bearer $token")
  taskset -c 1 wrk -t1 -c32 -d2s "${header[@]}" "$@" "$url" >/dev/null
  out="$(taskset -c 1 wrk -t1 -c32 -d"${seconds}s" --latency "${header[@]}" "$@" "$url")"
  if grep -q 'Non-2xx' <<<"$out"; then
    printf '%s\n' "$out" >&2
    fail "the server refused requests of the benchmark"
  fi
  awk '
    $1 == "99%" { unit = $2; sub(/[0-9.]+/, "", unit); p99 = int($2 * (unit == "us" ? 1 : unit == "ms" ? 1000 : 1000000)) }
    /^Requests\/sec:/ { rate = int($2) }
    END { print rate, p99 }' <<<"$out"
}

# requests_per_second: the first half of rate_and_p99.
requests_per_second() {
  local rate p99
  read -r rate p99 < <(rate_and_p99 "$@")
  echo "$rate"
}

# report_least NAME VALUE LIMIT RATIO [REFERENCE]: the ratio must reach the limit.
report_least() { note "$1" "$2" "$4" ">= $3" "$(awk -v r="$4" -v l="$3" 'BEGIN { print (r >= l) ? "ok" : "MISSED" }')" "${5:-}"; }

# report_most NAME VALUE LIMIT MEASURED: the measured value must stay below the limit; the ratio is measured / limit.
report_most() {
  local r
  r="$(ratio "$4" "$3")"
  note "$1" "$2" "$r" "< 1" "$(awk -v r="$r" 'BEGIN { print (r < 1) ? "ok" : "MISSED" }')" ""
}

note() {
  [ "$5" = ok ] || FAILED=1
  local line
  line="$(printf '%-40s %14s   ratio %-8s %-8s %-7s %s' "$1" "$2" "$3" "$4" "$5" "$6")"
  echo "   $line"
  RESULTS="$RESULTS$line"$'\n'
}

summary() {
  say "Results"
  printf '%s' "$RESULTS"
  exit "$FAILED"
}

# p95 MILLISECONDS NAME PATH...: each path of `measured` several times, one request at a time, with `token`; as a page unless
# `accept` says otherwise. Times go to the folder `work`.
p95() {
  local limit="$1" name="$2" path
  shift 2
  for path in "$@"; do
    for _ in $(seq 1 20); do
      curl -s -o /dev/null -w "%{http_code} %{time_total} $path\n" -H "Authorization: Bearer $token" -H "Accept: ${accept:-text/html}" "$measured$path"
    done
  done >"$work/times"
  if grep -qv '^200 ' "$work/times"; then fail "$name: not everything was answered with 200"; fi
  local took
  took="$(awk '{ print int($2 * 1000000) }' "$work/times" | sort -n | awk '{ t[NR] = $1 } END { print t[int((NR * 95 + 99) / 100)] }')"
  report_most "$name, 95th percentile" "$((took / 1000)) ms" $((limit * 1000)) "$took"
  awk '{ sum[$3] += $2; n[$3]++ } END { for (path in sum) printf "     %4d ms on average  %s\n", sum[path] / n[path] * 1000, path }' "$work/times" |
    sort -rn | head -3
}

# watch_memory PID FILE: writes the highest Pss of a process to the file, in kB, sampled until the process ends.
watch_memory() {
  local pss most
  most="$(cat "$2" 2>/dev/null || echo 0)"
  while pss="$(awk '/^Pss:/ {print $2}' "/proc/$1/smaps_rollup" 2>/dev/null)" && [ -n "$pss" ]; do
    [ "$pss" -le "$most" ] || { most="$pss"; echo "$most" >"$2"; }
    sleep 0.2
  done
}

# Where a service reads from; Helm gives it to the process alone.
database_of() { tr '\0' '\n' <"/proc/$1/environ" | sed -n 's/^DATABASE_URL=//p'; }

# start_nginx FOLDER FILE_PORT BACKEND_PORT TLS_PORT: one worker on core 0 for files and TLS, one on core 1 as the backend.
start_nginx() {
  local dir="$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$dir/bench.key" -out "$dir/bench.crt" 2>/dev/null
  common="worker_processes 1; error_log $dir/nginx.err; events { worker_connections 512; }"
  http="access_log off; sendfile on; tcp_nodelay on; keepalive_requests 1000000; types { application/json json; text/html html; }
        client_body_temp_path $dir/t1; proxy_temp_path $dir/t2; fastcgi_temp_path $dir/t3; uwsgi_temp_path $dir/t4; scgi_temp_path $dir/t5;"
  cat > "$dir/front.conf" <<CONF
pid $dir/front.pid; $common
http { $http
  upstream backend { server 127.0.0.1:$3; keepalive 64; keepalive_requests 1000000; }
  server { listen 127.0.0.1:$2; root $dir/www; }
  server { listen 127.0.0.1:$4 ssl; ssl_certificate $dir/bench.crt; ssl_certificate_key $dir/bench.key;
    location / { proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
CONF
  cat > "$dir/backend.conf" <<CONF
pid $dir/backend.pid; $common
http { $http server { listen 127.0.0.1:$3; root $dir/www; } }
CONF
  chmod -R a+rX "$dir/www"
  taskset -c 0 nginx -c "$dir/front.conf"
  taskset -c 1 nginx -c "$dir/backend.conf"
  NGINX_PIDS="$dir/front.pid $dir/backend.pid"
}

stop_nginx() {
  local file
  for file in ${NGINX_PIDS:-}; do
    [ ! -s "$file" ] || kill "$(cat "$file")" 2>/dev/null || true
  done
}
