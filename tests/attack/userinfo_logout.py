# SPDX-License-Identifier: Apache-2.0
"""Attacks on userinfo, logout, discovery and JWKS (catalogue 1D)."""
import json
import sys
from urllib.parse import quote
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from oidc_world import run
from party import FORM, Party, b64url, b64url_decode, is_error_page, is_sign_in, jwt_part, request

# says nothing about the algorithm of its ID tokens
SIGNED = {"client_name": "Bộ", "redirect_uris": ["https://signed.example/cb"], "legal_basis": "QĐ 1/2026",
          "scope": "openid profile email", "id_token_signed_response_alg": None}


def userinfo(w, method="GET", query="", body=None, **headers):
    headers = {n.replace("_", "-"): v for n, v in headers.items()}
    return request(w.issuer, method, "/userinfo" + query, body, headers)


def D05_ways_of_giving_the_token(w):
    token = w.ministry.tokens(w.signed_in(), w.an)["access_token"]
    bearer = "Bearer " + token
    assert userinfo(w, query="?access_token=" + token).status == 400
    assert userinfo(w, query="?access_token=" + token, Authorization=bearer).status == 400
    answer = userinfo(w, "POST", body="access_token=" + token, Authorization=bearer, Content_Type=FORM)
    assert answer.status == 400 and answer.json()["error"] == "invalid_request"
    assert userinfo(w, Authorization=[bearer, bearer]).status == 400
    assert userinfo(w, Authorization=bearer).status == 200
    assert userinfo(w, Authorization="bearer " + token).status == 200
    assert userinfo(w, "POST", body="access_token=" + token, Content_Type=FORM).status == 200
    assert userinfo(w, "POST", body="", Content_Type="application/json", Authorization=bearer).status == 200
    answer = userinfo(w)
    assert answer.status == 401 and answer.header("WWW-Authenticate").startswith("Bearer")
    assert "error" not in answer.header("WWW-Authenticate")


def D06_D17_other_tokens_are_no_access_tokens(w):
    browser = w.signed_in()
    tokens = w.ministry.tokens(browser, w.an)
    code = w.ministry.code(browser, w.an)
    header, payload, signature = tokens["access_token"].split(".")
    none = b64url(json.dumps({"alg": "none", "typ": "at+jwt"}).encode())
    claims = json.loads(b64url_decode(payload))
    changed = b64url(json.dumps(dict(claims, scope="openid profile email")).encode())
    for bad in (tokens["id_token"], tokens["refresh_token"], code, "x", "a.b.c", "A" * 20000, none + "." + payload + ".",
                ".".join((header, changed, signature)), ".".join((header, payload, signature[:-4] + "AAAA")),
                tokens["access_token"] + "=", " " + tokens["access_token"]):
        answer = userinfo(w, Authorization="Bearer " + bad)
        assert answer.status in (401, 431), (bad[:60], answer)
        if answer.status == 401:
            assert 'error="invalid_token"' in answer.header("WWW-Authenticate")


def signed_userinfo(w, alg):
    party = Party(w.issuer, {**SIGNED, **w.provider.add_client(**SIGNED, userinfo_signed_response_alg=alg)})
    tokens = party.tokens(w.signed_in(), w.an, scope="openid profile email")
    return party, tokens, party.userinfo(tokens["access_token"])


def D06_signed_userinfo_by_every_algorithm(w):
    for alg in ("RS256", "ES256", "PS256", "EdDSA"):
        party, tokens, answer = signed_userinfo(w, alg)
        assert answer.status == 200 and answer.header("Content-Type") == "application/jwt", answer
        header, claims = jwt_part(answer.text, 0), jwt_part(answer.text, 1)
        assert header["alg"] == alg and header["typ"] == "userinfo+jwt", header
        assert (claims["iss"], claims["aud"]) == (w.issuer, party.client_id), claims
        assert claims["name"] == "Nguyễn Văn An" and claims["sub"] == jwt_part(tokens["id_token"], 1)["sub"]
        keys = request(w.issuer, "GET", "/jwks").json()["keys"]
        w.check_signature(answer.text, next(k for k in keys if k["kid"] == header["kid"]))
        assert jwt_part(tokens["id_token"], 0)["alg"] == "RS256", "silent metadata means RS256 for ID tokens"


def D06_E16_signed_userinfo_is_no_other_token(w):
    party, tokens, answer = signed_userinfo(w, "ES256")
    claims = jwt_part(answer.text, 1)
    assert not {"exp", "nonce", "auth_time", "at_hash", "sid"} & set(claims), claims
    assert userinfo(w, Authorization="Bearer " + answer.text).status == 401
    assert party.token({"token": answer.text}, path="/introspect").json() == {"active": False}
    page = w.signed_in().get(party.url(id_token_hint=answer.text))
    assert page.query()["error"] == "invalid_request"
    assert w.signed_in().get(party.url(id_token_hint=tokens["id_token"])).query().get("code")


def D07_scope_and_person(w):
    answer = userinfo(w, Authorization="Bearer " + w.machine.token({"grant_type": "client_credentials"}).json()["access_token"])
    assert answer.status == 403 and 'error="insufficient_scope"' in answer.header("WWW-Authenticate")
    answer = w.ministry.userinfo(w.ministry.tokens(w.signed_in(), w.an, scope="profile")["access_token"])
    assert answer.status == 403
    user = w.new_user("d07")
    token = w.ministry.tokens(w.browser(), user)["access_token"]
    assert w.ministry.userinfo(token).status == 200
    w.idpctl("user", "erase", "d07")
    assert w.ministry.userinfo(token).status == 401


def D08_where_logout_may_lead(w):
    browser = w.signed_in()
    hint = w.ministry.tokens(browser, w.an)["id_token"]

    for uri in ("https://evil.example/", "https://ministry.example/bye/", "https://portal.example/bye",
                "https://ministry.example/bye?x", "//ministry.example/bye"):
        answer = browser.get(f"/logout?id_token_hint={hint}&post_logout_redirect_uri={quote(uri, '')}")
        assert is_error_page(answer), (uri, answer)
    assert is_error_page(browser.get(f"/logout?client_id=portal&id_token_hint={hint}"))
    page = browser.get("/logout?client_id=ministry&state=" + quote("\"><script>alert(1)</script>") +
                       "&post_logout_redirect_uri=" + quote("https://ministry.example/bye", ""))
    assert page.status == 200 and "<script>alert" not in page.text
    # The session lived through all of it.
    assert "code" in browser.get(w.ministry.url()).query()
    answer = browser.get(f"/logout?id_token_hint={hint}&state=s1&post_logout_redirect_uri=" +
                         quote("https://ministry.example/bye", ""))
    assert answer.status == 303 and answer.location == "https://ministry.example/bye?state=s1", answer
    assert is_sign_in(browser.get(w.ministry.url()))


def D09_no_hint_no_silent_logout(w):
    browser = w.signed_in()
    other = w.ministry.tokens(w.browser(), w.binh)["id_token"]
    header, payload, signature = other.split(".")
    for url in ("/logout", "/logout?client_id=ministry", "/logout?id_token_hint=" + other,
                "/logout?id_token_hint=a.b.c", f"/logout?id_token_hint={header}.{payload}.{signature[:-4]}AAAA"):
        page = browser.get(url)
        assert page.status == 200 and page.forms()[0]["id"] == "logout", (url, page)
    # A form of another site, and one without our token.
    assert browser.post("/logout", {}, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}).status == 303
    for csrf in ("A" * 22, "x"):
        assert is_error_page(browser.post("/logout", {"csrf": csrf, "decision": "allow"}), 403)
    assert "code" in browser.get(w.ministry.url()).query()
    page = browser.get("/logout")
    assert browser.submit(page, "logout", ("decision", "deny")).location == "/account"
    assert "code" in browser.get(w.ministry.url()).query()
    cookie = dict(browser.cookies)
    done = browser.submit(browser.get("/logout"), "logout", ("decision", "allow"))
    assert done.status == 200 and browser.session_cookie() is None
    browser.cookies = cookie  # F12: the old cookie is dead
    assert is_sign_in(browser.get(w.ministry.url()))


def D15_names_come_from_the_configuration(w):
    for header in ("X-Forwarded-Host", "Forwarded", "X-Forwarded-Proto"):
        value = "host=evil.example" if header == "Forwarded" else "evil.example"
        answer = request(w.issuer, "GET", "/.well-known/openid-configuration", None, {header: value})
        assert answer.status == 200 and "evil" not in answer.text and answer.json()["issuer"] == w.issuer


def D16_jwks(w):
    answer = request(w.issuer, "GET", "/jwks")
    keys = answer.json()["keys"]
    for key in keys:
        assert not set(key) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}, key
        assert key["use"] == "sig" and key["alg"]
    assert len({k["kid"] for k in keys}) == len(keys) >= 4
    assert "max-age" in answer.header("Cache-Control")
    again = request(w.issuer, "GET", "/jwks", None, {"If-None-Match": answer.header("ETag")})
    assert again.status == 304 and not again.body


def D18_discovery_says_what_works(w):
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        answer = request(w.issuer, "GET", path, None, {"Origin": "https://any.example"})
        d = answer.json()
        assert answer.header("Access-Control-Allow-Origin") == "*"
        assert d["code_challenge_methods_supported"] == ["S256"] and d["response_types_supported"] == ["code"]
        assert set(d["grant_types_supported"]) == {"authorization_code", "refresh_token", "client_credentials"}
        assert "none" not in d["id_token_signing_alg_values_supported"]
        assert d["authorization_response_iss_parameter_supported"] is True
        assert d["request_parameter_supported"] is True and d["require_request_uri_registration"] is True
        for name, url in d.items():
            if name.endswith("_endpoint") or name == "jwks_uri":
                assert url.startswith(w.issuer + "/"), (name, url)
                assert request(w.issuer, "GET", url[len(w.issuer):]).status != 404, name


def D19_subs_differ_by_sector(w):
    browser = w.signed_in()
    one, two = w.ministry.tokens(browser, w.an), w.portal.tokens(browser, w.an)
    subs = [jwt_part(t["id_token"], 1)["sub"] for t in (one, two)]
    assert subs[0] != subs[1]
    sids = [jwt_part(t["id_token"], 1)["sid"] for t in (one, two)]
    assert sids[0] != sids[1]
    assert jwt_part(w.ministry.tokens(w.signed_in(), w.an)["id_token"], 1)["sub"] == subs[0]
    assert w.ministry.userinfo(one["access_token"]).json()["sub"] == subs[0]
    for t in (one, two):
        assert isinstance(jwt_part(t["id_token"], 1)["aud"], str)


if __name__ == "__main__":
    sys.exit(run(__name__))
