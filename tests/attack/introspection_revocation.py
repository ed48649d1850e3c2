#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Introspection (RFC 7662, RFC 9701) and revocation (RFC 7009): who may ask what, and that what was
revoked stays so, also over a kill."""
import json
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from oidc_world import run
from party import FORM, jwt_part, request

JWT_TYPE = "application/token-introspection+jwt"


def introspect(w, party, token, headers=None, **more):
    return party.token({"token": token, **more}, path="/introspect", headers=headers)


def active(w, party, token):
    answer = introspect(w, party, token)
    assert answer.status == 200, answer
    body = answer.json()
    assert body["active"] or body == {"active": False}, f"an inactive token tells more: {body}"
    return body["active"]


def revoke(w, party, token, **more):
    answer = party.token({"token": token, **more}, path="/revoke")
    assert answer.status == 200, answer


def tokens(w, party=None, browser=None, scope="openid profile"):
    return (party or w.ministry).tokens(browser or w.signed_in(), w.an, scope=scope)


def D03_introspection_tells_what_a_token_is(w):
    made = tokens(w)
    body = introspect(w, w.ministry, made["access_token"]).json()
    claims = jwt_part(made["access_token"], 1)
    assert body["active"] is True and body["token_type"] == "Bearer"
    for name in ("iss", "sub", "aud", "client_id", "jti", "iat", "exp", "scope", "acr", "auth_time"):
        assert body[name] == claims[name], name
    assert "no-store" in introspect(w, w.ministry, made["access_token"]).header("Cache-Control")
    body = introspect(w, w.ministry, made["refresh_token"]).json()
    assert body["active"] is True and "token_type" not in body and body["client_id"] == "ministry"
    machine = w.machine.token({"grant_type": "client_credentials"}).json()["access_token"]
    body = introspect(w, w.machine, machine).json()
    assert body["active"] is True and body["sub"] == "machine"


def D03_introspection_needs_a_client_that_proves_who_it_is(w):
    made = tokens(w)
    fields = urllib.parse.urlencode({"token": made["access_token"]})
    assert request(w.issuer, "POST", "/introspect", fields, {"Content-Type": FORM}).status == 401
    wrong = {"Content-Type": FORM, "Authorization": w.portal.basic(secret="wrong")}
    answer = request(w.issuer, "POST", "/introspect", fields, wrong)
    assert answer.status == 401 and "Basic" in answer.header("WWW-Authenticate")
    native = w.native.token({"token": made["access_token"]}, path="/introspect")
    assert native.status == 401, "a public client was answered"
    assert request(w.issuer, "GET", "/introspect?" + fields).status == 405


def D03_nobody_learns_about_the_tokens_of_others(w):
    made = tokens(w)
    for token in (made["access_token"], made["refresh_token"], made["id_token"]):
        assert not active(w, w.portal, token)
    assert not active(w, w.ministry, made["id_token"])
    assert not active(w, w.ministry, "garbage") and not active(w, w.ministry, "a.b.c")
    header, payload, signature = made["access_token"].split(".")
    assert not active(w, w.ministry, f"{header}.{payload}.{signature[:-4]}AAAA")
    assert introspect(w, w.ministry, "x" * 20000).status == 400
    assert introspect(w, w.ministry, "x" * 40000).status == 413
    assert w.ministry.token({}, path="/introspect").status == 400


def D03_what_has_ended_is_inactive_at_once(w):
    user = w.new_user("ended")
    made = w.ministry.tokens(w.signed_in(user), user, scope="openid")
    assert active(w, w.ministry, made["access_token"]) and active(w, w.ministry, made["refresh_token"])
    w.idpctl("user", "lock", "ended")
    assert not active(w, w.ministry, made["access_token"]) and not active(w, w.ministry, made["refresh_token"])
    browser = w.signed_in(w.binh)
    made = w.ministry.tokens(browser, w.binh, scope="openid")
    rotated = w.ministry.refresh(made["refresh_token"]).json()
    assert not active(w, w.ministry, made["refresh_token"]), "a rotated refresh token is active"
    assert active(w, w.ministry, rotated["refresh_token"])
    page = browser.get("/logout?" + urllib.parse.urlencode({"id_token_hint": made["id_token"]}))
    if page.status == 200 and any(f["id"] == "logout" for f in page.forms()):
        browser.submit(page, "logout", ("decision", "allow"))
    assert not active(w, w.ministry, rotated["access_token"]) and not active(w, w.ministry, rotated["refresh_token"])


def D04_the_answer_as_a_jwt(w):
    made = tokens(w)
    answer = introspect(w, w.ministry, made["access_token"], headers={"Accept": JWT_TYPE})
    assert answer.status == 200 and answer.header("Content-Type") == JWT_TYPE
    header, claims = jwt_part(answer.text, 0), jwt_part(answer.text, 1)
    assert header["typ"] == "token-introspection+jwt" and header["alg"] == "RS256"
    assert set(claims) == {"iss", "aud", "iat", "token_introspection"}, claims
    assert claims["iss"] == w.issuer and claims["aud"] == "ministry"
    assert claims["token_introspection"] == introspect(w, w.ministry, made["access_token"]).json()
    keys = request(w.issuer, "GET", "/jwks").json()["keys"]
    w.check_signature(answer.text, next(k for k in keys if k["kid"] == header["kid"]))
    inactive = introspect(w, w.ministry, "garbage", headers={"Accept": JWT_TYPE})
    assert jwt_part(inactive.text, 1)["token_introspection"] == {"active": False}
    userinfo = request(w.issuer, "GET", "/userinfo", None, {"Authorization": "Bearer " + answer.text})
    assert userinfo.status == 401, "an introspection answer passed as an access token"


def D01_revoking_again_writes_nothing(w):
    """Whoever has one token, as every person has at a public client, does not fill the audit with it."""
    made = tokens(w, w.page)
    revoke(w, w.page, made["access_token"])
    before = w.store_rows()
    for _ in range(5):
        revoke(w, w.page, made["access_token"])
    assert w.store_rows() == before, "the same revocation was written again"
    revoke(w, w.page, made["refresh_token"])
    before = w.store_rows()
    revoke(w, w.page, made["refresh_token"])
    assert w.store_rows() == before
    assert w.page.userinfo(made["access_token"]).status == 401


def D01_only_ones_own_tokens_can_be_revoked(w):
    made = tokens(w)
    for token in (made["access_token"], made["refresh_token"]):
        revoke(w, w.portal, token)
    assert active(w, w.ministry, made["access_token"]) and active(w, w.ministry, made["refresh_token"])
    assert w.ministry.userinfo(made["access_token"]).status == 200


def D01_unknown_tokens_and_wrong_hints(w):
    for token in ("garbage", "a.b.c", tokens(w)["id_token"]):
        revoke(w, w.ministry, token)
    made = tokens(w)
    revoke(w, w.ministry, made["access_token"], token_type_hint="refresh_token")
    assert not active(w, w.ministry, made["access_token"])
    revoke(w, w.ministry, made["refresh_token"], token_type_hint="access_token")
    assert not active(w, w.ministry, made["refresh_token"])
    made = tokens(w)
    revoke(w, w.ministry, made["refresh_token"], token_type_hint="made_up")
    assert not active(w, w.ministry, made["refresh_token"])
    assert w.ministry.token({}, path="/revoke").status == 400


def D01_an_access_token_alone(w):
    made = tokens(w)
    other = w.ministry.refresh(made["refresh_token"]).json()
    revoke(w, w.ministry, made["access_token"])
    assert w.ministry.userinfo(made["access_token"]).status == 401
    assert not active(w, w.ministry, made["access_token"])
    assert w.ministry.userinfo(other["access_token"]).status == 200
    assert active(w, w.ministry, other["refresh_token"])
    machine = w.machine.token({"grant_type": "client_credentials"}).json()["access_token"]
    revoke(w, w.machine, machine)
    assert not active(w, w.machine, machine)


def D02_a_refresh_token_with_all_that_came_of_it(w):
    made = tokens(w)
    other = w.ministry.refresh(made["refresh_token"]).json()
    revoke(w, w.ministry, other["refresh_token"])
    for token in (made["access_token"], other["access_token"]):
        assert w.ministry.userinfo(token).status == 401 and not active(w, w.ministry, token)
    answer = w.ministry.refresh(other["refresh_token"])
    assert (answer.status, answer.json()["error"]) == (400, "invalid_grant")


def D02_a_public_client_revokes_by_its_name(w):
    made = w.page.tokens(w.browser(), w.an, scope="openid")
    revoke(w, w.page, made["refresh_token"])
    assert w.page.userinfo(made["access_token"]).status == 401
    made = w.page.tokens(w.browser(), w.an, scope="openid")
    revoke(w, w.native, made["refresh_token"])
    assert w.page.userinfo(made["access_token"]).status == 200


def D02_a_revocation_survives_a_kill(w):
    alone, whole = tokens(w), tokens(w)
    revoke(w, w.ministry, alone["access_token"])
    revoke(w, w.ministry, whole["refresh_token"])
    w.restart(kill=True)
    assert not active(w, w.ministry, alone["access_token"])
    assert w.ministry.userinfo(alone["access_token"]).status == 401
    assert not active(w, w.ministry, whole["access_token"]) and not active(w, w.ministry, whole["refresh_token"])
    assert active(w, w.ministry, alone["refresh_token"])


def B12_wrong_secrets_count_at_every_endpoint(w):
    headers = {"Content-Type": FORM, "Authorization": w.portal.basic(secret="wrong")}
    seen = set()
    for number in range(140):
        path = ("/introspect", "/revoke")[number % 2]
        seen.add(request(w.issuer, "POST", path, "token=x", headers).status)
    assert seen == {401, 429}, seen
    assert json.loads(w.ministry.token({"token": "x"}, path="/introspect").body) == {"active": False}


if __name__ == "__main__":
    sys.exit(run(__name__))
