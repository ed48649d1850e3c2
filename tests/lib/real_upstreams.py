# SPDX-License-Identifier: Apache-2.0
"""Upstream providers that are not ours: npm's oidc-provider (tests/upstream/node) and Debian's glewlwyd on
SQLite. Each gives issuer, client_id, client_secret and sign_in(browser, page, name), which does there what a
person would: from its sign-in page to wherever it sends the browser next."""
import contextlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import urllib.parse

from foreign import Server
from glewlwyd_api import CONFIG, FIRST_PASSWORD, SCHEMA, Session
from idp import ROOT, SLOW
from upstream import SigningKey

NODE = os.path.join(ROOT, "tests/upstream/node")


class OidcProvider:
    """`people`: name -> claims, with `acr` among them where it is not the second of its LEVELS."""

    LEVELS = ("urn:example:loa:1", "urn:example:loa:2")
    auth_method = "client_secret_basic"

    def __init__(self, people, redirect_uris, backchannel_logout_uri=None, post_logout_redirect_uris=()):
        self.people, self.client_id, self.client_secret = people, "tinh", secrets.token_urlsafe(32)
        client = {"client_id": self.client_id, "client_secret": self.client_secret, "redirect_uris": list(redirect_uris),
                  "grant_types": ["authorization_code"], "response_types": ["code"],
                  "token_endpoint_auth_method": self.auth_method,
                  "post_logout_redirect_uris": list(post_logout_redirect_uris)}
        if backchannel_logout_uri:
            client.update(backchannel_logout_uri=backchannel_logout_uri, backchannel_logout_session_required=True)
        self.config = {"clients": [client], "people": people}

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="idp-upstream-node-")
        path = os.path.join(self.folder, "config.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(self.config, f)
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(["node", "server.mjs", path], cwd=NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        port = self.process.stdout.readline().strip()
        if not port.isdigit():
            self.log.seek(0)
            raise AssertionError(f"oidc-provider did not start:\n{self.log.read()[-2000:]}")
        self.issuer = f"http://localhost:{port}"
        return self

    def __exit__(self, *ignored):
        self.process.stdin.close()  # it ends
        self.process.wait(20 * SLOW)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def sign_in(browser, page, name):
        if page.url.startswith("http") and page.status == 200:
            page = browser.submit(page, {}, "upstream", ("choose", name))
        return page


class Glewlwyd(Server):
    """`people`: name -> {"name", "email"}; their subjects there are of its own making."""

    auth_method = "client_secret_basic"

    def __init__(self, people, redirect_uris):
        self.people, self.redirect_uris = people, list(redirect_uris)
        self.client_id, self.client_secret = "tinh", secrets.token_urlsafe(32)
        self.passwords = {name: secrets.token_urlsafe(16) for name in people}
        super().__init__(lambda folder: ["glewlwyd", f"--config-file={folder}/conf"],
                         lambda folder, port: {"conf": CONFIG.format(port=port, folder=folder)})
        self.url = f"http://127.0.0.1:{self.port}"
        self.issuer = self.url + "/api/oidc"

    def __enter__(self):
        path = os.path.join(self.folder, "glewlwyd.db")
        with open(SCHEMA, encoding="utf-8") as f, contextlib.closing(sqlite3.connect(path)) as db:
            db.executescript(f.read())
        super().__enter__()
        self._set_up()
        return self

    def _set_up(self):
        admin = Session(self.port).sign_in("admin", FIRST_PASSWORD)
        key = SigningKey()
        admin.call("POST", "/api/mod/plugin/", {"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": {
            "iss": self.issuer, "jwt-type": "rsa", "jwt-key-size": "256", "key": key.private_pem().decode(),
            "cert": key.public_pem().decode(), "access-token-duration": 3600, "refresh-token-duration": 1209600,
            "code-duration": 600, "refresh-token-rolling": True, "allow-non-oidc": False, "auth-type-code-enabled": True,
            "auth-type-token-enabled": False, "auth-type-id-token-enabled": True, "auth-type-none-enabled": False,
            "auth-type-password-enabled": False, "auth-type-client-enabled": False, "auth-type-refresh-enabled": False,
            "pkce-allowed": True, "jwks-show": True, "name-claim": "mandatory", "email-claim": "mandatory",
            "oauth-as-iss-id": True}})
        admin.call("POST", "/api/client/", {
            "client_id": self.client_id, "name": self.client_id, "confidential": True,
            "token_endpoint_auth_method": [self.auth_method], "password": self.client_secret,
            "client_secret": self.client_secret, "enabled": True, "authorization_type": ["code"],
            "redirect_uri": self.redirect_uris, "scope": ["openid"]})
        for name, person in self.people.items():
            admin.call("POST", "/api/user/", {"username": name, "password": self.passwords[name], "enabled": True,
                                              "scope": ["openid", "g_profile"], **person})

    def sign_in(self, browser, page, name):
        """Its sign-in page is a script that calls the JSON interface: so does this."""
        at = urllib.parse.urlsplit(page.url)
        if not at.path.endswith("login.html"):
            return page
        to = dict(urllib.parse.parse_qsl(at.query))
        self._call(browser, "POST", "/api/auth/", {"username": name, "password": self.passwords[name]})
        self._call(browser, "PUT", f"/api/auth/grant/{self.client_id}", {"scope": "openid"})
        return browser.get(to["callback_url"] + "&g_continue")

    def _call(self, browser, method, path, body):
        answer = browser.request(method, self.url + path, body=json.dumps(body), headers={"Content-Type": "application/json"})
        if answer.status != 200:
            raise AssertionError(f"glewlwyd: {method} {path}: {answer.status} {answer.text[:300]}")
