# SPDX-License-Identifier: Apache-2.0
"""What staff do with idpctl, and what it must refuse: exit statuses, output, all-or-nothing lines,
secrets shown once, other users kept out, hostile bytes on the admin socket."""
import base64
import json
import os
import socket
import sqlite3
import stat
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import idp
from check import Checks

check = Checks()
CTL = f"{idp.BUILD}/idpctl"
BCRYPT = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"  # U*U


def ctl(provider, *args, stdin=None, json_out=True, as_uid=None):
    """(exit status, standard output, standard error)."""
    argv = [CTL, "--socket", provider.socket] + (["--json"] if json_out else []) + list(args)
    run = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60 * idp.SLOW, user=as_uid)
    return run.returncode, run.stdout, run.stderr


def answer(provider, *args, stdin=None):
    status, out, _ = ctl(provider, *args, stdin=stdin)
    return status, json.loads(out) if out.strip() else None


def raw(provider, data, close=True):
    """The daemon's answer to bytes that idpctl would never send."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(provider.socket)
        try:
            s.sendall(data)
            if close:
                s.shutdown(socket.SHUT_WR)
            got = b""
            while chunk := s.recv(65536):
                got += chunk
            return got
        except OSError:
            return b""


def usage_and_reach(p):
    for args in ([], ["user"], ["user", "fly"], ["link", "merge", "a"], ["link", "list", "a", "b"], ["user", "history"],
                 ["representation", "add", "--who", "a"], ["client", "add"], ["client", "show"], ["user", "show", "a", "b"],
                 ["status", "--nope", "1"], ["user", "list", "--most"], ["--bad"]):
        status, out, err = ctl(p, *args)
        check.that(f"usage {args}", status == 2 and "usage" in err and out == "", (status, out, err))
    status, out, err = ctl(p, "user", "add", "--file", "/nonexistent")
    check.that("a file that is not there", status == 2, (status, out, err))
    run = subprocess.run([CTL, "--socket", p.path("nobody.sock"), "status"], capture_output=True, text=True)
    check.that("no daemon is exit 3, message on standard error", run.returncode == 3 and run.stdout == "" and run.stderr)
    status, out, err = ctl(p, "status", json_out=False)
    check.that("people read text", status == 0 and p.issuer in out and err == "", (status, out, err))
    status, out = answer(p, "status")
    check.that("machines read JSON", status == 0 and out["issuer"] == p.issuer and out["store_healthy"] and
               out["signer"]["ready"], out)
    for most in ("0", "-1", "abc", "99999999999999999999", ""):
        status, out = answer(p, "audit", "tail", "--most", most)
        check.that(f"--most {most!r} is refused", status == 1 and out["error"] == "invalid_request", (status, out))


def clients(p):
    metadata = {"client_id": "portal-1", "redirect_uris": ["https://rp.example.vn/cb"], "client_name": "Một cửa", "x": [1]}
    status, made = answer(p, "client", "add", "--file", "-", stdin=json.dumps(metadata))
    check.that("client add keeps a free client_id", status == 0 and made["client_id"] == "portal-1", made)
    check.that("and prints the 3.2.1 object", len(made["client_secret"]) == 43 and made["client_secret_expires_at"] == 0
               and made["client_id_issued_at"] > 0 and made["x"] == [1] and made["grant_types"] == ["authorization_code"]
               and made["subject_type"] == "pairwise" and "offline_access" in made["scope"].split(), made)
    status, out = answer(p, "client", "add", "--file", "-", stdin=json.dumps(metadata))
    check.that("not a taken one", status == 1 and out["error"] == "already_exists", out)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        json.dump({"redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none",
                   "application_type": "native"}, f)
        f.flush()
        status, public = answer(p, "client", "add", "--file", f.name)
    check.that("a public client has no secret", status == 0 and "client_secret" not in public and public["client_id"], public)
    for name, bad, code in [
            ("D13 javascript", {"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
            ("D13 wildcard", {"redirect_uris": ["https://*.example.vn/cb"]}, "invalid_redirect_uri"),
            ("D13 fragment", {"redirect_uris": ["https://a.vn/cb#x"]}, "invalid_redirect_uri"),
            ("D13 jwks and jwks_uri", {**metadata, "client_id": "j", "jwks": {"keys": []}, "jwks_uri": "https://a.vn/j"},
             "invalid_client_metadata"),
            ("D13 oct key", {**metadata, "client_id": "j", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
             "invalid_client_metadata"),
            ("D13 1000 keys", {**metadata, "client_id": "j", "jwks": {"keys": [
                {"kty": "EC", "crv": "P-256", "kid": str(i), "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                 "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"} for i in range(1000)]}}, "invalid_client_metadata"),
            ("several hosts", {"redirect_uris": ["https://a.vn/cb", "https://b.vn/cb"]}, "invalid_client_metadata"),
            ("no JSON", None, "invalid_client_metadata")]:
        status, out = answer(p, "client", "add", "--file", "-", stdin=json.dumps(bad) if bad else "{")
        check.that(name, status == 1 and out["error"] == code and out["error_description"], out)
    status, shown = answer(p, "client", "show", "portal-1")
    check.that("the secret is shown once", status == 0 and made["client_secret"] not in json.dumps(shown), shown)
    status, out = answer(p, "client", "list")
    check.that("client list", status == 0 and {c["client_id"] for c in out} == {"portal-1", public["client_id"]}, out)
    check.that("client disable", answer(p, "client", "disable", "portal-1")[0] == 0 and
               not answer(p, "client", "show", "portal-1")[1]["enabled"])
    check.that("client enable", answer(p, "client", "enable", "portal-1")[0] == 0 and
               answer(p, "client", "show", "portal-1")[1]["enabled"])
    status, out = answer(p, "client", "disable", "nobody")
    check.that("an unknown client", status == 1 and out["error"] == "not_found", out)
    return made["client_secret"]


def resources(p):
    api = {"resource": "https://api.example.vn", "resource_name": "Hồ sơ", "scopes_supported": ["dossier.read"],
           "minimum_level": 2, "introspection_clients": ["portal-1"]}

    def file(verb, **changes):
        return answer(p, "resource", verb, "--file", "-", stdin=json.dumps({**api, **changes}))

    status, out = file("add")
    check.that("resource add", status == 0 and out == api, out)
    check.that("an identifier that is taken", file("add", scopes_supported=[])[1]["error"] == "already_exists")
    check.that("a scope that another resource owns", file("add", resource="https://b.example.vn")[0] == 1)
    check.that("and a scope of its own", file("add", resource="https://b.example.vn", scopes_supported=["b"])[0] == 0)
    check.that("the issuer is no resource", file("add", resource=p.issuer, scopes_supported=[])[0] == 1)
    for name, changes in (("fragment", {"resource": "https://api.example.vn/#x"}), ("a slip", {"minimum_levl": 2}),
                          ("a provider's scope", {"scopes_supported": ["openid"]}), ("level", {"minimum_level": 4})):
        status, out = file("update", **changes)
        check.that(f"refused: {name}", status == 1 and out["error"] == "invalid_resource_metadata", out)
    status, out = file("update", minimum_level=3)
    check.that("resource update", status == 0 and answer(p, "resource", "show", api["resource"])[1]["minimum_level"] == 3)
    check.that("update of an unknown one", file("update", resource="https://c.example.vn", scopes_supported=[])[1]["error"]
               == "not_found")
    for verb in ("disable", "enable"):
        status, out = answer(p, "resource", verb, api["resource"])
        check.that(f"resource {verb}", status == 0 and
                   answer(p, "resource", "show", api["resource"])[1]["enabled"] == (verb == "enable"), out)
        check.that(f"resource {verb} of an unknown one", answer(p, "resource", verb, "https://c.example.vn")[0] == 1)
    check.that("a disabled one keeps its scopes", answer(p, "resource", "disable", api["resource"])[0] == 0 and
               file("add", resource="https://c.example.vn")[0] == 1)
    status, out = answer(p, "resource", "list")
    check.that("resource list", status == 0 and [(r["resource"], r["enabled"]) for r in out] ==
               [("https://api.example.vn", False), ("https://b.example.vn", True)], out)
    check.that("show of an unknown one", answer(p, "resource", "show", "https://c.example.vn")[1]["error"] == "not_found")
    p.kill()
    check.that("resources are there after a restart", p.start() and len(answer(p, "resource", "list")[1]) == 2)


def users(p):
    one = {"username": "Lan", "password": "mật khẩu dài của Lan", "type": "citizen", "ial": 2,
           "identifiers": {"SoDinhDanh": "030190001235"}, "claims": {"HoVaTen": "Lan", "gender": "female"}}
    status, out = answer(p, "user", "add", "--file", "-", stdin=json.dumps(one, indent=2))
    check.that("user add, an object over several lines", status == 0 and out[0]["username"] == "Lan" and
               len(out[0]["id"]) == 32, out)
    lines = [json.dumps({"username": "u1", "password_hash": BCRYPT}),
             json.dumps({"username": "u2", "identifiers": {"SoDinhDanh": "1"}}),
             "", "{not json",
             json.dumps({"username": "LAN"}),
             json.dumps({"username": "u3", "identifiers": {"SoDinhDanh": "030190001235"}}),
             json.dumps({"username": "u4", "require_change": True})]
    status, out = answer(p, "user", "add", "--file", "-", stdin="\r\n".join(lines) + "\n")
    text = out["error_description"]
    check.that("JSON lines: each error has its line", status == 1 and all(
        f"line {n}: " in text for n in (2, 4, 5, 6)) and "line 1" not in text and "line 7" not in text, text)
    check.that("and says what is wrong", "identifiers.SoDinhDanh" in text and "username is taken" in text and
               "belong to another account" in text and "2 other accounts were added" in text, text)
    status, out = answer(p, "user", "list")
    check.that("all or nothing per line", [u["username"] for u in out] == ["lan", "u1", "u4"], out)
    status, out = answer(p, "user", "add", "--file", "-", stdin="\n\n")
    check.that("an empty file", status == 1 and out["error"] == "invalid_request", out)
    status, out = answer(p, "user", "show", "LAN")
    check.that("user show finds any spelling, tells no number and no hash", status == 0 and out["status"] == "active"
               and "030190001235" not in json.dumps(out) and "argon2" not in json.dumps(out), out)
    for verb, after in (("lock", "locked"), ("unlock", "active"), ("disable", "disabled"), ("unlock", "active")):
        status, out = answer(p, "user", verb, "u1")
        check.that(f"user {verb}", status == 0 and answer(p, "user", "show", "u1")[1]["status"] == after, out)
    status, out, err = ctl(p, "user", "set-password", "u1", "--file", "-", stdin="một mật khẩu mới\n", json_out=False)
    check.that("user set-password", status == 0 and "mật khẩu" not in out + err, (out, err))
    check.that("it must be changed at the next sign-in", answer(p, "user", "show", "u1")[1]["require_change"])
    check.that("an empty password", answer(p, "user", "set-password", "u1", "--file", "-", stdin="\n")[0] == 1)
    check.that("a password of 1 MB", answer(p, "user", "set-password", "u1", "--file", "-", stdin="a" * (1 << 20))[0] == 1)
    check.that("user erase", answer(p, "user", "erase", "u4")[0] == 0 and answer(p, "user", "show", "u4")[0] == 1)
    status, out = answer(p, "user", "show", "nobody")
    check.that("an unknown user", status == 1 and out["error"] == "not_found", out)
    many = "\n".join(json.dumps({"username": f"bulk{i}", "password_hash": BCRYPT}) for i in range(2000))
    began = time.monotonic()
    status, out = answer(p, "user", "add", "--file", "-", stdin=many)
    check.that(f"2000 accounts at once, {time.monotonic() - began:.1f} s", status == 0 and len(out) == 2000, out)


def put(p, statement, *values):
    """A row that a sign-in through another provider would have made."""
    with sqlite3.connect(p.path("idp.db"), timeout=20) as db:
        db.execute(statement, values)
    db.close()


def link_to(p, username, connector, subject):
    user = bytes.fromhex(answer(p, "user", "show", username)[1]["id"])
    put(p, "INSERT INTO upstream_link VALUES (?, ?, ?, ?, 2, ?, ?)", f"https://{connector}.example", bytes([subject] * 32), user,
        connector, 1700000000, 1700000000)


def session_of(p, username, key, actor=None):
    """A live session of the account."""
    user = bytes.fromhex(answer(p, "user", "show", username)[1]["id"])
    actor = actor and bytes.fromhex(answer(p, "user", "show", actor)[1]["id"])
    now = int(time.time())
    put(p, "INSERT INTO session (key, user_id, created_at, auth_time, last_seen, expires_at, ended_at, aal, amr, actor_id) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, 1, 1, ?)", bytes([key] * 20), user, now, now, now, now + 3600, actor)
    check.that(f"a session of {username}", len(answer(p, "session", "list", username)[1]) == 1)


def no_session(p, username):
    return answer(p, "session", "list", username) == (0, [])


def links(p):
    for one in ({"username": "cu", "password_hash": BCRYPT, "identifiers": {"SoCMND": "030012345"}},
                {"username": "moi", "password_hash": BCRYPT, "identifiers": {"SoDinhDanh": "030090001234", "SoDienThoai": "0912345678"}},
                {"username": "cty", "password_hash": BCRYPT, "type": "enterprise"}):
        check.that(f"account {one['username']}", answer(p, "user", "add", "--file", "-", stdin=json.dumps(one))[0] == 0)
    link_to(p, "cu", "national", 1)
    link_to(p, "cu", "vneid", 2)
    status, out = answer(p, "link", "list", "CU")
    check.that("link list", status == 0 and [(l["connector"], l["issuer"], l["how"], l["username"]) for l in out] == [
        ("national", "https://national.example", "proven", "cu"), ("vneid", "https://vneid.example", "proven", "cu")], out)
    check.that("who has a subject: nobody", answer(p, "link", "list", "--subject", "s", "--issuer", "https://national.example")
               == (0, []))
    for args in ([], ["cu", "--subject", "s", "--issuer", "i"], ["--subject", "s"], ["--issuer", "i"],
                 ["--subject", "s" * 300, "--issuer", "i"]):
        status, out = answer(p, "link", "list", *args)
        check.that(f"link list {args[:2]}", status == 1 and out["error"] == "invalid_request", out)
    check.that("link list of nobody", answer(p, "link", "list", "nobody")[1]["error"] == "not_found")

    session_of(p, "cu", 1)
    status, out = answer(p, "link", "unlink", "cu", "other")
    check.that("unlink what is not linked", status == 1 and out["error"] == "not_found" and not no_session(p, "cu"), out)
    status, out = answer(p, "link", "unlink", "cu", "vneid")
    check.that("link unlink, which ends sessions", status == 0 and out["unlinked"] == 1 and no_session(p, "cu") and
               [l["connector"] for l in answer(p, "link", "list", "cu")[1]] == ["national"], out)
    check.that("once", answer(p, "link", "unlink", "cu", "vneid")[1]["error"] == "not_found")


def merges(p):
    for args, code in ((["cu", "cu"], "invalid_request"), (["cty", "moi"], "invalid_request"), (["cu", "nobody"], "not_found"),
                       (["nobody", "cu"], "not_found")):
        status, out = answer(p, "link", "merge", *args)
        check.that(f"link merge {args}", status == 1 and out["error"] == code, out)
    check.that("lock", answer(p, "user", "lock", "moi")[0] == 0)
    status, out = answer(p, "link", "merge", "cu", "moi")
    check.that("not into a locked account", status == 1 and out["error"] == "refused" and "locked" in out["error_description"], out)
    check.that("unlock", answer(p, "user", "unlock", "moi")[0] == 0)
    session_of(p, "cu", 2)
    status, out = answer(p, "link", "merge", "cu", "moi")
    check.that("link merge", status == 0 and out == {"from": "cu", "into": "moi", "identifiers": ["SoCMND"]}, out)
    check.that("its link has moved, it is gone, nobody is signed in to it",
               [l["username"] for l in answer(p, "link", "list", "moi")[1]] == ["moi"] and answer(p, "user", "show", "cu")[0] == 1)
    with sqlite3.connect(p.path("idp.db")) as db:
        check.that("its session has ended", db.execute("SELECT COUNT(*) FROM session WHERE key = ? AND ended_at > 0",
                                                       (bytes([2] * 20),)).fetchone() == (1,))
    check.that("its identifier is the other's", answer(p, "user", "add", "--file", "-", stdin=json.dumps(
        {"username": "third", "identifiers": {"SoCMND": "030012345"}}))[1]["error"] == "already_exists")

    put(p, "INSERT INTO account_history SELECT id, 1700000000, id, 'connector:national', 'broken' FROM account WHERE username = 'moi'")
    status, out = answer(p, "user", "history", "moi")
    check.that("user history: newest first, masked", status == 0 and out[0]["source"] == f"staff:{os.getuid()}" and
               out[0]["changes"] == [{"name": "SoCMND", "old": None, "new": "0*******5"}] and "030012345" not in json.dumps(out), out)
    check.that("what cannot be opened is said", out[1:] == [{"at": 1700000000, "source": "connector:national", "changes": None}], out)
    status, text, err = ctl(p, "user", "history", "moi", json_out=False)
    check.that("for people", status == 0 and "SoCMND" in text and "- -> 0*******5" in text and err == "", (text, err))
    check.that("of nobody", answer(p, "user", "history", "nobody")[1]["error"] == "not_found")


def representations(p):
    def add(*args, person="moi", represented="cty"):
        return answer(p, "representation", "add", "--person", person, "--represented", represented, *args)

    status, made = add("--scope", "khai thuế", "--from", "2020-01-01", "--until", "2099-12-31")
    check.that("representation add", status == 0 and made["represented"] == "cty" and made["scope"] == "khai thuế" and
               made["source"] == f"staff:{os.getuid()}" and len(made["id"]) == 32, made)
    check.that("days are days of Vietnam, the last one counts", made["valid_from"] == 1577811600 and
               made["valid_until"] == 4102419600, made)
    status, later = add("--from", "2098-01-01")
    check.that("one that is yet to begin, with an open end", status == 0 and "valid_until" not in later and "scope" not in later, later)
    for name, code, got in [
            ("no such date", "invalid_request", add("--from", "2026-02-30")), ("a date in words", "invalid_request", add("--from", "mai")),
            ("a time", "invalid_request", add("--until", "2099-01-01T00:00")), ("a sign", "invalid_request", add("--until", "+099-01-01")),
            ("over already", "invalid_request", add("--from", "2020-01-01", "--until", "2020-02-01")),
            ("ends before it begins", "invalid_request", add("--from", "2098-02-02", "--until", "2098-02-01")),
            ("scope too long", "invalid_request", add("--scope", "a" * 201)), ("scope empty", "invalid_request", add("--scope", "")),
            ("scope with a line break", "invalid_request", add("--scope", "a\nb")),
            ("a person for a person", "invalid_request", add(represented="lan")),
            ("an enterprise for itself", "invalid_request", add(person="cty")),
            ("nobody", "not_found", add(person="nobody")), ("for nobody", "not_found", add(represented="nobody")),
            ("no person", "invalid_request", answer(p, "representation", "add", "--represented", "cty"))]:
        check.that(f"representation: {name}", got[0] == 1 and got[1]["error"] == code, got)
    status, out = answer(p, "representation", "list", "moi")
    check.that("representation list: what is in force", status == 0 and out == [made], out)
    status, text, err = ctl(p, "representation", "list", "moi", json_out=False)
    check.that("for people", "2020-01-01 to 2099-12-31 khai thuế" in text, text)
    check.that("nobody may act for another", answer(p, "representation", "list", "lan") == (0, []))

    session_of(p, "cty", 3, actor="moi")
    status, out = answer(p, "representation", "end", made["id"])
    check.that("representation end, and its sessions", status == 0 and answer(p, "representation", "list", "moi") == (0, []) and
               no_session(p, "cty"), out)
    check.that("once", answer(p, "representation", "end", made["id"])[1]["error"] == "not_found")
    check.that("before it begins", answer(p, "representation", "end", later["id"])[0] == 0)
    for bad in ("", "00", "zz" * 16, made["id"].upper() + "0"):
        check.that(f"id {bad!r}", answer(p, "representation", "end", bad)[1]["error"] == "invalid_request")
    check.that("lock", answer(p, "user", "lock", "cty")[0] == 0)
    check.that("not for a locked enterprise", add()[1]["error"] == "refused")

    rows = answer(p, "audit", "tail", "--most", "100")[1]
    by_event = {r["event"]: r for r in rows}
    check.that("all of it stands in the audit log", {"upstream_unlinked", "user_merged", "history_read", "representation_added",
               "representation_ended"} <= set(by_event), set(by_event))
    check.that("with whom and what", by_event["upstream_unlinked"]["detail"] and by_event["user_merged"]["detail"] and
               [r["target"] for r in rows if r["event"] == "representation_ended"] == [made["id"], later["id"]], rows)
    text = json.dumps(rows)
    check.that("without numbers and names", not any(word in text for word in ("030012345", "030090001234", '"cty"', '"moi"', "thu")),
               "in the log")
    check.that("one act, one row", sum(r["event"] == "user_merged" for r in rows) == 1 and
               sum(r["event"] == "upstream_unlinked" for r in rows) == 1)


def keys_and_rest(p, secret):
    status, before = answer(p, "keys", "list")
    check.that("keys list holds no private key", status == 0 and '"d"' not in json.dumps(before) and
               {k["use"] for k in before} >= {"sig", "pepper", "data", "index", "code", "pairwise"}, before)
    status, out = answer(p, "keys", "rotate", "--alg", "ES256")
    active = [k["kid"] for k in answer(p, "keys", "list")[1] if k["alg"] == "ES256" and k["state"] == "active"]
    check.that("keys rotate: exactly one active key", status == 0 and active == [out["kid"]], (out, active))
    status, out = answer(p, "keys", "generate", "--alg", "RS256")
    check.that("keys generate", status == 0 and out["kid"], out)
    status, out = answer(p, "keys", "rotate", "--alg", "HS256")
    check.that("not for HS256", status == 1, out)
    status, out = answer(p, "keys", "generate", "--use", "envelope")
    check.that("no envelope key unless the signer's policy has it", status == 1 and out["error"] == "refused" and
               "envelopes" in out["error_description"], out)
    kid = answer(p, "keys", "list")[1][-1]["kid"]
    status, out = answer(p, "keys", "public", kid)
    check.that("keys public", status == 0 and out["jwk"]["kid"] == kid and out["pem"].startswith("-----BEGIN PUBLIC KEY-----\n"), out)
    check.that("of a pair only", [answer(p, "keys", "public", k["kid"])[0] for k in before if k["use"] == "data"] == [1])
    check.that("keys public of nothing", answer(p, "keys", "public", "nobody")[0] == 1)
    status, out = answer(p, "session", "end", "00")
    check.that("session end wants an id", status == 1 and out["error"] == "invalid_request", out)
    status, out = answer(p, "session", "end", "00" * 20)
    check.that("an unknown session", status == 1 and out["error"] == "not_found", out)
    check.that("session list", answer(p, "session", "list", "lan") == (0, []))

    status, rows = answer(p, "audit", "tail", "--after", "0", "--most", "1000")
    events = [r["event"] for r in rows]
    check.that("what staff did stands in the audit log", status == 0 and {"client_added", "client_disabled",
               "resource_added", "resource_updated", "resource_disabled", "resource_enabled",
               "user_created", "user_locked", "user_erased", "password_set_by_staff"} <= set(events), set(events))
    check.that("by whom", all(r["actor"] == f"staff:{os.getuid()}" for r in rows if r["event"] == "user_created"), rows[:2])
    check.that("without names and numbers", "030190001235" not in json.dumps(rows) and "lan" not in json.dumps(rows).lower()
               .replace("landlock", ""), "name or number in the log")
    status, rows = answer(p, "audit", "tail", "--most", "1")
    check.that("reading it is logged too", answer(p, "audit", "tail", "--most", "1")[1][-1]["event"] == "audit_read")

    copy = p.path("copy.db")
    status, out = answer(p, "backup", copy)
    check.that("backup", status == 0 and sqlite3.connect(copy).execute("PRAGMA integrity_check").fetchone() == ("ok",), out)
    check.that("never over a file", answer(p, "backup", copy)[0] == 1)
    check.that("nor at a relative path", answer(p, "backup", "copy2.db")[0] == 1)
    check.that("the copy is for its owner only", stat.S_IMODE(os.stat(copy).st_mode) & 0o077 == 0,
               oct(os.stat(copy).st_mode))
    log = p.log()
    check.that("no secret in the daemon's log", secret not in log and "mật khẩu" not in log and "030190001235" not in log)


def who_may(p):
    mode = stat.S_IMODE(os.stat(p.socket).st_mode)
    check.that("others cannot open the socket", mode & 0o007 == 0, oct(mode))
    if os.getuid() == 0:
        os.chmod(p.folder, 0o755)
        os.chmod(p.socket, 0o666)
        status, out, err = ctl(p, "status", as_uid=65534)
        check.that("a user who is not listed is refused by the daemon", status == 1 and
                   json.loads(out)["error"] == "access_denied", (status, out, err))
        os.chmod(p.socket, mode)
        os.chmod(p.folder, 0o700)


def hostile(p):
    for name, data in [("nothing", b""), ("no JSON", b"\x00\xff{{{"), ("an array", b"[1,2]"), ("no noun", b"{}"),
                       ("args no object", b'{"noun":"user","verb":"show","args":[1]}'),
                       ("noun no text", b'{"noun":{"a":1},"verb":7}'),
                       ("depth", b'{"noun":' * 10000),
                       ("duplicate members", b'{"noun":"status","noun":"backup"}'),
                       ("16 MB", b'{"noun":"' + b"a" * (16 << 20)),
                       ("a length in front", struct.pack(">I", 2) + b"{}"),
                       ("format text", b'{"noun":"user","verb":"show","args":{"username":"%s%s%n"}}'),
                       ("no arguments", b'{"noun":"backup"}'), ("add nothing", b'{"noun":"client","verb":"add"}')]:
        got = raw(p, data)
        try:
            status = json.loads(got).get("status") if got else None
        except ValueError:
            status = got
        check.that(f"hostile: {name}", status in (1, None), got[:200])
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(p.socket)
        began = time.monotonic()
        status, _ = answer(p, "status")
        check.that(f"a silent peer holds others up for seconds only ({time.monotonic() - began:.1f} s)", status == 0 and
                   time.monotonic() - began < 10)
    check.that("and the daemon is well", answer(p, "status")[1]["store_healthy"])


def envelope_keys():
    """The key that a partner wraps for: made by staff, given to the partner, published nowhere."""
    with idp.Provider(policy={"envelopes": "on"}) as p:
        status, made = answer(p, "keys", "generate", "--use", "envelope")
        row = [k for k in answer(p, "keys", "list")[1] if k["use"] == "envelope"]
        check.that("keys generate --use envelope", status == 0 and made["alg"] == "RSA1_5" and made["state"] == "active" and
                   [k["kid"] for k in row] == [made["kid"]], (made, row))
        status, public = answer(p, "keys", "public", made["kid"])
        jwk = public["jwk"]
        check.that("its public half is for encryption", status == 0 and jwk["use"] == "enc" and jwk["kid"] == made["kid"] and
                   set(jwk) == {"kty", "n", "e", "kid", "use", "alg"}, public)
        run = subprocess.run(["openssl", "rsa", "-pubin", "-noout", "-modulus"], input=public["pem"], capture_output=True, text=True)
        modulus = int.from_bytes(base64.urlsafe_b64decode(jwk["n"] + "=="), "big")
        check.that("the PEM holds the same number, of 2048 bits", run.stdout.strip() == f"Modulus={modulus:X}" and
                   modulus.bit_length() == 2048, run.stdout + run.stderr)
        check.that("people get the PEM alone", ctl(p, "keys", "public", made["kid"], json_out=False)[1] == public["pem"])
        with urllib.request.urlopen(f"{p.issuer}/jwks", timeout=20) as r:
            published = json.load(r)["keys"]
        check.that("it is not among the published keys", published and made["kid"] not in [k["kid"] for k in published], published)
        check.that("it opens, and does nothing else", answer(p, "keys", "generate", "--use", "envelope", "--alg", "RS256")[0] == 1 and
                   answer(p, "keys", "generate", "--use", "data")[0] == 1 and answer(p, "keys", "generate", "--alg", "RSA1_5")[0] == 1)
        check.that("the signer reports it", [k["unwrapped"] for k in answer(p, "status")[1]["signer"]["keys"]
                                             if k["kid"] == made["kid"]] == [0])
        p.stop()
        policy = Path(p.path("signer.json"))
        policy.write_text(policy.read_text(encoding="ascii").replace('"envelopes": "on"', '"envelopes": "off"'), encoding="ascii")
        p.start()
        check.that("a policy without envelopes starts all the same, and makes no more", answer(p, "status")[0] == 0 and
                   answer(p, "keys", "generate", "--use", "envelope")[0] == 1)


def start_and_stop():
    p = idp.Provider()
    with open(p.socket, "w", encoding="ascii") as f:
        f.write("not a socket")
    try:
        p.start()
        check.that("a file in the socket's place is left alone", False)
    except AssertionError:
        check.that("a file in the socket's place is left alone", Path(p.socket).read_text(encoding="ascii") == "not a socket")
    p.stop()
    os.unlink(p.socket)
    p.start()
    p.kill()
    check.that("a socket left by a killed daemon is taken over", os.path.exists(p.socket) and p.start() and
               answer(p, "status")[0] == 0)
    p.stop()
    check.that("the socket goes with the daemon", not os.path.exists(p.socket))
    p.remove()


def main():
    with idp.Provider() as p:
        usage_and_reach(p)
        secret = clients(p)
        resources(p)
        users(p)
        links(p)
        merges(p)
        representations(p)
        keys_and_rest(p, secret)
        who_may(p)
        hostile(p)
    envelope_keys()
    start_and_stop()
    return check.end()


if __name__ == "__main__":
    sys.exit(main())
