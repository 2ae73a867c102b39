#!/usr/bin/env bash
# Writes the offline data of the checked queries (.sqlx beside each Cargo.toml) from freshly migrated databases.
# Needs sqlx-cli: cargo install sqlx-cli --no-default-features --features postgres
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/packages.sh
. scripts/lib/servers.sh
command -v sqlx >/dev/null || fail "sqlx-cli is missing: cargo install sqlx-cli --no-default-features --features postgres"

trap stop_servers EXIT
start_servers
export SQLX_OFFLINE=false
for service in core codex helm knowledgetree ledger; do
  say "$service"
  export DATABASE_URL="${TEST_DATABASE_URL%/postgres}/${service}_prepare"
  sqlx database create
  sqlx migrate run --source "migrations/$service" >/dev/null
  (cd "crates/$service" && cargo sqlx prepare -- --all-targets)
done
