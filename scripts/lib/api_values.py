"""Settings of schemathesis for a running service: identifiers that its own lists have, so that generated requests reach
records instead of 404 only, and texts that have broken services before.

    api_values.py URL TOKEN WEBHOOK_SECRET > schemathesis.toml
"""

import json
import re
import sys
import urllib.request

# Values of each parameter: enough for records of all kinds, few enough to be drawn again after one was changed.
MOST = 24
AWKWARD = ["\x00", "a\x00b", "\ufeff", "\ufffe", "\U0001f9ea", "%00", "%ff", "../..", "'\"<x>&;--", " ", "-0", "1e400", "NaN",
           "9223372036854775808", "-9223372036854775809", "9999-12-31T23:59:59Z", "0000-00-00", "+99999-01-01", "x" * 70000]


def fetch(url, token):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except (OSError, ValueError):
        return None


def scalars(value):
    """All (name, value) below a JSON value."""
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, (str, int)) and not isinstance(member, bool):
                yield name, member
            else:
                yield from scalars(member)
    elif isinstance(value, list):
        for member in value[:3]:
            yield from scalars(member)


def written(values):
    """As TOML, which knows no surrogates."""
    return json.dumps(values, ensure_ascii=False)


def main():
    url, token, secret = sys.argv[1:]
    paths = fetch(f"{url}/static/openapi.json", token)["paths"]
    found = {name: [] for path in paths for name in re.findall(r"{(\w+)}", path)}
    for path, operations in sorted(paths.items()):
        if "get" not in operations or "{" in path:
            continue
        for name, value in scalars(fetch(url + path, token)):
            for parameter, values in found.items():
                own = name == "id" and parameter.removesuffix("_id") in path
                fits = own or re.search(rf"(^|_){parameter}(_|$)", name)
                if fits and value not in values and 0 < len(str(value)) < 80 and len(values) < MOST:
                    values.append(value)
    lines = ["[dictionaries]", f"awkward = {{ values = {written(AWKWARD)} }}"]
    known = {name: values for name, values in found.items() if values}
    lines += [f"{name} = {{ values = {written(values)} }}" for name, values in known.items()]
    lines += ["[generation.dictionaries]", 'string = { dictionary = "awkward", probability = 0.1 }', "[parameters]"]
    lines += [f'"path.{name}" = {{ dictionary = "{name}", probability = 0.6 }}' for name in known]
    lines.append(f'"header.X-Webhook-Secret" = "{secret}"')
    print("\n".join(lines))


main()
