# SPDX-License-Identifier: Apache-2.0
"""The same operations put to Debian's glewlwyd on SQLite, as scripts for load.c."""
import base64
import hashlib
import http.client
import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
import time
import urllib.parse

from glewlwyd_api import CONFIG, FIRST_PASSWORD, SCHEMA, Session
from harness import CONNECTIONS, FORM, Load, end, head
from idp import free_port
from ours import REDIRECT, basic

RAM_DISK = "/dev/shm"  # on a disk it waits for syncs most of the time, and answers errors under load
WRITERS = 1  # connections for what writes: more at once, and codes get lost


def key_pair(folder):
    path = os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path], check=True,
                   stderr=subprocess.DEVNULL)
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True, capture_output=True, text=True).stdout
    with open(path, encoding="ascii") as f:
        return f.read(), public


class Glewlwyd:
    name = "glewlwyd"

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="idp-bench-glewlwyd-", dir=RAM_DISK if os.path.isdir(RAM_DISK) else None)
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        with open(SCHEMA, encoding="utf-8") as f, sqlite3.connect(os.path.join(self.folder, "glewlwyd.db")) as db:
            db.executescript(f.read())
        config = os.path.join(self.folder, "conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG.format(port=self.port, folder=self.folder))
        self.process = subprocess.Popen(["glewlwyd", "--config-file=" + config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pids = [self.process.pid]
        self._wait()
        self._set_up()
        return self

    def __exit__(self, *_):
        end(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self):
        for _ in range(100):
            try:
                http.client.HTTPConnection("127.0.0.1", self.port, timeout=1).connect()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("glewlwyd did not start")

    def _set_up(self):
        admin = Session(self.port).sign_in("admin", FIRST_PASSWORD)
        private, public = key_pair(self.folder)
        admin.call("POST", "/api/mod/plugin/", {"module": "oidc", "name": "oidc", "display_name": "oidc", "parameters": {
            "iss": f"http://127.0.0.1:{self.port}/api/oidc", "jwt-type": "ecdsa", "jwt-key-size": "256", "key": private, "cert": public,
            "access-token-duration": 3600, "refresh-token-duration": 1209600, "code-duration": 600, "refresh-token-rolling": True,
            "allow-non-oidc": True, "auth-type-code-enabled": True, "auth-type-token-enabled": False, "auth-type-id-token-enabled": True,
            "auth-type-none-enabled": False, "auth-type-password-enabled": False, "auth-type-client-enabled": True,
            "auth-type-refresh-enabled": True, "introspection-revocation-allowed": True,
            "introspection-revocation-allow-target-client": True, "pkce-allowed": True}})
        self.web = {"client_id": "web", "client_secret": secrets.token_urlsafe(32)}
        self.machine = {"client_id": "machine", "client_secret": secrets.token_urlsafe(32)}
        for client, types in ((self.web, ["code", "refresh_token"]), (self.machine, ["client_credentials"])):
            admin.call("POST", "/api/client/", {"client_id": client["client_id"], "name": client["client_id"], "confidential": True, "token_endpoint_auth_method": ["client_secret_basic"],
                                                "password": client["client_secret"], "client_secret": client["client_secret"],
                                                "enabled": True, "authorization_type": types, "redirect_uri": [REDIRECT],
                                                "scope": ["openid"]})
        self.cookies = []
        for i in range(CONNECTIONS):
            name, password = f"user{i}", secrets.token_urlsafe(16)
            admin.call("POST", "/api/user/", {"username": name, "name": name, "password": password, "enabled": True,
                                              "scope": ["openid", "g_profile"]})
            person = Session(self.port).sign_in(name, password)
            person.call("PUT", "/api/auth/grant/web", {"scope": "openid"})
            self.cookies.append(person.cookie)

    def _authorize(self):
        self.verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=")
        query = urllib.parse.urlencode({
            "response_type": "code", "client_id": "web", "redirect_uri": REDIRECT, "scope": "openid", "g_continue": "",
            "state": secrets.token_urlsafe(16), "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge.decode(), "code_challenge_method": "S256"})
        return {"head": head("GET", f"/api/oidc/auth?{query}", self.host, "Cookie: {{cookie}}", "Accept: text/html"),
                "status": 302, "keep": [{"name": "code", "after": "code=", "until": "&\r"}]}

    def _post(self, path, client, fields, *keep):
        return {"head": head("POST", path, self.host, basic(client)) + FORM,
                "body": urllib.parse.urlencode(fields, safe="{}"), "status": 200,
                "keep": [{"name": name, "after": f'"{name}":"', "until": '"'} for name in keep]}

    def _redeem(self, *keep):
        return self._post("/api/oidc/token", self.web, {"grant_type": "authorization_code", "code": "{{code}}", "client_id": "web",
                                                        "redirect_uri": REDIRECT, "code_verifier": self.verifier}, *keep)

    def _load(self, steps, once, operations, connections=CONNECTIONS):
        return Load(self.port, steps, once, [{"cookie": cookie} for cookie in self.cookies], operations, 64, connections)

    def client_credentials(self, operations):
        return self._load([self._post("/api/oidc/token", self.machine, {"grant_type": "client_credentials", "scope": "openid"})], [], operations, WRITERS)

    def code_flow(self, operations):
        return self._load([self._authorize(), self._redeem()], [], operations, WRITERS)

    def refresh(self, operations):
        step = self._post("/api/oidc/token", self.web, {"grant_type": "refresh_token", "refresh_token": "{{refresh_token}}"})
        return self._load([step], [self._authorize(), self._redeem("refresh_token")], operations, WRITERS)

    def introspect(self, operations):
        step = self._post("/api/oidc/introspect", self.web, {"token": "{{access_token}}"})
        return self._load([step], [self._authorize(), self._redeem("access_token")], operations, WRITERS)

    def userinfo(self, operations):
        step = {"head": head("GET", "/api/oidc/userinfo", self.host, "Authorization: Bearer {{access_token}}"), "status": 200}
        return self._load([step], [self._authorize(), self._redeem("access_token")], operations)
