# Debian packages: what is missing is installed, and no server of the system is started by it.
# Sourced by the other scripts.

say() { printf '\033[1m%s\033[0m\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    fail "this needs root: run as root or install sudo, or install by hand: $MISSING"
  fi
}

has_postgres() { command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; }

# need COMMAND PACKAGE: notes the package when the command is not there.
need() { command -v "$1" >/dev/null || MISSING="$MISSING $2"; }

# install_missing: installs $MISSING without letting Debian start the servers it brings (a suite has its own).
install_missing() {
  [ -n "${MISSING# }" ] || return 0
  command -v apt-get >/dev/null || fail "please install:$MISSING (this system has no apt-get)"
  say "Installing Debian packages:$MISSING"
  as_root sh -s -- $MISSING <<'ROOT'
set -eu
export DEBIAN_FRONTEND=noninteractive
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  mkdir -p /etc/postgresql-common
  printf 'create_main_cluster = false\n' > /etc/postgresql-common/createcluster.conf
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold "$@" >/dev/null
ROOT
}

# find_cargo: the toolchain, also when the shell has not read rustup's environment yet.
find_cargo() {
  command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
  command -v cargo >/dev/null || fail "no Rust toolchain found: install one with rustup (stable, see rust-version in Cargo.toml)"
}
