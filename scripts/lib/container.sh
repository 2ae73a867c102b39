# A Debian 12 with a systemd of its own in a container, and a neighbour on its network. Nothing of this machine is changed: both
# have network name spaces of their own. Needs root. Used by check-systemd.sh; sets ROOT, and takes everything away at the end.

PACKAGES=systemd,systemd-sysv,libpam-systemd,dbus,polkitd,postgresql,redis-server,curl,ca-certificates,iproute2,procps,openssh-server,nftables,iptables,ufw
HERE="hm-check-$$" PEER="hm-peer-$$"
ADDRESS4=10.213.77.1 ADDRESS6=fd13:7777::1
NSPAWN="" LEADER=""

# What is missing to have a container here, in words; nothing when all is there.
container_lacks() {
  [ "$(id -u)" = 0 ] || { echo "root"; return; }
  local program
  for program in debootstrap systemd-nspawn ip nsenter curl; do
    command -v "$program" >/dev/null 2>&1 || printf '%s ' "$program"
  done
  grep -q cgroup2 /proc/mounts || printf 'cgroup2 '
}

make_container() {
  ROOT="$WORK/root"
  local base="${CHECK_SYSTEMD_ROOT:-$ROOT}"
  if [ ! -e "$base/etc/debian_version" ]; then
    debootstrap --variant=minbase --include="$PACKAGES" bookworm "$base" >"$WORK/debootstrap.log" 2>&1 || return 1
  fi
  [ "$base" = "$ROOT" ] || cp -a --reflink=auto "$base" "$ROOT" || return 1
  echo helpdesk >"$ROOT/etc/hostname"
  printf '127.0.0.1 localhost helpdesk\n::1 localhost\n' >"$ROOT/etc/hosts"
  ip netns add "$HERE" && ip netns add "$PEER" && ip link add here netns "$HERE" type veth peer name there netns "$PEER" || return 1
  ip -n "$HERE" address add "$ADDRESS4/24" dev here && ip -n "$HERE" address add "$ADDRESS6/64" dev here nodad
  ip -n "$PEER" address add 10.213.77.2/24 dev there && ip -n "$PEER" address add fd13:7777::2/64 dev there nodad
  ip -n "$HERE" link set lo up && ip -n "$HERE" link set here up && ip -n "$PEER" link set lo up && ip -n "$PEER" link set there up
}

# Starts it and waits until its systemd says that it is done.
boot() {
  # A process of this shell, with a hierarchy of control groups as on a machine, and the right to a firewall.
  SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --quiet --directory="$ROOT" --boot --machine="$HERE" --register=no --keep-unit \
    --network-namespace-path="/run/netns/$HERE" --capability=CAP_NET_ADMIN --resolv-conf=off --timezone=off --link-journal=no \
    --console=pipe </dev/null >>"$WORK/console.log" 2>&1 &
  NSPAWN=$! LEADER=""
  local state
  for _ in $(seq 120); do
    LEADER="$(cat "/proc/$NSPAWN/task/$NSPAWN/children" 2>/dev/null | awk '{ print $1 }')"
    if [ -n "$LEADER" ]; then
      state="$(inside systemctl is-system-running 2>/dev/null)"
      case "$state" in running | degraded) return 0 ;; esac
    fi
    kill -0 "$NSPAWN" 2>/dev/null || return 1
    sleep 1
  done
  return 1
}

# A command in the container, as root.
inside() {
  nsenter --target "$LEADER" --all -- /usr/bin/env -i TERM=dumb HOME=/root LANG=C.UTF-8 \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# A command beside it, as another computer of its network.
outside() { ip netns exec "$PEER" "$@"; }

# Whether the neighbour reaches a port.
reaches() { outside timeout 2 bash -c "exec 3<>/dev/tcp/$1/$2" 2>/dev/null; }

reboot_container() {
  inside systemctl reboot
  for _ in $(seq 120); do
    kill -0 "$NSPAWN" 2>/dev/null || break
    sleep 1
  done
  boot
}

remove_container() {
  if [ -n "$NSPAWN" ] && kill -0 "$NSPAWN" 2>/dev/null; then
    inside systemctl poweroff 2>/dev/null
    for _ in $(seq 60); do kill -0 "$NSPAWN" 2>/dev/null || break; sleep 1; done
    kill -KILL "$NSPAWN" 2>/dev/null
  fi
  for space in "$HERE" "$PEER"; do ip netns delete "$space" 2>/dev/null; done
}
