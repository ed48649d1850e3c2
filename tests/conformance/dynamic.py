# SPDX-License-Identifier: Apache-2.0
"""The Dynamic plan: relying parties that register themselves, with documents on a site of their own
(tests/own_network.sh gives it a public address)."""
import base64
import json
import secrets
import time

from conformance import CODE, SCOPES, equal, module
from hostile_jwt import Key, Signer
from party import Party, is_error_page, jwt_part, request

PLAN = "Dynamic"
RP_KEY = Key("RS256", "rp-1")
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


def send(plan, metadata):
    """As the suite registers: https redirect URIs on its own host."""
    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + plan.initial_token}
    base = {"client_name": "Kiểm tra", "redirect_uris": [plan.site.url + "/cb"], "grant_types": CODE, "response_types": ["code"],
            "scope": SCOPES}
    body = {n: v for n, v in {**base, **metadata}.items() if v is not None}
    return request(plan.issuer, "POST", "/register", json.dumps(body), headers)


def register(plan, **metadata):
    answer = send(plan, metadata)
    equal(answer.status, 201, answer.text)
    return Party(plan.issuer, answer.json())


def replace(plan, party, **changed):
    """What its management answers to another registration of the same client."""
    chosen = ("client_secret", "client_secret_expires_at", "client_id_issued_at", "registration_access_token", "registration_client_uri")
    body = {n: v for n, v in {**party.metadata, **changed}.items() if n not in chosen}
    return request(plan.issuer, "PUT", party.metadata["registration_client_uri"][len(plan.issuer):], json.dumps(body), {
        "Content-Type": "application/json", "Authorization": "Bearer " + party.metadata["registration_access_token"]})


def refused(plan, error="invalid_client_metadata", **metadata):
    answer = send(plan, metadata)
    equal((answer.status, answer.json().get("error")), (400, error), answer.text)


def published_key(plan, token):
    kid = jwt_part(token, 0)["kid"]
    return next(k for k in request(plan.issuer, "GET", "/jwks").json()["keys"] if k["kid"] == kid)


def request_object(plan, party, key=RP_KEY, **changed):
    claims = {"iss": party.client_id, "aud": plan.issuer, "client_id": party.client_id, "response_type": "code",
              "redirect_uri": party.redirect_uri, "scope": "openid", "state": "in-the-object", "nonce": "n-object",
              "exp": int(time.time()) + 60, **changed}
    return Signer(key, {"alg": "RS256", "kid": key.kid}, lambda: claims).good()


def assertion(plan, party, key=RP_KEY, **changed):
    claims = {"iss": party.client_id, "sub": party.client_id, "aud": plan.issuer + "/token", "exp": int(time.time()) + 60,
              "iat": int(time.time()), "jti": secrets.token_urlsafe(12), **changed}
    return {"client_assertion_type": TYPE,
            "client_assertion": Signer(key, {"alg": "RS256", "kid": key.kid}, lambda: claims).good()}


@module(PLAN, "oidcc-idtoken-rs256")
def idtoken_rs256(plan):
    """A client that registers RS256 gets ID tokens by it, from a published key."""
    token = plan.tokens(party=register(plan, id_token_signed_response_alg="RS256"))["id_token"]
    equal(jwt_part(token, 0)["alg"], "RS256")
    plan.verify(token, published_key(plan, token))


@module(PLAN, "oidcc-idtoken-unsigned")
def idtoken_unsigned(plan):
    """ID tokens without signature are not offered, and refused where they are registered."""
    assert "none" not in plan.discovery()["id_token_signing_alg_values_supported"]
    refused(plan, id_token_signed_response_alg="none")


@module(PLAN, "oidcc-userinfo-rs256")
def userinfo_rs256(plan):
    """Userinfo as a JWT by RS256, with iss, aud and the sub of the ID token."""
    party = register(plan, userinfo_signed_response_alg="RS256")
    tokens = plan.tokens(party=party)
    answer = party.userinfo(tokens["access_token"])
    equal(answer.header("Content-Type"), "application/jwt")
    claims = jwt_part(answer.text, 1)
    equal((claims["iss"], claims["aud"]), (plan.issuer, party.client_id))
    equal(claims["sub"], jwt_part(tokens["id_token"], 1)["sub"])
    plan.verify(answer.text, published_key(plan, answer.text))


@module(PLAN, "oidcc-ensure-redirect-uri-in-authorization-request")
def redirect_uri_must_be_there(plan):
    """Without redirect_uri: an error page, never a redirect."""
    assert is_error_page(plan.ask(plan.browser(), register(plan), redirect_uri=None))


@module(PLAN, "oidcc-redirect-uri-query-OK")
def redirect_uri_with_query(plan):
    """A registered redirect URI with a query keeps it."""
    party = register(plan, redirect_uris=[plan.site.url + "/cb?foo=bar"])
    answer = plan.authorize(plan.browser(), party)
    equal(answer["foo"], "bar")
    assert "code" in answer


@module(PLAN, "oidcc-redirect-uri-query-mismatch")
def redirect_uri_with_another_query(plan):
    """Another value in the query of the redirect URI: an error page."""
    party = register(plan, redirect_uris=[plan.site.url + "/cb?foo=bar"])
    assert is_error_page(plan.ask(plan.browser(), party, redirect_uri=plan.site.url + "/cb?foo=other"))


@module(PLAN, "oidcc-redirect-uri-query-added")
def redirect_uri_with_added_query(plan):
    """A query that was not registered: an error page."""
    assert is_error_page(plan.ask(plan.browser(), register(plan), redirect_uri=plan.site.url + "/cb?foo=bar"))


@module(PLAN, "oidcc-redirect-uri-regfrag")
def redirect_uri_with_fragment(plan):
    """A redirect URI with a fragment cannot be registered."""
    refused(plan, "invalid_redirect_uri", redirect_uris=[plan.site.url + "/cb#foo"])


@module(PLAN, "oidcc-server")
def server(plan):
    """The code flow of a client that registered itself a moment ago."""
    party = register(plan)
    claims = plan.id_claims(plan.tokens(party=party))
    equal((claims["iss"], claims["aud"]), (plan.issuer, party.client_id))


def consent_of(plan, party):
    browser = plan.browser()
    page = plan.ask(browser, party)
    return browser, browser.sign_in(page, plan.user["username"], plan.user["password"])


@module(PLAN, "oidcc-registration-logo-uri")
def logo(plan):
    """The page that asks for consent shows the client's logo; its server sees no browser."""
    plan.site.documents["/logo.png"] = PNG
    party = register(plan, logo_uri=plan.site.url + "/logo.png")
    browser, page = consent_of(plan, party)
    source = f'src="/client-logo?client_id={party.client_id}"'
    assert source in page.text, page.text
    picture = browser.get("/client-logo?client_id=" + party.client_id)
    equal((picture.status, picture.header("Content-Type"), picture.body), (200, "image/png", PNG))
    assert plan.site.url not in page.text.replace(plan.site.url + "/cb", "")
    equal(browser.get("/client-logo?client_id=" + register(plan).client_id).status, 404, "no logo, no picture")
    plan.site.documents["/logo.svg"] = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    equal(browser.get("/client-logo?client_id=" + register(plan, logo_uri=plan.site.url + "/logo.svg").client_id).status, 404)


@module(PLAN, "oidcc-registration-policy-uri")
def policy(plan):
    """The page that asks for consent links to the client's policy."""
    _, page = consent_of(plan, register(plan, policy_uri=plan.site.url + "/policy"))
    assert f'href="{plan.site.url}/policy"' in page.text


@module(PLAN, "oidcc-registration-tos-uri")
def terms(plan):
    """The page that asks for consent links to the client's terms of service."""
    _, page = consent_of(plan, register(plan, tos_uri=plan.site.url + "/tos"))
    assert f'href="{plan.site.url}/tos"' in page.text


def keyed(plan, path, *keys, **more):
    """A client that signs, with its keys at jwks_uri."""
    plan.site.documents[path] = {"keys": [k.jwk() for k in keys]}
    return register(plan, token_endpoint_auth_method="private_key_jwt", jwks_uri=plan.site.url + path, **more)


def tokens_by_assertion(plan, party, key=RP_KEY):
    code = plan.authorize(plan.browser(), party)["code"]
    return party.redeem(code, auth=None, code_verifier=None, **assertion(plan, party, key))


@module(PLAN, "oidcc-registration-jwks-uri")
def keys_by_uri(plan):
    """A client authenticates by a key that stands at its jwks_uri, and by no other."""
    party = keyed(plan, "/keys-1", RP_KEY)
    equal(tokens_by_assertion(plan, party).status, 200)
    equal(tokens_by_assertion(plan, party, Key("RS256", "rp-1")).status, 401)


@module(PLAN, "oidcc-registration-sector-uri")
def sector_uri(plan):
    """Two clients of one sector_identifier_uri know a person by the same sub."""
    hosts = [plan.site.url + "/cb", "https://second.example/cb"]
    plan.site.documents["/sector"] = hosts
    sector = plan.site.url + "/sector"
    subs = [plan.id_claims(plan.tokens(party=register(plan, redirect_uris=uris, sector_identifier_uri=sector,
                                                      subject_type="pairwise")))["sub"] for uris in (hosts, hosts[1:])]
    equal(subs[0], subs[1])
    alone = plan.id_claims(plan.tokens(party=register(plan, redirect_uris=hosts[1:], subject_type="pairwise")))["sub"]
    assert alone != subs[0], "the sector came from the redirect URI"


@module(PLAN, "oidcc-registration-sector-bad")
def sector_bad(plan):
    """A sector document that does not list the redirect URI, or is none, is refused."""
    plan.site.documents["/sector-other"] = ["https://other.example/cb"]
    plan.site.documents["/sector-broken"] = b"<html>"
    plan.site.documents["/sector-object"] = {"redirect_uris": [plan.site.url + "/cb"]}
    for path in ("/sector-other", "/sector-broken", "/sector-object", "/sector-missing"):
        refused(plan, sector_identifier_uri=plan.site.url + path)
    plan.site.documents["/sector-own"] = [plan.site.url + "/cb", "https://second.example/cb"]
    party = register(plan, sector_identifier_uri=plan.site.url + "/sector-own")
    for uri, status in (("https://second.example/cb", 200), ("https://other.example/cb", 400)):
        equal(replace(plan, party, redirect_uris=[uri]).status, status, uri)


@module(PLAN, "oidcc-server-rotate-keys")
def rotate_our_keys(plan):
    """After a rotation ID tokens come by a new key, which the JWKS has, as it still has the old."""
    party = register(plan)
    before = plan.tokens(party=party)["id_token"]
    plan.provider.idpctl("keys", "rotate", "--alg", "RS256")
    after = plan.tokens(party=party)["id_token"]
    assert jwt_part(before, 0)["kid"] != jwt_part(after, 0)["kid"]
    for token in (before, after):
        plan.verify(token, published_key(plan, token))


@module(PLAN, "oidcc-refresh-token-rp-key-rotation")
def rotate_their_keys(plan):
    """A client that puts a new key at its jwks_uri refreshes with it at once."""
    party, second = keyed(plan, "/keys-2", RP_KEY), Key("RS256", "rp-2")
    tokens = tokens_by_assertion(plan, party).json()
    plan.site.documents["/keys-2"] = {"keys": [second.jwk()]}
    fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = party.token({**fields, **assertion(plan, party, second)}, auth=None)
    equal(answer.status, 200, answer.text)
    equal(jwt_part(answer.json()["id_token"], 1)["sub"], jwt_part(tokens["id_token"], 1)["sub"])
    equal(party.token({**fields, **assertion(plan, party)}, auth=None).status, 401, "the old key still counts")


@module(PLAN, "oidcc-request-uri-signed-rs256")
def request_uri_signed(plan):
    """A signed request object at a registered request_uri takes the place of the parameters."""
    path = "/request-object"
    party = keyed(plan, "/keys-3", RP_KEY, request_uris=[plan.site.url + path], request_object_signing_alg="RS256")
    plan.site.documents[path] = request_object(plan, party).encode()
    answer = plan.authorize(plan.browser(), party, request_uri=plan.site.url + path, state="outside")
    equal(answer["state"], "in-the-object")
    equal(plan.site.hits[path], 1)
    plan.site.documents[path] = request_object(plan, party, Key("RS256", "rp-1")).encode()
    answer = plan.answer(plan.ask(plan.browser(), party, request_uri=plan.site.url + path))
    equal(answer["error"], "invalid_request_object")


@module(PLAN, "oidcc-ensure-request-object-with-redirect-uri")
def redirect_uri_in_the_object(plan):
    """The redirect URI of the request object counts, not another one beside it."""
    uris = [plan.site.url + "/cb", plan.site.url + "/cb-object"]
    party = register(plan, redirect_uris=uris, jwks={"keys": [RP_KEY.jwk()]}, request_object_signing_alg="RS256")
    browser = plan.browser()
    jwt = request_object(plan, party, redirect_uri=uris[1])
    page = plan.ask(browser, party, request=jwt, redirect_uri=uris[0])
    page = browser.consent(browser.sign_in(page, plan.user["username"], plan.user["password"]))
    assert page.location.startswith(uris[1] + "?"), page


@module(PLAN, "oidcc-refresh-token")
def refresh(plan):
    """A refresh token gives new tokens for the same person."""
    party = register(plan)
    tokens = plan.tokens(party=party)
    again = party.refresh(tokens["refresh_token"]).json()
    first, second = jwt_part(tokens["id_token"], 1), jwt_part(again["id_token"], 1)
    equal([first[n] for n in ("iss", "sub", "aud", "auth_time")], [second[n] for n in ("iss", "sub", "aud", "auth_time")])


@module(PLAN, "oidcc-ensure-client-assertion-with-iss-aud-succeeds")
def assertion_for_the_issuer(plan):
    """An assertion whose audience is the issuer is taken; one for another server is not."""
    party = keyed(plan, "/keys-4", RP_KEY)
    for aud, status in ((plan.issuer, 200), ("https://other.example", 401)):
        code = plan.authorize(plan.browser(), party)["code"]
        answer = party.redeem(code, auth=None, code_verifier=None, **assertion(plan, party, aud=aud))
        equal(answer.status, status, aud)
