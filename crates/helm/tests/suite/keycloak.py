"""A stand-in that speaks the part of Keycloak's interface by which a realm is set up. What it holds is at /held."""

import http.server
import json
import sys
import urllib.parse

REALMS = {}
PROFILE = {"attributes": [{"name": "email", "permissions": {"view": ["admin", "user"], "edit": ["admin", "user"]}}]}


class Realm:
    def __init__(self, settings):
        self.settings, self.profile = settings, json.loads(json.dumps(PROFILE))
        self.held = {"clients": [], "groups": [], "users": [], "mappers": [], "roles": []}
        self.add("clients", {"clientId": "realm-management"})

    def add(self, kind, item):
        item["id"] = f"{kind}-{len(self.held[kind])}"
        self.held[kind].append(item)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.route("GET", None)

    def do_POST(self):
        self.route("POST", self.body())

    def do_PUT(self):
        self.route("PUT", self.body())

    def body(self):
        text = self.rfile.read(int(self.headers.get("content-length", 0)))
        if "json" not in self.headers.get("content-type", ""):
            return dict(urllib.parse.parse_qsl(text.decode()))
        return json.loads(text)

    def say(self, status, value=None):
        text = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def route(self, method, body):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        steps = url.path.strip("/").split("/")
        if steps == ["held"]:
            return self.say(200, {name: {**realm.held, "realm": realm.settings} for name, realm in REALMS.items()})
        if steps[0] == "realms":
            return self.open(steps[1], steps[2:], body)
        if self.headers.get("authorization") != "Bearer t0ken":
            return self.say(401, {"error": "HTTP 401 Unauthorized"})
        if steps == ["admin", "realms"]:
            REALMS[body["realm"]] = Realm(body)
            return self.say(201)
        realm = REALMS.get(steps[2])
        return self.say(404) if realm is None else self.administer(realm, method, steps[3:], query, body)

    def open(self, name, rest, body):
        if rest[-1] == "token":
            client = body.get("client_secret") in [c.get("secret") for r in REALMS.values() for c in r.held["clients"]]
            person = name == "master" and body.get("password") == "boss"
            good = person or (body["grant_type"] == "client_credentials" and client)
            return self.say(200, {"access_token": "t0ken"}) if good else self.say(401, {"error": "unauthorized"})
        if name not in REALMS:
            return self.say(404, {"error": "Realm does not exist"})
        front = REALMS[name].settings["attributes"]["frontendUrl"]
        return self.say(200, {"issuer": f"{front}/realms/{name}"})

    def administer(self, realm, method, steps, query, body):
        match [method, *steps]:
            case ["GET"]:
                self.say(200, realm.settings)
            case ["PUT"]:
                realm.settings.update(body)
                self.say(204)
            case ["GET", "users", "profile"]:
                self.say(200, realm.profile)
            case ["PUT", "users", "profile"]:
                realm.profile = body
                self.say(200, body)
            case ["GET", "clients", _, "protocol-mappers", "models"]:
                self.say(200, realm.held["mappers"])
            case ["POST", "clients", _, "protocol-mappers", "models"]:
                realm.add("mappers", body)
                self.say(201)
            case ["GET", "clients", _, "service-account-user"]:
                self.say(200, {"id": "service-account"})
            case ["GET", "clients", _, "roles", role]:
                self.say(200, {"name": role})
            case ["GET", "users", _, "role-mappings", "clients", _]:
                self.say(200, realm.held["roles"])
            case ["POST", "users", _, "role-mappings", "clients", _]:
                realm.held["roles"].extend(body)
                self.say(204)
            case ["GET", "users", _, "groups"]:
                self.say(200, [])
            case ["PUT", "clients", id]:
                next(one for one in realm.held["clients"] if one["id"] == id).update(body)
                self.say(204)
            case ["GET", ("clients" | "groups" | "users") as kind]:
                wanted = {"clientId": query.get("clientId"), "name": query.get("search"), "username": query.get("username")}
                wanted = {name: value for name, value in wanted.items() if value}
                fits = lambda one: all(one.get(name) == value for name, value in wanted.items())
                self.say(200, [one for one in realm.held[kind] if fits(one)])
            case ["POST", ("clients" | "groups" | "users") as kind]:
                realm.add(kind, body)
                self.say(201)
            case _:
                self.say(405, {"error": f"{method} {steps} is not spoken here"})

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
