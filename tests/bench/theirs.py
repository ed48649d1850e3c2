# SPDX-License-Identifier: Apache-2.0
"""The same operations put to node-oidc-provider (npm, in-memory adapter), as scripts for load.c."""
import base64
import hashlib
import http.client
import json
import os
import re
import secrets
import subprocess
import tempfile
import urllib.parse

from harness import CONNECTIONS, FORM, Load, end, head
from ours import REDIRECT, basic

HERE = os.path.dirname(os.path.abspath(__file__))
RESOURCE = "https://api.example"


class Cookies:
    """A browser that follows redirects on one host, by hand: what signing in needs."""

    def __init__(self, port):
        self.port, self.jar = port, {}

    def open(self, method, path, fields=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": "; ".join(f"{n}={v}" for n, v in self.jar.items()), "Accept": "text/html"}
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, urllib.parse.urlencode(fields) if fields is not None else None, headers)
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            if value and "1970" not in line:
                self.jar[name] = value
            else:
                self.jar.pop(name, None)
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("Location"), text

    def follow(self, method, path, fields=None):
        """(status, where it stopped: a location elsewhere or the text)"""
        status, location, text = self.open(method, path, fields)
        while status in (302, 303) and urllib.parse.urlsplit(location).port in (None, self.port) \
                and not location.startswith(REDIRECT):
            parts = urllib.parse.urlsplit(location)
            status, location, text = self.open("GET", parts.path + ("?" + parts.query if parts.query else ""))
        return status, location or text


class OidcProvider:
    name = "oidc-provider"

    def __enter__(self):
        self.machine = {"client_id": "machine", "client_secret": secrets.token_urlsafe(32), "redirect_uris": [],
                        "response_types": [], "grant_types": ["client_credentials"], "id_token_signed_response_alg": "ES256"}
        self.web = {"client_id": "web", "client_secret": secrets.token_urlsafe(32), "redirect_uris": [REDIRECT],
                    "grant_types": ["authorization_code", "refresh_token"], "id_token_signed_response_alg": "ES256"}
        with tempfile.NamedTemporaryFile("w", suffix=".json", prefix="idp-bench-") as f:
            json.dump({"machine": self.machine, "web": self.web}, f)
            f.flush()
            self.process = subprocess.Popen(["node", "server.mjs", f.name], cwd=os.path.join(HERE, "node"),
                                            env={**os.environ, "NODE_ENV": "production"}, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            self.port = int(self.process.stdout.readline())
        self.pids, self.host = [self.process.pid], f"127.0.0.1:{self.port}"
        self.cookies = [self._sign_in(f"user-{i}") for i in range(CONNECTIONS)]
        return self

    def __exit__(self, *_):
        end(self.process)

    def _sign_in(self, name):
        browser = Cookies(self.port)
        _, page = browser.follow("GET", self._query("openid profile", None))
        action = re.search(r'action="([^"]+)"', page).group(1)
        path = urllib.parse.urlsplit(action).path
        status, where = browser.follow("POST", path, {"prompt": "login", "login": name, "password": "x"})
        if "code=" not in where:
            raise RuntimeError(f"oidc-provider: no code after signing in: {status} {where[:300]}")
        return "; ".join(f"{n}={v}" for n, v in browser.jar.items())

    def _query(self, scope, resource):
        self.verifier = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=")
        query = {"response_type": "code", "client_id": "web", "redirect_uri": REDIRECT, "scope": scope,
                 "state": secrets.token_urlsafe(16), "nonce": secrets.token_urlsafe(16),
                 "code_challenge": challenge.decode(), "code_challenge_method": "S256"}
        return "/auth?" + urllib.parse.urlencode({**query, **({"resource": resource} if resource else {})})

    def _authorize(self, scope="openid profile api", resource=RESOURCE):
        return {"head": head("GET", self._query(scope, resource), self.host, "Cookie: {{cookie}}", "Accept: text/html"),
                "status": 303, "keep": [{"name": "code", "after": "code=", "until": "&\r"}]}

    def _post(self, path, client, fields, *keep):
        return {"head": head("POST", path, self.host, basic(client)) + FORM,
                "body": urllib.parse.urlencode(fields, safe="{}"), "status": 200,
                "keep": [{"name": name, "after": f'"{name}":"', "until": '"'} for name in keep]}

    def _redeem(self, *keep):
        return self._post("/token", self.web, {"grant_type": "authorization_code", "code": "{{code}}",
                                               "redirect_uri": REDIRECT, "code_verifier": self.verifier}, *keep)

    def _values(self):
        return [{"cookie": cookie} for cookie in self.cookies]

    def client_credentials(self, operations):
        step = self._post("/token", self.machine, {"grant_type": "client_credentials", "resource": RESOURCE, "scope": "api"})
        return Load(self.port, [step], operations=operations)

    def code_flow(self, operations):
        return Load(self.port, [self._authorize(), self._redeem()], values=self._values(), operations=operations)

    def refresh(self, operations):
        once = [self._authorize(), self._redeem("refresh_token")]
        step = self._post("/token", self.web, {"grant_type": "refresh_token", "refresh_token": "{{refresh_token}}"},
                          "refresh_token")
        return Load(self.port, [step], once, self._values(), operations)

    def introspect(self, operations):
        once = [self._authorize("openid profile", None), self._redeem("access_token")]
        step = self._post("/token/introspection", self.web, {"token": "{{access_token}}"})
        return Load(self.port, [step], once, self._values(), operations)

    def userinfo(self, operations):
        once = [self._authorize("openid profile", None), self._redeem("access_token")]
        step = {"head": head("GET", "/me", self.host, "Authorization: Bearer {{access_token}}"), "status": 200}
        return Load(self.port, [step], once, self._values(), operations)
