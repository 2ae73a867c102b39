#!/usr/bin/env bash
# Installs a build under a real systemd and uses it as an operator does: install, up, sign in from another computer, the units'
# states, polkit, crashes, timers, backup, restore, update and roll-back, a start of the machine, the firewall scripts, undo.
# All of it in a container of Debian 12 with a network of its own (debootstrap, systemd-nspawn). Needs root and some minutes.
#
#   scripts/check-systemd.sh [BUILD]    a folder of programs; default target/release
#
#   CHECK_SYSTEMD_ROOT    a folder in which the fresh Debian is kept, so that it need not be downloaded the next time
#   TMPDIR                where the container is made; it takes 2 GB (/var/tmp)
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/lib/container.sh

case " $* " in *" --help "* | *" -h "*) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;; esac

BUILD="${1:-target/release}"
FAILED=0
UNITS="postgresql redis helm core nexus codex ledger knowledgetree beacon"

report() { printf '%-8s %s\n' "$1" "$2"; }
check() {
  local what="$1" output
  shift
  if output="$("$@" 2>&1)"; then report ok "$what"; else report FAILED "$what"; printf '%s\n' "$output" | tail -n 30; FAILED=1; fi
}
give_up() { report FAILED "$1"; tail -n 20 "$2"; exit 1; }

MISSING="$(container_lacks)"
[ -z "$MISSING" ] || { report skipped "systemd in a container: there is no $MISSING"; exit 0; }
[ -x "$BUILD/helm" ] || { report FAILED "$BUILD holds no build"; exit 1; }

WORK="$(mktemp -d "${TMPDIR:-/var/tmp}/hivematrix-check.XXXXXX")"
trap 'remove_container; rm -rf --one-file-system "$WORK"' EXIT
make_container || give_up "the container cannot be made" "$WORK/debootstrap.log"
boot || give_up "the container does not start" "$WORK/console.log"
report ok "$(inside systemctl --version | head -n 1) is $(inside systemctl is-system-running)"

# Programs as a build has them, under another name of the version.
build() {
  rm -rf "$ROOT/srv/$1" && mkdir -p "$ROOT/srv/$1"
  find "$BUILD" -maxdepth 1 -type f -perm -100 \( -name helm -o -name 'hivematrix-*' ! -name '*.*' \) -exec cp {} "$ROOT/srv/$1/" \;
  # Other programs that do the same: what lies behind their end is never read.
  [ "$1" = first ] || for program in "$ROOT/srv/$1"/*; do printf '%s' "$1" >>"$program"; done
  echo "2025.01.01-$1" >"$ROOT/srv/$1/VERSION"
}

all_are() {
  local unit
  for unit in $UNITS; do
    [ "$(inside systemctl is-active "hivematrix-$unit")" = "$1" ] || { echo "$unit is not $1"; return 1; }
  done
}
version_is() { [ "$(cat "$ROOT/usr/lib/hivematrix/VERSION")" = "2025.01.01-$1" ]; }
# A container that is gone refuses everything.
refused() { inside true && ! "$@"; }
# Refused for the reason that is meant.
refused_with() {
  local words="$1" output
  shift
  output="$("$@" 2>&1)" && return 1
  printf '%s\n' "$output"
  case "$output" in *"$words"*) ;; *) return 1 ;; esac
}
# Standard output is the answer and nothing else.
done_in_json() {
  local output
  output="$("$@" 2>/dev/null)"
  printf '%s\n' "$output"
  case "$output" in '{'*'"success": true'*'}') ;; *) return 1 ;; esac
}
as_helm() { inside setpriv --reuid=hivematrix-helm --regid=hivematrix-helm --clear-groups --no-new-privs "$@"; }
newest_archive() { inside sh -c 'ls -t /var/backups/hivematrix/*.age | head -n 1'; }

# The form of the built-in realm, from another computer; the first password has to be changed, which the next page asks for.
sign_in() {
  local jar="$WORK/jar" page action mark
  rm -f "$jar"
  page="$(outside curl -skL -c "$jar" -b "$jar" -H 'accept: text/html' "https://$ADDRESS4/")"
  action="$(printf '%s' "$page" | sed -n 's/.*id="kc-form-login" action="\([^"]*\)".*/\1/p' | sed 's/&amp;/\&/g; s/&#38;/\&/g')"
  mark="$(printf '%s' "$page" | sed -n 's/.*name="form_mark" value="\([^"]*\)".*/\1/p')"
  case "$action" in http*) ;; *) action="https://$ADDRESS4$action" ;; esac
  page="$(outside curl -skL -c "$jar" -b "$jar" -H "origin: https://$ADDRESS4" --data-urlencode "form_mark=$mark" \
    -d username=admin --data-urlencode "password=$(cat "$ROOT/var/lib/hivematrix/core/admin_password")" "$action")"
  printf '%s' "$page" | grep 'password-new' || { printf '%s\n' "$page"; return 1; }
}

crash() {
  local before after
  before="$(inside systemctl show --property=MainPID --value hivematrix-beacon)"
  inside kill -KILL "$before"
  for _ in $(seq 20); do
    sleep 1
    after="$(inside systemctl show --property=MainPID --value hivematrix-beacon)"
    [ "$after" = 0 ] || [ "$after" = "$before" ] || return 0
  done
  return 1
}

timers() { [ "$(inside systemctl list-timers --no-legend 'hivematrix-*' | grep -c hivematrix)" = "$1" ]; }

# Runs a missed timer at the start of the machine, when nothing else is up yet.
make_up_for() { touch -d '2 days ago' "$ROOT"/var/lib/systemd/timers/stamp-hivematrix-*.timer; }
was_made_up_for() {
  for _ in $(seq 60); do
    [ "$(inside systemctl show --property=Result --value hivematrix-backup)" = success ] &&
      inside journalctl --boot --unit=hivematrix-backup --output=cat | grep '^Wrote ' && return 0
    sleep 1
  done
  return 1
}

firewall() {
  local kind="$1" script="$2" at
  inside sh -c "cd /root && helm audit --generate-firewall $kind && ./$script apply && ./$script apply" || return 1
  inside systemctl list-timers --no-legend | grep -q "hivematrix-firewall-$kind-rollback" || { echo "no timer"; return 1; }
  for at in "$ADDRESS4" "$ADDRESS6"; do
    reaches "$at" 22 && ! reaches "$at" 5050 && ! reaches "$at" 9999 || { echo "$at: not as it should be"; return 1; }
  done
  reaches "$ADDRESS4" 443 && reaches "$ADDRESS4" 80 || { echo "the gateway is closed"; return 1; }
  inside "/root/$script" rollback || return 1
  reaches "$ADDRESS4" 5050 && reaches "$ADDRESS4" 9999 && reaches "$ADDRESS6" 9999 || { echo "not taken back"; return 1; }
  inside nft list table inet foreign
}

build first
check "helm install --systemd" inside /srv/first/helm install --systemd
check "helm up: everything is ready" inside helm up
check "all units are active" all_are active
check "timers wait for their time" timers 3
check "the doctor finds nothing" inside helm doctor
check "sign-in from another computer" sign_in
check "restart by Helm's API, as polkit allows it" inside helm call POST /helm/api/services/codex/restart
check "polkit: a unit of the suite" as_helm systemctl --no-ask-password restart hivematrix-codex
check "polkit: no other unit, no other order" refused as_helm systemctl --no-ask-password restart ssh
check "polkit: not the whole suite" refused as_helm systemctl --no-ask-password stop hivematrix.target
check "polkit: no unit of one's own" refused as_helm systemd-run --no-ask-password --unit=hivematrix-x.service true
check "a killed service is started again" crash
for job in backup log-retention audit; do check "job $job" inside systemctl start "hivematrix-$job"; done
check "helm stop" inside helm stop codex
check "helm up starts what was stopped" inside helm up
check "helm install MODULE --json" done_in_json inside helm install codex --json
check "all units are active" all_are active
ARCHIVE="$(newest_archive)"
check "test restore" inside helm backup verify "$ARCHIVE"
check "helm down waits until all are down" inside helm down
check "all units are inactive" all_are inactive
check "no timer while the suite is down" timers 0
check "restore" inside helm restore "$ARCHIVE" --force
check "up again" inside helm up
build second
check "update" inside helm update --from /srv/second
check "the new programs run" version_is second
build broken
printf '#!/bin/sh\nexit 3\n' >"$ROOT/srv/broken/hivematrix-codex"
check "an update that does not come up is taken back" refused_with "the old ones are in place again" inside helm update --from /srv/broken
check "the old programs run" version_is second
check "all units are active" all_are active
make_up_for
# Not by `check`: the new container has to be known here.
reboot_container || give_up "the container does not start again" "$WORK/console.log"
check "all units are active" all_are active
check "the missed backup was made up for" was_made_up_for
for unit in $UNITS backup log-retention audit; do
  check "exposure of $unit at most 2.5" inside systemd-analyze security --threshold=25 "hivematrix-$unit.service"
done
# Doors that only a firewall closes, one of them the port of a service, and rules of somebody else.
inside systemd-run --quiet --unit=doors systemd-socket-activate --accept --listen=9999 --listen=5050 cat
inside nft add table inet foreign
check "the audit fails while a port is exposed" refused inside systemctl start hivematrix-audit
check "firewall: nftables" firewall nftables secure_nftables.sh
check "firewall: iptables" firewall iptables secure_iptables.sh
check "firewall: ufw" firewall ufw secure_firewall.sh
check "undo" inside helm install --systemd --undo
check "nothing of the suite is left but data" refused inside sh -c \
  'ls -d /usr/lib/hivematrix* /etc/hivematrix /etc/systemd/system/*hivematrix* /etc/systemd/system/*/hivematrix* /usr/local/bin/helm /etc/polkit-1/rules.d/*hivematrix* 2>/dev/null | grep .'
exit "$FAILED"
