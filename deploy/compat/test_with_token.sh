#!/bin/sh
# The name of the original suite's test_with_token.sh for `helm token --get`: calls a URL or a path of the gateway with a
# token and prints what it answers. HELM names the program where it is not in the PATH.
exec "${HELM:-helm}" token --get "${1:-/helm/api/services/status}"
