# SPDX-License-Identifier: Apache-2.0
"""Debian's glewlwyd: its configuration on SQLite, and its JSON interface, by which both staff and its own
pages work."""
import http.client
import json

SCHEMA = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"
FIRST_PASSWORD = "password"  # of the account that the schema comes with
CONFIG = """port={port}
bind_address="127.0.0.1"
external_url="http://127.0.0.1:{port}/"
login_url="login.html"
api_prefix="api"
log_mode="file"
log_level="NONE"
log_file="{folder}/log"
cookie_secure=0
session_expiration=2419200
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="/usr/lib/glewlwyd/user"
client_module_path="/usr/lib/glewlwyd/client"
user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"
plugin_module_path="/usr/lib/glewlwyd/plugin"
hash_algorithm="SHA512"
database={{ type="sqlite3"; path="{folder}/glewlwyd.db"; }}
"""


class Session:
    """A browser's JSON calls."""

    def __init__(self, port):
        self.port, self.cookie = port, None

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookie = line.split(";")[0]
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"glewlwyd: {method} {path}: {answer.status} {text[:300]}")
        return text

    def sign_in(self, name, password):
        self.call("POST", "/api/auth/", {"username": name, "password": password})
        return self
