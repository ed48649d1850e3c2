# SPDX-License-Identifier: Apache-2.0
"""Attacks on dynamic registration and its management (RFC 7591, 7592): catalogue 1D D12-D14, 1A A04,
A06. One provider whose policy asks for a token, one that is open, one that is closed."""
import concurrent.futures
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
import idp
from hostile_jwt import Key
from oidc_world import Canary, run
from party import Party, error_of, is_error_page, request

GOOD = {"redirect_uris": ["https://tu.example/cb"], "client_name": "Tự đăng ký"}
OURS = {"client_id", "client_secret", "client_secret_expires_at", "client_id_issued_at", "registration_access_token",
        "registration_client_uri"}
KEY = Key("ES256", "k1")


def send(w, method, path, body=None, token=None, content_type="application/json"):
    headers = {"Content-Type": content_type} if body is not None else {}
    if token is not None:
        headers["Authorization"] = "Bearer " + token
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    return request(w.issuer, method, path, body, headers)


def initial_token(w, uses=1, seconds=600):
    return w.idpctl("registration-token", "add", "--uses", str(uses), "--expires-in", str(seconds), "--label", "thử")


def register(w, body=GOOD, token=None, **more):
    return send(w, "POST", "/register", {**body, **more} if isinstance(body, dict) else body,
                token or shared_token(w))


def shared_token(w):
    """One for all that must not run out of uses."""
    if "registration_token" not in w.__dict__:
        w.registration_token = initial_token(w, 5000)["initial_access_token"]
    return w.registration_token


def registered(w, **more):
    answer = register(w, **more)
    assert answer.status == 201, answer
    return answer.json()


def path_of(w, client):
    uri = client["registration_client_uri"]
    assert uri.startswith(w.issuer + "/register?"), uri
    return uri[len(w.issuer):]


def manage(w, client, method, body=None, token=None):
    return send(w, method, path_of(w, client), body, token or client["registration_access_token"])


def update_of(client, **changed):
    """What a client sends to replace its registration: what it has, without what the server chose."""
    kept = {n: v for n, v in {**client, **changed}.items() if n not in OURS - {"client_id"}}
    return {n: v for n, v in kept.items() if v is not None}


def scenario_a_client_s_life(w):
    client = registered(w, scope="openid profile", logo_uri="https://tu.example/logo.png")
    assert client["redirect_uris"] == GOOD["redirect_uris"] and client["token_endpoint_auth_method"] == "client_secret_basic"
    assert client["id_token_signed_response_alg"] == "RS256" and client["client_secret_expires_at"] == 0
    assert len(client["client_secret"]) >= 43 and len(client["registration_access_token"]) >= 43
    assert abs(client["client_id_issued_at"] - time.time()) < 60
    assert not {"self_registered", "sector", "legal_basis"} & set(client), "what is staff's is shown"
    party = Party(w.issuer, client)
    tokens = party.tokens(w.browser(), w.an, scope="openid profile")
    assert party.userinfo(tokens["access_token"]).json()["name"] == "Nguyễn Văn An"

    read = manage(w, client, "GET")
    assert read.status == 200 and "no-store" in read.header("Cache-Control")
    assert read.json() == {n: v for n, v in client.items() if n not in ("client_secret", "client_secret_expires_at")}
    changed = manage(w, client, "PUT", update_of(client, redirect_uris=["https://tu.example/cb2"], logo_uri=None))
    assert changed.status == 200, changed
    assert changed.json()["redirect_uris"] == ["https://tu.example/cb2"]
    assert "logo_uri" not in changed.json(), "what was left out stayed"
    assert is_error_page(w.browser().get(party.url())), "the old redirect URI still counts"
    moved = Party(w.issuer, {**client, "redirect_uris": ["https://tu.example/cb2"]})
    assert moved.tokens(w.signed_in(), w.an)["id_token"]

    gone = manage(w, client, "DELETE")
    assert gone.status == 204 and gone.body in (b"", ""), gone
    assert manage(w, client, "GET").status == 401 and manage(w, client, "DELETE").status == 401
    assert is_error_page(w.browser().get(moved.url()))
    assert party.userinfo(tokens["access_token"]).status == 401, "its tokens outlived it"
    assert error_of(party.token({"grant_type": "client_credentials"})) == (401, "invalid_client")


def D13_initial_tokens(w):
    for token in (None, "", "x", "a b"):
        answer = send(w, "POST", "/register", GOOD, token)
        assert answer.status == 401 and answer.header("WWW-Authenticate").startswith("Bearer"), (token, answer)
    once = initial_token(w)
    token = once["initial_access_token"]
    assert error_of(register(w, token=token, redirect_uris=["javascript:x"])) == (400, "invalid_redirect_uri")
    assert register(w, token=token).status == 201, "a bad attempt used the token up"
    assert register(w, token=token).status == 401
    short = initial_token(w, 5, 1)["initial_access_token"]
    assert register(w, token=short).status == 201
    time.sleep(1.2)
    assert register(w, token=short).status == 401, "an expired token"
    ended = initial_token(w, 5)
    w.idpctl("registration-token", "revoke", ended["id"])
    assert register(w, token=ended["initial_access_token"]).status == 401
    listed = {t["id"]: t for t in w.idpctl("registration-token", "list")}
    assert listed[once["id"]]["uses_left"] == 0 and ended["id"] not in listed
    assert token not in json.dumps(listed) and token not in w.provider.log()


def D13_a_token_for_three_makes_three(w):
    token = initial_token(w, 3)["initial_access_token"]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        statuses = sorted(a.status for a in pool.map(lambda _: register(w, token=token), range(12)))
    assert statuses == [201] * 3 + [401] * 9, statuses


def D13_what_cannot_be_registered(w):
    jwks = {"keys": [KEY.jwk()]}
    https = GOOD["redirect_uris"]
    rows = [("invalid_redirect_uri", {"redirect_uris": [uri]}) for uri in (
        "javascript:alert(1)", "data:text/html,x", "https://*.example/cb", "https://tu.example/*", "https://tu.example/cb#x",
        "http://tu.example/cb", "https://user@tu.example/cb", "//tu.example/cb", "/cb", "", "x", "https://", "file:///cb",
        "https://tu.example/\u0001", "https://tu.example\\@evil.example/", "https://tu.example/" + "a" * 3000,
        "com.example.app:/cb", "http://localhost/cb#", "https://tu.example:99999/cb", "about:blank", "vbscript:x")]
    rows += [("invalid_redirect_uri", {"redirect_uris": value}) for value in (
        [], "https://tu.example/cb", None, {}, [1], [None], [https], https * 33)]
    rows += [("invalid_client_metadata", more) for more in (
        {"jwks": jwks, "jwks_uri": "https://tu.example/jwks"}, {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}},
        {"jwks": {"keys": [KEY.jwk()] * 100}}, {"jwks": "x"}, {"jwks": {"keys": "x"}}, {"jwks": {"keys": [{**KEY.jwk(), "d": "AA"}]}},
        {"jwks_uri": "http://tu.example/jwks"}, {"jwks_uri": "javascript:x"}, {"jwks_uri": 1},
        {"token_endpoint_auth_method": "private_key_jwt"}, {"token_endpoint_auth_method": "tls_client_auth"},
        {"token_endpoint_auth_method": ["none"]}, {"grant_types": ["password"]}, {"grant_types": ["implicit"]}, {"grant_types": "code"},
        {"response_types": ["token"]}, {"response_types": ["id_token token"]}, {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"}, {"userinfo_signed_response_alg": "none"}, {"request_object_signing_alg": "none"},
        {"request_uris": ["http://tu.example/ro"]}, {"request_uris": ["x"]}, {"subject_type": "secret"}, {"default_max_age": -1},
        {"default_max_age": "1"}, {"default_max_age": 1e99}, {"require_auth_time": "yes"}, {"client_name": 1}, {"client_name": "a" * 3000},
        {"client_name": "x\u0000y"}, {"scope": 5}, {"scope": "a" * 3000}, {"scope": 'a"b'}, {"contacts": "x"},
        {"logo_uri": "javascript:x"}, {"policy_uri": "x"}, {"tos_uri": "data:,x"}, {"client_uri": "ftp://tu.example/"},
        {"initiate_login_uri": "http://tu.example/"}, {"software_statement": "x.y.z"}, {"id_token_encrypted_response_alg": "RSA-OAEP"},
        {"client_secret": "chosen"}, {"registration_access_token": "chosen"}, {"self_registered": False}, {"legal_basis": "QĐ 1"},
        {"sector": "ministry.example"}, {"claims_profile": "dvcqg"}, {"access_token_seconds": 3600}, {"numbers_level": 1},
        {"redirect_uris": ["https://a.example/cb", "https://b.example/cb"]}, {"require_pushed_authorization_requests": True},
        {"dpop_bound_access_tokens": True}, {"scope": ["openid"]},
        {"token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]})]
    for error, more in rows:
        answer = register(w, **more)
        assert error_of(answer) == (400, error), (more if len(str(more)) < 300 else str(more)[:300], answer)
        assert answer.json()["error_description"] and "no-store" in answer.header("Cache-Control")
    for name in ("name", "client_name"):  # unknown members are ignored, known ones kept
        assert (registered(w, **{name: "Tên"}).get(name) == "Tên") in (True, name == "name")
    assert registered(w, jwks=jwks, token_endpoint_auth_method="private_key_jwt").get("client_secret") is None
    assert registered(w, client_id="chosen")["client_id"] != "chosen"


def D13_bodies_that_are_no_registration(w):
    token = shared_token(w)
    for body in ("", "{", "[]", "null", '"x"', "{}x", '{"a":1,"a":2}', "[" * 50000, '{"client_name":"\\ud800"}',
                 b'{"client_name":"\xff"}', "\ufeff{}"):
        answer = send(w, "POST", "/register", body, token)
        assert answer.status == 400 and answer.json()["error"] in ("invalid_client_metadata", "invalid_redirect_uri"), (body[:40], answer)
    assert send(w, "POST", "/register", json.dumps({**GOOD, "x": "y" * 70000}), token).status == 413
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "application/jsonx", "application/jwt", ""):
        assert send(w, "POST", "/register", GOOD, token, content_type).status == 415, content_type
    assert send(w, "POST", "/register", GOOD, token, "application/json; charset=utf-8").status == 201
    assert send(w, "GET", "/register", None, token).status == 400
    assert send(w, "DELETE", "/register", None, token).status == 400


def D14_only_with_its_own_token(w):
    mine, other = registered(w), registered(w)
    body = update_of(mine)
    for token in ("x", other["registration_access_token"], mine["client_secret"], shared_token(w),
                  mine["registration_access_token"][:-1], mine["registration_access_token"] + "A"):
        for method in ("GET", "PUT", "DELETE"):
            answer = manage(w, mine, method, body if method == "PUT" else None, token)
            assert error_of(answer) == (401, "invalid_token"), (method, answer)
    for path in ("/register?client_id=portal", "/register?client_id=nobody", "/register?client_id=" + "a" * 300,
                 path_of(w, mine) + "&client_id=" + other["client_id"]):
        answer = send(w, "GET", path, None, mine["registration_access_token"])
        assert answer.status in (400, 401), answer
    assert send(w, "GET", path_of(w, mine), None).status == 401
    assert manage(w, mine, "GET").status == 200
    w.idpctl("client", "disable", mine["client_id"])
    assert manage(w, mine, "GET").status == 401, "a disabled client still manages itself"


def D14_the_state_that_would_result(w):
    """Whatever an update says or leaves out, the client that would come of it is judged."""
    client = registered(w, jwks={"keys": [KEY.jwk()]}, token_endpoint_auth_method="private_key_jwt")
    for changed in ({"token_endpoint_auth_method": "none"}, {"token_endpoint_auth_method": "client_secret_basic"},
                    {"token_endpoint_auth_method": None}, {"jwks": None}, {"legal_basis": "QĐ 1"}, {"self_registered": False},
                    {"sector": "ministry.example"}, {"subject_type": "public"}, {"sector_identifier_uri": "https://x.example/s"},
                    {"grant_types": ["password"]}, {"id_token_signed_response_alg": "none"}):
        answer = manage(w, client, "PUT", update_of(client, **changed))
        assert error_of(answer) == (400, "invalid_client_metadata"), (changed, answer)
    for changed in ({"redirect_uris": ["javascript:x"]}, {"redirect_uris": None}, {"redirect_uris": []}):
        assert error_of(manage(w, client, "PUT", update_of(client, **changed))) == (400, "invalid_redirect_uri"), changed
    for bad in ({"client_id": "portal"}, {"client_id": None}, {"registration_access_token": "x"}, {"client_secret": "x"},
                {"client_id_issued_at": 1}, {"client_secret_expires_at": 0}, {"registration_client_uri": "x"}):
        body = {n: v for n, v in {**update_of(client), **bad}.items() if v is not None}
        assert error_of(manage(w, client, "PUT", body)) == (400, "invalid_request"), bad
    assert manage(w, client, "GET").json()["token_endpoint_auth_method"] == "private_key_jwt"
    secret = registered(w)
    answer = manage(w, secret, "PUT", {**update_of(secret), "client_secret": secret["client_secret"]})
    assert answer.status == 200 and "client_secret" not in answer.json(), answer
    assert error_of(manage(w, secret, "PUT", {**update_of(secret), "client_secret": secret["client_secret"] + "x"}))[0] == 400
    assert error_of(manage(w, secret, "PUT", update_of(secret, token_endpoint_auth_method="none")))[0] == 400
    stronger = manage(w, secret, "PUT", update_of(secret, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [KEY.jwk()]}))
    assert stronger.status == 200


def D14_people_stay_who_they_are(w):
    """A client cannot take the sub by which one host knows people to another: registering a host takes no
    proof, being answered there does."""
    victims = sub_of(w.ministry, w)
    squatter = registered(w, redirect_uris=["https://ministry.example/cb"])
    for uris in (["https://tu.example/cb"], ["https://ministry.example/cb", "https://tu.example/cb"], ["https://x.ministry.example/cb"],
                 ["http://127.0.0.1/cb"]):
        answer = manage(w, squatter, "PUT", update_of(squatter, redirect_uris=uris))
        assert error_of(answer) == (400, "invalid_client_metadata"), (uris, answer)
    none = {"grant_types": ["client_credentials"], "response_types": [], "redirect_uris": []}
    assert manage(w, squatter, "PUT", update_of(squatter, **none)).status == 200
    back = manage(w, squatter, "PUT", update_of(squatter, redirect_uris=["https://tu.example/cb"]))
    assert error_of(back) == (400, "invalid_client_metadata"), "by way of none at all"

    client = registered(w)
    sub = sub_of(Party(w.issuer, client), w)
    moved = manage(w, client, "PUT", update_of(client, redirect_uris=["https://tu.example/other", "https://tu.example:8443/cb"]))
    assert moved.status == 200, moved
    assert sub_of(Party(w.issuer, moved.json() | {"client_secret": client["client_secret"]}), w) == sub != victims
    public = registered(w, subject_type="public")
    assert manage(w, public, "PUT", update_of(public, redirect_uris=["https://b.example/cb", "https://c.example/cb"])).status == 200


def D14_a_replacement_can_be_read_again(w):
    """However long it is with what it keeps of the client that it replaces."""
    host = ".".join(["a" * 60] * 3) + ".example"
    client = registered(w, redirect_uris=[f"https://{host}/cb"])
    body = update_of(client, grant_types=["client_credentials"], response_types=[], redirect_uris=[])
    for length in range(65536, 64000, -40):
        answer = manage(w, client, "PUT", {**body, "x": "x" * length})
        if answer.status == 200:
            break
        assert answer.status in (400, 413), answer
    assert answer.status == 200 and manage(w, client, "GET").status == 200, (length, manage(w, client, "GET"))


def sub_of(party, w):
    from party import jwt_part
    return jwt_part(party.tokens(w.signed_in(), w.an)["id_token"], 1)["sub"]


def A06_a_self_registered_client_asks_for_consent(w):
    from party import is_consent
    client = registered(w)
    assert is_consent(w.signed_in().get(Party(w.issuer, client).url(scope="openid profile")))


def D12_self_registered_clients_reach_nothing_inside(w):
    """Though the provider lists the place for clients of staff."""
    with Canary() as canary:
        url = canary.url.replace("http:", "https:")
        assert error_of(register(w, sector_identifier_uri=url)) == (400, "invalid_client_metadata")
        client = registered(w, token_endpoint_auth_method="private_key_jwt", jwks_uri=url, grant_types=["client_credentials"],
                            response_types=[], redirect_uris=[])
        assertion = {"grant_type": "client_credentials", "client_assertion": assertion_of(w, client), "client_assertion_type":
                     "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
        assert error_of(Party(w.issuer, client).token(assertion, auth=None)) == (401, "invalid_client")
        assert canary.connections == 0
        staff = w.provider.add_client(**{**GOOD, "jwks_uri": url, "token_endpoint_auth_method": "private_key_jwt",
                                         "grant_types": ["client_credentials"], "response_types": [], "redirect_uris": []})
        assertion["client_assertion"] = assertion_of(w, staff)
        assert Party(w.issuer, staff).token(assertion, auth=None).status == 401
        assert canary.connections > 0, "the twin: a client of staff does reach it"


def assertion_of(w, client):
    from hostile_jwt import Signer
    now = int(time.time())
    claims = {"iss": client["client_id"], "sub": client["client_id"], "aud": w.issuer, "exp": now + 60, "jti": str(time.monotonic())}
    return Signer(KEY, {"alg": "ES256", "kid": "k1"}, lambda: claims).good()


def D18_metadata_names_the_endpoint_only_where_it_is_open(w):
    def endpoint(issuer):
        return request(issuer, "GET", "/.well-known/openid-configuration").json().get("registration_endpoint")
    assert endpoint(w.issuer) == w.issuer + "/register"
    with idp.Provider() as closed:
        assert endpoint(closed.issuer) is None
        answer = request(closed.issuer, "POST", "/register", json.dumps(GOOD), {"Content-Type": "application/json"})
        assert error_of(answer) == (403, "access_denied")
    with idp.Provider("registration:\n  policy: open\n") as provider:
        assert endpoint(provider.issuer) == provider.issuer + "/register"
        anybody = [request(provider.issuer, "POST", "/register", json.dumps(GOOD), {"Content-Type": "application/json"})
                   for _ in range(40)]
        assert anybody[0].status == 201
        assert anybody[-1].status == 429 and anybody[-1].header("Retry-After"), anybody[-1]


def A36_no_page_may_register(w):
    answer = request(w.issuer, "POST", "/register", json.dumps(GOOD), {"Content-Type": "application/json", "Origin": "https://evil.example"})
    assert answer.header("Access-Control-Allow-Origin") is None
    answer = request(w.issuer, "OPTIONS", "/register", None, {"Origin": "https://evil.example"})
    assert answer.status == 405 and answer.header("Access-Control-Allow-Origin") is None


if __name__ == "__main__":
    sys.exit(run(__name__, "registration:\n  policy: token\noutbound:\n  jwks: [127.0.0.0/8]\n  sector: [127.0.0.0/8]\n"))
