# A real Keycloak for tests: fetched once by Maven into a cache folder, started on a free loopback port with its data in
# memory, ended by its process id. Sourced by test.sh.

KEYCLOAK_VERSION=26.4.7
# Of the zip file; another version needs another one.
KEYCLOAK_SHA256=dd9834c023460be856f731423d86228c23b5d002194a2064642bec0cc6573eaa
KEYCLOAK_JAVA=17

# has_java: whether a Java new enough for Keycloak is there.
has_java() {
  local version
  version="$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)"
  [ "${version:-0}" -ge "$KEYCLOAK_JAVA" ] 2>/dev/null
}

# java_package: the oldest runtime of this system that is new enough.
java_package() {
  local version
  for version in 17 21 25; do
    if apt-cache show "openjdk-$version-jre-headless" >/dev/null 2>&1; then
      echo "openjdk-$version-jre-headless"
      return
    fi
  done
  echo default-jre-headless
}

# fetch_keycloak: sets KEYCLOAK_HOME to an unpacked distribution. A second call finds it there.
fetch_keycloak() {
  local cache="${XDG_CACHE_HOME:-$HOME/.cache}/hivematrix" name="keycloak-quarkus-dist-$KEYCLOAK_VERSION.zip" work
  KEYCLOAK_HOME="$cache/keycloak-$KEYCLOAK_VERSION"
  [ ! -e "$KEYCLOAK_HOME/.complete" ] || return 0
  say "Fetching Keycloak $KEYCLOAK_VERSION (once)"
  mkdir -p "$cache"
  work="$(mktemp -d "$cache/fetch.XXXXXX")"
  if ! mvn -q -B dependency:copy -Dartifact="org.keycloak:keycloak-quarkus-dist:$KEYCLOAK_VERSION:zip" \
      -DoutputDirectory="$work" -Dmdep.overWriteReleases=true >"$work/log" 2>&1; then
    tail -5 "$work/log" >&2
    rm -rf "$work"
    return 1
  fi
  if ! echo "$KEYCLOAK_SHA256  $work/$name" | sha256sum --check --quiet >&2; then
    rm -rf "$work"
    return 1
  fi
  if ! { unzip -q -d "$work" "$work/$name" && touch "$work/keycloak-$KEYCLOAK_VERSION/.complete" &&
      rm -rf "$KEYCLOAK_HOME" && mv "$work/keycloak-$KEYCLOAK_VERSION" "$KEYCLOAK_HOME"; }; then
    rm -rf "$work"
    return 1
  fi
  rm -rf "$work"
}

# free_port: a port that nobody listens on at the moment.
free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 20000))
    if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  return 1
}

# start_keycloak FOLDER: sets TEST_KEYCLOAK_URL and TEST_KEYCLOAK_PASSWORD. The folder gets its log and its data.
start_keycloak() {
  local folder="$1" port answer
  mkdir -p "$folder"
  # Its start writes into its own folder, so that each run has one.
  cp -a "$KEYCLOAK_HOME" "$folder/keycloak"
  port="$(free_port)"
  TEST_KEYCLOAK_URL="http://127.0.0.1:$port"
  TEST_KEYCLOAK_PASSWORD="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD="$TEST_KEYCLOAK_PASSWORD" \
    JAVA_OPTS_KC_HEAP="-Xms64m -Xmx512m" JAVA_OPTS_APPEND="-XX:TieredStopAtLevel=1" \
    "$folder/keycloak/bin/kc.sh" start-dev --db=dev-mem --http-host=127.0.0.1 --http-port="$port" \
    --proxy-headers=xforwarded >"$folder/log" 2>&1 &
  KEYCLOAK_PID=$!
  for _ in $(seq 300); do
    answer="$(curl -s -o /dev/null -m 5 -w '%{http_code}' "$TEST_KEYCLOAK_URL/realms/master" || true)"
    if [ "$answer" = 200 ]; then
      export TEST_KEYCLOAK_URL TEST_KEYCLOAK_PASSWORD
      return 0
    fi
    kill -0 "$KEYCLOAK_PID" 2>/dev/null || break
    sleep 1
  done
  tail -5 "$folder/log" >&2
  stop_keycloak
  unset TEST_KEYCLOAK_URL TEST_KEYCLOAK_PASSWORD
  return 1
}

stop_keycloak() {
  [ -n "${KEYCLOAK_PID:-}" ] || return 0
  kill "$KEYCLOAK_PID" 2>/dev/null || true
  wait "$KEYCLOAK_PID" 2>/dev/null || true
  KEYCLOAK_PID=""
}
