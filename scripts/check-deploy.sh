#!/usr/bin/env bash
# What can be said of the files under deploy/ without running them: structure of compose and Kubernetes files, grammar of
# nginx, the units before systemd-analyze. What a tool is missing for is reported as skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
FAILED=0

report() { printf '%-8s %s\n' "$1" "$2"; }
check() {
  local what="$1" output
  shift
  if output="$("$@" 2>&1)"; then report ok "$what"; else report FAILED "$what"; printf '%s\n' "$output"; FAILED=1; fi
}
have() { command -v "$1" > /dev/null 2>&1; }

if python3 -c 'import yaml' 2> /dev/null; then
  check "compose and Kubernetes files: structure, references, ports, probes, registry" python3 scripts/lib/check_deploy.py
else
  report skipped "compose and Kubernetes files: python3 with yaml is missing"
fi

if have kubectl; then
  check "Kubernetes: kustomize puts it together" kubectl kustomize deploy/kubernetes
else
  report skipped "Kubernetes: kubectl is missing"
fi

WORK="$(mktemp -d)"
trap 'rm -rf "$WORK"' EXIT
if have nginx && have openssl; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=help.example.com -keyout "$WORK/help.key" -out "$WORK/help.crt" 2> /dev/null
  # Ports that anybody may open, and files that are there.
  sed -e "s#/etc/ssl/help#$WORK/help#; s#/var/lib/hivematrix/nexus/certs/ca.crt#$WORK/help.crt#" \
    -e 's/listen 443/listen 28443/; s/:443 ssl/:28443 ssl/; s/listen 80;/listen 28080;/; s/:80;/:28080;/' deploy/proxy/nginx.conf > "$WORK/site.conf"
  printf 'pid %s/pid;\nerror_log stderr;\nevents {}\nhttp { access_log off; include %s/site.conf; }\n' "$WORK" "$WORK" > "$WORK/nginx.conf"
  check "nginx: nginx -t" nginx -t -q -c "$WORK/nginx.conf"
else
  report skipped "nginx: nginx or openssl is missing"
fi

if have caddy && have openssl; then
  openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout "$WORK/ca.key" -out "$WORK/ca.crt" 2> /dev/null
  sed "s#/var/lib/hivematrix/nexus/certs/ca.crt#$WORK/ca.crt#" deploy/proxy/Caddyfile > "$WORK/Caddyfile"
  check "Caddy: caddy validate" env HOME="$WORK" XDG_CONFIG_HOME="$WORK" XDG_DATA_HOME="$WORK" caddy validate --adapter caddyfile --config "$WORK/Caddyfile"
else
  report skipped "Caddy: caddy or openssl is missing"
fi

if have systemd-analyze; then
  # Programs that are there, which `verify` asks for.
  for unit in deploy/systemd/*.service deploy/systemd/*.timer deploy/systemd/*.target; do
    sed -E 's#^ExecStart=[^ ]+#ExecStart=/bin/true#' "$unit" > "$WORK/$(basename "$unit")"
  done
  check "units: systemd-analyze verify" bash -c "cd '$WORK' && systemd-analyze verify ./*.service ./*.timer ./*.target"
  for unit in "$WORK"/*.service; do
    check "units: exposure of $(basename "$unit") at most 2.5" systemd-analyze security --offline=yes --threshold=25 "$unit"
  done
else
  report skipped "units: systemd-analyze is missing"
fi
exit "$FAILED"
