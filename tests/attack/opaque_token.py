# SPDX-License-Identifier: Apache-2.0
"""Attacks on opaque access tokens, and on who may ask what they are worth (catalogue 1B, 1D)."""
import base64
import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from introspection_revocation import active, introspect, revoke
from oidc_world import run
from party import jwt_part, request
from resources import party

API, TAX, PLAIN = "https://api.opaque.example", "https://tax.opaque.example", "https://plain.opaque.example"
SCOPE = "openid profile offline_access api.see tax.see plain.see"


def prepare(w):
    if hasattr(w, "closed"):
        return
    w.guard = party(w, "guard", grant_types=["client_credentials"], response_types=[], redirect_uris=[], scope="x", legal_basis=None)
    w.stranger = party(w, "stranger", grant_types=["client_credentials"], response_types=[], redirect_uris=[], scope="x",
                       legal_basis=None)
    for resource, scopes, guards in ((API, ["api.see"], ["guard"]), (TAX, ["tax.see"], ["stranger"])):
        w.provider.idpctl("resource", "add", "--file", "-", stdin=json.dumps(
            {"resource": resource, "scopes_supported": scopes, "access_token_format": "opaque", "introspection_clients": guards}))
    w.provider.idpctl("resource", "add", "--file", "-", stdin=json.dumps({"resource": PLAIN, "scopes_supported": ["plain.see"]}))
    w.open = party(w, "open", scope=SCOPE)
    w.closed = party(w, "closed", scope=SCOPE, access_token_format="opaque")
    w.jwt_always = party(w, "jwt-always", scope=SCOPE, access_token_format="jwt")


def tokens(w, party_, scope="openid profile offline_access", browser=None, **more):
    return party_.redeem(party_.code(browser or w.signed_in(), w.an, scope=scope, **more)).json()


def is_opaque(token):
    return token.startswith("idp_at_") and "." not in token


def B35_opaque_tokens_say_nothing_and_work(w):
    prepare(w)
    made = tokens(w, w.closed)
    token = made["access_token"]
    assert is_opaque(token)
    raw = base64.urlsafe_b64decode(token[7:] + "==")
    for secret in (b"closed", b"openid", b"http"):
        assert secret not in raw
    assert w.closed.userinfo(token).json()["name"] == "Nguyễn Văn An"
    claims = jwt_part(made["id_token"], 1)
    digest = hashlib.sha256(token.encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    w.check_signature(made["id_token"], key_of(w, made["id_token"]))
    body = introspect(w, w.closed, token).json()
    assert body["active"] and body["client_id"] == "closed" and body["sub"] == claims["sub"] and body["aud"] == w.issuer
    assert body["exp"] - body["iat"] == made["expires_in"] and body["acr"] == claims["acr"]
    answer = w.closed.refresh(made["refresh_token"]).json()
    assert is_opaque(answer["access_token"]) and answer["access_token"] != token


def key_of(w, token):
    kid = jwt_part(token, 0)["kid"]
    return next(k for k in request(w.issuer, "GET", "/jwks").json()["keys"] if k["kid"] == kid)


def B35_the_form_is_the_clients_else_the_resources(w):
    prepare(w)
    assert not is_opaque(tokens(w, w.open)["access_token"])
    assert is_opaque(tokens(w, w.open, scope="openid api.see", resource=API)["access_token"])
    assert not is_opaque(tokens(w, w.jwt_always, scope="openid api.see", resource=API)["access_token"])
    assert not is_opaque(tokens(w, w.open, scope="openid plain.see", resource=PLAIN)["access_token"])
    answer = w.guard.token({"grant_type": "client_credentials"}).json()
    assert not is_opaque(answer["access_token"])


def D06_changed_opaque_tokens_are_nothing(w):
    prepare(w)
    made = tokens(w, w.closed)
    token = made["access_token"]
    for bad in (token[:-1], token + "A", token[:-1] + ("A" if token[-1] != "A" else "B"), "idp_at_", "idp_at_" + "A" * 200,
                token.replace("idp_at_", "idp_rt_"), token.upper(), "idp_at_" + "A" * 9000, "idp_at_=", made["refresh_token"]):
        assert w.closed.userinfo(bad).status == 401, bad[:60]
        if bad != made["refresh_token"]:
            assert not active(w, w.closed, bad), bad[:60]
    assert w.closed.userinfo(token).status == 200


def D03_only_those_of_its_resource_see_a_token(w):
    prepare(w)
    token = tokens(w, w.open, scope="openid api.see", resource=API)["access_token"]
    body = introspect(w, w.guard, token).json()
    assert body["active"] and body["aud"] == API and body["scope"] == "api.see" and body["client_id"] == "open"
    assert active(w, w.open, token), "the client that it was issued to"
    for other in (w.stranger, w.machine, w.closed):
        assert not active(w, other, token), other.client_id
    jwt = tokens(w, w.jwt_always, scope="openid api.see", resource=API)["access_token"]
    assert active(w, w.guard, jwt) and not active(w, w.stranger, jwt)
    assert not active(w, w.guard, tokens(w, w.open)["access_token"]), "a token for userinfo"
    refresh = tokens(w, w.open, scope="openid api.see offline_access", resource=API)["refresh_token"]
    assert not active(w, w.guard, refresh) and active(w, w.open, refresh)
    answer = introspect(w, w.guard, token, {"Accept": "application/token-introspection+jwt"})
    assert jwt_part(answer.text, 1)["aud"] == "guard"
    w.provider.idpctl("resource", "disable", API)
    assert not active(w, w.guard, token)
    w.provider.idpctl("resource", "enable", API)
    assert active(w, w.guard, token)


def D02_opaque_tokens_are_revoked_like_others(w):
    prepare(w)
    browser = w.signed_in()
    token = tokens(w, w.closed, browser=browser)["access_token"]
    revoke(w, w.closed, token)
    assert not active(w, w.closed, token) and w.closed.userinfo(token).status == 401
    made = tokens(w, w.closed, browser=browser)
    revoke(w, w.open, made["access_token"])
    assert active(w, w.closed, made["access_token"]), "another client revoked it"
    revoke(w, w.closed, made["refresh_token"])
    assert not active(w, w.closed, made["access_token"])
    made = tokens(w, w.closed, browser=browser)
    w.restart(kill=True)
    assert active(w, w.closed, made["access_token"]), "a restart made a token invalid"
    assert not active(w, w.closed, token), "a restart brought a revoked token back"
    w.provider.idpctl("user", "lock", "an")
    assert not active(w, w.closed, made["access_token"])
    w.provider.idpctl("user", "unlock", "an")


if __name__ == "__main__":
    sys.exit(run(__name__))
