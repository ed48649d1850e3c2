# SPDX-License-Identifier: Apache-2.0
"""The hostile JWTs of catalogue 1E (tests/lib/hostile_jwt.py) at every place that reads one: each row
at each place is a test. A place takes its own good token before and after all the bad ones."""
import secrets
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import hostile_jwt
from oidc_world import Canary, run
from party import FORM, Response, error_of, request


def post_form(w, path, fields):
    """A body that is too large is refused by its announced length, perhaps before it was sent."""
    try:
        return request(w.issuer, "POST", path, urlencode(fields), {"Content-Type": FORM})
    except (BrokenPipeError, ConnectionResetError):
        assert len(urlencode(fields)) > 65536
        return Response(413, [], b"")


class AccessToken:
    """At userinfo, in the body: bytes that no header may have get there too."""

    skip = ()  # (parts of) rows that it has a reason to take

    def __init__(self, w):
        self.w = w
        token = w.ministry.tokens(w.signed_in(), w.an)["access_token"]
        self.place = hostile_jwt.Holder(token, request(w.issuer, "GET", "/jwks").json())

    def send(self, token):
        return post_form(self.w, "/userinfo", {"access_token": token})

    def is_accepted(self, answer):
        return answer.status == 200

    def is_refused(self, answer):
        return answer.status in (400, 401, 413)


class Hint:
    """id_token_hint at sign-out: a good one leads back to the relying party without a question (there
    is no session to end), a bad one proves nothing."""

    skip = ("E14_huge",)  # longer than any target may be

    def __init__(self, w):
        self.w = w
        token = w.portal.tokens(w.signed_in(party=w.ministry), w.an)["id_token"]
        self.place = hostile_jwt.Holder(token, request(w.issuer, "GET", "/jwks").json())

    def send(self, token):
        query = urlencode({"id_token_hint": token, "post_logout_redirect_uri": "https://portal.example/bye"})
        return request(self.w.issuer, "GET", "/logout?" + query, None, {"Accept": "text/html"})

    def is_accepted(self, answer):
        return answer.status == 303 and answer.location == "https://portal.example/bye"

    def is_refused(self, answer):
        return answer.status in (200, 400, 414, 431) and answer.location is None


class ClientAssertion:
    """private_key_jwt at the token endpoint: the attacker's own, well signed but for what the row says."""

    skip = ()
    alg = "ES256"

    def __init__(self, w):
        self.w = w
        key = hostile_jwt.Key(self.alg, "k1")
        self.id = "hostile-" + secrets.token_hex(6)
        w.provider.add_client(client_id=self.id, token_endpoint_auth_method="private_key_jwt", redirect_uris=[],
                              grant_types=["client_credentials"], response_types=[], jwks={"keys": [key.jwk()]})
        self.place = hostile_jwt.Signer(key, {"alg": self.alg, "kid": "k1"}, self.claims)

    def claims(self):
        return {"iss": self.id, "sub": self.id, "aud": self.w.issuer, "exp": int(time.time()) + 60,
                "jti": secrets.token_urlsafe(16)}

    def send(self, token):
        return post_form(self.w, "/token", {
            "grant_type": "client_credentials", "client_assertion": token,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})

    def is_accepted(self, answer):
        return answer.status == 200

    def is_refused(self, answer):
        return answer.status == 413 or error_of(answer) in ((401, "invalid_client"), (400, "invalid_request"))


class ClientAssertionRsa(ClientAssertion):
    alg = "RS256"


class ClientAssertionPss(ClientAssertion):
    alg = "PS256"


class ClientAssertionEd(ClientAssertion):
    alg = "EdDSA"


PLACES = {"client_assertion": ClientAssertion, "client_assertion_rsa": ClientAssertionRsa,
          "client_assertion_pss": ClientAssertionPss, "client_assertion_eddsa": ClientAssertionEd,
          "access_token": AccessToken, "id_token_hint": Hint}


def test_of(row, kind):
    def test(w):
        place = kind(w)
        assert place.is_accepted(place.send(place.place.good())), "a good token is refused"
        with Canary() as canary:
            for what, token in row(place.place, canary.url):
                if f"{row.__name__}: {what}".startswith(kind.skip):
                    continue
                answer = place.send(token)
                assert place.is_refused(answer), (what, answer)
            assert not canary.connections, "a token's header made the provider fetch"
        assert place.is_accepted(place.send(place.place.good())), "a good token is refused afterwards"
    return test


for row in hostile_jwt.ROWS:
    for place_name, place_kind in PLACES.items():
        if row.__name__.startswith(place_kind.skip):
            continue
        name = f"{row.__name__}_as_{place_name}"
        globals()[name] = test_of(row, place_kind)
        globals()[name].__name__ = name

if __name__ == "__main__":
    sys.exit(run(__name__))
