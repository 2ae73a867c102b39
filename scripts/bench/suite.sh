# The suite that is measured: its processes and their cores. Sourced by run.sh and beacon.sh, which set `helm`.

port() { echo $(($1 + HIVEMATRIX_PORT_OFFSET)); }
pid_of() { "$helm" status --json | jq -r --arg name "$1" '.[] | select(.name == $name) | .pid'; }
# hold PID CORE
hold() { taskset -acp "$2" "$1" >/dev/null; }

# Everything goes to the second core; the caller then brings what it measures to the first.
pin_others() {
  local pid child
  for pid in $("$helm" status --json | jq -r '.[].pid // empty'); do
    hold "$pid" 1 || true
    for child in $(pgrep -P "$pid" || true); do hold "$child" 1 || true; done
  done
}

# start_reference LOG: starts a suite with reference data, sets `token` and waits until its active tickets are there; `total`
# says how many.
start_reference() {
  say "Starting a suite with reference data"
  "$helm" up --demo --size reference >"$1" || { cat "$1" >&2; exit 1; }
  token="$("$helm" token --permission technician)"
  total=0
  for _ in $(seq 1 120); do
    total="$(curl -s -H "Authorization: Bearer $token" "http://127.0.0.1:$(port 5010)/api/tickets/active" | jq '.total_active // 0')"
    [ "$total" -lt 340 ] || return 0
    sleep 2
  done
  fail "only $total active tickets were synchronised"
}
