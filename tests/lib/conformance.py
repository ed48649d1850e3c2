# SPDX-License-Identifier: Apache-2.0
"""The modules of the OpenID Foundation's certification plans, as tests of our own: each function
carries its module's name, says what the module demands (its docstring, from which
docs/CONFORMANCE.md is written), and gets a Plan: the provider, its people, a browser without
scripts, and the way answers come back (query or form_post)."""
import itertools
import json
import subprocess
import tempfile
import time
import traceback
import urllib.parse

from hostile_provider import KEY
from idp import BUILD
from party import Browser, Party, is_consent, is_sign_in, jwt_part, request

CODE = ["authorization_code", "refresh_token"]
SCOPES = "openid profile email phone address offline_access"

STANDARD_CLAIMS = {  # OIDC Core 5.4
    "profile": {"name": "Nguyễn Văn An", "family_name": "Nguyễn", "given_name": "An", "middle_name": "Văn",
                "nickname": "An", "preferred_username": "an.nguyen", "profile": "https://example.vn/an",
                "picture": "https://example.vn/an.png", "website": "https://an.example.vn", "gender": "male",
                "birthdate": "1990-02-28", "zoneinfo": "Asia/Ho_Chi_Minh", "locale": "vi-VN"},
    "email": {"email": "an@example.vn", "email_verified": True},
    "phone": {"phone_number": "+84912345678", "phone_number_verified": True},
    "address": {"address": {"formatted": "1 Trần Hưng Đạo, Hải Dương", "country": "VN"}},
}

NUMBERS = itertools.count(1)
MODULES = []  # (plan, module name, function)


def module(plan, name):
    def keep(function):
        MODULES.append((plan, name, function))
        return function
    return keep


class Plan:
    """What the modules of one run share."""

    def __init__(self, provider, response_mode=None):
        self.provider, self.issuer, self.response_mode = provider, provider.issuer, response_mode
        self.user = provider.add_user(claims={n: v for part in STANDARD_CLAIMS.values() for n, v in part.items()})
        self.basic = self.client()
        self.post = self.client(token_endpoint_auth_method="client_secret_post")

    def client(self, **metadata):
        """A relying party registered by staff; silent metadata, so RS256, as the plans want."""
        number = next(NUMBERS)
        base = {"client_name": "Kiểm tra", "redirect_uris": [f"https://rp{number}.example/cb"], "grant_types": CODE,
                "scope": SCOPES, "legal_basis": "QĐ 1/2026", "id_token_signed_response_alg": "RS256"}
        base.update(metadata)
        return Party(self.issuer, {**base, **self.provider.add_client(**base)})

    def client_with_key(self, **metadata):
        """A relying party with a key of its own, and that key."""
        return self.client(jwks={"keys": [KEY.jwk()]}, **metadata), KEY

    def verify(self, token, jwk):
        """With idpctl's own verifier; that others can verify them the interop tests show."""
        with tempfile.NamedTemporaryFile("w", suffix=".jwk") as f:
            json.dump(jwk, f)
            f.flush()
            run = subprocess.run([f"{BUILD}/idpctl", "jose", "verify", "--jwk", f.name], input=token, text=True,
                                 capture_output=True)
        assert run.returncode == 0, run.stderr

    def browser(self):
        return Browser(self.issuer)

    def discovery(self):
        return request(self.issuer, "GET", "/.well-known/openid-configuration").json()

    # ---- authorization requests, and what comes back to the relying party ----

    def params(self, party, **changed):
        """As the suite sends them: no PKCE unless the module is about it."""
        base = {"code_challenge": None, "code_challenge_method": None, "response_mode": self.response_mode}
        return party.params(**{**base, **changed})

    def ask(self, browser, party, method="GET", **changed):
        params = urllib.parse.urlencode(self.params(party, **changed))
        if method == "GET":
            return browser.get("/authorize?" + params)
        answer = browser.post("/authorize", params, headers={"Origin": "https://rp.example", "Sec-Fetch-Site": "cross-site"})
        return browser.follow(answer)

    def finish(self, browser, page):
        """Signs in and agrees where asked; the parameters that reach the relying party."""
        if is_sign_in(page):
            page = browser.sign_in(page, self.user["username"], self.user["password"])
        if is_consent(page):
            page = browser.consent(page)
        return self.answer(page)

    def answer(self, page):
        if self.response_mode == "form_post":
            assert page.status == 200, page
            forms = [f for f in page.forms() if f["action"].startswith(("https://", "http://"))]
            assert len(forms) == 1 and forms[0]["method"] == "post", page
            return {"_uri": forms[0]["action"], **forms[0]["fields"]}
        assert page.status == 303, page
        return {"_uri": page.location.split("?")[0], **page.query()}

    def authorize(self, browser, party, **changed):
        return self.finish(browser, self.ask(browser, party, **changed))

    def redeem(self, party, answer, **changed):
        assert "code" in answer, answer
        response = party.redeem(answer["code"], **{"code_verifier": None, **changed})
        assert response.status == 200, response
        return response.json()

    def tokens(self, browser=None, party=None, **changed):
        party = party or self.basic
        return self.redeem(party, self.authorize(browser or self.browser(), party, **changed))

    def asked_again(self, browser, party, **changed):
        """Whether the request leads to the sign-in page; signs in there."""
        page = self.ask(browser, party, **changed)
        return is_sign_in(page), self.redeem(party, self.finish(browser, page))

    def id_claims(self, tokens):
        return jwt_part(tokens["id_token"], 1)


def equal(got, wanted, what=""):
    assert got == wanted, f"{what}: got {got!r}, wanted {wanted!r}"


def run(plans, only):
    """`plans`: (label, plan names, Plan). Prints a line a module; (passed, failed)."""
    passed = failed = 0
    for label, names, plan in plans:
        for of_plan, name, function in MODULES:
            if of_plan not in names or (only and not any(word in f"{label} {name}" for word in only)):
                continue
            start = time.monotonic()
            try:
                function(plan)
                passed += 1
                print(f"ok {label} {name} ({1000 * (time.monotonic() - start):.0f} ms)", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL {label} {name}\n{traceback.format_exc()}", flush=True)
    return passed, failed


def error_of(response):
    return response.status, json.loads(response.body).get("error")
