
# Says what it does, and does it unless it is only to be shown.
run() {
  printf '%s\n' "$*"
  if [ "${ONLY_SHOW:-}" != yes ]; then "$@"; fi
}

# As run, for what need not succeed.
try() {
  if [ "${ONLY_SHOW:-}" != yes ]; then "$@" >/dev/null 2>&1 || true; fi
}

# Whether the operator lets this port in with a brake: an allowance of the same port would take its place.
is_limited() { ufw show added 2>/dev/null | grep -E "^ufw limit $1/tcp( |$)" >/dev/null; }

rules() {
  local port
  # SSH first: whoever is signed in stays so.
  for port in $(ssh_ports); do is_limited "$port" || run ufw allow "$port/tcp" comment SSH; done
  run ufw default deny incoming
  run ufw default allow outgoing
  for port in $PUBLIC_PORTS; do run ufw allow "$port/tcp" comment HiveMatrix; done
  for port in $(closed_ports); do
    # A rule that lets others in would stand before the one that does not.
    try ufw --force delete allow "$port"
    try ufw --force delete allow "$port/tcp"
    run ufw deny "$port/tcp" comment HiveMatrix
  done
  run ufw --force enable
  run ufw status numbered
}

show() { ONLY_SHOW=yes rules; }

apply_rules() {
  # Rules count for IPv4 and IPv6 alike.
  if [ -e /proc/net/if_inet6 ]; then sed -i 's/^IPV6=.*/IPV6=yes/' /etc/default/ufw; fi
  rules
}

# Its rules outlive a start of the machine, and so does what was there before.
lifetime() { echo ufw; }

save() {
  cp -a /etc/default/ufw "$STATE/default"
  cp -a /etc/ufw/ufw.conf /etc/ufw/user.rules /etc/ufw/user6.rules "$STATE/"
}

restore() {
  cp -a "$STATE/default" /etc/default/ufw
  cp -a "$STATE/ufw.conf" "$STATE/user.rules" "$STATE/user6.rules" /etc/ufw/
  if grep -q '^ENABLED=yes' /etc/ufw/ufw.conf; then ufw reload; else ufw --force disable; fi
}

# ufw keeps its rules by itself.
keep() { :; }

main "$@"
