#!/usr/bin/env bash
# All tests, with what they need (PostgreSQL, Redis, Keycloak, Neo4j, Chromium with axe): formatting, lints, unit and service tests, and the whole suite in a browser.
#
#   scripts/test.sh [ARGUMENTS OF cargo test]     such as: -p hivematrix-codex board
#
# Everything is built in the dev profile, which lints, suite, tests and browser run share: it compiles in less than half the time
# of the release profile that is installed, and checks overflow and debug assertions besides.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/packages.sh
. scripts/lib/servers.sh
. scripts/lib/keycloak.sh
. scripts/lib/neo4j.sh
. scripts/lib/axe.sh

MISSING=""
need cc gcc
need make make
[ -e /usr/include/stdlib.h ] || MISSING="$MISSING libc6-dev"
[ -d /etc/ssl/certs ] || MISSING="$MISSING ca-certificates"
has_postgres || MISSING="$MISSING postgresql"
need redis-server redis-server
need chromium chromium
need chromedriver chromium-driver
has_java || MISSING="$MISSING $(java_package)"
need mvn maven
need unzip unzip
need curl curl
need git git
# For the files of deploy/, which most people only read; on the build server nothing is skipped.
if [ "${CI:-}" = true ]; then
  need nginx nginx-light
  need openssl openssl
  need caddy caddy
  need systemd-analyze systemd
  python3 -c 'import yaml' 2>/dev/null || MISSING="$MISSING python3-yaml"
fi
install_missing
find_cargo

trap 'stop_keycloak; stop_neo4j; stop_servers' EXIT
start_servers
export DATABASE_URL="$TEST_DATABASE_URL" SQLX_OFFLINE=true

# Without Keycloak its scenarios are reported as skipped; on the build server (CI=true) as failed.
run_keycloak() {
  fetch_keycloak && start_keycloak "$SERVERS/keycloak" ||
    printf 'warning: there is no Keycloak, so that its sign-in scenarios cannot run\n' >&2
}

# As with Keycloak: tests of the graph are skipped without Neo4j, on the build server they fail.
run_neo4j() {
  fetch_neo4j && start_neo4j "$SERVERS/neo4j" ||
    printf 'warning: there is no Neo4j, so that what is kept in it cannot be tested\n' >&2
}

# As with Keycloak: without axe its scenarios are skipped, on the build server they fail.
have_axe() {
  fetch_axe || printf 'warning: there is no axe, so that pages are not checked for accessibility\n' >&2
}

# A clean clone builds once, and nobody debugs there: what serves the next build and a debugger costs time and disk.
[ "${CI:-}" != true ] || export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=false

if [ $# -gt 0 ]; then
  case " $* " in *" login "* | *" hivematrix-e2e "*) run_keycloak ;; esac
  case " $* " in *" suite "* | *" hivematrix-e2e "*) have_axe ;; esac
  case " $* " in *neo4j* | *graph* | *" hivematrix-helm "* | *" hivematrix-knowledgetree "*) run_neo4j ;; esac
  cargo test --locked "$@"
  exit
fi

say "Formatting and lints"
cargo fmt --all --check
cargo clippy --locked --workspace --all-targets -- -D warnings

say "Deployment files"
scripts/check-deploy.sh

# One selection of packages and targets for build, tests and browser run, so that each crate is compiled once.
say "Building suite and tests"
cargo build --locked --workspace --all-targets

run_keycloak
run_neo4j
have_axe
say "Tests, then sign-in with both providers and the whole suite in a browser"
# Some change the owner of files. Nobody else can; they are then reported as ignored, which the build server does not allow.
everything=""
if [ "$(id -u)" = 0 ] || [ "${CI:-}" = true ]; then everything="--include-ignored"; fi
cargo test --locked --workspace --no-fail-fast -- $everything
