# SPDX-License-Identifier: Apache-2.0
"""Which origins' scripts may call what (rows A36 and B34): anybody reads metadata and keys, pages that
are public clients call token, userinfo and revocation, and nothing is ever given with cookies."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from oidc_world import run
from party import request

PUBLIC = ["/jwks", "/oauth2/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
CALLED = ["/token", "/userinfo", "/revoke", "/oauth2/token", "/oauth2/userinfo", "/oauth2/revoke"]
OPENED = ["/authorize", "/oauth2/authorize", "/logout", "/oidc/logout", "/consent", "/sign-in", "/", "/account",
          "/introspect", "/oauth2/introspect", "/authorize/resume"]
PAGE = "https://page.example"
FOREIGN = ["https://evil.example", "http://page.example", "https://page.example:8443", "https://page.example.evil.example",
           "https://page.example/", "https://PAGE.example", "https://portal.example", "https://ministry.example", "null", "*",
           "file://", "https://page.exampl", "", "https://page.example, https://evil.example"]


def preflight(w, path, origin, method="POST"):
    return request(w.issuer, "OPTIONS", path, None,
                   {"Origin": origin, "Access-Control-Request-Method": method,
                    "Access-Control-Request-Headers": "authorization, content-type"})


def cors_headers(answer):
    """Those that give something, and no cookie beside them."""
    assert answer.header("Access-Control-Allow-Credentials") is None
    given = [n for n, _ in answer.headers if n.lower().startswith("access-control-")]
    assert not given or not answer.all("Set-Cookie")
    return given


def given_to(answer, origin):
    assert answer.header("Vary") == "Origin"
    cors_headers(answer)
    return answer.header("Access-Control-Allow-Origin") == origin


def A36_nothing_that_browsers_open_is_callable(w):
    for path in OPENED:
        for origin in (PAGE, "https://evil.example", w.issuer):
            for method in ("GET", "POST"):
                answer = preflight(w, path, origin, method)
                assert answer.status == 405 and not cors_headers(answer), (path, answer.headers)
                answer = request(w.issuer, method, path, "" if method == "POST" else None, {"Origin": origin})
                assert not cors_headers(answer), (path, answer.headers)
    browser = w.signed_in()
    answer = browser.get(w.page.url(), headers={"Origin": PAGE})
    assert not cors_headers(answer)


def B34_preflight_of_known_origins(w):
    for path in CALLED:
        answer = preflight(w, path, PAGE)
        assert answer.status == 204 and given_to(answer, PAGE) and not answer.body, answer.headers
        assert "POST" in answer.header("Access-Control-Allow-Methods")
        assert set(re.split(", *", answer.header("Access-Control-Allow-Headers").lower())) == {"authorization", "content-type"}
        for origin in FOREIGN:
            answer = preflight(w, path, origin)
            assert answer.status in (204, 400) and not cors_headers(answer), (origin, answer.headers)
        answer = request(w.issuer, "OPTIONS", path, None, {"Origin": [PAGE, "https://evil.example"]})
        assert not cors_headers(answer)
        assert request(w.issuer, "OPTIONS", path).status == 204


def B34_preflight_of_what_anybody_may_read(w):
    for path in PUBLIC:
        for origin in (PAGE, "https://evil.example", "null"):
            answer = preflight(w, path, origin, "GET")
            assert answer.status == 204 and answer.header("Access-Control-Allow-Origin") == "*"
            answer = request(w.issuer, "GET", path, None, {"Origin": origin})
            assert answer.status == 200 and answer.header("Access-Control-Allow-Origin") == "*"
            assert cors_headers(answer) == ["Access-Control-Allow-Origin"]


def B34_answers_go_to_the_clients_own_origins(w):
    """Token, refresh, userinfo and revocation, good and refused, for the page and for others."""
    tokens = w.page.tokens(w.signed_in(), w.an)

    def answers(origin):
        nonlocal tokens
        from_page = {"Origin": origin}
        fresh = w.page.token({"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}, headers=from_page)
        tokens = fresh.json()
        bearer = {"Authorization": "Bearer " + tokens["access_token"], **from_page}
        extra = w.page.tokens(w.signed_in(), w.an)
        return [fresh, w.page.redeem("x", headers=from_page), w.page.token({"grant_type": "x"}, headers=from_page),
                request(w.issuer, "GET", "/userinfo", None, bearer), request(w.issuer, "POST", "/oauth2/userinfo", "", bearer),
                w.page.token({"token": extra["access_token"]}, path="/revoke", headers=from_page),
                w.page.token({"token": "x"}, path="/oauth2/revoke", headers=from_page)]

    for answer in answers(PAGE):
        assert given_to(answer, PAGE) and cors_headers(answer) == ["Access-Control-Allow-Origin"], answer.headers
    for origin in ("https://evil.example", "http://127.0.0.1", "null", "https://PAGE.example"):
        for answer in answers(origin):
            assert given_to(answer, None) and not cors_headers(answer), (origin, answer.headers)


def B34_other_clients_answers_stay_closed(w):
    """The origin of one client, the request of another; a client with a secret; nobody."""
    for party in (w.ministry, w.portal, w.machine):
        own = (party.metadata.get("redirect_uris") or ["https://x.example/cb"])[0].rsplit("/", 1)[0]
        for origin in (PAGE, own, "https://portal.example", "https://ministry.example"):
            answer = party.token({"grant_type": "refresh_token", "refresh_token": "x"}, headers={"Origin": origin})
            assert answer.status == 400 and not cors_headers(answer), answer.headers
    bearer = "Bearer " + w.ministry.tokens(w.signed_in(), w.an)["access_token"]
    answer = request(w.issuer, "GET", "/userinfo", None, {"Authorization": bearer, "Origin": PAGE})
    assert answer.status == 200 and not cors_headers(answer)
    for fields in ({"client_id": "nobody"}, {}, {"client_id": "page", "client_secret": "x"}):
        answer = w.page.token({"grant_type": "refresh_token", "refresh_token": "x", **fields}, auth=None, headers={"Origin": PAGE})
        assert answer.status == 401 and not cors_headers(answer), answer.headers


def B34_introspection_is_for_no_page(w):
    token = w.page.tokens(w.signed_in(), w.an)["access_token"]
    for party in (w.page, w.ministry):
        assert not cors_headers(party.token({"token": token}, path="/introspect", headers={"Origin": PAGE}))


def B34_origins_follow_the_registrations(w):
    """Named ones count instead of the redirect URIs' own; what was disabled is gone at once."""
    base = {"token_endpoint_auth_method": "none", "redirect_uris": ["https://one.example/cb"], "client_id": "origins",
            "grant_types": ["authorization_code", "refresh_token"]}
    assert not cors_headers(preflight(w, "/token", "https://one.example"))
    w.provider.add_client(**base)
    assert given_to(preflight(w, "/token", "https://one.example"), "https://one.example")
    w.idpctl("client", "disable", "origins")
    assert not cors_headers(preflight(w, "/token", "https://one.example"))
    w.provider.add_client(**{**base, "client_id": "origins2", "cors_origins": ["https://two.example:8443"]})
    assert given_to(preflight(w, "/token", "https://two.example:8443"), "https://two.example:8443")
    assert not cors_headers(preflight(w, "/token", "https://one.example"))
    assert given_to(preflight(w, "/token", PAGE), PAGE)
    w.restart(kill=True)
    assert given_to(preflight(w, "/token", "https://two.example:8443"), "https://two.example:8443")


if __name__ == "__main__":
    sys.exit(run(__name__))
