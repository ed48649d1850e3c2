# SPDX-License-Identifier: Apache-2.0
"""The operations of the table in docs/BENCHMARKS.md, put to our own provider: its clients, sessions
and scripts for load.c."""
import base64
import hashlib
import http.client
import secrets
import urllib.parse

from harness import CONNECTIONS, FORM, Load, head
from idp import Provider
from party import Browser, request

REDIRECT = "http://127.0.0.1:9/cb"
SETTINGS = "throttle:\n  network_free: 100000\n"


def basic(client):
    pair = ":".join(urllib.parse.quote(client[name], safe="") for name in ("client_id", "client_secret"))
    return "Authorization: Basic " + base64.b64encode(pair.encode()).decode()


class Ours:
    """A provider with the clients and as many signed-in people as there are connections."""

    name = "idp"

    def __init__(self, settings=SETTINGS):
        self.provider = Provider(settings)

    def __enter__(self):
        p = self.provider.__enter__()
        self.pids = [p.process.pid, p.signer_pid()]
        self.port, self.host = p.port, f"localhost:{p.port}"
        self.machine = p.add_client(client_name="machine", grant_types=["client_credentials"],
                                    redirect_uris=[], response_types=[],
                                    access_token_signed_response_alg="ES256")
        self.web = p.add_client(client_name="web", redirect_uris=[REDIRECT], legal_basis="bench",
                                grant_types=["authorization_code", "refresh_token"],
                                scope="openid profile", access_token_signed_response_alg="ES256")
        self.cookies = []
        for _ in range(8):
            user, browser = p.add_user(), Browser(p.issuer)
            browser.sign_in(browser.get("/account"), user["username"], user["password"])
            self.cookies.append("; ".join(f"{n}={v}" for n, v in browser.cookies.items()))
        return self

    def __exit__(self, *exception):
        self.provider.__exit__(*exception)

    def start_again(self):
        self.provider.start()
        self.pids = [self.provider.process.pid, self.provider.signer_pid()]

    def one_token(self):
        """A function that asks for one token on a kept-alive connection."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=30)
        name, _, value = basic(self.machine).partition(": ")

        def ask():
            connection.request("POST", "/token", "grant_type=client_credentials",
                               {name: value, "Content-Type": "application/x-www-form-urlencoded"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
        return ask

    # ---- steps ----

    def _values(self):
        return [{"cookie": cookie} for cookie in self.cookies]

    def _authorize(self):
        self.verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=")
        query = urllib.parse.urlencode({
            "response_type": "code", "client_id": self.web["client_id"], "redirect_uri": REDIRECT,
            "scope": "openid profile", "state": secrets.token_urlsafe(16), "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge.decode(), "code_challenge_method": "S256"})
        return {"head": head("GET", f"/authorize?{query}", self.host, "Cookie: {{cookie}}", "Accept: text/html"),
                "status": 303, "keep": [{"name": "code", "after": "code=", "until": "&\r"}]}

    def _token(self, client, fields, *keep):
        return {"head": head("POST", "/token", self.host, basic(client)) + FORM,
                "body": urllib.parse.urlencode(fields, safe="{}"), "status": 200,
                "keep": [{"name": name, "after": f'"{name}":"', "until": '"'} for name in keep]}

    def _redeem(self, *keep):
        return self._token(self.web, {"grant_type": "authorization_code", "code": "{{code}}",
                                      "redirect_uri": REDIRECT, "code_verifier": self.verifier}, *keep)

    # ---- operations ----

    def client_credentials(self, operations=20000):
        step = self._token(self.machine, {"grant_type": "client_credentials"})
        return Load(self.port, [step], operations=operations)

    def code_flow(self, operations=10000):
        return Load(self.port, [self._authorize(), self._redeem()], values=self._values(), operations=operations)

    def authorize(self, operations=20000):
        return Load(self.port, [self._authorize()], values=self._values(), operations=operations)

    def refresh(self, operations=10000, connections=CONNECTIONS):
        once = [self._authorize(), self._redeem("refresh_token")]
        step = self._token(self.web, {"grant_type": "refresh_token", "refresh_token": "{{refresh_token}}"},
                           "refresh_token")
        return Load(self.port, [step], once, self._values(), operations, connections=connections)

    def introspect(self, operations=20000):
        once = [self._authorize(), self._redeem("access_token")]
        step = {"head": head("POST", "/introspect", self.host, basic(self.web)) + FORM, "body": "token={{access_token}}",
                "status": 200}
        return Load(self.port, [step], once, self._values(), operations)

    def userinfo(self, operations=20000):
        once = [self._authorize(), self._redeem("access_token")]
        step = {"head": head("GET", "/userinfo", self.host, "Authorization: Bearer {{access_token}}"),
                "status": 200}
        return Load(self.port, [step], once, self._values(), operations)
