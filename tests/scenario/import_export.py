# SPDX-License-Identifier: Apache-2.0
"""idpctl import: our own form and Keycloak's, each entry whole or not at all, a dry run that says
the same and writes nothing, hostile files; and what idpctl export writes comes back in."""
import base64
import contextlib
import hashlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import idp
from check import Checks
from party import FORM, Browser, Party, request

check = Checks()
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"  # U*U
KEYCLOAK_SECRET = "Zb3kq0V5rTnXw8LmYc2dJ6hPfG1sQaE9"
PASSWORD = "Mật khẩu của Keycloak 9"


def ours(**lists):
    return {"format": "idp-export", "version": 1, **lists}


def client(client_id, **more):
    return {"client_id": client_id, "redirect_uris": [f"https://{client_id}.example/cb"], **more}


def machine(client_id, **more):
    return {"client_id": client_id, "grant_types": ["client_credentials"], "redirect_uris": [], "scope": "a", **more}


def load(p, document, *words):
    """(exit status, report)."""
    text = document if isinstance(document, str) else json.dumps(document)
    return p.idpctl("import", "-", *words, stdin=text, check=False)


def rows(p):
    with contextlib.closing(sqlite3.connect(f"file:{p.path('idp.db')}?mode=ro", uri=True)) as db:
        return {t: db.execute(f"SELECT * FROM {t} ORDER BY 1, 2").fetchall()
                for t in ("client", "client_secret", "account", "identifier", "audit")}


def both(p, document):
    """A dry run, then the same file in earnest; the reports must agree and the first write nothing."""
    before = rows(p)
    dry_status, dry = load(p, document, "--dry-run")
    check.that("a dry run writes nothing", rows(p) == before)
    status, report = load(p, document)
    check.that("and says the same as the run in earnest", status == dry_status and dry == {**report, "dry_run": True},
               (dry, report))
    return status, report


def errors(report):
    return {(e["kind"], e["index"]): e["error"] for e in report["entries"] if "error" in e}


def token(p, client_id, secret):
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return request(p.issuer, "POST", "/token", "grant_type=client_credentials",
                   {"Content-Type": FORM, "Authorization": f"Basic {basic}"}).status


def own_form(p):
    sha = hashlib.sha256(b"a secret of the other provider, long enough").hexdigest()
    p.add_user("taken", identifiers={"SoDinhDanh": "030190001235"})
    status, report = both(p, ours(
        clients=[client("good"), machine("kept", secrets=[{"sha256": sha, "expires_at": 0}]), client("good"),
                 {"redirect_uris": []}, 7, client("wrong", redirect_uris=["javascript:alert(1)"]),
                 client("clear", client_secret="in clear"), client("off", enabled=False),
                 client("hash", secrets=[{"sha256": sha.upper()}]),
                 machine("endless", secrets=[{"sha256": sha}, {"sha256": sha}]),
                 client("pub", token_endpoint_auth_method="none", secrets=[{"sha256": sha}]),
                 client("many", secrets=[{"sha256": sha}] * 3), client("flag", enabled="no")],
        users=[{"username": "Moi", "password_hash": BCRYPT, "claims": {"HoVaTen": "Mới"}},
               {"username": "moi"}, {"username": "TAKEN"},
               {"username": "x1", "identifiers": {"SoDinhDanh": "030190001235"}},
               {"username": "x2", "identifiers": {"SoDinhDanh": "030090001234"}},
               {"username": "x3", "identifiers": {"SoDinhDanh": "030 090 001 234"}},
               {"username": "x4", "password": "in clear"}, {"username": "x5", "password_hash": "$1$md5$x"},
               {"username": "x6", "password_hash": "$scrypt$ln=30,r=8,p=1$c2FsdHNhbHQ$" + "A" * 43},
               {"username": "x7", "unknown": 1}, [], {"username": 5}, {}]))
    wrong = errors(report)
    for index, word in ((2, "client_id is that of client 0 of this file"), (3, "client_id is missing"),
                        (4, "must be a JSON object"), (5, "redirect_uris[0]"), (6, "client_secret"), (8, "sha256"),
                        (9, "the second must have an end"), (10, "has none"), (11, "two at most"), (12, "enabled")):
        check.that(f"client {index} refused: {word}", word in wrong.pop(("client", index), ""), report)
    for index, word in ((1, "username is that of user 0 of this file"), (2, "username is taken"),
                        (3, "belong to another account"), (5, "SoDinhDanh is that of user 4 of this file"),
                        (6, "must not stand in an import"), (7, "password_hash"), (8, "more memory"),
                        (9, "unknown"), (10, "must be a JSON object"), (11, "username"), (12, "username is missing")):
        check.that(f"user {index} refused: {word}", word in wrong.pop(("user", index), ""), report)
    check.that("and nothing else", wrong == {} and status == 1 and report["clients"] == {"taken": 3, "refused": 10} and
               report["users"] == {"taken": 2, "refused": 11}, report)
    check.that("a secret known by its hash works, another does not",
               token(p, "kept", "a secret of the other provider, long enough") == 200 and token(p, "kept", sha) == 401)
    check.that("a disabled client stays so", p.idpctl("client", "show", "off")[1]["enabled"] is False)
    fresh = p.idpctl("client", "rotate-secret", "good", "--overlap", "0")[1]
    check.that("a client without a secret in the file gets one by rotation", len(fresh["client_secret"]) == 43)
    check.that("no personal number in the report", "030090001234" not in json.dumps(report))
    status, again = load(p, ours(users=[{"username": "Moi"}], clients=[client("good")]))
    check.that("a second run adds nothing twice", status == 1 and "is taken" in errors(again)[("user", 0)] and
               "is taken" in errors(again)[("client", 0)], again)
    status, report = load(p, ours(users=[{"username": "more"}]))
    check.that("without wrong entries it ends with 0", status == 0 and report["users"]["taken"] == 1, (status, report))
    events = [r["event"] for r in p.idpctl("audit", "tail", "--after", "0", "--most", "1000")[1]]
    check.that("each stands in the audit, those of dry runs do not", events.count("client_added") == 3 and
               events.count("user_created") == 4, events)


def pbkdf2(password, algorithm="pbkdf2-sha256", rounds=27500):
    salt = os.urandom(16)
    value = hashlib.pbkdf2_hmac(algorithm[7:], password.encode(), salt, rounds, 64)
    return {"type": "password", "secretData": json.dumps({"value": base64.b64encode(value).decode(),
                                                          "salt": base64.b64encode(salt).decode()}),
            "credentialData": json.dumps({"hashIterations": rounds, "algorithm": algorithm, "additionalParameters": {}})}


def realm():
    portal = {"id": "1", "clientId": "kc-portal", "name": "Cổng", "enabled": True, "clientAuthenticatorType": "client-secret",
              "secret": KEYCLOAK_SECRET, "redirectUris": ["https://kc.example/cb", "/other", "https://kc.example/*"],
              "webOrigins": ["+"], "rootUrl": "https://kc.example/", "standardFlowEnabled": True,
              "implicitFlowEnabled": True, "directAccessGrantsEnabled": True, "serviceAccountsEnabled": True,
              "publicClient": False, "protocol": "openid-connect", "attributes": {
                  "post.logout.redirect.uris": "+##https://kc.example/bye", "pkce.code.challenge.method": "S256",
                  "saml.assertion.signature": "false", "login_theme": "base"},
              "defaultClientScopes": ["web-origins", "profile", "email", "department"],
              "optionalClientScopes": ["offline_access"], "protocolMappers": [{"name": "x"}], "consentRequired": False}
    page = {"clientId": "kc-page", "publicClient": True, "redirectUris": ["https://page.example/cb"],
            "webOrigins": ["https://page.example", "*"]}
    return {"realm": "tinh", "id": "x", "enabled": True, "roles": {"realm": [{"name": "r"}]}, "sslRequired": "external",
            "clients": [portal, page, {"clientId": "account", "publicClient": True}, {"clientId": "s", "protocol": "saml"},
                        {"clientId": "b", "bearerOnly": True}, {"clientId": "n", "standardFlowEnabled": False},
                        {"clientId": "x509", "clientAuthenticatorType": "client-x509"}, {"clientId": "w", "redirectUris": 5},
                        {"clientId": "masked", "secret": "*" * 40, "redirectUris": ["https://m.example/cb"]},
                        {"clientId": "jwt", "clientAuthenticatorType": "client-jwt", "redirectUris": ["https://j.example/cb"],
                         "attributes": {"use.jwks.url": "true", "jwks.url": "https://j.example/jwks"}}],
            "users": [{"username": "lan", "enabled": True, "email": "lan@example.vn", "emailVerified": True, "firstName": "Thị Lan",
                       "lastName": "Trần", "attributes": {"SoDinhDanh": ["030190001243"], "locale": ["vi", "en"], "k": ["v"]},
                       "credentials": [pbkdf2(PASSWORD), {"type": "otp", "secretData": "{\"value\":\"s3cr3t-seed\"}"}],
                       "requiredActions": ["CONFIGURE_TOTP"], "groups": ["/g"], "createdTimestamp": 1},
                      {"username": "tam", "credentials": [pbkdf2(PASSWORD, "pbkdf2-sha512")], "requiredActions": ["UPDATE_PASSWORD"]},
                      {"username": "cu", "credentials": [{"type": "password", "value": "clear-text-password"}]},
                      {"username": "md5", "credentials": [{"type": "password", "secretData": "{}", "credentialData": "{\"algorithm\":\"md5\"}"}]},
                      {"username": "nghi", "enabled": False}, {"username": "service-account-x", "serviceAccountClientId": "x"},
                      {"username": "bad", "enabled": "yes"}, {"username": "big", "credentials": [pbkdf2("x", rounds=1)]},
                      "not an object"]}


def keycloak(p):
    status, report = both(p, realm())
    wrong, notes = errors(report), {(e["kind"], e["index"]): e.get("notes", []) for e in report["entries"]}
    for kind, index, word in (("client", 2, "Keycloak's own"), ("client", 3, "saml"), ("client", 4, "resource add"),
                              ("client", 5, "nothing to do"), ("client", 6, "client-x509"), ("client", 7, "redirectUris"),
                              ("user", 4, "disabled"), ("user", 5, "service account"), ("user", 6, "enabled"),
                              ("user", 8, "JSON object")):
        check.that(f"Keycloak {kind} {index} refused: {word}", word in wrong.pop((kind, index), ""), report)
    check.that("Keycloak: the others are taken", status == 1 and wrong == {} and report["clients"]["taken"] == 4 and
               report["users"]["taken"] == 5, (wrong, report))
    said = " | ".join(notes[("client", 0)])
    for word in ("https://kc.example/*", "implicit", "password grant", "department", "attributes.login_theme", "protocolMappers"):
        check.that(f"Keycloak: the report names what was not taken: {word}", word in said, said)
    said = " | ".join(notes[("user", 0)])
    for word in ("otp", "CONFIGURE_TOTP", "groups", "attributes.k", "attributes.locale"):
        check.that(f"Keycloak: of an account: {word}", word in said, said)
    check.that("Keycloak: of the realm", report["notes"] == ["realm roles: not taken", "realm sslRequired: not taken"], report["notes"])
    check.that("Keycloak: a clear password is not read", "not a hash" in " ".join(notes[("user", 2)]) and
               "md5" not in " ".join(notes[("user", 3)]) and "argon2id" in " ".join(notes[("user", 3)]), notes)
    shown = p.idpctl("client", "show", "kc-portal")[1]
    check.that("Keycloak: the client as registered", shown["redirect_uris"] == ["https://kc.example/cb", "https://kc.example/other"]
               and shown["post_logout_redirect_uris"] == shown["redirect_uris"] + ["https://kc.example/bye"] and shown["require_pkce"]
               and shown["grant_types"] == ["authorization_code", "refresh_token", "client_credentials"] and
               shown["scope"] == "openid profile email offline_access", shown)
    check.that("Keycloak: its secret works, a masked one does not", token(p, "kc-portal", KEYCLOAK_SECRET) == 200 and
               token(p, "kc-portal", KEYCLOAK_SECRET[1:]) == 401 and token(p, "masked", "*" * 40) == 401)
    party = Party(p.issuer, dict(p.add_client(client_id="rp", redirect_uris=["https://rp.example/cb"], legal_basis="QĐ 1",
                                              scope="openid profile email")))
    browser = Browser(p.issuer)
    answer = party.code(browser, {"username": "lan", "password": PASSWORD})
    check.that("Keycloak: the password works", answer and browser.session_cookie())
    wrong_browser = Browser(p.issuer)
    try:
        party.code(wrong_browser, {"username": "lan", "password": PASSWORD + "x"})
    except (AssertionError, KeyError, TypeError, ValueError, IndexError):
        pass
    check.that("another does not", not wrong_browser.session_cookie())
    check.that("Keycloak: a required change is kept", p.idpctl("user", "show", "tam")[1]["require_change"])
    text = json.dumps(report) + p.log() + json.dumps(p.idpctl("audit", "tail", "--after", "0", "--most", "1000")[1])
    store = Path(p.path("idp.db")).read_bytes() + Path(p.path("idp.db-wal")).read_bytes()
    check.that("no secret in report, log, audit or store", not any(
        s in text or s.encode() in store for s in (KEYCLOAK_SECRET, "clear-text-password", "s3cr3t-seed")))


def export(p):
    status, exported = p.idpctl("export")
    text = json.dumps(exported)
    check.that("export holds every client, and no clear secret", status == 0 and exported["format"] == "idp-export" and
               len(exported["clients"]) == len(p.idpctl("client", "list")[1]) and KEYCLOAK_SECRET not in text and
               "client_secret" not in exported["clients"][0], text[:300])
    with idp.Provider() as q:
        status, report = load(q, exported)
        check.that("and comes back in elsewhere", status == 0 and report["clients"]["taken"] == len(exported["clients"]), report)
        check.that("with its secrets", token(q, "kc-portal", KEYCLOAK_SECRET) == 200 and
                   token(q, "kc-portal", "x" * 32) == 401)
        again = q.idpctl("export")[1]
        check.that("the same", [{n: v for n, v in c.items() if n != "secrets"} for c in again["clients"]] ==
                   [{n: v for n, v in c.items() if n != "secrets"} for c in exported["clients"]])


def hostile(p):
    before = rows(p)
    for name, text in (("nothing", ""), ("no JSON", "\x00{"), ("an array", "[]"), ("neither form", '{"clients":[]}'),
                       ("another version", '{"format":"idp-export","version":2,"clients":[{}]}'),
                       ("both forms", '{"format":"x","realm":"r","clients":[{}]}'), ("no entries", json.dumps(ours(clients=[]))),
                       ("clients no array", json.dumps(ours(clients={"a": 1}))), ("users no array", json.dumps(ours(users="x"))),
                       ("a member twice", '{"format":"idp-export","version":1,"users":[],"users":[{"username":"a"}]}'),
                       ("depth", '{"format":"idp-export","version":1,"users":' + "[" * 100000),
                       ("depth inside", json.dumps(ours(users=[]))[:-2] + "[" * 50 + "]" * 50 + "]}"),
                       ("realm wrong", '{"realm":{"a":1},"users":[{}]}')):
        status, out = load(p, text)
        check.that(f"hostile file: {name}", status == 1 and out["error"] == "invalid_request" and out["error_description"],
                   (status, out))
    status, report = load(p, ours(users=[{"username": "a" * 300000}, {"username": "\u001b[2Jx", "claims": 5},
                                         {"username": "%s%n%s"}, {"username": "z", "claims": {"name": "x" * 100000}}, None, True]))
    check.that("hostile entries", status == 1 and report["users"] == {"taken": 1, "refused": 5} and
               "longer than 256 KiB" in errors(report)[("user", 0)], str(report)[:500])
    run = subprocess.run([f"{idp.BUILD}/idpctl", "--socket", p.socket, "import", "-"], capture_output=True,
                         input=json.dumps(ours(users=[{"username": "\u001b[2Jx\u009b", "x\u001b]0;": 5}])).encode())
    check.that("nothing for the terminal to obey", run.returncode == 1 and b"\x1b" not in run.stdout and
               b"refused" in run.stdout, run.stdout)
    for words in (["import"], ["import", "a", "b"], ["import", "--dry"], ["import", "/nonexistent"]):
        check.that(f"usage {words}", p.idpctl(*words, check=False)[0] == 2)
    big = p.path("big.json")
    with open(big, "wb") as f:
        f.write(b'{"x":"')
        f.truncate(65 << 20)
    status, out = p.idpctl("import", big, check=False)
    check.that("a file past 64 MiB", status == 2 and "longer" in out["error_description"], out)
    after = rows(p)
    check.that("of all that, one account came to be", len(after["account"]) == len(before["account"]) + 1)


def many(p):
    count, good = 100000, 10000  # the others are refused for what they are, or for being there already
    text = json.dumps(ours(users=[{"username": f"u{i % good}", "password_hash": BCRYPT if i < 2 * good else 5}
                                  for i in range(count)]))
    began = time.monotonic()
    status, report = load(p, text, "--dry-run")
    seconds = time.monotonic() - began
    check.that(f"100 000 accounts, checked in {seconds:.0f} s: the duplicates are found", status == 1 and
               report["users"] == {"taken": good, "refused": count - good} and
               errors(report)[("user", good)] == "username is that of user 0 of this file", str(report)[:300])
    with open(f"/proc/{p.process.pid}/status", encoding="ascii") as f:
        peak = next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
    check.that(f"the daemon's memory does not grow with the file ({peak // 1024} MiB at most)", peak < 150 * 1024 * idp.SLOW)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    check.that(f"nor idpctl's past its bound ({peak // 1024} MiB)", peak < 1024 * 1024 * idp.SLOW)
    check.that("sign-ins go on meanwhile", p.idpctl("status")[1]["store_healthy"])


def main():
    with idp.Provider() as p:
        own_form(p)
        keycloak(p)
        export(p)
        hostile(p)
        if idp.SLOW == 1:
            many(p)
    return check.end()


if __name__ == "__main__":
    sys.exit(main())
