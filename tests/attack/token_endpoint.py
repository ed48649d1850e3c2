# SPDX-License-Identifier: Apache-2.0
"""Attacks on the token endpoint (catalogue 1B)."""
import base64
import concurrent.futures
import contextlib
import hashlib
import json
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from idp import Provider
from oidc_world import World, run
from party import FORM, b64url, b64url_decode, error_of, jwt_part, request


def invalid_grant(answer):
    assert error_of(answer) == (400, "invalid_grant"), answer


def grant_is_revoked(w, party, tokens):
    assert party.userinfo(tokens["access_token"]).status == 401
    if "refresh_token" in tokens:
        invalid_grant(party.refresh(tokens["refresh_token"]))


def B01_only_form_posts(w):
    assert request(w.issuer, "GET", "/token?grant_type=client_credentials").status == 405
    basic = {"Authorization": w.machine.basic()}
    answer = request(w.issuer, "POST", "/token?grant_type=client_credentials", "", dict(basic, **{"Content-Type": FORM}))
    assert error_of(answer) == (400, "invalid_request")
    answer = request(w.issuer, "POST", "/token", json.dumps({"grant_type": "client_credentials"}),
                     dict(basic, **{"Content-Type": "application/json"}))
    assert answer.status == 415, answer
    secret = w.ministry.metadata["client_secret"]
    answer = request(w.issuer, "POST", f"/token?client_id=ministry&client_secret={secret}",
                     "grant_type=authorization_code&code=x", {"Content-Type": FORM})
    assert answer.status == 401, answer


def B02_a_replayed_code_revokes_what_it_made(w):
    for party in (w.ministry, w.code_only):
        code = party.code(w.signed_in(), w.an, scope="openid offline_access")
        tokens = party.redeem(code).json()
        assert party.userinfo(tokens["access_token"]).status == 200
        invalid_grant(party.redeem(code))
        grant_is_revoked(w, party, tokens)


def B02_a_replay_of_any_age_and_by_anyone_revokes(w):
    code = w.ministry.code(w.signed_in(), w.an)
    tokens = w.ministry.redeem(code).json()
    invalid_grant(w.ministry.redeem(code, code_verifier="x" * 43))
    grant_is_revoked(w, w.ministry, tokens)
    code = w.ministry.code(w.signed_in(), w.an)
    tokens = w.ministry.redeem(code).json()
    invalid_grant(w.portal.redeem(code))
    grant_is_revoked(w, w.ministry, tokens)
    code = w.ministry.code(w.signed_in(), w.an)
    tokens = w.ministry.redeem(code).json()
    time.sleep(w.code_seconds + 1)
    invalid_grant(w.ministry.redeem(code))
    grant_is_revoked(w, w.ministry, tokens)


def B03_parallel_redemptions(w):
    for _ in range(5):
        code = w.ministry.code(w.signed_in(), w.an)
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: w.ministry.redeem(code), range(20)))
        good = [a for a in answers if a.status == 200]
        assert len(good) <= 1, f"{len(good)} redemptions succeeded"
        assert all(error_of(a) == (400, "invalid_grant") for a in answers if a.status != 200)
        for a in good:
            grant_is_revoked(w, w.ministry, a.json())


def B04_code_of_another_client_or_redirect_uri(w):
    browser = w.signed_in()
    code = w.ministry.code(browser, w.an)
    answer = w.portal.token({"grant_type": "authorization_code", "code": code,
                             "redirect_uri": w.ministry.redirect_uri, "code_verifier": w.ministry.verifier})
    invalid_grant(answer)
    for uri in (w.ministry.redirect_uri + "/", None, "", "https://ministry.example/oauth2/callbacK"):
        invalid_grant(w.ministry.redeem(w.ministry.code(browser, w.an), redirect_uri=uri))
    assert w.ministry.redeem(w.ministry.code(browser, w.an)).status == 200


def B05_verifiers(w):
    browser = w.signed_in()
    for change in (lambda v: None, lambda v: "x" * 43, lambda v: v.swapcase(), lambda v: v[:42],
                   lambda v: v + "a" * (129 - len(v)), lambda v: v + " ",
                   lambda v: b64url(hashlib.sha256(v.encode()).digest())):
        code = w.ministry.code(browser, w.an)
        invalid_grant(w.ministry.redeem(code, code_verifier=change(w.ministry.verifier)))
    code = w.ministry.code(browser, w.an, code_challenge=None, code_challenge_method=None)
    invalid_grant(w.ministry.redeem(code))
    code = w.ministry.code(browser, w.an, code_challenge=None, code_challenge_method=None)
    assert w.ministry.redeem(code, code_verifier=None).status == 200


def B06_lifetime_and_text_of_codes(w):
    browser = w.signed_in()
    code = w.ministry.code(browser, w.an)
    for bad in (code[:-1], code + "A", code + " ", " " + code, code[:-1] + ("A" if code[-1] != "A" else "B"),
                code[:30] + ("A" if code[30] != "A" else "B") + code[31:], "", "x", "A" * 2048):
        answer = w.ministry.redeem(bad or None)
        assert error_of(answer) == (400, "invalid_grant" if bad else "invalid_request"), (bad, answer)
    answer = request(w.issuer, "POST", "/token", "grant_type=authorization_code&code=" + code + "%00",
                     {"Content-Type": FORM, "Authorization": w.portal.basic()})
    assert answer.status == 400
    late = w.ministry.code(browser, w.an)
    time.sleep(w.code_seconds + 1)
    invalid_grant(w.ministry.redeem(late))


def B07_one_authentication_method(w):
    basic = {"Authorization": w.machine.basic()}
    answer = w.machine.token({"grant_type": "client_credentials", "client_id": "machine",
                              "client_secret": w.machine.metadata["client_secret"]}, auth=None, headers=basic)
    assert error_of(answer) == (400, "invalid_request")
    answer = w.machine.token({"grant_type": "client_credentials", "client_assertion": "a.b.c",
                              "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
                             auth=None, headers=basic)
    assert error_of(answer) == (400, "invalid_request")
    answer = w.machine.token({"grant_type": "client_credentials"}, auth=None,
                             headers={"Authorization": [w.machine.basic(), w.machine.basic()]})
    assert answer.status == 400


def B08_wrong_secrets_and_headers(w):
    fields = {"grant_type": "client_credentials"}
    for header in (w.machine.basic(secret="wrong"), w.machine.basic("nobody", "x"), "Basic", "Basic !!", "Basic =",
                   "Bearer x", "Basic " + base64.b64encode(b"no-colon").decode(), "Basic " + "A" * 3000,
                   "Basic " + base64.b64encode(b"a%zz:b").decode(), "basic", "\u00ff".encode("latin-1").decode("latin-1")):
        answer = w.machine.token(fields, auth=None, headers={"Authorization": header})
        assert error_of(answer) == (401, "invalid_client"), (header, answer)
        assert answer.header("WWW-Authenticate").startswith("Basic "), answer.headers
    bodies = {a.body for a in (w.machine.token(fields, auth=None, headers={"Authorization": h}) for h in
                               (w.machine.basic(secret="wrong"), w.machine.basic("nobody", "x")))}
    assert len(bodies) == 1, "an unknown client is told from a wrong secret"
    answer = w.ministry.token(dict(fields, client_id="ministry", client_secret="wrong"), auth=None)
    assert error_of(answer) == (401, "invalid_client") and answer.header("WWW-Authenticate") is None


def B09_form_encoded_ids_in_basic(w):
    answer = w.odd.token({"grant_type": "client_credentials"})
    assert answer.status == 200, answer
    assert jwt_part(answer.json()["access_token"], 1)["client_id"] == "a:b%c+d"


def B10_only_the_registered_method(w):
    secret = w.machine.metadata["client_secret"]
    answer = w.machine.token({"grant_type": "client_credentials", "client_id": "machine", "client_secret": secret}, auth=None)
    assert error_of(answer) == (401, "invalid_client")
    answer = w.machine.token({"grant_type": "client_credentials", "client_id": "machine"}, auth=None)
    assert error_of(answer) == (401, "invalid_client")
    header = {"Authorization": w.ministry.basic()}
    code = w.ministry.code(w.signed_in(), w.an)
    assert error_of(w.ministry.redeem(code, auth=None, headers=header)) == (401, "invalid_client")
    answer = w.native.token({"grant_type": "authorization_code", "code": "x"}, auth=None,
                            headers={"Authorization": w.native.basic(secret="x")})
    assert error_of(answer) == (401, "invalid_client")


def B11_repeated_parameters(w):
    base = "grant_type=client_credentials"
    for extra in ("&grant_type=client_credentials", "&scope=a&scope=a", "&x=1&x=2", "&client_id=machine&client_id=machine"):
        answer = request(w.issuer, "POST", "/token", base + extra,
                         {"Content-Type": FORM, "Authorization": w.machine.basic()})
        assert error_of(answer) == (400, "invalid_request"), (extra, answer)
    answer = request(w.issuer, "POST", "/token", base + "&x=1", {"Content-Type": FORM, "Authorization": w.machine.basic()})
    assert answer.status == 200


def B24_reuse_of_a_rotated_refresh_token(w):
    tokens = w.ministry.tokens(w.signed_in(), w.an)
    first = tokens["refresh_token"]
    second = w.ministry.refresh(first).json()
    third = w.ministry.refresh(second["refresh_token"]).json()
    assert len({first, second["refresh_token"], third["refresh_token"]}) == 3
    assert w.ministry.userinfo(third["access_token"]).status == 200
    invalid_grant(w.ministry.refresh(first))
    for t in (tokens, second, third):
        assert w.ministry.userinfo(t["access_token"]).status == 401
    invalid_grant(w.ministry.refresh(third["refresh_token"]))


def B24_reuse_after_the_grace(w):
    tokens = w.ministry.tokens(w.signed_in(), w.an)
    second = w.ministry.refresh(tokens["refresh_token"]).json()
    time.sleep(w.refresh_grace_seconds + 1)
    invalid_grant(w.ministry.refresh(tokens["refresh_token"]))
    invalid_grant(w.ministry.refresh(second["refresh_token"]))


def B24_no_grace_for_a_clock_behind_the_rotation(w):
    """As two requests are that began on either side of a second's end."""
    with Provider("times:\n  refresh_grace: 0s\n") as provider:
        strict = World(provider)
        token = strict.ministry.tokens(strict.signed_in(), strict.an)["refresh_token"]
        successor = strict.ministry.refresh(token).json()["refresh_token"]
        provider.stop()
        with contextlib.closing(sqlite3.connect(provider.path("idp.db"))) as db, db:
            assert db.execute("UPDATE oauth_grant SET rotated_at = rotated_at + 60").rowcount == 1
        provider.start()
        invalid_grant(strict.ministry.refresh(token))
        invalid_grant(strict.ministry.refresh(successor))


def B25_parallel_refreshes_have_one_successor(w):
    for _ in range(5):
        token = w.ministry.tokens(w.signed_in(), w.an)["refresh_token"]
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda _: w.ministry.refresh(token), range(20)))
        assert {a.status for a in answers} == {200}, [a.status for a in answers]
        successors = {a.json()["refresh_token"] for a in answers}
        assert len(successors) == 1 and token not in successors
        assert w.ministry.refresh(successors.pop()).status == 200


def B26_restarts_forget_nothing(w):
    tokens = w.ministry.tokens(w.signed_in(), w.an)
    second = w.ministry.refresh(tokens["refresh_token"]).json()
    third = w.ministry.refresh(second["refresh_token"]).json()
    w.restart(kill=True)
    invalid_grant(w.ministry.refresh(tokens["refresh_token"]))
    w.restart(kill=True)
    invalid_grant(w.ministry.refresh(third["refresh_token"]))


def B27_other_clients_and_broader_scopes(w):
    tokens = w.ministry.tokens(w.signed_in(), w.an, scope="openid profile")
    answer = w.ministry.refresh(tokens["refresh_token"], scope="openid profile email")
    assert error_of(answer) == (400, "invalid_scope")
    answer = w.ministry.refresh(tokens["refresh_token"], scope="openid").json()
    assert answer["scope"] == "openid"
    answer = w.ministry.refresh(answer["refresh_token"]).json()
    assert answer["scope"] == "openid profile"
    invalid_grant(w.portal.refresh(answer["refresh_token"]))
    invalid_grant(w.ministry.refresh(answer["refresh_token"]))


def B28_lock_and_password_change_end_grants(w):
    for action in ("lock", "erase"):
        user = w.new_user("b28" + action)
        tokens = w.ministry.tokens(w.browser(), user, scope="openid offline_access")
        assert w.ministry.userinfo(tokens["access_token"]).status == 200
        w.idpctl("user", action, user["username"])
        invalid_grant(w.ministry.refresh(tokens["refresh_token"]))
        assert w.ministry.userinfo(tokens["access_token"]).status == 401
        user = w.new_user("b28grace" + action)
        token = w.ministry.tokens(w.browser(), user, scope="openid offline_access")["refresh_token"]
        assert w.ministry.refresh(token).status == 200
        w.idpctl("user", action, user["username"])
        invalid_grant(w.ministry.refresh(token))


def B30_the_same_successor_within_the_grace(w):
    token = w.ministry.tokens(w.signed_in(), w.an)["refresh_token"]
    one, two = w.ministry.refresh(token).json(), w.ministry.refresh(token).json()
    assert one["refresh_token"] == two["refresh_token"]
    assert one["access_token"] != two["access_token"]
    invalid_grant(w.portal.refresh(token))
    invalid_grant(w.ministry.refresh(one["refresh_token"]))


def B31_client_credentials(w):
    answer = w.machine.token({"grant_type": "client_credentials"})
    assert answer.status == 200 and set(answer.json()) <= {"access_token", "token_type", "expires_in", "scope"}, answer
    claims = jwt_part(answer.json()["access_token"], 1)
    assert claims["sub"] == claims["client_id"] == "machine" and "auth_time" not in claims
    answer = w.machine.token({"grant_type": "client_credentials", "scope": "dossier.read root"})
    assert answer.json()["scope"] == "dossier.read"
    assert error_of(w.machine.token({"grant_type": "client_credentials", "scope": "openid"})) == (400, "invalid_scope")
    for party in (w.native, w.page):
        assert error_of(party.token({"grant_type": "client_credentials"})) == (400, "unauthorized_client")
    public = dict(w.page.metadata, client_id="public_machine", grant_types=["client_credentials"])
    try:
        w.provider.add_client(**public)
    except Exception:
        return  # refused at registration
    answer = request(w.issuer, "POST", "/token", "grant_type=client_credentials&client_id=public_machine", {"Content-Type": FORM})
    assert error_of(answer) == (400, "unauthorized_client"), answer


def B32_no_password_grant(w):
    answer = w.ministry.token({"grant_type": "password", "username": "an", "password": w.an["password"]})
    assert error_of(answer) == (400, "unsupported_grant_type")


def B33_grants_that_are_not_registered(w):
    assert error_of(w.machine.token({"grant_type": "refresh_token", "refresh_token": "x"})) == (400, "unauthorized_client")
    assert error_of(w.machine.token({"scope": "a"})) == (400, "invalid_request")
    assert error_of(w.machine.token({"grant_type": ""})) == (400, "invalid_request")
    tokens = w.code_only.tokens(w.signed_in(), w.an)
    assert "refresh_token" not in tokens


def B34_headers_of_answers(w):
    for answer in (w.machine.token({"grant_type": "client_credentials"}), w.machine.token({"grant_type": "x"})):
        assert "no-store" in answer.header("Cache-Control")
        assert answer.header("Content-Type").startswith("application/json")
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert answer.header("Access-Control-Allow-Origin") is None


def B35_id_tokens(w):
    keys = {k["kid"]: k for k in request(w.issuer, "GET", "/jwks").json()["keys"]}
    for party in (w.ministry, w.portal, w.native, w.page):
        nonce = "n\"\\\u00e9 " + party.client_id
        tokens = party.tokens(w.browser(), w.an, nonce=nonce)
        header, claims = jwt_part(tokens["id_token"], 0), jwt_part(tokens["id_token"], 1)
        alg = party.metadata["id_token_signed_response_alg"]
        assert header["alg"] == alg and header["typ"] == "JWT", header
        assert keys[header["kid"]]["alg"] == alg
        assert claims["iss"] == w.issuer and claims["aud"] == party.client_id and claims["nonce"] == nonce
        digest = hashlib.sha512 if alg == "EdDSA" else hashlib.sha256
        hashed = digest(tokens["access_token"].encode()).digest()
        assert claims["at_hash"] == b64url(hashed[:len(hashed) // 2])
        assert 0 < claims["exp"] - claims["iat"] <= 300 and claims["amr"] == ["pwd"]
        w.check_signature(tokens["id_token"], keys[header["kid"]])
        w.check_signature(tokens["access_token"], keys[jwt_part(tokens["access_token"], 0)["kid"]])
        assert jwt_part(tokens["access_token"], 0)["typ"] == "at+jwt"
        again = party.refresh(tokens["refresh_token"]).json()
        fresh = jwt_part(again["id_token"], 1)
        for name in ("iss", "sub", "aud", "auth_time", "sid", "acr"):
            assert fresh[name] == claims[name], name
        assert "nonce" not in fresh


def B37_encodings(w):
    for bad in ("%c0%af", "%ff%fe", "%00", "%zz", "%", "%ed%a0%80"):
        answer = request(w.issuer, "POST", "/token", "grant_type=client_credentials&scope=" + bad,
                         {"Content-Type": FORM, "Authorization": w.machine.basic()})
        assert error_of(answer) == (400, "invalid_request"), (bad, answer)


def B45_code_after_sign_out(w):
    browser = w.signed_in()
    code = w.ministry.code(browser, w.an)
    page = browser.get("/logout")
    assert browser.submit(page, "logout", ("decision", "allow")).status == 200
    invalid_grant(w.ministry.redeem(code))
    user = w.new_user("b45")
    code = w.ministry.code(w.browser(), user)
    w.idpctl("user", "lock", "b45")
    invalid_grant(w.ministry.redeem(code))


def B45_refresh_tokens_die_with_the_session_but_offline_ones(w):
    browser = w.signed_in()
    bound = w.ministry.tokens(browser, w.an)
    offline = w.ministry.tokens(browser, w.an, scope="openid offline_access")
    page = browser.get("/logout")
    assert browser.submit(page, "logout", ("decision", "allow")).status == 200
    invalid_grant(w.ministry.refresh(bound["refresh_token"]))
    assert w.ministry.userinfo(bound["access_token"]).status == 401
    assert w.ministry.refresh(offline["refresh_token"]).status == 200


def B12_many_wrong_secrets(w):
    """Last: it leaves a client throttled for a minute."""
    answers = [w.odd.token({"grant_type": "client_credentials"}, auth=None,
                           headers={"Authorization": w.odd.basic(secret=f"wrong{i}")}) for i in range(100)]
    assert {a.status for a in answers} == {401, 429}, {a.status for a in answers}
    assert answers[0].status == 401 and answers[-1].status == 429 and answers[-1].header("Retry-After")
    assert w.machine.token({"grant_type": "client_credentials"}).status == 200
    assert w.odd.token({"grant_type": "client_credentials"}).status == 200


if __name__ == "__main__":
    sys.exit(run(__name__))
