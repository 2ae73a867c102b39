
die() { printf '%s\n' "$*" >&2; exit 1; }

# Where systemd listens in the place of sshd.
ssh_sockets() {
  local unit
  for unit in ssh.socket sshd.socket; do
    if systemctl is-active --quiet "$unit" 2>/dev/null; then systemctl show --property=Listen "$unit"; fi
  done
}

# The ports on which people really sign in to this machine, so that nobody is locked out.
ssh_ports() {
  {
    printf '%s\n' $SSH_PORTS
    { sshd -T 2>/dev/null | awk '$1 == "port" { print $2 }'; } || true
    { ssh_sockets | awk '$2 == "(Stream)" { n = split($1, part, ":"); print part[n] }'; } || true
    { ss -Hltnp 2>/dev/null | awk '/"sshd"/ { n = split($4, part, ":"); print part[n] }'; } || true
    printf '%s\n' "${SSH_CONNECTION:-}" | awk 'NF == 4 { print $4 }'
  } | awk '/^[0-9]+$/ && $1 > 0 && $1 < 65536' | sort -nu
}

# The ports that stay closed: never one of SSH or of the gateway.
closed_ports() {
  local port open
  open=" $(ssh_ports | tr '\n' ' ') $PUBLIC_PORTS "
  for port in $INTERNAL_PORTS; do
    case "$open" in *" $port "*) ;; *) printf '%s\n' "$port" ;; esac
  done
}

stop_timer() {
  systemctl stop "$UNIT.timer" >/dev/null 2>&1 || true
  if [ -e "$STATE/timer.pid" ]; then
    local pid
    pid=$(cat "$STATE/timer.pid")
    rm -f "$STATE/timer.pid"
    # The timer itself may be the one who takes the rules back.
    if [ "$pid" != "$$" ]; then kill "$pid" 2>/dev/null || true; fi
  fi
}

start_timer() {
  stop_timer
  if [ "$(readlink -f "$0")" != "$STATE/script.sh" ]; then install -m 700 "$0" "$STATE/script.sh"; fi
  if [ -d /run/systemd/system ]; then
    # A timer may be a minute late unless it is told otherwise.
    systemd-run --quiet --collect --unit="$UNIT" --on-active="${ROLLBACK_SECONDS}s" --timer-property=AccuracySec=1s \
      "$STATE/script.sh" rollback
  else
    setsid nohup bash -c 'sleep "$1"; exec "$2" rollback' rollback "$ROLLBACK_SECONDS" "$STATE/script.sh" \
      </dev/null >/dev/null 2>&1 &
    printf '%s\n' "$!" >"$STATE/timer.pid"
  fi
}

need_root() {
  [ "$(id -u)" = 0 ] || die "This needs root: sudo $0 $*"
  [ -n "$(ssh_ports)" ] || die "The SSH port of this machine is not known: set SSH_PORTS in this file."
  command -v "$PROGRAM" >/dev/null 2>&1 || die "$PROGRAM is not installed."
}

# Whether rules are on that nobody has confirmed yet.
on_trial() { [ "$(cat "$STATE/saved" 2>/dev/null)" = "$(lifetime)" ]; }

do_apply() {
  install -d -m 700 "$STATE"
  # What was there before the first try is what comes back.
  if ! on_trial; then
    save
    lifetime >"$STATE/saved"
  fi
  start_timer
  apply_rules
  printf '\nThe rules are on. Open another SSH session now. If that works, keep them:\n\n  sudo %s confirm\n\n' "$0"
  printf 'Otherwise they are taken back in %s seconds.\n' "$ROLLBACK_SECONDS"
}

do_confirm() {
  on_trial || die "Nothing waits to be confirmed."
  stop_timer
  keep
  rm -rf "$STATE"
  echo "The rules stay."
}

do_rollback() {
  on_trial || die "There is nothing to take back."
  stop_timer
  restore
  rm -rf "$STATE"
  echo "The firewall is as it was before."
}

main() {
  case "${1:-}" in
    "")
      show
      if [ ! -t 0 ]; then
        printf '\nNothing was changed. Apply the rules with: sudo %s apply\n' "$0"
        return
      fi
      local answer
      printf '\nApply these rules? They are taken back after %s seconds unless you confirm them. [y/N] ' "$ROLLBACK_SECONDS"
      read -r answer
      case "$answer" in y | Y | yes) ;; *) echo "Nothing was changed."; return ;; esac
      need_root apply
      do_apply
      ;;
    show) show ;;
    apply) need_root apply; do_apply ;;
    confirm) need_root confirm; do_confirm ;;
    rollback) need_root rollback; do_rollback ;;
    *)
      printf 'usage: %s [show|apply|confirm|rollback]\n' "$0" >&2
      exit 2
      ;;
  esac
}
