#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's Authlib as relying party: metadata, code with PKCE, ID token by its own JOSE, refresh,
client credentials; it refuses an ID token with another nonce and one that was signed by somebody
else. Runs on Debian's own Python, for which the package is installed."""
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import authlib
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.common.security import generate_token
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth2 import OAuth2Error
from authlib.oidc.core import CodeIDToken
from browser import Browser
from check import Checks
from idp import Provider
from spoiling_proxy import change_payload

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain http on loopback
REDIRECT_URI = "https://authlib.example/callback"
ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]


class RelyingParty:
    def __init__(self, provider, **metadata):
        self.client = provider.add_client(
            redirect_uris=[REDIRECT_URI], grant_types=["authorization_code", "refresh_token"],
            scope="openid profile email offline_access", legal_basis="QĐ 1/2026", **metadata)
        self.server = requests.get(provider.issuer + "/.well-known/openid-configuration", timeout=10).json()
        self.session = OAuth2Session(self.client["client_id"], self.client.get("client_secret"),
                                     scope="openid profile email offline_access", redirect_uri=REDIRECT_URI,
                                     token_endpoint_auth_method=self.client["token_endpoint_auth_method"],
                                     code_challenge_method="S256")

    def sign_on(self, browser, user, nonce):
        """The URL that the answer came to."""
        self.verifier = generate_token(48)
        url, self.state = self.session.create_authorization_url(
            self.server["authorization_endpoint"], code_verifier=self.verifier, nonce=nonce)
        browser.stop_at = REDIRECT_URI
        page = browser.get(url)
        if page.status:
            page = browser.submit(page, {"username": user["username"], "password": user["password"]})
        return page.url

    def redeem(self, answer):
        return self.session.fetch_token(self.server["token_endpoint"], authorization_response=answer,
                                        code_verifier=self.verifier, state=self.state)

    def id_token(self, token, nonce):
        keys = JsonWebKey.import_key_set(requests.get(self.server["jwks_uri"], timeout=10).json())
        alg = self.client["id_token_signed_response_alg"]
        bound = {} if alg == "EdDSA" else {"access_token": token["access_token"]}  # it has no at_hash for EdDSA
        claims = JsonWebToken([alg]).decode(
            token["id_token"], keys, claims_cls=CodeIDToken,
            claims_options={"iss": {"essential": True, "value": self.server["issuer"]},
                            "aud": {"essential": True, "value": self.client["client_id"]}},
            claims_params={"nonce": nonce, "client_id": self.client["client_id"], **bound})
        claims.validate(leeway=5)
        return claims


def refused(act, *reasons):
    """What the refusal says; a refusal for another reason is none."""
    try:
        act()
    except Exception as error:  # every library has classes of its own
        said = f"{type(error).__name__} {error}"
        return any(reason in said for reason in reasons), said
    return False, "accepted"


def main():
    checks = Checks()
    print("Authlib", authlib.__version__, "· Python", sys.version.split()[0])
    with Provider() as provider:
        user = provider.add_user(claims={"name": "Nguyễn Văn An", "email": "an@example.vn", "email_verified": True})
        for alg in ALGORITHMS:
            party = RelyingParty(provider, token_endpoint_auth_method="client_secret_basic",
                                 id_token_signed_response_alg=alg)
            nonce = generate_token()
            token = party.redeem(party.sign_on(Browser(), user, nonce))
            claims = party.id_token(token, nonce)
            checks.that(f"Authlib verifies an ID token signed by {alg}",
                        claims["sub"] and claims.header["alg"] == alg, claims)
            checks.that(f"Authlib refuses another nonce ({alg})",
                        *refused(lambda: party.id_token(token, "another"), "nonce"))
            spoilt = {**token, "id_token": change_payload(token["id_token"], sub="somebody-else")}
            checks.that(f"Authlib refuses a changed payload ({alg})",
                        *refused(lambda: party.id_token(spoilt, nonce), "bad_signature"))

        party = RelyingParty(provider, token_endpoint_auth_method="client_secret_post")
        browser, nonce = Browser(), generate_token()
        token = party.redeem(party.sign_on(browser, user, nonce))
        first = party.id_token(token, nonce)
        person = party.session.get(party.server["userinfo_endpoint"]).json()
        checks.that("Authlib reads userinfo of the same subject",
                    person["sub"] == first["sub"] and person["email"] == "an@example.vn", person)
        fresh = party.session.refresh_token(party.server["token_endpoint"])
        checks.that("Authlib refreshes", fresh["refresh_token"] != token["refresh_token"], list(fresh))
        answer = party.sign_on(browser, user, nonce)
        checks.that("Authlib refuses an answer to another state",
                    *refused(lambda: party.session.fetch_token(
                        party.server["token_endpoint"], authorization_response=answer, state="another",
                        code_verifier=party.verifier), "MismatchingState", "state"))
        party.verifier = generate_token(48)
        checks.that("the provider refuses another verifier, and Authlib says so",
                    *refused(lambda: party.redeem(answer), "invalid_grant"))
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer).query))
        checks.that("the answer names its issuer", query["iss"] == provider.issuer, query)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
