# SPDX-License-Identifier: Apache-2.0
"""What relying parties of the national portal send today (no nonce, no PKCE, states of standard Base64,
the secret in the body, odd bodies and parameters), as a corpus: each request beside its twin, which differs in the
one thing that must not be let through."""
import base64
import secrets
import sys
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from oidc_world import PASSWORD, run
from party import FORM, Party, error_of, is_sign_in, jwt_part, request

AUTHORIZE, TOKEN, USERINFO = "/oauth2/authorize", "/oauth2/token", "/oauth2/userinfo"
INTROSPECT, REVOKE, LOGOUT = "/oauth2/introspect", "/oauth2/revoke", "/oidc/logout"
BYE = "https://old.example/bye"

# States as they come: standard Base64 of an address, unescaped; with line ends of MIME escaped; none.
STATES = [base64.b64encode(text).decode() for text in (
    b"https://old.example/thu-tuc?ma=1.000656", b"\xfb\xef\xbe\xff\xfe", b"https://old.example/?b=\xfb\xef\xbe\xff\xfeab", b"x" * 300)]
STATES += ["a+b/c==", "++//==", "0", "a%2Bb%2Fc%3D%3D", "%E1%BB%8B", "~.-_"]


class Portal:
    """An old portal, and a person."""

    def __init__(self, w):
        self.w = w
        name = "cu_" + secrets.token_hex(3)
        metadata = {"client_id": name, "client_name": "Cổng cũ", "redirect_uris": ["https://old.example/cb"], "scope": "openid",
                    "post_logout_redirect_uris": [BYE], "token_endpoint_auth_method": "client_secret_post",
                    "id_token_signed_response_alg": "RS256", "legal_basis": "QĐ 3/2026", "claims_profile": "dvcqg"}
        self.party = Party(w.issuer, dict(metadata, **w.provider.add_client(**metadata)))
        self.person = {"username": name, "password": PASSWORD, "type": "citizen", "ial": 2,
                       "claims": {"HoVaTen": "Trần Thị Lan", "NgayThangNamSinh": "19900212"}}
        w.provider.add_user(**self.person)
        self.browser = w.browser()

    def url(self, state=None, raw="", **changed):
        """`raw` and `state` stand in the URL as they are."""
        params = {"response_type": "code", "client_id": self.party.client_id, "redirect_uri": self.party.redirect_uri,
                  "scope": "openid", "acr_values": "LoA1", **changed}
        query = urllib.parse.urlencode({n: v for n, v in params.items() if v is not None})
        return AUTHORIZE + "?" + query + (f"&state={state}" if state is not None else "") + raw

    def ask(self, *args, **changed):
        """The answer to the portal; whoever has to signs in."""
        answer = self.browser.get(self.url(*args, **changed))
        if is_sign_in(answer):
            answer = self.browser.sign_in(answer, self.person["username"], self.person["password"])
        return answer

    def code(self, *args, **changed):
        answer = self.ask(*args, **changed)
        assert answer.status == 303 and answer.location.startswith(self.party.redirect_uri + "?"), answer
        return answer.query()["code"]

    def post(self, path, fields, **changed):
        """With the secret in the body."""
        everything = {"client_id": self.party.client_id, "client_secret": self.party.metadata["client_secret"], **fields, **changed}
        return request(self.w.issuer, "POST", path, urllib.parse.urlencode({n: v for n, v in everything.items() if v is not None}),
                       {"Content-Type": FORM})

    def redeem(self, code, **changed):
        return self.post(TOKEN, {"grant_type": "authorization_code", "code": code, "redirect_uri": self.party.redirect_uri}, **changed)

    def tokens(self, **changed):
        answer = self.redeem(self.code(**changed))
        assert answer.status == 200, answer
        return answer.json()

    def userinfo(self, token, method="GET", body=None, **headers):
        given = {"Authorization": "Bearer " + token, **{n.replace("_", "-"): v for n, v in headers.items()}}
        return request(self.w.issuer, method, USERINFO, body, given)


def query_parts(answer):
    """name -> value as it stands in the URL."""
    return dict(part.split("=", 1) for part in urllib.parse.urlsplit(answer.location).query.split("&"))


def scenario_a_state_comes_back_byte_for_byte(w):
    portal = Portal(w)
    for state in STATES:
        answer = portal.ask(state)
        assert query_parts(answer)["state"] == state, (state, answer)
        assert f"&state={state}" in answer.location or f"?state={state}" in answer.location, answer
    for state in STATES:  # an error carries it too
        answer = portal.ask(state, prompt="none", scope="root")
        assert (query_parts(answer)["state"], query_parts(answer)["error"]) == (state, "invalid_scope"), answer
    assert "state" not in query_parts(portal.ask()), "a state out of nothing"
    odd = "!*'();:@,$<>\"{}|^`"  # may be escaped on the way, but means the same
    assert portal.ask(odd).query()["state"] == odd
    for state in ("a%0d%0aSet-Cookie:%20x=1", "a&code=evil", "a&iss=https://evil.example"):
        answer = portal.browser.get(portal.url(state))
        assert not [v for v in answer.all("Set-Cookie") if v.startswith("x=1")] and answer.query()["state"][0] == "a", answer
        assert answer.query()["code"] != "evil" and answer.query()["iss"] == w.issuer, answer
    answer = portal.browser.get(portal.url("a", raw="&state=b"))
    assert answer.location is None or answer.query().get("error") == "invalid_request", answer
    long_state = portal.browser.get(portal.url("A" * 20000))
    assert long_state.location is None or "code" not in long_state.query(), "a state without end"


def scenario_neither_nonce_nor_pkce(w):
    portal = Portal(w)
    code = portal.code()
    tokens = portal.redeem(code).json()
    claims = jwt_part(tokens["id_token"], 1)
    assert "nonce" not in claims and claims["acr"] == "LoA1", claims
    # twins: what was not begun with PKCE does not end with it, and what was does not end without
    assert error_of(portal.redeem(portal.code(), code_verifier="v" * 43)) == (400, "invalid_grant")
    with_pkce = {"code_challenge": portal.party.params()["code_challenge"], "code_challenge_method": "S256"}
    assert error_of(portal.redeem(portal.code(**with_pkce))) == (400, "invalid_grant")
    assert portal.redeem(portal.code(**with_pkce), code_verifier="v" * 43).status == 400, "another verifier"
    assert portal.redeem(portal.code(**with_pkce), code_verifier=portal.party.verifier).status == 200, "its own"
    assert error_of(portal.redeem(code)) == (400, "invalid_grant"), "a code twice"


def scenario_the_secret_in_the_body(w):
    portal = Portal(w)
    assert portal.redeem(portal.code()).status == 200
    for wrong in ({"client_secret": "wrong"}, {"client_secret": ""}, {"client_secret": None}, {"client_id": "ministry"}):
        answer = portal.redeem(portal.code(), **wrong)
        assert error_of(answer)[1] == "invalid_client", (wrong, answer)
    basic = {"Content-Type": FORM, "Authorization": portal.party.basic()}
    body = urllib.parse.urlencode({"grant_type": "authorization_code", "code": portal.code(), "redirect_uri": portal.party.redirect_uri})
    answer = request(w.issuer, "POST", TOKEN, body, basic)
    assert error_of(answer) == (401, "invalid_client"), "registered for the body, taken from the header"
    secret = urllib.parse.quote(portal.party.metadata["client_secret"])
    answer = request(w.issuer, "POST", f"{TOKEN}?client_id={portal.party.client_id}&client_secret={secret}", body, {"Content-Type": FORM})
    assert answer.status in (400, 401), "a secret in the address"


# userinfo as it is asked: (method, body, type), answered or with which status
USERINFO_CALLS = [
    ("GET", None, None, 200),
    ("GET", None, "application/json", 200),
    ("POST", "", "application/json", 200),
    ("POST", "", "application/json; charset=utf-8", 200),
    ("POST", "", None, 200),
    ("POST", "", FORM, 200),
]


def scenario_userinfo_by_get_and_post(w):
    portal = Portal(w)
    token = portal.tokens()["access_token"]
    first = portal.userinfo(token).json()
    assert first["HoVaTen"] == "Trần Thị Lan" and "TechID" in first, first
    for method, body, kind, status in USERINFO_CALLS:
        headers = {"Content_Type": kind} if kind else {}
        answer = portal.userinfo(token, method, body, **headers)
        assert answer.status == status and answer.json() == first, (method, kind, answer)
        answer = portal.userinfo(token + "x", method, body, **headers)
        assert answer.status == 401 and "HoVaTen" not in answer.text, (method, kind, answer)
    assert portal.userinfo(token, "PUT", "").status == 405
    posted = '{"access_token":"%s","sub":"another"}' % token
    answer = request(w.issuer, "POST", USERINFO, posted, {"Content-Type": "application/json"})
    assert answer.status in (400, 401, 415), "a token in a JSON body"
    answer = portal.userinfo(token, "POST", '{"sub":"another","HoVaTen":"Ai"}', Content_Type="application/json")
    assert answer.status != 200 or answer.json() == first, "what is posted is believed"
    assert request(w.issuer, "GET", USERINFO + "?access_token=" + token).status in (400, 401), "a token in the address"


def scenario_token_check(w):
    portal, other = Portal(w), Portal(w)
    token = portal.tokens()["access_token"]
    for more in ({"state": "0"}, {"state": "0", "unknown": "x"}, {}):
        answer = portal.post(INTROSPECT, {"token": token, **more})
        assert answer.status == 200 and answer.json()["active"] is True, (more, answer)
    assert portal.post(INTROSPECT, {"token": token + "x", "state": "0"}).json() == {"active": False}
    assert other.post(INTROSPECT, {"token": token, "state": "0"}).json() == {"active": False}, "another's token"
    bare = urllib.parse.urlencode({"token": token, "state": "0"})
    answer = request(w.issuer, "POST", INTROSPECT, bare, {"Content-Type": FORM})
    assert error_of(answer) == (401, "invalid_client"), "a check by nobody"
    assert request(w.issuer, "GET", f"{INTROSPECT}?{bare}").status == 405
    assert error_of(portal.post(INTROSPECT, {"state": "0"})) == (400, "invalid_request")


def scenario_revocation_with_an_id_token(w):
    portal, other = Portal(w), Portal(w)
    tokens = portal.tokens()
    for what in ({"token": tokens["id_token"]}, {"token": tokens["id_token"], "token_type_hint": "id_token"},
                 {"token": tokens["id_token"], "token_type_hint": "access_token"}, {"token": "0"}):
        assert portal.post(REVOKE, what).status == 200, what
        assert portal.userinfo(tokens["access_token"]).status == 200, "revoking the ID token revoked more"
    other.post(REVOKE, {"token": tokens["access_token"]})
    assert portal.userinfo(tokens["access_token"]).status == 200, "revoked by another"
    assert error_of(request(w.issuer, "POST", REVOKE, "token=x", {"Content-Type": FORM})) == (401, "invalid_client")
    assert portal.post(REVOKE, {"token": tokens["access_token"], "token_type_hint": "id_token"}).status == 200
    assert portal.userinfo(tokens["access_token"]).status == 401, "not revoked"


def scenario_logout_by_get(w):
    portal = Portal(w)
    hint = portal.tokens()["id_token"]
    for more in ({}, {"state": "a+b/c=="}, {"unknown": "x"}):
        hint = portal.tokens()["id_token"]
        query = urllib.parse.urlencode({"id_token_hint": hint, "post_logout_redirect_uri": BYE, **more})
        answer = portal.browser.get(f"{LOGOUT}?{query}")
        assert answer.status == 303 and answer.location.split("?")[0] == BYE, (more, answer)
        assert answer.query() == {n: v for n, v in more.items() if n == "state"}, answer
        assert is_sign_in(portal.browser.get(portal.url())), "still signed in"
    portal.tokens()
    stranger = Portal(w).tokens()["id_token"]
    for wrong in ({"post_logout_redirect_uri": "https://evil.example/"}, {"post_logout_redirect_uri": BYE + "/x"},
                  {"id_token_hint": hint[:-4] + "AAAA"}, {"id_token_hint": None}, {"id_token_hint": stranger}):
        fields = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, **wrong}
        answer = portal.browser.get(LOGOUT + "?" + urllib.parse.urlencode({n: v for n, v in fields.items() if v}))
        assert answer.location is None or answer.location.startswith("/"), (wrong, answer)
        assert not is_sign_in(portal.browser.get(portal.url())), ("signed out without being asked", wrong)


# Parameters that portals add, which are of no meaning to anybody here.
UNKNOWN = ["&sessionDataKey=0", "&tenantDomain=carbon.super", "&commonAuthCallerPath=/oauth2/authorize", "&type=oidc", "&sp=",
           "&vnconnect=1&MaTTHCDP=1.000656.000.00.00.H23", "&empty=", "&bare", "&%C4%91=%C6%B0", "&=x"]


def scenario_unknown_parameters(w):
    portal = Portal(w)
    for raw in UNKNOWN:
        answer = portal.ask("s", raw)
        assert set(query_parts(answer)) == {"code", "state", "iss"}, (raw, answer)
        fields = dict(urllib.parse.parse_qsl(raw[1:], keep_blank_values=True))
        assert portal.redeem(answer.query()["code"], **{n: v for n, v in fields.items() if n}).status == 200, raw
    for raw in ("&client_id=ministry", "&redirect_uri=https://evil.example/", "&response_type=token"):  # known ones, twice
        answer = portal.browser.get(portal.url("s", raw))
        assert answer.location is None or "code" not in answer.query(), (raw, answer)
        assert not (answer.location or "").startswith("https://evil"), answer
    answer = portal.redeem(portal.code(), scope="openid vn_sensitive")
    assert answer.status != 200 or answer.json().get("scope", "openid") == "openid", "more scope at the token endpoint"


def scenario_no_scope(w):
    """None, or an empty one, is openid to a portal of this dialect; to others it stays an error."""
    portal = Portal(w)
    for scope in (None, ""):
        tokens = portal.tokens(scope=scope)
        assert tokens["scope"] == "openid" and jwt_part(tokens["id_token"], 1)["acr"] == "LoA1", tokens
        assert portal.userinfo(tokens["access_token"]).json()["HoVaTen"] == "Trần Thị Lan"
        answer = portal.browser.get(w.ministry.url(scope=scope))
        assert answer.query()["error"] == "invalid_scope" and "code" not in answer.query(), (scope, answer)
    assert portal.ask(scope="root").query()["error"] == "invalid_scope"
    assert portal.tokens(scope="openid vn_sensitive")["scope"] == "openid", "more than is registered"



if __name__ == "__main__":
    sys.exit(run(__name__))
