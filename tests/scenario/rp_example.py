#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo/rp_example.c, the program that docs/RP-GUIDE.md tells to copy: it signs in, and is signed out
by the provider, once; what does not hold it refuses and goes on."""
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
from check import equal, true
from hostile_provider import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, HostileProvider
from idp import BUILD, SLOW


class Example:
    def __init__(self, folder, mode=0o600, **config):
        path = os.path.join(folder, "config.json")
        with open(path, "w", encoding="utf-8", opener=lambda p, flags: os.open(p, flags, mode)) as f:
            json.dump({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uri": REDIRECT_URI,
                       "scope": "openid profile", "id_token_alg": "RS256", **config}, f)
        self.process = subprocess.Popen([f"{BUILD}/demo/rp-example", "--config", path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def send(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.line()

    def end(self):
        _, errors = self.process.communicate(timeout=30 * SLOW)
        return self.process.returncode, errors


@contextlib.contextmanager
def example(given=lambda provider: {}):
    with HostileProvider() as provider, tempfile.TemporaryDirectory() as folder:
        program = Example(folder, issuer=provider.issuer, **given(provider))
        yield provider, program
        equal(program.end(), (0, ""), "how it ended")


def begin(provider, program):
    """The query of a good answer."""
    what, url = program.line().rsplit(" ", 1)
    equal(what, "sign in at", "first line")
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
    provider.nonce = query["nonce"]
    return urllib.parse.urlencode({"code": "c", "state": query["state"], "iss": provider.issuer})


def sign_in(provider, program):
    equal(program.send(begin(provider, program)), "signed in s1", "the answer")
    equal(program.line(), "name Nguyễn Văn An", "userinfo")
    true(program.line().startswith(f"sign out at {provider.issuer}/logout?"), "the way out")


def a_sign_in_and_a_sign_out_by_the_provider():
    with example() as (provider, program):
        provider.claims = {"sid": "5"}
        sign_in(provider, program)
        equal(program.send("logout_token=" + provider.logout_token(sid="6", jti="1")), "nobody to sign out s1", "another session")
        equal(program.send("logout_token=" + provider.logout_token(sid="5", jti="2")), "signed out s1", "this session")
        equal(program.send("logout_token=" + provider.logout_token(sid="5", jti="3")), "nobody to sign out s1", "signed out already")


def a_sign_in_without_a_discovery_document():
    def given(provider):
        metadata = provider.metadata()
        return {name: metadata[name] for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint",
                                                  "jwks_uri", "end_session_endpoint")}

    with example(given) as (provider, program):
        sign_in(provider, program)
        equal(provider.hits.get("/.well-known/openid-configuration", 0), 0, "discoveries")


def an_answer_counts_once():
    with example() as (provider, program):
        answer = begin(provider, program)
        equal(program.send("code=c&state=x"), "not signed in: refused by policy", "another state")
        equal(program.send(answer), "not signed in: refused by policy", "the right one behind it")
        equal(provider.hits.get("/token", 0), 0, "codes redeemed")


def D11_a_logout_token_counts_once_and_only_when_it_holds():
    with example() as (provider, program):
        sign_in(provider, program)
        for changed in ({"nonce": "n"}, {"events": None}, {"aud": "other"}, {"iat": 1}):
            true(program.send("logout_token=" + provider.logout_token(**changed)).startswith("not signed out: "), changed)
        token = provider.logout_token()
        equal(program.send("logout_token=" + token + "&logout_token=" + token), "signed out s1", "as it is")
        equal(program.send("logout_token=" + token), "not signed out: already used", "once more")


def a_configuration_that_does_not_hold():
    with tempfile.TemporaryDirectory() as folder:
        for what, mode, config in (("http", 0o600, {"issuer": "http://sso.example"}), ("no issuer", 0o600, {}),
                                   ("algorithm", 0o600, {"issuer": "https://sso.example", "id_token_alg": "none"}),
                                   ("readable by others", 0o644, {"issuer": "https://sso.example"})):
            program = Example(tempfile.mkdtemp(dir=folder), mode, **config)
            status, errors = program.end()
            true(status == 1 and errors.startswith("rp-example: "), f"{what}: {status} {errors}")
            true(CLIENT_SECRET not in errors, "the secret")


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), ("a_", "an_", "D"))))
