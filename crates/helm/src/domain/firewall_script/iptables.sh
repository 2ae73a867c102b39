
# The program of each family that this machine has.
families() {
  echo iptables
  if [ -e /proc/net/if_inet6 ]; then echo ip6tables; fi
}

# The rules of one family, for its restore program: our own chain is replaced in one step, all others stay as they are.
ruleset() {
  local port icmp=icmp
  [ "$1" = iptables ] || icmp=ipv6-icmp
  echo '*filter'
  echo ":$CHAIN - [0:0]"
  echo "-A $CHAIN -i lo -j ACCEPT"
  echo "-A $CHAIN -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
  for port in $(ssh_ports); do echo "-A $CHAIN -p tcp -m tcp --dport $port -j ACCEPT"; done
  for port in $PUBLIC_PORTS; do echo "-A $CHAIN -p tcp -m tcp --dport $port -j ACCEPT"; done
  # Without these no path has its size, and IPv6 finds no neighbour.
  echo "-A $CHAIN -p $icmp -j ACCEPT"
  if [ "$1" = ip6tables ]; then echo "-A $CHAIN -s fe80::/10 -p udp -m udp --dport 546 -j ACCEPT"; fi
  for port in $(closed_ports); do echo "-A $CHAIN -p tcp -m tcp --dport $port -j DROP"; done
  echo 'COMMIT'
}

show() {
  local program
  for program in $(families); do
    printf '# %s\n' "$program"
    ruleset "$program"
    printf '%s\n' "-I INPUT 1 -j $CHAIN" '-P INPUT DROP' '-P FORWARD DROP' '-P OUTPUT ACCEPT'
  done
}

apply_rules() {
  local program
  for program in $(families); do
    ruleset "$program" | "$program-restore" --noflush
    "$program" -C INPUT -j "$CHAIN" 2>/dev/null || "$program" -I INPUT 1 -j "$CHAIN"
    "$program" -P INPUT DROP
    "$program" -P FORWARD DROP
    "$program" -P OUTPUT ACCEPT
    "$program" -S "$CHAIN"
  done
}

# What is not kept goes with the next start of the machine, and then there is nothing to take back.
lifetime() { cat /proc/sys/kernel/random/boot_id; }

save() {
  local program
  for program in $(families); do "$program-save" -t filter >"$STATE/$program"; done
}

restore() {
  local program
  for program in $(families); do "$program-restore" <"$STATE/$program"; done
}

keep() {
  install -d /etc/iptables
  iptables-save >/etc/iptables/rules.v4
  if [ -e /proc/net/if_inet6 ]; then ip6tables-save >/etc/iptables/rules.v6; fi
  if ! command -v netfilter-persistent >/dev/null 2>&1; then
    echo "Install iptables-persistent: it loads /etc/iptables/rules.v4 and rules.v6 when the machine starts."
  fi
}

main "$@"
