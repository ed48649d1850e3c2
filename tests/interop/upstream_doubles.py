#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The doubles of upstream providers (tests/lib/upstream*.py) before relying parties that are not ours:
Debian's Authlib for the WSO2 and Keycloak dialects, the openssl command for VNeID's envelope. What they say when
they are right is accepted, what they spoil is refused or is seen to be spoilt. Runs on Debian's own Python."""
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import check
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.jose.errors import JoseError
from authlib.oidc.core import CodeIDToken
from browser import Browser
from check import equal, true
from upstream import HUGE, ID_TOKEN_SPOILS, SIGNATURE_SPOILS, SigningKey
from upstream_partner import VneidPartnerDouble
from upstream_vneid import BAD_LOGOUT_CLAIMS, BAD_LOGOUT_SIGNATURES, LOGOUT_EVENT, VneidDouble
from upstream_wso2 import Wso2Double

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http on loopback
CLIENT_ID, SECRET = "tinh", "bi-mat-cua-tinh"  # plain: Authlib puts them into Basic unescaped
REDIRECT_URI = "https://provincial.example/upstream/callback/there"


class RelyingParty:
    """Authlib's, of a double."""

    def __init__(self, upstream, endpoints, auth="client_secret_post", secret=SECRET):
        upstream.redirect_uris = [REDIRECT_URI]
        self.upstream, self.at, self.auth = upstream, endpoints, auth
        self.browser = Browser(stop_at=REDIRECT_URI)
        self.session = OAuth2Session(CLIENT_ID, secret, scope="openid", redirect_uri=REDIRECT_URI,
                                     token_endpoint_auth_method=auth, code_challenge_method="S256")

    def ask(self, **more):
        """The query that came back, or the page."""
        self.nonce, self.verifier = generate_token(20), generate_token(48)
        url, self.state = self.session.create_authorization_url(self.at["authorization"], code_verifier=self.verifier,
                                                                nonce=self.nonce, **more)
        self.answer = self.browser.get(url)
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.answer.url).query))

    def redeem(self, **changed):
        options = {"authorization_response": self.answer.url, "code_verifier": self.verifier, "state": self.state, **changed}
        return self.session.fetch_token(self.at["token"], **options)

    def id_token(self, tokens):
        keys = JsonWebKey.import_key_set(requests.get(self.at["jwks"], timeout=10).json())
        claims = JsonWebToken(["RS256"]).decode(
            tokens["id_token"], keys, claims_cls=CodeIDToken,
            claims_options={"iss": {"essential": True, "value": self.upstream.issuer}, "sub": {"essential": True},
                            "aud": {"essential": True, "value": CLIENT_ID}},
            claims_params={"nonce": self.nonce, "client_id": CLIENT_ID})
        claims.validate(leeway=5)
        return claims

    def tokens(self):
        self.ask()
        return self.redeem()


def refused(act, *kinds):
    try:
        act()
    except kinds as error:
        return error
    raise AssertionError("accepted")


def wso2(**options):
    upstream = Wso2Double(client_id=CLIENT_ID, client_secret=SECRET, **options)
    upstream.add_citizen("an", "030090001234", "Nguyễn Văn An")
    upstream.add_citizen("lan", "030190001234", "Trần Thị Lan")
    upstream.signs_in = "an"
    return upstream, RelyingParty(upstream, upstream.endpoints())


def vneid():
    upstream = VneidDouble(client_id=CLIENT_ID, client_secret=SECRET)
    upstream.add_citizen("an", "030090001234", "Nguyễn Văn An")
    upstream.signs_in = "an"
    d = requests.get(upstream.issuer + "/.well-known/openid-configuration", timeout=10).json()
    equal(d["issuer"], upstream.issuer, "issuer of the metadata")
    return upstream, RelyingParty(upstream, {"authorization": d["authorization_endpoint"], "token": d["token_endpoint"],
                                             "userinfo": d["userinfo_endpoint"], "jwks": d["jwks_uri"],
                                             "end_session": d["end_session_endpoint"]}, auth="client_secret_basic")


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


# ---- the WSO2 dialect

def wso2_sign_in_with_authlib():
    for url_as_issuer in (True, False):
        upstream, rp = wso2(issuer_is_token_endpoint=url_as_issuer)
        with upstream:
            equal(rp.ask()["state"], rp.state, "state")
            tokens = rp.redeem()
            equal(rp.id_token(tokens)["sub"], upstream.people["an"]["sub"], "sub")
            equal(upstream.issuer.endswith("/oauth2/token"), url_as_issuer, "issuer")
            bearer = {"Authorization": "Bearer " + tokens["access_token"]}
            by_get = requests.get(rp.at["userinfo"], headers=bearer, timeout=10).json()
            by_post = requests.post(rp.at["userinfo"], headers={**bearer, "Content-Type": "application/json"}, timeout=10).json()
            equal(by_get, by_post, "userinfo by GET and POST")
            equal({n: by_get[n] for n in ("TechID", "SoDinhDanh", "HoVaTen", "IAL", "loAs", "loginIdp", "LoaiTaiKhoan")},
                  {"TechID": upstream.people["an"]["TechID"], "SoDinhDanh": "030090001234", "HoVaTen": "Nguyễn Văn An", "IAL": 2,
                   "loAs": "LoA2", "loginIdp": "BCA", "LoaiTaiKhoan": 1}, "claims")
            equal([r.endpoint for r in upstream.requests], ["authorize", "token", "jwks", "userinfo", "userinfo"], "requests kept")
            equal(upstream.heard("token")[0].form["client_secret"], SECRET, "the secret in the body")


def wso2_refusals_with_authlib():
    upstream, rp = wso2()
    with upstream:
        rp.tokens()
        equal(refused(rp.redeem, OAuthError).error, "invalid_grant", "a code twice")
        rp.ask()
        equal(refused(lambda: rp.redeem(code_verifier=generate_token(48)), OAuthError).error, "invalid_grant", "verifier")
        rp.ask()
        rp.session.redirect_uri += "/"
        equal(refused(rp.redeem, OAuthError).error, "invalid_grant", "redirect_uri")
        for what, other in (("secret", RelyingParty(upstream, rp.at, secret="another")),
                            ("Basic", RelyingParty(upstream, rp.at, auth="client_secret_basic"))):
            equal(refused(other.tokens, OAuthError).error, "invalid_client", what)
        equal(requests.get(rp.at["token"], timeout=10).status_code, 400, "token by GET")
        upstream.redirect_uris = ["https://provincial.example/other"]
        rp.ask()
        equal(rp.answer.status, 400, "another redirect_uri")
        for headers in ({}, {"Authorization": "Bearer x"}):
            equal(requests.get(rp.at["userinfo"], headers=headers, timeout=10).status_code, 401, "userinfo")


def wso2_userinfo_by_post_is_json_or_nothing():
    upstream, rp = wso2()
    with upstream:
        bearer = {"Authorization": "Bearer " + rp.tokens()["access_token"]}
        for kind, status in (("application/json", 200), ("application/x-www-form-urlencoded", 415)):
            answer = requests.post(rp.at["userinfo"], headers={**bearer, "Content-Type": kind}, timeout=10)
            equal(answer.status_code, status, kind)


def wso2_whose_session():
    upstream, rp = wso2()
    with upstream:
        equal(rp.ask(prompt="none")["error"], "login_required", "nobody is signed in")
        true("code" in rp.ask(login_hint="lan"), "signed in")
        for more in ({"prompt": "none"}, {}):
            true("code" in rp.ask(**more), more)
            equal(rp.id_token(rp.redeem())["sub"], upstream.people["lan"]["sub"], "whoever is signed in")
        rp.ask(prompt="login")
        equal(rp.id_token(rp.redeem())["sub"], upstream.people["an"]["sub"], "prompt=login: whoever sits there")
        upstream.signs_in = None
        rp.ask(prompt="login")
        buttons = rp.answer.form("upstream")["buttons"]
        equal(buttons, [("choose", "an"), ("choose", "lan")], "the page")


def wso2_sign_out():
    upstream, rp = wso2()
    with upstream:
        bye = "https://provincial.example/bye"
        upstream.post_logout_redirect_uris = [bye]
        tokens = rp.tokens()
        info = requests.get(rp.at["userinfo"], headers={"Authorization": "Bearer " + tokens["access_token"]}, timeout=10).json()
        equal(requests.get(info["logoutUri"] + "x", timeout=10).status_code, 404, "another's token")
        true("code" in rp.ask(prompt="none"), "still there")
        equal(requests.get(info["logoutUri"], timeout=10).status_code, 200, "logoutUri")
        equal(rp.ask(prompt="none").get("error"), "login_required", "after logoutUri")
        tokens, evil = rp.tokens(), "https://evil.example/"
        for target, location in ((evil, None), (bye, bye)):
            page = rp.browser.request("GET", rp.at["end_session"] + "?" + urllib.parse.urlencode(
                {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": target}))
            equal(page.header("Location"), location, target)
        equal(rp.ask(prompt="none").get("error"), "login_required", "after logout")


def wso2_spoils():
    upstream, rp = wso2()
    with upstream:
        upstream.spoils = {"code_plus"}
        true("+" in rp.ask()["code"] and rp.redeem()["access_token"], "a code with +, escaped, is redeemed")
        upstream.spoils = {"replay"}
        rp.ask()
        equal(refused(rp.redeem, OAuthError).error, "invalid_grant", "a code that was used")
        for spoils, name, value in (({"level_downgrade"}, "IAL", 1), ({"no_levels"}, "IAL", None), ({"tech_id_missing"}, "TechID", None),
                                    ({"userinfo_sub_other"}, "sub", "somebody-else"), ({"userinfo_sub_missing"}, "sub", None)):
            upstream.spoils = set()
            tokens = rp.tokens()
            upstream.spoils = spoils
            info = requests.get(rp.at["userinfo"], headers={"Authorization": "Bearer " + tokens["access_token"]}, timeout=10).json()
            equal(info.get(name), value, spoils)
        upstream.spoils = set()
        upstream.second_identity("an", "an2")
        equal((upstream.people["an"]["SoDinhDanh"], upstream.people["an"]["TechID"] == upstream.people["an2"]["TechID"]),
              (upstream.people["an2"]["SoDinhDanh"], False), "two on one number")
        upstream.spoils = {"state_wrong"}
        true(rp.ask()["state"] != rp.state, "state")


# ---- Keycloak's

def vneid_sign_in_with_authlib():
    upstream, rp = vneid()
    with upstream:
        query = rp.ask()
        equal((query["state"], query["iss"]), (rp.state, upstream.issuer), "state and iss")
        claims = rp.id_token(rp.redeem())
        equal((claims["acr"], claims["sid"], claims["name"]), ("1", upstream.session_of("an")["sid"], "Nguyễn Văn An"), "claims")
        for keep_old in (True, False):
            tokens = rp.tokens()
            upstream.rotate(keep_old)
            if keep_old:
                rp.id_token(tokens)
            else:
                refused(lambda token=tokens: rp.id_token(token), ValueError, JoseError)
            rp.id_token(rp.tokens())


# What Authlib looks at; the rest is seen in the claims.
NOT_AUTHLIBS = {"iat_old", "sub_empty", "sub_number", "sub_256"}


def vneid_every_spoilt_id_token():
    upstream, rp = vneid()
    with upstream:
        right = rp.id_token(rp.tokens())
        for name in ID_TOKEN_SPOILS:
            upstream.spoils = {name}
            tokens = rp.tokens()
            if name in NOT_AUTHLIBS:
                claims = payload(tokens["id_token"])
                true(claims["sub"] != right["sub"] or claims["iat"] < time.time() - 600, name)
            else:
                refused(lambda token=tokens: rp.id_token(token), JoseError)
        for name in SIGNATURE_SPOILS:
            upstream.spoils = {name}
            tokens = rp.tokens()
            refused(lambda token=tokens: rp.id_token(token), JoseError, ValueError)
        upstream.spoils = {"answer_iss_wrong"}
        equal(rp.ask()["iss"], "https://evil.example", "iss of the answer")
        upstream.spoils = {"answer_iss_missing"}
        true("iss" not in rp.ask(), "iss of the answer")


def changed(old, new):
    """Not by the time that passes between two tokens."""
    return abs(old - new) > 5 if isinstance(old, int) and isinstance(new, int) else old != new


def vneid_logout_tokens():
    upstream, rp = vneid()
    with upstream:
        claims = rp.id_token(rp.tokens())
        keys = JsonWebKey.import_key_set(requests.get(rp.at["jwks"], timeout=10).json())

        def read(token):
            return JsonWebToken(["RS256"]).decode(token, keys)

        good = read(upstream.logout_token("an", claims["sid"]))
        equal((good["sub"], good["sid"], good["events"], good.header["typ"]),
              (claims["sub"], claims["sid"], {LOGOUT_EVENT: {}}, "logout+jwt"), "a good one")
        for bad in BAD_LOGOUT_CLAIMS:
            spoilt = read(upstream.logout_token("an", claims["sid"], bad, jti=good["jti"]))
            true(any(changed(good.get(n), spoilt.get(n)) for n in {*good, *spoilt}), bad)
        for bad in BAD_LOGOUT_SIGNATURES:
            token = upstream.logout_token("an", claims["sid"], bad)
            if bad == "an ID token's typ":
                equal(read(token).header["typ"], "at+jwt", bad)
            else:
                refused(lambda t=token: read(t), JoseError, ValueError)


# ---- the envelope

class Envelope:
    """Opened by the openssl command."""

    def __init__(self, key):
        self.file = tempfile.NamedTemporaryFile(suffix=".pem")
        self.file.write(key.private_pem())
        self.file.flush()

    def open(self, answer):
        run = lambda data, *words: subprocess.run(["openssl", *words], input=data, capture_output=True, check=True).stdout
        key = run(base64.b64decode(answer["key"], validate=True), "pkeyutl", "-decrypt", "-inkey", self.file.name)
        if len(key) not in (16, 24, 32):
            raise ValueError("size of the key")
        content = json.loads(run(base64.b64decode(answer["data"], validate=True), "enc", "-d", f"-aes-{8 * len(key)}-ecb",
                                 "-K", key.hex()))
        if not isinstance(content, dict):
            raise ValueError("not an object")
        return content


def exchange_with(upstream, envelope):
    """Both answers, read; the code from the raw query, as it must be."""
    browser = Browser(stop_at=REDIRECT_URI)
    raw = urllib.parse.urlsplit(browser.get(upstream.endpoints()["authorization"] + "?" + urllib.parse.urlencode(
        {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "state": "s"})).url).query
    code = urllib.parse.unquote(next(p for p in raw.split("&") if p.startswith("code="))[5:])
    fields = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "client_id": CLIENT_ID, "client_secret": SECRET}
    token = upstream.endpoints()["token"]
    decoded = dict(urllib.parse.parse_qsl(raw))["code"]
    true("+" in code and decoded != code, "form decoding destroys the code")
    equal(requests.post(token, {**fields, "code": decoded}, timeout=10).json()["error"], "invalid_grant", "the destroyed code")
    tokens = envelope.open(requests.post(token, {**fields, "code": code}, timeout=10).json())
    info = requests.get(upstream.endpoints()["userinfo"], headers={"Authorization": "Bearer " + tokens["access_token"]}, timeout=10)
    return tokens, envelope.open(info.json())


def partner_envelope_with_openssl():
    key = SigningKey()
    envelope = Envelope(key)
    with VneidPartnerDouble(client_id=CLIENT_ID, client_secret=SECRET, public_key=key.private.public_key(), redirect_uris=[REDIRECT_URI]) as upstream:
        upstream.add_citizen("an", "030090001234", "Nguyễn Văn An")
        upstream.signs_in = "an"
        for size in (16, 32):
            upstream.aes_bytes = size
            tokens, info = exchange_with(upstream, envelope)
            true("id_token" not in tokens, "no ID token")
            equal(info, {"citizenPid": "030090001234", "fullName": "Nguyễn Văn An", "birthDate": "12/02/1990", "accountType": 1,
                         "accountLevel": 2}, "userinfo")
        for spoil in ("bad_padding", "odd_length", "key_wrong", "key_truncated", "key_of_odd_size", "data_truncated", "not_base64",
                      "not_object", "not_json", "not_envelope", "data_missing"):
            for endpoint in ("", "token:", "userinfo:"):
                upstream.spoils = {endpoint + spoil}
                refused(lambda: exchange_with(upstream, envelope), ValueError, KeyError, subprocess.CalledProcessError)
        upstream.spoils = {"level_downgrade"}
        equal(exchange_with(upstream, envelope)[1]["accountLevel"], 1, "level")


# ---- how endpoints fail

def faults_of_an_endpoint():
    upstream, rp = wso2()
    with upstream:
        def ask(timeout=5):
            return requests.get(rp.at["jwks"], timeout=timeout, allow_redirects=False)

        equal(ask().status_code, 200, "no fault")
        for fault, status in (("error500", 500), ("error503", 503), ("redirect", 302)):
            upstream.faults["jwks"] = fault
            equal(ask().status_code, status, fault)
        for fault in ("not_json", "empty"):
            upstream.faults["jwks"] = fault
            refused(lambda: ask().json(), ValueError)
        for fault in ("reset", "garbage"):
            upstream.faults["jwks"] = fault
            refused(ask, requests.exceptions.ConnectionError)
        for fault in ("hang", ("slow", 3)):
            upstream.faults["jwks"] = fault
            refused(lambda: ask(0.5), requests.exceptions.ReadTimeout)
        upstream.faults["jwks"] = ("slow", 0.3)
        equal(ask().status_code, 200, "late")
        upstream.faults["jwks"] = "huge"
        equal(len(ask().content), HUGE, "10 MB")
        upstream.faults["jwks"] = "gzip_bomb"
        answer = ask()
        true(int(answer.headers["Content-Length"]) < HUGE // 100 < len(answer.content), "a bomb")
        upstream.right_again()
        equal((ask().status_code, upstream.open_now < 10), (200, True), "right again")


if __name__ == "__main__":
    sys.exit(check.run(check.collect(globals(), ("wso2_", "vneid_", "partner_", "faults_"))))
