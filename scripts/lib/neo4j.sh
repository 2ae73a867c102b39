# A real Neo4j for tests: fetched once by Maven into a cache folder, started on free loopback ports with a home of its own,
# ended by its process id. Sourced by test.sh, after keycloak.sh (free_port, has_java).

NEO4J_FILES="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../deploy/neo4j" && pwd)"
NEO4J_VERSION="$(sed -n 's:.*<version>\([0-9.]*\)</version>.*:\1:p' "$NEO4J_FILES/pom.xml" | head -1)"

# fetch_neo4j: sets NEO4J_LIB to the folder of the programs, each as SHA256SUMS knows it. A second call finds it there.
fetch_neo4j() {
  local cache="${XDG_CACHE_HOME:-$HOME/.cache}/hivematrix" work
  NEO4J_LIB="$cache/neo4j-$NEO4J_VERSION/lib"
  [ ! -e "$cache/neo4j-$NEO4J_VERSION/.complete" ] || return 0
  say "Fetching Neo4j $NEO4J_VERSION (once)"
  mkdir -p "$cache"
  work="$(mktemp -d "$cache/fetch.XXXXXX")"
  if ! mvn -q -B -f "$NEO4J_FILES/pom.xml" \
      org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$work/lib" >"$work/log" 2>&1; then
    tail -5 "$work/log" >&2
    rm -rf "$work"
    return 1
  fi
  if ! { (cd "$work/lib" && sha256sum --check --quiet "$NEO4J_FILES/SHA256SUMS" >&2) &&
      [ "$(find "$work/lib" -type f | wc -l)" = "$(wc -l <"$NEO4J_FILES/SHA256SUMS")" ] &&
      touch "$work/.complete" && rm -rf "$cache/neo4j-$NEO4J_VERSION" && mv "$work" "$cache/neo4j-$NEO4J_VERSION"; }; then
    rm -rf "$work"
    return 1
  fi
}

# start_neo4j FOLDER: sets TEST_NEO4J_URI, TEST_NEO4J_USER, TEST_NEO4J_PASSWORD and TEST_NEO4J_LIB. The folder gets its home.
start_neo4j() {
  local folder="$1" bolt http answer
  mkdir -p "$folder/conf" "$folder/logs" "$folder/plugins" "$folder/import" "$folder/licenses" "$folder/run"
  bolt="$(free_port)" && http="$(free_port)" || return 1
  TEST_NEO4J_URI="bolt://127.0.0.1:$bolt"
  TEST_NEO4J_USER=neo4j
  TEST_NEO4J_PASSWORD="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  TEST_NEO4J_LIB="$NEO4J_LIB"
  cat >"$folder/conf/neo4j.conf" <<CONF
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:$bolt
server.http.listen_address=127.0.0.1:$http
server.https.enabled=false
server.memory.pagecache.size=64m
db.tx_log.preallocate=false
dbms.usage_report.enabled=false
CONF
  # On a command line: the password of a server that ends with the tests. `helm install neo4j` puts none there.
  if ! NEO4J_HOME="$folder" NEO4J_CONF="$folder/conf" java -cp "$NEO4J_LIB/*" org.neo4j.cli.AdminTool \
      dbms set-initial-password "$TEST_NEO4J_PASSWORD" >"$folder/logs/password" 2>&1; then
    tail -5 "$folder/logs/password" >&2
    return 1
  fi
  java -Xms64m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dfile.encoding=UTF-8 \
    --add-opens=java.base/java.nio=ALL-UNNAMED --add-opens=java.base/sun.nio.ch=ALL-UNNAMED -cp "$NEO4J_LIB/*" \
    org.neo4j.server.CommunityEntryPoint --home-dir="$folder" --config-dir="$folder/conf" --console-mode \
    >"$folder/log" 2>&1 </dev/null &
  NEO4J_PID=$!
  for _ in $(seq 300); do
    answer="$(curl -s -o /dev/null -m 5 -w '%{http_code}' "http://127.0.0.1:$http/" || true)"
    if [ "$answer" = 200 ]; then
      export TEST_NEO4J_URI TEST_NEO4J_USER TEST_NEO4J_PASSWORD TEST_NEO4J_LIB
      return 0
    fi
    kill -0 "$NEO4J_PID" 2>/dev/null || break
    sleep 1
  done
  tail -5 "$folder/log" >&2
  stop_neo4j
  unset TEST_NEO4J_URI TEST_NEO4J_USER TEST_NEO4J_PASSWORD TEST_NEO4J_LIB
  return 1
}

stop_neo4j() {
  [ -n "${NEO4J_PID:-}" ] || return 0
  # It writes into its folder until it has ended.
  kill "$NEO4J_PID" 2>/dev/null || true
  wait "$NEO4J_PID" 2>/dev/null || true
  NEO4J_PID=""
}
