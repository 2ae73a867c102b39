# The accessibility checker axe for tests in a browser: fetched once by Maven into a cache folder. Sourced by test.sh.

# Of axe's bindings for Selenium, which carry the script (here axe-core 4.11.0) unchanged.
AXE_VERSION=4.11.0
# Of the jar file; another version needs another one.
AXE_SHA256=907af0b37c96a623dbeb9114d16e802a6a259d824844df14d71b53dd6d0a95c6

# fetch_axe: exports TEST_AXE_SCRIPT, the path of the script. A second call finds it there.
fetch_axe() {
  local cache="${XDG_CACHE_HOME:-$HOME/.cache}/hivematrix" script work
  script="$cache/axe-$AXE_VERSION.min.js"
  if [ ! -e "$script" ]; then
    say "Fetching axe $AXE_VERSION (once)"
    mkdir -p "$cache"
    work="$(mktemp -d "$cache/fetch.XXXXXX")"
    if ! { mvn -q -B dependency:copy -Dartifact="com.deque.html.axe-core:selenium:$AXE_VERSION:jar" \
        -DoutputDirectory="$work" -Dmdep.overWriteReleases=true >"$work/log" 2>&1 || { tail -5 "$work/log" >&2; false; }; } ||
      ! echo "$AXE_SHA256  $work/selenium-$AXE_VERSION.jar" | sha256sum --check --quiet >&2 ||
      ! unzip -q -d "$work" "$work/selenium-$AXE_VERSION.jar" axe.min.js || ! mv "$work/axe.min.js" "$script"; then
      rm -rf "$work"
      return 1
    fi
    rm -rf "$work"
  fi
  export TEST_AXE_SCRIPT="$script"
}
