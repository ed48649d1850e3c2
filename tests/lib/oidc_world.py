# SPDX-License-Identifier: Apache-2.0
"""What the OpenID Connect tests have in common: one provider with relying parties of every kind.

A test is a function whose name begins with the ids of docs/ATTACKS.md that it shows, or with
`scenario_`; it gets the world. run() runs those of a module and ends with "N passed, N failed".
"""
import contextlib
import json
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import idp
from party import Browser, Party

PASSWORD = "correct horse battery 9 Staple"

USERS = [
    {"username": "an", "password": PASSWORD, "type": "citizen", "ial": 1,
     "claims": {"name": "Nguyễn Văn An", "HoVaTen": "Nguyễn Văn An", "email": "an@example.vn",
                "email_verified": True, "phone_number": "+84912345678"}},
    {"username": "binh", "password": PASSWORD, "type": "citizen", "ial": 1,
     "claims": {"name": "Trần Thị Bình"}},
    {"username": "cuong", "password": PASSWORD, "type": "citizen", "ial": 1, "claims": {}},
]

SCOPE = "openid profile email phone offline_access"
CODE = ["authorization_code", "refresh_token"]

CLIENTS = {
    # asks the person for consent
    "portal": {"client_id": "portal", "client_name": "Cổng tỉnh", "client_name#en": "Provincial portal",
               "redirect_uris": ["https://portal.example/cb", "https://portal.example/cb?fixed=1"],
               "post_logout_redirect_uris": ["https://portal.example/bye"],
               "token_endpoint_auth_method": "client_secret_basic", "grant_types": CODE,
               "scope": SCOPE, "id_token_signed_response_alg": "ES256"},
    # no consent page
    "ministry": {"client_id": "ministry", "client_name": "Bộ",
                 "redirect_uris": ["https://ministry.example/oauth2/callback"],
                 "post_logout_redirect_uris": ["https://ministry.example/bye"],
                 "token_endpoint_auth_method": "client_secret_post", "grant_types": CODE,
                 "scope": SCOPE, "legal_basis": "QĐ 1/2026", "id_token_signed_response_alg": "RS256"},
    # public: on a phone, and in a browser
    "native": {"client_id": "native", "client_name": "Ứng dụng",
               "redirect_uris": ["vn.gov.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]/cb"],
               "token_endpoint_auth_method": "none", "grant_types": CODE, "scope": SCOPE,
               "application_type": "native", "sector": "app.example", "id_token_signed_response_alg": "EdDSA"},
    "page": {"client_id": "page", "client_name": "Trang",
             "redirect_uris": ["https://page.example/cb"],
             "token_endpoint_auth_method": "none", "grant_types": CODE, "scope": SCOPE,
             "id_token_signed_response_alg": "PS256"},
    "machine": {"client_id": "machine", "client_name": "LGSP",
                "token_endpoint_auth_method": "client_secret_basic",
                "grant_types": ["client_credentials"], "response_types": [], "redirect_uris": [],
                "scope": "dossier.read dossier.write"},
    # an identifier that Basic must form-encode
    "odd": {"client_id": "a:b%c+d", "client_name": "Lạ",
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["client_credentials"], "response_types": [], "redirect_uris": [],
            "scope": "dossier.read"},
    "code_only": {"client_id": "code_only", "client_name": "Một lần", "grant_types": ["authorization_code"],
                  "redirect_uris": ["https://once.example/cb"], "scope": SCOPE,
                  "token_endpoint_auth_method": "client_secret_basic", "legal_basis": "QĐ 2/2026"},
}


class World:
    """One running provider with all of the above. `an`, `binh` ... are users; `portal`, `ministry`
    ... are parties."""

    def __init__(self, provider):
        self.provider, self.issuer = provider, provider.issuer
        for user in USERS:
            provider.add_user(**user)
        self.an, self.binh, self.cuong = USERS
        for name, metadata in CLIENTS.items():
            setattr(self, name, Party(self.issuer, dict(metadata, **provider.add_client(**metadata))))

    # What the configuration below says, seconds.
    code_seconds = 5
    refresh_grace_seconds = 3
    SETTINGS = f"""times:
  code: {code_seconds}s
  refresh_grace: {refresh_grace_seconds}s
"""

    def idpctl(self, *words):
        return self.provider.idpctl(*words)[1]

    def refused_client(self, metadata):
        """The error that registering such a client ends with."""
        status, _ = self.provider.idpctl("client", "add", "--file", "-", stdin=json.dumps(metadata), check=False)
        assert status == 1, f"idpctl ended with {status}"

    def restart(self, kill=False):
        self.provider.stop(*([9] if kill else []))
        self.provider.start()

    def store_rows(self):
        """Table -> all its rows; without the last-seen and last-used times, which are flushed on their own."""
        with contextlib.closing(sqlite3.connect(f"file:{self.provider.path('idp.db')}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            tables = [r["name"] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {t: [tuple(v for k, v in zip(r.keys(), r) if k not in ("last_seen", "last_used_at"))
                        for r in db.execute(f'SELECT * FROM "{t}" ORDER BY 1')] for t in tables}

    def check_signature(self, token, jwk):
        """With idpctl's own verifier."""
        with tempfile.NamedTemporaryFile("w", suffix=".jwk") as f:
            json.dump(jwk, f)
            f.flush()
            run = subprocess.run([f"{idp.BUILD}/idpctl", "jose", "verify", "--jwk", f.name], input=token,
                                 text=True, capture_output=True)
        assert run.returncode == 0, run.stderr

    def browser(self):
        return Browser(self.issuer)

    def signed_in(self, user=None, party=None):
        """A browser with a live session."""
        browser = self.browser()
        (party or self.ministry).code(browser, user or self.an)
        assert browser.session_cookie(), "signing in gave no session cookie"
        return browser

    def new_user(self, name):
        user = dict(USERS[2], username=name)
        self.provider.add_user(**user)
        return user


class Canary:
    """A listener that must never be called."""

    def __init__(self, address="127.0.0.1"):
        self.address = address

    def __enter__(self):
        is_v6 = ":" in self.address
        self.socket = socket.create_server((self.address, 0), family=socket.AF_INET6 if is_v6 else socket.AF_INET)
        host = f"[{self.address}]" if is_v6 else self.address
        self.url = f"http://{host}:{self.socket.getsockname()[1]}/"
        self.connections = 0
        threading.Thread(target=self._count, daemon=True).start()
        return self

    def _count(self):
        with contextlib.suppress(OSError):
            while True:
                self.socket.accept()[0].close()
                self.connections += 1

    def __exit__(self, *ignored):
        self.socket.close()


def is_test(name):
    return name.startswith("scenario_") or (name[0].isupper() and name[1:3].isdigit())


def run(module_name, settings=""):
    """`settings`: further lines of the provider's configuration."""
    module, only = sys.modules[module_name], sys.argv[1:]
    tests = [f for n, f in vars(module).items() if is_test(n) and (not only or any(o in n for o in only))]
    passed = failed = 0
    with idp.Provider(World.SETTINGS + settings) as provider:
        world = World(provider)
        for test in tests:
            start = time.monotonic()
            try:
                test(world)
                passed += 1
                print(f"ok   {test.__name__} ({1000 * (time.monotonic() - start):.0f} ms)", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL {test.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0
