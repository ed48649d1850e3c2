# SPDX-License-Identifier: Apache-2.0
"""The Basic plan, which is also run with form_post answers; the Config plan."""
import json
import time
import urllib.parse

from conformance import STANDARD_CLAIMS, equal, error_of, module
from party import b64url, is_error_page, jwt_part, request

BASIC = "Basic"


def claims_of(plan, tokens):
    return plan.basic.userinfo(tokens["access_token"]).json()


def signed_by(plan, token, alg):
    """The signature holds under the key that the header names, read from jwks_uri."""
    header = jwt_part(token, 0)
    equal(header["alg"], alg, "alg")
    keys = [k for k in request(plan.issuer, "GET", "/jwks").json()["keys"] if k["kid"] == header["kid"]]
    equal(len(keys), 1, "keys of that kid")
    plan.verify(token, keys[0])


@module(BASIC, "oidcc-server")
def server(plan):
    """Code flow: state, iss, Bearer, expires_in, ID token with iss, aud, sub, exp, iat, nonce."""
    params = {"state": "st-1", "nonce": "no-1"}
    answer = plan.authorize(plan.browser(), plan.basic, **params)
    equal((answer["state"], answer["iss"], answer["_uri"]), ("st-1", plan.issuer, plan.basic.redirect_uri))
    tokens = plan.redeem(plan.basic, answer)
    equal(tokens["token_type"], "Bearer")
    assert 0 < tokens["expires_in"] <= 3600
    claims = plan.id_claims(tokens)
    equal((claims["iss"], claims["aud"], claims["nonce"]), (plan.issuer, plan.basic.client_id, "no-1"))
    assert claims["exp"] > claims["iat"] and len(claims["sub"]) <= 255 and "auth_time" in claims


@module(BASIC, "oidcc-response-type-missing")
def response_type_missing(plan):
    """A request without response_type is an error, shown or sent back."""
    page = plan.ask(plan.browser(), plan.basic, response_type=None, state="s")
    if page.status == 400:
        return
    answer = plan.answer(page)
    equal((answer["error"], answer["state"]), ("invalid_request", "s"))


@module(BASIC, "oidcc-idtoken-signature")
def idtoken_signature(plan):
    """The ID token is signed by a published key."""
    signed_by(plan, plan.tokens()["id_token"], "RS256")


@module(BASIC, "oidcc-idtoken-unsigned")
def idtoken_unsigned(plan):
    """id_token_signed_response_alg none: not offered, and refused where it is asked for."""
    assert "none" not in plan.discovery()["id_token_signing_alg_values_supported"]
    status, _ = plan.provider.idpctl("client", "add", "--file", "-", check=False, stdin=json.dumps(
        {"redirect_uris": ["https://a.example/cb"], "id_token_signed_response_alg": "none"}))
    equal(status, 1, "idpctl")


@module(BASIC, "oidcc-userinfo-get")
def userinfo_get(plan):
    """Userinfo by GET with the token in the header; the same sub as the ID token."""
    tokens = plan.tokens()
    equal(claims_of(plan, tokens)["sub"], plan.id_claims(tokens)["sub"])


@module(BASIC, "oidcc-userinfo-post-header")
def userinfo_post_header(plan):
    """Userinfo by POST with the token in the header."""
    tokens = plan.tokens()
    answer = request(plan.issuer, "POST", "/userinfo", b"", {"Authorization": "Bearer " + tokens["access_token"]})
    equal((answer.status, answer.json()["sub"]), (200, plan.id_claims(tokens)["sub"]))


@module(BASIC, "oidcc-userinfo-post-body")
def userinfo_post_body(plan):
    """Userinfo by POST with the token in the form."""
    tokens = plan.tokens()
    answer = request(plan.issuer, "POST", "/userinfo", urllib.parse.urlencode({"access_token": tokens["access_token"]}),
                     {"Content-Type": "application/x-www-form-urlencoded"})
    equal((answer.status, answer.json()["sub"]), (200, plan.id_claims(tokens)["sub"]))


@module(BASIC, "oidcc-ensure-request-without-nonce-succeeds-for-code-flow")
def without_nonce(plan):
    """No nonce asked, none given."""
    assert "nonce" not in plan.id_claims(plan.tokens(nonce=None))


def scope(plan, *names):
    claims = claims_of(plan, plan.tokens(scope=" ".join(("openid",) + names)))
    for name in ("sub", "LoaiTaiKhoan", "TechID"):  # what openid alone gives
        claims.pop(name)
    if "profile" in names:  # the account's own time
        assert type(claims.pop("updated_at")) is int
    wanted = {n: v for part in names for n, v in STANDARD_CLAIMS[part].items()}
    equal(claims, wanted, f"claims of {names}")


@module(BASIC, "oidcc-scope-profile")
def scope_profile(plan):
    """Scope profile gives exactly the claims of OIDC Core 5.4, updated_at as a number."""
    scope(plan, "profile")


@module(BASIC, "oidcc-scope-email")
def scope_email(plan):
    """Scope email gives email and email_verified."""
    scope(plan, "email")


@module(BASIC, "oidcc-scope-address")
def scope_address(plan):
    """Scope address gives an object."""
    scope(plan, "address")


@module(BASIC, "oidcc-scope-phone")
def scope_phone(plan):
    """Scope phone gives phone_number and phone_number_verified."""
    scope(plan, "phone")


@module(BASIC, "oidcc-scope-all")
def scope_all(plan):
    """All standard scopes at once."""
    scope(plan, "profile", "email", "phone", "address")


@module(BASIC, "oidcc-alternate-happy-flow")
def alternate_happy_flow(plan):
    """A redirect URI with a query, a long state and nonce of other characters."""
    party = plan.client(redirect_uris=["https://other.example/cb?dummy1=lorem&dummy2=ipsum"],
                        token_endpoint_auth_method="client_secret_post")
    state, nonce = "0123456789 &+=%/~" * 7, "x" * 384
    answer = plan.authorize(plan.browser(), party, state=state, nonce=nonce)
    equal(answer["state"], state)
    if plan.response_mode == "form_post":
        equal(answer["_uri"], party.redirect_uri)
    else:
        equal((answer["dummy1"], answer["dummy2"]), ("lorem", "ipsum"))
    equal(plan.id_claims(plan.redeem(party, answer))["nonce"], nonce)


@module(BASIC, "oidcc-display-page")
def display_page(plan):
    """display=page is taken."""
    plan.tokens(display="page")


@module(BASIC, "oidcc-display-popup")
def display_popup(plan):
    """display=popup is taken."""
    plan.tokens(display="popup")


@module(BASIC, "oidcc-prompt-login")
def prompt_login(plan):
    """prompt=login asks again in a live session; auth_time moves on."""
    browser = plan.browser()
    first = plan.id_claims(plan.tokens(browser))
    time.sleep(1.1)
    asked, tokens = plan.asked_again(browser, plan.basic, prompt="login")
    assert asked, "no sign-in page"
    second = plan.id_claims(tokens)
    assert second["auth_time"] > first["auth_time"] and second["sub"] == first["sub"]


@module(BASIC, "oidcc-prompt-none-not-logged-in")
def prompt_none_not_logged_in(plan):
    """prompt=none without a session: login_required."""
    answer = plan.answer(plan.ask(plan.browser(), plan.basic, prompt="none", state="s"))
    equal((answer["error"], answer["state"]), ("login_required", "s"))


@module(BASIC, "oidcc-prompt-none-logged-in")
def prompt_none_logged_in(plan):
    """prompt=none in a live session: the same person, no page."""
    browser = plan.browser()
    first = plan.id_claims(plan.tokens(browser))
    second = plan.id_claims(plan.redeem(plan.basic, plan.answer(plan.ask(browser, plan.basic, prompt="none"))))
    equal((second["sub"], second["auth_time"]), (first["sub"], first["auth_time"]))


@module(BASIC, "oidcc-max-age-1")
def max_age_1(plan):
    """max_age=1 after more than a second asks again; auth_time moves on."""
    browser = plan.browser()
    first = plan.id_claims(plan.tokens(browser))
    time.sleep(2.1)
    asked, tokens = plan.asked_again(browser, plan.basic, max_age="1")
    assert asked and plan.id_claims(tokens)["auth_time"] > first["auth_time"]


@module(BASIC, "oidcc-max-age-10000")
def max_age_10000(plan):
    """max_age=10000 does not ask again; auth_time is there and has not moved."""
    browser = plan.browser()
    first = plan.id_claims(plan.tokens(browser, max_age="10000"))
    asked, tokens = plan.asked_again(browser, plan.basic, max_age="10000")
    assert not asked
    equal(plan.id_claims(tokens)["auth_time"], first["auth_time"])


@module(BASIC, "oidcc-ensure-request-with-unknown-parameter-succeeds")
def unknown_parameter(plan):
    """Parameters that nobody knows are ignored."""
    plan.tokens(extra="foobar")


@module(BASIC, "oidcc-id-token-hint")
def id_token_hint(plan):
    """prompt=none with the person's own hint."""
    browser = plan.browser()
    first = plan.tokens(browser)
    answer = plan.answer(plan.ask(browser, plan.basic, prompt="none", id_token_hint=first["id_token"]))
    equal(plan.id_claims(plan.redeem(plan.basic, answer))["sub"], plan.id_claims(first)["sub"])


@module(BASIC, "oidcc-login-hint")
def login_hint(plan):
    """login_hint is taken."""
    plan.tokens(login_hint=plan.user["username"])


@module(BASIC, "oidcc-ui-locales")
def ui_locales(plan):
    """ui_locales is taken."""
    plan.tokens(ui_locales="se en vi")


@module(BASIC, "oidcc-claims-locales")
def claims_locales(plan):
    """claims_locales is taken."""
    plan.tokens(claims_locales="se en vi")


@module(BASIC, "oidcc-ensure-request-with-acr-values-succeeds")
def acr_values(plan):
    """Voluntary acr_values: an answer, whose acr is one of them or another true one."""
    supported = plan.discovery()["acr_values_supported"]
    assert plan.id_claims(plan.tokens(acr_values=" ".join(supported)))["acr"] in supported


@module(BASIC, "oidcc-codereuse")
def codereuse(plan):
    """A code is redeemed once: then invalid_grant."""
    answer = plan.authorize(plan.browser(), plan.basic)
    plan.redeem(plan.basic, answer)
    equal(error_of(plan.basic.redeem(answer["code"], code_verifier=None)), (400, "invalid_grant"))


@module(BASIC, "oidcc-codereuse-30seconds")
def codereuse_30seconds(plan):
    """A code that comes again long after its life revokes what it made."""
    answer = plan.authorize(plan.browser(), plan.basic)
    tokens = plan.redeem(plan.basic, answer)
    equal(plan.basic.userinfo(tokens["access_token"]).status, 200)
    time.sleep(plan.code_seconds + 1)
    equal(error_of(plan.basic.redeem(answer["code"], code_verifier=None)), (400, "invalid_grant"))
    equal(plan.basic.userinfo(tokens["access_token"]).status, 401)


@module(BASIC, "oidcc-ensure-registered-redirect-uri")
def registered_redirect_uri(plan):
    """An unregistered redirect URI: an error page, no redirect."""
    page = plan.ask(plan.browser(), plan.basic, redirect_uri=plan.basic.redirect_uri + "/other")
    assert is_error_page(page), page


@module(BASIC, "oidcc-ensure-post-request-succeeds")
def post_request(plan):
    """The authorization request by POST."""
    browser = plan.browser()
    plan.redeem(plan.basic, plan.finish(browser, plan.ask(browser, plan.basic, method="POST")))


@module(BASIC, "oidcc-server-client-secret-post")
def client_secret_post(plan):
    """The same flow with client_secret_post."""
    plan.tokens(party=plan.post)


def unsigned(claims):
    return f"{b64url(json.dumps({'alg': 'none'}).encode())}.{b64url(json.dumps(claims).encode())}."


@module(BASIC, "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported")
def request_uri_unsigned(plan):
    """A request_uri that was not registered is refused, told to the relying party."""
    answer = plan.answer(plan.ask(plan.browser(), plan.basic, request_uri="https://rp.example/request.jwt", state="s"))
    assert answer["error"] in ("request_uri_not_supported", "invalid_request_uri"), answer


@module(BASIC, "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported")
def unsigned_request_object(plan):
    """An unsigned request object is refused, told to the relying party."""
    token = unsigned({"iss": plan.basic.client_id, "aud": plan.issuer, "client_id": plan.basic.client_id,
                      "redirect_uri": plan.basic.redirect_uri, "scope": "openid", "response_type": "code"})
    answer = plan.answer(plan.ask(plan.browser(), plan.basic, request=token, state="s"))
    assert answer["error"] in ("request_not_supported", "invalid_request_object"), answer


@module(BASIC, "oidcc-claims-essential")
def claims_essential(plan):
    """claims={"userinfo":{"name":{"essential":true}}} gives name without scope profile."""
    tokens = plan.tokens(claims=json.dumps({"userinfo": {"name": {"essential": True}}}))
    claims = claims_of(plan, tokens)
    equal((claims.get("name"), "nickname" in claims), (STANDARD_CLAIMS["profile"]["name"], False))


@module(BASIC, "oidcc-ensure-request-object-with-redirect-uri")
def request_object_with_redirect_uri(plan):
    """The redirect URI of a signed request object counts, not the one beside it."""
    party, key = plan.client_with_key(redirect_uris=["https://ro.example/cb", "https://ro.example/other"])
    token = key.sign({"iss": party.client_id, "aud": plan.issuer, "client_id": party.client_id, "scope": "openid",
                      "response_type": "code", "redirect_uri": "https://ro.example/cb", "nonce": "ro", "state": "ro",
                      **({"response_mode": plan.response_mode} if plan.response_mode else {})})
    answer = plan.authorize(plan.browser(), party, request=token, redirect_uri="https://ro.example/other")
    equal((answer["_uri"], answer["state"]), ("https://ro.example/cb", "ro"))
    equal(plan.id_claims(plan.redeem(party, answer))["nonce"], "ro")


@module(BASIC, "oidcc-refresh-token")
def refresh_token(plan):
    """Refresh gives new tokens of the same person; another client gets nothing for the token."""
    tokens = plan.tokens(scope="openid offline_access", prompt="consent")
    fresh = plan.basic.refresh(tokens["refresh_token"]).json()
    first, second = plan.id_claims(tokens), plan.id_claims(fresh)
    equal([second[n] for n in ("iss", "sub", "aud", "auth_time")], [first[n] for n in ("iss", "sub", "aud", "auth_time")])
    assert second["iat"] >= first["iat"] and fresh["access_token"] != tokens["access_token"]
    equal(plan.basic.userinfo(fresh["access_token"]).status, 200)
    equal(error_of(plan.post.refresh(fresh["refresh_token"])), (400, "invalid_grant"))


@module(BASIC, "oidcc-ensure-request-with-valid-pkce-succeeds")
def valid_pkce(plan):
    """S256 by who wants it; without its verifier the code is worth nothing."""
    from hashlib import sha256
    verifier = "v" * 43
    pkce = {"code_challenge": b64url(sha256(verifier.encode()).digest()), "code_challenge_method": "S256"}
    plan.redeem(plan.basic, plan.authorize(plan.browser(), plan.basic, **pkce), code_verifier=verifier)
    answer = plan.authorize(plan.browser(), plan.basic, **pkce)
    equal(error_of(plan.basic.redeem(answer["code"], code_verifier=None)), (400, "invalid_grant"))


# ---- Config ----

@module("Config", "oidcc-discovery-endpoint-verification")
def discovery(plan):
    """Every member that discovery demands, with values that are true; endpoints under the issuer."""
    about = plan.discovery()
    equal(about["issuer"], plan.issuer)
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"):
        assert about[name].startswith(plan.issuer + "/"), name
    for name, least in (("scopes_supported", {"openid"}), ("response_types_supported", {"code"}),
                        ("response_modes_supported", {"query", "form_post"}),
                        ("grant_types_supported", {"authorization_code", "refresh_token"}),
                        ("subject_types_supported", {"pairwise", "public"}),
                        ("id_token_signing_alg_values_supported", {"RS256"}),
                        ("token_endpoint_auth_methods_supported", {"client_secret_basic", "client_secret_post"}),
                        ("claims_supported", {"sub", "name", "email", "phone_number", "address"}),
                        ("code_challenge_methods_supported", {"S256"})):
        assert least <= set(about[name]), (name, about.get(name))
    for name in ("claims_parameter_supported", "request_parameter_supported", "request_uri_parameter_supported",
                 "require_request_uri_registration", "authorization_response_iss_parameter_supported"):
        assert about[name] is True, name
    keys = request(plan.issuer, "GET", "/jwks").json()["keys"]
    assert keys and all(k["use"] == "sig" and k["kid"] and not {"d", "p", "q", "k"} & set(k) for k in keys)
