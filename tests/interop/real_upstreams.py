#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The upstream providers that are not ours (tests/lib/real_upstreams.py), signed in to with Debian's
Authlib, so that what federation finds at them is known to be there. Runs on Debian's own Python."""
import http.server
import os
import sys
import threading
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from browser import Browser
from check import equal, true
from real_upstreams import Glewlwyd, OidcProvider

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http on loopback
REDIRECT_URI = "https://provincial.example/upstream/callback/there"
PEOPLE = {"an": {"name": "Nguyễn Văn An", "email": "an@example.vn"}, "lan": {"name": "Trần Thị Lan", "email": "lan@example.vn"}}


class Party:
    def __init__(self, upstream):
        self.upstream, self.browser = upstream, Browser(stop_at=REDIRECT_URI)
        self.at = requests.get(upstream.issuer + "/.well-known/openid-configuration", timeout=10).json()
        self.session = OAuth2Session(upstream.client_id, upstream.client_secret, scope="openid profile",
                                     redirect_uri=REDIRECT_URI, token_endpoint_auth_method=upstream.auth_method,
                                     code_challenge_method="S256")

    def ask(self, name=None, **more):
        """Where the browser ends; `name` signs in where that is asked for."""
        self.nonce, self.verifier = generate_token(20), generate_token(48)
        url, self.state = self.session.create_authorization_url(self.at["authorization_endpoint"], code_verifier=self.verifier,
                                                                nonce=self.nonce, **more)
        page = self.browser.get(url)
        if name and not page.url.startswith(REDIRECT_URI):
            page = self.upstream.sign_in(self.browser, page, name)
        self.answer = page.url
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query))

    def redeem(self, **changed):
        options = {"authorization_response": self.answer, "code_verifier": self.verifier, "state": self.state, **changed}
        return self.session.fetch_token(self.at["token_endpoint"], **options)

    def id_token(self, tokens):
        keys = JsonWebKey.import_key_set(requests.get(self.at["jwks_uri"], timeout=10).json())
        claims = JsonWebToken(["RS256"]).decode(tokens["id_token"], keys)
        claims.validate(leeway=5)
        equal((claims["iss"], claims["nonce"]), (self.upstream.issuer, self.nonce), "iss and nonce")
        return claims


def whole_sign_in(upstream, subject_is_name, asks_always=False):
    party = Party(upstream)
    equal(party.at["issuer"], upstream.issuer, "issuer of the metadata")
    subjects = {}
    for name in PEOPLE:
        party.browser = Browser(stop_at=REDIRECT_URI)
        true("code" in party.ask(name), party.answer)
        tokens = party.redeem()
        subjects[name] = party.id_token(tokens)["sub"]
        info = requests.get(party.at["userinfo_endpoint"], headers={"Authorization": "Bearer " + tokens["access_token"]}, timeout=10).json()
        equal((info["sub"], info["name"]), (subjects[name], PEOPLE[name]["name"]), name)
        true("code" in party.ask(name if asks_always else None), "the session there is used again, with no page")
        equal(party.id_token(party.redeem())["sub"], subjects[name], "the same person")
    equal((len(set(subjects.values())), set(subjects) == set(subjects.values())), (2, subject_is_name), subjects)
    try:
        party.redeem()
    except OAuthError as error:
        true(error.error in ("invalid_grant", "invalid_code"), error)  # the latter is glewlwyd's word
    else:
        raise AssertionError("a code was taken twice")
    party.browser = Browser(stop_at=REDIRECT_URI)
    return party


class Listener:
    """Of logout tokens."""

    def __enter__(self):
        tokens = self.tokens = []
        self.came = came = threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                tokens.append(dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))["logout_token"])
                self.send_response(200)
                self.end_headers()
                came.set()

            def log_message(self, *ignored):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *ignored):
        self.server.shutdown()
        self.server.server_close()


def oidc_provider_with_authlib():
    with Listener() as listener, OidcProvider(PEOPLE, [REDIRECT_URI], listener.url, ["https://provincial.example/bye"]) as upstream:
        party = whole_sign_in(upstream, True)
        equal(party.ask(prompt="none")["error"], "login_required", "nobody is signed in")
        party.ask("an", acr_values=" ".join(upstream.LEVELS))
        tokens = party.redeem()
        claims = party.id_token(tokens)
        equal(claims["acr"], upstream.LEVELS[1], "acr")
        page = party.browser.get(party.at["end_session_endpoint"] + "?" + urllib.parse.urlencode({"id_token_hint": tokens["id_token"]}))
        page = party.browser.submit(page, {"logout": "yes"}, "op.logoutForm")
        true(listener.came.wait(5), "a logout token")
        keys = JsonWebKey.import_key_set(requests.get(party.at["jwks_uri"], timeout=10).json())
        token = JsonWebToken(["RS256"]).decode(listener.tokens[0], keys)
        equal((token["sub"], token["sid"], "nonce" in token), (claims["sub"], claims["sid"], False), "of the same session")


def glewlwyd_with_authlib():
    with Glewlwyd(PEOPLE, [REDIRECT_URI]) as upstream:
        party = whole_sign_in(upstream, False, asks_always=True)
        equal(party.ask(prompt="none")["error"], "interaction_required", "its word for login_required")
        true("login.html" in Party(upstream).browser.get(party.session.create_authorization_url(
            party.at["authorization_endpoint"])[0]).url, "nobody is signed in")


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), ("oidc_provider_", "glewlwyd_"))))
