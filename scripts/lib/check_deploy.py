"""Structure of the compose and Kubernetes files: what they name must be there, and be what the suite expects."""

import json
import pathlib
import sys

import yaml

DEPLOY = pathlib.Path("deploy")
REGISTRY = json.loads((DEPLOY / "apps_registry.json").read_text())
PORTS = {name: app["port"] for group in ("core_apps", "default_apps") for name, app in REGISTRY[group].items()}
FAULTS: list[str] = []


def need(true, message):
    if not true:
        FAULTS.append(message)


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def compose():
    path = DEPLOY / "container/compose.yaml"
    (document,) = documents(path)
    services, volumes = document["services"], document["volumes"]
    example = {line.split("=")[0] for line in (DEPLOY / "container/env.example").read_text().splitlines() if "=" in line and not line.startswith("#")}
    for name, service in services.items():
        need("image" in service, f"{name}: no image")
        need("healthcheck" in service, f"{name}: no healthcheck")
        need(service.get("restart") == "unless-stopped", f"{name}: is not started again")
        for volume in service.get("volumes", []):
            need(volume.split(":")[0] in volumes, f"{name}: volume {volume} is not declared")
        for other, condition in service.get("depends_on", {}).items():
            need(other in services, f"{name}: depends on {other}, which is not there")
            need(condition["condition"] == "service_healthy", f"{name}: does not wait for {other}")
    text = path.read_text()
    used = {part.split("}")[0].split(":")[0] for part in text.split("${")[1:]}
    need(used <= example, f"compose: {sorted(used - example)} stand in no env.example")
    build = services["suite"]["build"]
    need((path.parent / build["context"] / build["dockerfile"]).is_file(), "compose: the Dockerfile is not there")
    need(services["suite"]["environment"]["HIVEMATRIX_PORT"] == "8443", "compose: the gateway listens elsewhere")


def pod_of(document):
    return document["spec"]["template"]["spec"]


def kubernetes():
    folder = DEPLOY / "kubernetes"
    (kustomization,) = documents(folder / "kustomization.yaml")
    listed = set(kustomization["resources"])
    there = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    there = {name for name in there if not name.endswith(".example.yaml")}
    need(listed == there, f"kustomization: {listed ^ there}")
    everything = [document for name in sorted(listed) for document in documents(folder / name)]
    for document in everything:
        need({"apiVersion", "kind", "metadata"} <= set(document), f"not a resource: {document}")
    for path in sorted(folder.glob("*.example.yaml")):
        found = documents(path)
        need(found, f"{path.name}: empty")
        for document in found if "values" not in path.name else []:
            whole = {"apiVersion", "kind", "metadata"} <= set(document) and document["metadata"].get("namespace") == "hivematrix"
            need(whole, f"{path.name}: not a resource of the suite's namespace: {document}")
    keyed = {(document["kind"], document["metadata"]["name"]): document for document in everything}
    need(len(keyed) == len(everything), "two resources have one name")
    secrets = {}
    for document in documents(folder / "secrets.example.yaml"):
        secrets[document["metadata"]["name"]] = set(document["stringData"])
    maps = {generated["name"] for generated in kustomization["configMapGenerator"]}
    maps |= {name for kind, name in keyed if kind == "ConfigMap"}
    for generated in kustomization["configMapGenerator"]:
        for file in generated["files"]:
            json.loads((folder / file).read_text())
    for name, port in PORTS.items():
        workload = keyed.get(("Deployment", name)) or keyed.get(("StatefulSet", name))
        service = keyed.get(("Service", name))
        if workload is None or service is None:
            FAULTS.append(f"{name}: no workload or no service")
            continue
        spec = workload["spec"]
        labels = spec["template"]["metadata"]["labels"]
        need(spec["selector"]["matchLabels"].items() <= labels.items(), f"{name}: selects other pods")
        need(service["spec"]["selector"].items() <= labels.items(), f"{name}: its service selects other pods")
        need(service["spec"]["ports"][0]["port"] == port, f"{name}: another port than the registry's")
        need(workload["kind"] == "StatefulSet" or spec["replicas"] >= 2, f"{name}: one replica")
        need(workload["kind"] == "StatefulSet" or ("PodDisruptionBudget", name) in keyed, f"{name}: no budget")
        pod = pod_of(workload)
        need(pod["securityContext"]["runAsNonRoot"] is True, f"{name}: may run as root")
        claims = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
        volumes = {volume["name"] for volume in pod["volumes"]} | claims
        for container in pod["containers"] + pod.get("initContainers", []):
            where = f"{name}/{container['name']}"
            need(container["securityContext"]["allowPrivilegeEscalation"] is False, f"{where}: may gain privileges")
            need(container["securityContext"]["capabilities"]["drop"] == ["ALL"], f"{where}: keeps capabilities")
            need({"requests", "limits"} <= set(container["resources"]), f"{where}: no resources")
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            need(mounted <= volumes, f"{where}: mounts {mounted - volumes}")
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                if reference:
                    known = reference["key"] in secrets.get(reference["name"], set())
                    need(known, f"{where}: {reference} is in no example of a secret")
            for source in container.get("envFrom", []):
                need(source["configMapRef"]["name"] in maps, f"{where}: {source} is not there")
        main = pod["containers"][0]
        need(main["ports"][0]["containerPort"] == port, f"{name}: the container has another port")
        probes = {kind: main.get(f"{kind}Probe", {}).get("httpGet", {}).get("path") for kind in ("startup", "readiness", "liveness")}
        need(probes == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/livez"}, f"{name}: {probes}")
        for volume in pod["volumes"]:
            if "secret" in volume:
                need(volume["secret"]["secretName"] in secrets, f"{name}: {volume} has no example")
            if "configMap" in volume:
                need(volume["configMap"]["name"] in maps, f"{name}: {volume} is not there")
    registry(folder)


def registry(folder):
    """What the cluster's registries say must be what the suite's own says, but for the addresses."""
    services = json.loads((folder / "services.json").read_text())
    own = json.loads(pathlib.Path("services.json").read_text())
    need(list(services) == list(own), "services.json: other services, or another order")
    for name, entry in own.items():
        theirs = {key: value for key, value in services.get(name, {}).items() if key != "url"}
        need(theirs == {key: value for key, value in entry.items() if key != "url"}, f"services.json: {name} differs")
        need(services[name]["url"].endswith(f"//{name}:{entry['port']}"), f"services.json: {name} is elsewhere")
    apps = json.loads((folder / "apps_registry.json").read_text())
    for group in ("core_apps", "default_apps"):
        for name, app in apps[group].items():
            elsewhere = app.pop("urls", None)
            need((elsewhere is None) == (name == "helm"), f"apps_registry.json: Helm would start {name}")
    need(apps == REGISTRY, "apps_registry.json: differs from the suite's own in more than addresses")


compose()
kubernetes()
for fault in FAULTS:
    print(fault, file=sys.stderr)
sys.exit(bool(FAULTS))
