#!/usr/bin/env bash
# Brings the whole suite up on this machine: installs missing Debian packages, builds, starts, prints URL and login.
#
#   scripts/start.sh [--demo] [--port N]      --demo fills it from a simulated vendor
#
# A second call is harmless. --dev is taken for the original's sake and sets nothing: services have one mode, and
# `helm config set system.environment development` says which. Other arguments are passed on to `helm up` (see `target/release/helm up --help`).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/packages.sh

case " $* " in *" --help "* | *" -h "*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 0 ;; esac

words=()
for word; do
  case $word in
    --dev) say "--dev sets nothing: services have one mode (helm config set system.environment development)" ;;
    *) words+=("$word") ;;
  esac
done

MISSING=""
need cc gcc
need make make
[ -e /usr/include/stdlib.h ] || MISSING="$MISSING libc6-dev"
[ -d /etc/ssl/certs ] || MISSING="$MISSING ca-certificates"
has_postgres || MISSING="$MISSING postgresql"
need redis-server redis-server
install_missing
find_cargo

say "Building (the first time takes a few minutes)"
cargo build --release --locked --bins

exec target/release/helm up ${words[@]+"${words[@]}"}
