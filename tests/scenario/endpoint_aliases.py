# SPDX-License-Identifier: Apache-2.0
"""A portal of the national portal's dialect changes only the host: the endpoints answer at the
addresses that it knows as they do at their own, and what it sends is understood."""
import base64
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from oidc_world import PASSWORD, run
from party import FORM, Party, error_of, is_sign_in, request


def old_url(w, **changed):
    """What such a portal sends: no nonce, no PKCE, a state of standard Base64, unescaped."""
    state = base64.b64encode(b"https://ministry.example/?b=\xfb\xef\xbe\xff\xfeab").decode()
    assert all(c in state for c in "+/=")
    query = urllib.parse.urlencode({"response_type": "code", "client_id": "ministry", "scope": "openid",
                                    "redirect_uri": w.ministry.redirect_uri, "acr_values": "LoA1", **changed})
    return f"/oauth2/authorize?{query}&state={state}", state


def sign_on(w):
    browser = w.browser()
    url, state = old_url(w)
    page = browser.get(url)
    assert is_sign_in(page), page
    answer = browser.sign_in(page, w.an["username"], w.an["password"])
    assert answer.status == 303 and answer.location.startswith(w.ministry.redirect_uri + "?"), answer
    assert f"state={state}" in answer.location, "the state came back changed"
    code = answer.query()["code"]
    answer = w.ministry.token({"grant_type": "authorization_code", "code": code,
                               "redirect_uri": w.ministry.redirect_uri}, path="/oauth2/token")
    assert answer.status == 200, answer
    return browser, answer.json()


def scenario_sign_on_by_the_old_addresses(w):
    browser, tokens = sign_on(w)
    bearer = {"Authorization": "Bearer " + tokens["access_token"]}
    answers = [request(w.issuer, "GET", "/oauth2/userinfo", None, bearer),
               request(w.issuer, "POST", "/oauth2/userinfo", "", {**bearer, "Content-Type": "application/json"}),
               request(w.issuer, "GET", "/userinfo", None, bearer)]
    assert [a.status for a in answers] == [200, 200, 200] and len({a.json()["sub"] for a in answers}) == 1
    assert request(w.issuer, "GET", "/oauth2/jwks").json() == request(w.issuer, "GET", "/jwks").json()
    query = urllib.parse.urlencode({"id_token_hint": tokens["id_token"],
                                    "post_logout_redirect_uri": "https://ministry.example/bye"})
    answer = browser.get("/oidc/logout?" + query)
    assert answer.status == 303 and answer.location == "https://ministry.example/bye", answer
    assert is_sign_in(browser.get(old_url(w)[0])), "the session outlived its logout"


def scenario_token_check_and_revocation(w):
    _, tokens = sign_on(w)
    check = {"token": tokens["access_token"], "state": "0"}
    answer = w.ministry.token(check, path="/oauth2/introspect")
    assert answer.status == 200 and answer.json()["active"] is True, answer
    assert w.ministry.token({"token": tokens["id_token"]}, path="/oauth2/revoke").status == 200
    assert w.ministry.token(check, path="/oauth2/introspect").json()["active"] is True
    assert w.ministry.token({"token": tokens["access_token"]}, path="/oauth2/revoke").status == 200
    assert w.ministry.token(check, path="/oauth2/introspect").json() == {"active": False}


def scenario_aliases_refuse_what_the_endpoints_refuse(w):
    assert error_of(w.ministry.token({"grant_type": "password"}, path="/oauth2/token")) == (400, "unsupported_grant_type")
    assert request(w.issuer, "GET", "/oauth2/token").status == 405
    assert request(w.issuer, "POST", "/oauth2/token", "{}", {"Content-Type": "application/json"}).status == 415
    for path in ("/oauth2/introspect", "/oauth2/revoke"):
        assert error_of(request(w.issuer, "POST", path, "token=x", {"Content-Type": FORM})) == (401, "invalid_client")
    assert request(w.issuer, "GET", "/oauth2/userinfo").status == 401
    for bad in ({"redirect_uri": "https://evil.example/"}, {"client_id": "nobody"}):
        answer = w.browser().get(old_url(w, **bad)[0])
        assert answer.status == 400 and answer.location is None
    assert w.browser().get("/oidc/logout?post_logout_redirect_uri=https://evil.example/").location is None
    d = request(w.issuer, "GET", "/.well-known/openid-configuration").json()
    assert not [url for url in d.values() if "/oauth2/" in str(url)], "metadata names an alias"


def scenario_a_form_of_another_site_keeps_its_request(w):
    browser = w.signed_in()
    url, state = old_url(w)
    foreign = {"Origin": "https://ministry.example", "Sec-Fetch-Site": "cross-site"}
    answer = browser.post("/oauth2/authorize", url.partition("?")[2], foreign)
    assert answer.status == 303 and answer.location.startswith("/authorize?"), answer
    answer = browser.follow(answer)
    assert answer.location.startswith(w.ministry.redirect_uri + "?") and "code=" in answer.location, answer


def scenario_the_old_portals_claims_come_with_openid_alone(w):
    person = {"username": "lan", "password": PASSWORD, "type": "citizen", "ial": 2,
              "identifiers": {"SoDinhDanh": "030190001234"},
              "claims": {"HoVaTen": "Trần Thị Lan", "NgayThangNamSinh": "19900212", "GioiTinh": 2, "TonGiao": "Không"}}
    w.provider.add_user(**person)
    metadata = {"client_id": "old_portal", "client_name": "Cổng cũ", "redirect_uris": ["https://old.example/cb"], "scope": "openid",
                "token_endpoint_auth_method": "client_secret_post", "legal_basis": "QĐ 3/2026", "claims_profile": "dvcqg"}
    party = Party(w.issuer, dict(metadata, **w.provider.add_client(**metadata)))
    names = []
    for one in (party, w.ministry):
        tokens = one.tokens(w.browser(), person, scope="openid")
        names.append(request(w.issuer, "GET", "/oauth2/userinfo", None, {"Authorization": "Bearer " + tokens["access_token"]}).json())
    old, other = names
    assert (old["HoVaTen"], old["NgayThangNamSinh"], old["GioiTinh"]) == ("Trần Thị Lan", "19900212", 2), old
    assert "SoDinhDanh" not in old, "a password alone does not reach the level of the personal number"
    assert "TonGiao" not in old, "nor is anything sensitive in the profile"
    assert set(other) == {"sub", "LoaiTaiKhoan", "TechID"} and other["sub"] != old["sub"], other


if __name__ == "__main__":
    sys.exit(run(__name__))
