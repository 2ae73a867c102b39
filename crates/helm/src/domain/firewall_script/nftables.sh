
list() { paste -sd, - | awk '{ gsub(/,/, ", "); print }'; }

# One table of our own, replaced in one step; all others stay as they are.
ruleset() {
  local open closed
  open=$({ ssh_ports; printf '%s\n' $PUBLIC_PORTS; } | sort -nu | list)
  closed=$(closed_ports | list)
  cat <<RULES
table inet $TABLE {}
delete table inet $TABLE
table inet $TABLE {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
    tcp dport { $open } accept
    meta l4proto { icmp, ipv6-icmp } accept
    ip6 saddr fe80::/10 udp dport 546 accept
    tcp dport { $closed } drop
  }
}
RULES
}

show() { ruleset; }

apply_rules() {
  # Checked as a whole before anything is changed.
  ruleset | nft -c -f -
  ruleset | nft -f -
  nft list table inet "$TABLE"
}

# What is not kept goes with the next start of the machine, and then there is nothing to take back.
lifetime() { cat /proc/sys/kernel/random/boot_id; }

save() { nft list table inet "$TABLE" >"$STATE/before" 2>/dev/null || : >"$STATE/before"; }

# In one step, and an error is said: whoever waits for the old rules must not be told of them too early.
restore() {
  { printf 'table inet %s {}\ndelete table inet %s\n' "$TABLE" "$TABLE"; cat "$STATE/before"; } | nft -f -
}

keep() {
  install -d /etc/nftables.d
  ruleset >/etc/nftables.d/hivematrix.nft
  if ! grep -qs 'include "/etc/nftables.d/hivematrix.nft"' /etc/nftables.conf; then
    printf 'include "/etc/nftables.d/hivematrix.nft"\n' >>/etc/nftables.conf
  fi
  systemctl enable nftables >/dev/null 2>&1 || echo "Load /etc/nftables.conf when the machine starts."
}

main "$@"
