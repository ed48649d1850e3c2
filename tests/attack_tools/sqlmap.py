#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""F20: sqlmap (level 3, risk 2) against every parameter of the endpoints that read the store, against
cookies and header fields. Words on the command line select endpoints."""
import subprocess
import sys
import tempfile
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from idp import Provider
from oidc_world import World


SECONDS = 900  # for one endpoint


def endpoints(w):
    """(name, path and query, body or None)"""
    quote = urllib.parse.urlencode
    client = {"client_id": "ministry", "client_secret": w.ministry.metadata["client_secret"]}
    return [("authorize", "/authorize?" + quote(w.ministry.params()), None),
            ("token", "/token", quote({**client, "grant_type": "refresh_token", "refresh_token": "x", "scope": "openid"})),
            ("introspect", "/introspect", quote({**client, "token": "x"})),
            ("revoke", "/revoke", quote({**client, "token": "x"})),
            ("logout", "/logout?client_id=ministry&state=x&post_logout_redirect_uri=https://ministry.example/bye", None),
            ("sign-in", "/sign-in", quote({"username": "an", "password": "x", "flow": "x", "csrf": "x"})),
            ("userinfo", "/userinfo", quote({"access_token": "x"})),
            ("logo", "/client-logo?client_id=ministry", None)]


def scan(w, path, body, folder):
    command = ["sqlmap", "-u", w.issuer + path, "--batch", "--level", "3", "--risk", "2", "--flush-session", "--output-dir", folder,
               "--threads", "4", "--technique", "BEUS", "--dbms", "sqlite", "--disable-coloring", "--cookie",
               "session-a1b2c3=x", "--ignore-code", "*"]
    try:
        run = subprocess.run(command + (["--data", body] if body else []), capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as e:
        return "not done after %d s: %s" % (SECONDS, (e.stdout or b"").decode(errors="replace")[-1000:])
    if "do not appear to be injectable" in run.stdout and "identified the following injection point" not in run.stdout:
        return None
    return run.stdout[-3000:]


def main():
    passed = failed = 0
    with Provider(World.SETTINGS + "throttle:\n  network_free: 100000\n") as provider, tempfile.TemporaryDirectory() as folder:
        w = World(provider)
        for name, path, body in endpoints(w):
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            found = scan(w, path, body, folder)
            passed, failed = passed + (not found), failed + bool(found)
            print(f"{'FAIL' if found else 'ok  '} F20 {name}{': ' + found if found else ''}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
