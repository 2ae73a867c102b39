#!/usr/bin/env bash
# How smooth an open board of 2,000 tickets is, in Chromium: its first paint, and the scripts of its refreshes.
#
#   scripts/bench/board.sh
#
# Times depend on the machine: run it where nothing else does. Tasks with layout and painting in them are told without a limit.
# Exits 1 when a target is missed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/lib/packages.sh
. scripts/bench/measure.sh

MISSING=""
has_postgres || MISSING="$MISSING postgresql"
need redis-server redis-server
need chromium chromium
need chromedriver chromium-driver
install_missing
find_cargo

say "Building"
cargo build --release --locked --bins
cargo build --release --locked -p hivematrix-e2e --example board_bench

say "A board of 2,000 tickets, observed for three minutes"
found="$(target/release/examples/board_bench)"
value() { awk -v name="$1" '$1 == name { print $2 }' <<<"$found"; }
[ -n "$(value longest_task_ms)" ] || fail "nothing was measured"
report_most "first contentful paint" "$(value first_paint_ms) ms" 500 "$(value first_paint_ms)"
report_most "longest script of the refreshes" "$(value longest_script_ms) ms" 50 "$(value longest_script_ms)"
echo "   $(value tickets) tickets in the view; $(value long_tasks) tasks above 50 ms, the longest $(value longest_task_ms) ms"

summary
