# The real servers that tests need, in a folder of their own on free ports; all ended by stop_servers.
# Sourced by test.sh and the benchmarks.

pg_bin() {
  local found
  found="$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -1 || true)"
  if [ -n "$found" ]; then echo "$found"; else dirname "$(command -v postgres)"; fi
}

# PostgreSQL refuses to run as root, so root lends it the account that Debian's package made.
as_postgres() {
  if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

# start_servers: sets SERVERS, TEST_DATABASE_URL and TEST_REDIS_URL.
start_servers() {
  SERVERS="$(mktemp -d "${TMPDIR:-/tmp}/hivematrix-servers.XXXXXX")"
  chmod 755 "$SERVERS"
  mkdir "$SERVERS/postgres" "$SERVERS/redis"
  [ "$(id -u)" != 0 ] || chown postgres "$SERVERS/postgres"
  local bin port
  bin="$(pg_bin)"
  port=$((20000 + $$ % 20000))
  as_postgres "$bin/initdb" -D "$SERVERS/postgres/data" -U postgres --auth=trust -E UTF8 --locale=C.UTF-8 >/dev/null
  # Test data may be lost in a crash of the machine, so nothing waits for the disk.
  as_postgres "$bin/pg_ctl" -D "$SERVERS/postgres/data" -l "$SERVERS/postgres/log" -w -s \
    -o "-p $port -k $SERVERS/postgres -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300" start
  TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres"
  redis-server --port $((port + 1)) --bind 127.0.0.1 --save "" --dir "$SERVERS/redis" \
    --daemonize yes --pidfile "$SERVERS/redis/pid" --logfile "$SERVERS/redis/log" >/dev/null
  TEST_REDIS_URL="redis://127.0.0.1:$((port + 1))"
  export TEST_DATABASE_URL TEST_REDIS_URL
}

stop_servers() {
  [ -n "${SERVERS:-}" ] || return 0
  as_postgres "$(pg_bin)/pg_ctl" -D "$SERVERS/postgres/data" -m immediate -s stop || true
  local redis
  if redis="$(cat "$SERVERS/redis/pid" 2>/dev/null)" && kill "$redis" 2>/dev/null; then
    # It writes into its folder until it has ended.
    for _ in $(seq 50); do kill -0 "$redis" 2>/dev/null || break; sleep 0.1; done
  fi
  rm -rf "$SERVERS" || true
}
