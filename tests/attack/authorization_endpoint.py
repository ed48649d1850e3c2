# SPDX-License-Identifier: Apache-2.0
"""Attacks on the authorization endpoint (catalogue 1A)."""
import base64
import json
import secrets
import sys
import time
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from idp import SLOW
from oidc_world import Canary, run
from hostile_jwt import Key, Signer, rows
from party import (FORM, Party, b64url, b64url_decode, error_of, is_consent, is_error_page, is_sign_in,
                   jwt_part, request)


def refused_on_page(w, url, status=400):
    answer = w.browser().get(url)
    assert is_error_page(answer, status), (url, answer)
    return answer


def error_redirect(w, answer, error, party=None, state=None):
    party = party or w.ministry
    assert answer.status == 303, answer
    assert answer.location.startswith(party.redirect_uri + "?"), answer
    query = answer.query()
    assert query["error"] == error and query["iss"] == w.issuer and "code" not in query, query
    if state is not None:
        assert query["state"] == state, query
    return query


def A01_redirect_uri_variants_are_not_redirected_to(w):
    good = w.ministry.redirect_uri
    for bad in (good + "/", good + "/../x", good + "?x", good + "%2e", good.upper(),
                good.replace("callback", "Callback"), good.replace("example/", "example:443/"),
                good.replace("https", "http"), good[:-1], good + "#", "HTTPS" + good[5:]):
        refused_on_page(w, w.ministry.url(redirect_uri=bad))
    assert is_sign_in(w.browser().get(w.ministry.url()))


def A02_confusable_redirect_uris_are_not_redirected_to(w):
    good = w.ministry.redirect_uri
    for bad in ("https://ministry.example.evil/oauth2/callback",
                "https://ministry.example@evil/oauth2/callback", "https://evil#ministry.example/oauth2/callback",
                "https://ministry.example\\@evil/oauth2/callback", good + "\t", good + "\r\nX: y",
                good.replace("/", "%2f"), good.replace(".", "\u3002"), " " + good, good + "\u0000x"[1:],
                "//ministry.example/oauth2/callback", "https:/ministry.example/oauth2/callback"):
        answer = w.browser().get(w.ministry.url(redirect_uri=bad))
        if bad == good + "x":
            continue
        assert is_error_page(answer), (bad, answer)


def A03_any_port_on_loopback_literals_only(w):
    for good in ("http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "http://[::1]:4711/cb",
                 "http://127.0.0.1/cb"):
        assert is_sign_in(w.browser().get(w.native.url(redirect_uri=good))), good
    for bad in ("http://127.0.0.1:1/cb2", "http://localhost:1/cb", "https://127.0.0.1:1/cb",
                "http://127.0.0.2:1/cb", "http://127.0.0.1:99999/cb", "http://127.0.0.1:x/cb",
                "http://[::2]:1/cb", "http://127.0.0.1:1@evil/cb", "http://127.0.0.1.evil:1/cb"):
        refused_on_page(w, w.native.url(redirect_uri=bad))


def A04_fragment_in_redirect_uri(w):
    refused_on_page(w, w.ministry.url(redirect_uri=w.ministry.redirect_uri + "#f"))
    bad = dict(w.ministry.metadata, client_id="fragment", redirect_uris=["https://f.example/cb#f"])
    bad.pop("client_secret", None)
    w.refused_client(bad)


def A05_redirect_uri_is_required(w):
    refused_on_page(w, w.ministry.url(redirect_uri=None))
    refused_on_page(w, w.portal.url(redirect_uri=None))


def A06_unknown_and_disabled_clients_and_script_uris(w):
    refused_on_page(w, w.ministry.url(client_id="nobody"))
    refused_on_page(w, w.ministry.url(client_id=None))
    for bad in ("javascript:alert(1)", "data:text/html,x", "vbscript:x"):
        refused_on_page(w, w.ministry.url(redirect_uri=bad))
    extra = dict(w.ministry.metadata, client_id="to_disable")
    extra.pop("client_secret", None)
    w.provider.add_client(**extra)
    assert is_sign_in(w.browser().get(w.ministry.url(client_id="to_disable")))
    w.idpctl("client", "disable", "to_disable")
    refused_on_page(w, w.ministry.url(client_id="to_disable"))


def A07_repeated_parameters(w):
    for name in ("response_type", "scope", "state", "nonce", "code_challenge", "prompt", "max_age"):
        params = w.ministry.params(prompt="login", max_age="10")
        for second in (params[name], "other"):
            url = "/authorize?" + urllib.parse.urlencode(params) + "&" + urllib.parse.urlencode({name: second})
            error_redirect(w, w.browser().get(url), "invalid_request")
    for name in ("client_id", "redirect_uri"):
        params = w.ministry.params()
        refused_on_page(w, "/authorize?" + urllib.parse.urlencode(params) + "&" +
                        urllib.parse.urlencode({name: params[name]}))
    params = w.ministry.params()
    answer = w.browser().post("/authorize?" + urllib.parse.urlencode({"nonce": params["nonce"]}), params)
    error_redirect(w, answer, "invalid_request")


def A08_empty_and_unknown_parameters_do_not_exist(w):
    url = w.portal.url(code_challenge="", code_challenge_method="S256", state="", max_age="", foo="bar")
    assert is_sign_in(w.browser().get(url))
    error_redirect(w, w.browser().get(w.page.url(code_challenge="")), "invalid_request", w.page)


def A09_only_code(w):
    for response_type in ("token", "id_token token", "code id_token", "code code", "none", "xyz"):
        answer = w.browser().get(w.ministry.url(response_type=response_type))
        query = error_redirect(w, answer, "unsupported_response_type")
        assert "#" not in answer.location and "access_token" not in query
    error_redirect(w, w.browser().get(w.ministry.url(response_type=None)), "invalid_request")


def A10_response_modes(w):
    for mode in ("fragment", "web_message", "QUERY"):
        error_redirect(w, w.browser().get(w.ministry.url(response_mode=mode)), "invalid_request")
    assert is_sign_in(w.browser().get(w.ministry.url(response_mode="query")))
    metadata = {**w.ministry.metadata, "client_id": "a10-posts", "response_modes": ["form_post"]}
    del metadata["client_secret"]
    posts = Party(w.issuer, {**metadata, **w.provider.add_client(**metadata)})
    for mode in (None, "query"):
        error_redirect(w, w.browser().get(posts.url(response_mode=mode)), "invalid_request", posts)
    assert is_sign_in(w.browser().get(posts.url(response_mode="form_post")))


def A11_form_post_is_escaped(w):
    hostile = "\"><script>alert(1)</script>'&amp;"
    browser = w.signed_in()
    for state in (hostile, "s" * 4000):
        page = browser.get(w.ministry.url(response_mode="form_post", state=state))
        assert page.status == 200 and len(page.forms()) == 1, page
        form = page.forms()[0]
        assert form["action"] == w.ministry.redirect_uri and form["method"] == "post"
        assert form["fields"]["state"] == state and form["fields"]["iss"] == w.issuer and form["fields"]["code"]
        assert page.text.count("<script") == 1, "the state made an element"
        policy = page.header("Content-Security-Policy")
        assert "script-src 'sha256-" in policy and "unsafe" not in policy and "default-src 'none'" in policy
        assert "no-store" in page.header("Cache-Control")
    answer = w.browser().get(w.ministry.url(response_mode="form_post", state=hostile, prompt="none"))
    assert answer.forms()[0]["fields"] == {"error": "login_required", "state": hostile, "iss": w.issuer}


def A12_public_clients_must_use_pkce(w):
    for party in (w.native, w.page):
        answer = w.browser().get(party.url(code_challenge=None, code_challenge_method=None))
        error_redirect(w, answer, "invalid_request", party)


def A13_only_S256_of_43_characters(w):
    good = w.ministry.params()["code_challenge"]
    for challenge, method in ((good, "plain"), (good, None), (good, "S512"), (good, "s256"),
                              (good[:-1], "S256"), ("A" * 42, "S256"), ("A" * 129, "S256"),
                              (good[:-1] + "/", "S256"), (good[:-1] + "=", "S256")):
        answer = w.browser().get(w.ministry.url(code_challenge=challenge, code_challenge_method=method))
        error_redirect(w, answer, "invalid_request")


def A14_prompt_none_shows_nothing(w):
    query = error_redirect(w, w.browser().get(w.ministry.url(prompt="none", state="s1")), "login_required", state="s1")
    assert "error_description" not in query or query["error_description"]
    browser = w.browser()
    w.ministry.code(browser, w.cuong)
    error_redirect(w, browser.get(w.portal.url(prompt="none", state="s2")), "consent_required",
                   w.portal, state="s2")
    answer = browser.get(w.ministry.url(prompt="none"))
    assert answer.status == 303 and "code" in answer.query()
    browser = w.browser()
    w.portal.code(browser, w.new_user("a14"), scope="openid")
    assert "code" in browser.get(w.portal.url(prompt="none", scope="openid")).query()
    error_redirect(w, browser.get(w.portal.url(prompt="none", scope="openid profile")), "consent_required", w.portal)


def A15_prompt_values(w):
    for prompt in ("none login", "none consent", "please", "login please", "None"):
        error_redirect(w, w.browser().get(w.ministry.url(prompt=prompt)), "invalid_request")
    assert is_sign_in(w.browser().get(w.ministry.url(prompt="login consent")))


def A16_prompt_login_means_signing_in_again(w):
    browser = w.signed_in()
    assert "code" in browser.get(w.ministry.url()).query()
    page = browser.get(w.ministry.url(prompt="login"))
    assert is_sign_in(page)
    handle = page.forms()[0]["fields"]["flow"]
    # The flow's own address, without having signed in: still the page, in the same second and later.
    for _ in range(2):
        assert is_sign_in(browser.get("/authorize/resume?flow=" + urllib.parse.quote(handle)))
        time.sleep(1.1)
    # Dropping or changing what the address carries does not open the flow.
    assert is_error_page(browser.get("/authorize/resume?flow=" + handle[:-4])) or \
        is_error_page(browser.get("/authorize/resume?flow=" + handle[:-4]), 403)
    assert is_error_page(browser.get("/authorize/resume"))
    before = int(time.time())
    answer = browser.sign_in(page, w.an["username"], w.an["password"])
    tokens = w.ministry.redeem(answer.query()["code"])
    # The challenge belongs to the last url() call: the one of prompt=login.
    assert tokens.status == 200, tokens
    assert jwt_part(tokens.json()["id_token"], 1)["auth_time"] >= before


def A17_max_age(w):
    for bad in ("-1", "abc", "1e99", "1.5", "99999999999", " 1"):
        error_redirect(w, w.browser().get(w.ministry.url(max_age=bad)), "invalid_request")
    browser = w.signed_in()
    assert is_sign_in(browser.get(w.ministry.url(max_age="0")))
    error_redirect(w, browser.get(w.ministry.url(max_age="0", prompt="none")), "login_required")
    answer = browser.get(w.ministry.url(max_age="1000"))
    token = w.ministry.redeem(answer.query()["code"]).json()["id_token"]
    auth_time = jwt_part(token, 1)["auth_time"]
    for age in range(int(time.time()) - auth_time + 2, 1000):  # to the second: once is enough
        time.sleep(auth_time + age + 0.1 - time.time())
        older, as_old = browser.get(w.ministry.url(max_age=age - 1)), browser.get(w.ministry.url(max_age=age))
        if time.time() < auth_time + age + 1:
            break
    assert is_sign_in(older)
    assert "code" in as_old.query()


def A18_hint_of_another_person(w):
    hint_of_binh = w.ministry.tokens(w.browser(), w.binh)["id_token"]
    browser = w.signed_in(w.an)
    answer = browser.get(w.ministry.url(prompt="none", id_token_hint=hint_of_binh))
    error_redirect(w, answer, "login_required")
    page = browser.get(w.ministry.url(id_token_hint=hint_of_binh))
    assert is_sign_in(page), page
    answer = browser.sign_in(page, w.an["username"], w.an["password"])
    error_redirect(w, answer, "login_required")
    page = browser.get(w.ministry.url(id_token_hint=hint_of_binh))
    answer = browser.sign_in(page, w.binh["username"], w.binh["password"])
    assert "code" in answer.query()


def A19_forged_hints(w):
    tokens = w.ministry.tokens(w.signed_in(), w.an)
    browser = w.signed_in()
    header, payload, signature = tokens["id_token"].split(".")
    none = b64url(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    other = json.loads(b64url_decode(payload))
    other["sub"] = "x"
    for bad in (none + "." + payload + ".", header + "." + b64url(json.dumps(other).encode()) + "." + signature,
                tokens["access_token"], header + "." + payload + "." + b64url(b"\0" * 256), "a.b.c", "x" * 4000):
        error_redirect(w, browser.get(w.ministry.url(prompt="none", id_token_hint=bad)), "invalid_request")
    # One of another client says nothing about this one.
    error_redirect(w, browser.get(w.portal.url(prompt="none", id_token_hint=tokens["id_token"])),
                   "invalid_request", w.portal)
    assert "code" in browser.get(w.ministry.url(prompt="none", id_token_hint=tokens["id_token"])).query()


def A20_login_hint_is_only_a_prefill(w):
    hint = "\"><script>alert(1)</script>\r\nX: y"
    page = w.browser().get(w.ministry.url(login_hint=hint))
    assert is_sign_in(page) and "<script>alert" not in page.text and page.header("X") is None
    for hint in ("an", "\" autofocus onfocus=\"alert(1)", "'><b>&amp;"):
        page = w.browser().get(w.ministry.url(login_hint=hint))
        assert page.forms()[0]["fields"]["username"] == hint


def A21_the_claims_parameter_is_bounded(w):
    browser = w.signed_in()
    for text in ("{", "[]", "null", '{"userinfo":{"name":null,"name":null}}', '{"userinfo":{"name":7}}',
                 "[" * 7000, '{"userinfo":' * 600, "x" * 9000):
        start = time.monotonic()
        answer = browser.get(w.ministry.url(claims=text))
        assert time.monotonic() - start < 0.05 * SLOW
        if answer.status == 303:
            error_redirect(w, answer, "invalid_request")
        else:
            assert is_error_page(answer) or answer.status in (400, 414), answer
    params = urllib.parse.urlencode(w.ministry.params(claims="[" * (1 << 14)))
    assert browser.post("/authorize", params).status in (303, 400, 413)
    assert "code" in browser.get(w.ministry.url(claims='{"userinfo":{"name":null}}')).query()


def A22_claims_that_bind(w):
    browser = w.signed_in()
    own = jwt_part(w.ministry.tokens(browser, w.an)["id_token"], 1)["sub"]

    def ask(of_id_token, **more):
        return browser.get(w.ministry.url(claims=json.dumps({"id_token": of_id_token}), **more))

    assert "code" in ask({"sub": {"value": own}}).query()
    assert "code" in ask({"sub": {"value": own}}, prompt="none").query()
    error_redirect(w, ask({"sub": {"value": own[::-1]}}, prompt="none"), "login_required")
    assert is_sign_in(ask({"sub": {"value": own[::-1]}}))
    error_redirect(w, ask({"acr": {"essential": True, "values": ["LoA3", "LoA2"]}}), "unmet_authentication_requirements")
    error_redirect(w, ask({"acr": {"essential": True, "value": "LoA2"}}, prompt="none"), "interaction_required")
    error_redirect(w, ask({"acr": {"essential": True, "value": "made-up"}}), "unmet_authentication_requirements")
    for acr, given in (({"essential": True, "values": ["LoA2", "LoA1"]}, "LoA1"), ({"values": ["LoA2"]}, "LoA1"),
                       ({"essential": True}, "urn:vn:dvc:loa:1")):
        answer = ask({"acr": acr})
        token = w.ministry.redeem(answer.query()["code"]).json()["id_token"]
        assert jwt_part(token, 1)["acr"] == given, (acr, given)


def A22_single_claims_go_where_they_were_asked_for(w):
    browser = w.signed_in()
    asked = {"id_token": {"email": None}, "userinfo": {"name": {"essential": True}, "SoDinhDanh": None}}
    tokens = w.ministry.tokens(browser, w.an, scope="openid", claims=json.dumps(asked))
    id_token, userinfo = jwt_part(tokens["id_token"], 1), w.ministry.userinfo(tokens["access_token"]).json()
    assert id_token["email"] == "an@example.vn" and "name" not in id_token
    assert userinfo["name"] == "Nguyễn Văn An" and "email" not in userinfo and "SoDinhDanh" not in userinfo
    fresh = w.ministry.refresh(tokens["refresh_token"]).json()
    assert jwt_part(fresh["id_token"], 1)["email"] == "an@example.vn"
    user = w.new_user("single")
    browser = w.browser()
    w.portal.code(browser, user, scope="openid")
    page = browser.get(w.portal.url(scope="openid", claims='{"userinfo":{"email":null}}'))
    assert is_consent(page), "a claim was given without asking the person"
    browser.consent(page)
    assert "code" in browser.get(w.portal.url(scope="openid", claims='{"userinfo":{"email":null}}')).query()


def signing_party(w, key=None, **metadata):
    key = key or Key("ES256", "k1")
    metadata = {"redirect_uris": ["https://signing.example/cb", "https://signing.example/other"], "legal_basis": "QĐ 1/2026",
                "jwks": {"keys": [key.jwk()]}, "scope": "openid profile", **metadata}
    return Party(w.issuer, {**metadata, **w.provider.add_client(**metadata)}), key


def object_place(w, party, key):
    """Where hostile_jwt's rows are tried: a request object of this party."""
    def claims():
        return {"iss": party.client_id, "aud": w.issuer, "client_id": party.client_id, "response_type": "code",
                "redirect_uri": party.redirect_uri, "scope": "openid", "state": "in", "nonce": "in",
                "exp": int(time.time()) + 60, "jti": secrets.token_urlsafe(8)}
    return Signer(key, {"alg": key.alg, "kid": key.kid, "typ": "oauth-authz-req+jwt"}, claims)


def send(w, browser, party, token, **params):
    """By GET while it fits into a request line, else by POST as a page of the party would."""
    fields = party.params(code_challenge=None, code_challenge_method=None, request=token, **params)
    query = urllib.parse.urlencode(fields)
    if len(query) < 6000:
        return browser.get("/authorize?" + query)
    return browser.post("/authorize", query)


def A23_request_objects_of_every_algorithm(w):
    browser = w.signed_in()
    for alg in ("ES256", "RS256", "PS256", "EdDSA"):
        for registered in ({}, {"request_object_signing_alg": alg}):
            party, key = signing_party(w, Key(alg, "k1"), **registered)
            answer = send(w, browser, party, object_place(w, party, key).good())
            assert answer.query()["state"] == "in" and "code" in answer.query(), alg
        party, key = signing_party(w, Key(alg, "k1"), request_object_signing_alg="ES256" if alg != "ES256" else "PS256")
        error_redirect(w, send(w, browser, party, object_place(w, party, key).good()), "invalid_request_object", party)


def A23_hostile_request_objects(w):
    """Every row of 1E, and of A23, at the one place; a good one before and behind."""
    browser = w.signed_in()
    with Canary() as canary:
        for alg in ("ES256", "RS256"):
            party, key = signing_party(w, Key(alg, "k1"))
            place = object_place(w, party, key)
            assert "code" in send(w, browser, party, place.good()).query()
            accepted = []
            for name, token in rows(place, canary.url):
                if "exp" in name and "missing" in name:
                    continue  # RFC 9101 demands none: state and nonce make the answer good for once
                answer = send(w, browser, party, token)
                assert answer.status < 500, (name, answer)
                if answer.status == 303 and "code" in answer.query():
                    accepted.append(name)
            assert not accepted, accepted
            assert "code" in send(w, browser, party, place.good()).query()
        assert canary.connections == 0


def A23_request_objects_of_others(w):
    browser = w.signed_in()
    party, key = signing_party(w)
    other, other_key = signing_party(w, Key("ES256", "k1"))
    place = object_place(w, party, key)
    for name, token in (("signed by another client", object_place(w, party, other_key).good()),
                        ("made by another client", object_place(w, other, key).good()),
                        ("iss of another", place.changed(iss=other.client_id)), ("no iss", place.changed(iss=None)),
                        ("client_id of another", place.changed(client_id=other.client_id)),
                        ("no client_id", place.changed(client_id=None)), ("expired", place.changed(exp=int(time.time()) - 1)),
                        ("far ahead", place.changed(exp=int(time.time()) + 86400)), ("aud of another", place.changed(aud="https://x.example")),
                        ("a client assertion", place.changed(sub=party.client_id))):
        error_redirect(w, send(w, browser, party, token), "invalid_request_object", party), name
    unregistered = Party(w.issuer, w.ministry.metadata)
    token = object_place(w, unregistered, key).good()
    error_redirect(w, send(w, browser, unregistered, token), "invalid_request_object", unregistered)


def A24_only_what_the_object_says(w):
    browser = w.signed_in()
    party, key = signing_party(w)
    place = object_place(w, party, key)
    answer = send(w, browser, party, place.good(), redirect_uri="https://signing.example/other", state="out", nonce="out",
                  scope="openid profile", response_type="token")
    assert answer.location.startswith("https://signing.example/cb?") and answer.query()["state"] == "in"
    claims = jwt_part(party.redeem(answer.query()["code"], code_verifier=None).json()["id_token"], 1)
    assert claims["nonce"] == "in"
    answer = send(w, browser, party, place.changed(state=None), state="out")
    assert "state" not in answer.query(), "a state from outside came back"
    assert is_error_page(send(w, browser, party, place.changed(redirect_uri="https://evil.example/cb")))
    error_redirect(w, send(w, browser, party, place.changed(response_type="token")), "unsupported_response_type", party)
    answer = send(w, browser, party, place.changed(max_age=0))
    assert is_sign_in(answer), "max_age of the object was not kept"
    answer = browser.sign_in(answer, "an", w.an["password"])
    assert answer.query()["state"] == "in" and "code" in answer.query(), "lost on the way through the sign-in page"
    answer = send(w, browser, party, place.changed(claims={"userinfo": {"name": None}}))
    tokens = party.redeem(answer.query()["code"], code_verifier=None).json()
    assert party.userinfo(tokens["access_token"]).json()["name"] == "Nguyễn Văn An"


def A24_clients_that_must_sign(w):
    browser = w.signed_in()
    party, key = signing_party(w, require_signed_request_object=True)
    error_redirect(w, browser.get(party.url()), "invalid_request", party)
    place = object_place(w, party, key)
    assert "code" in send(w, browser, party, place.good()).query()
    page = send(w, w.browser(), party, place.good())
    assert is_sign_in(page)


def A25_one_request_object_at_a_time(w):
    browser = w.signed_in()
    party, key = signing_party(w, request_uris=["https://signing.example/ro.jwt"])
    good = object_place(w, party, key).good()
    error_redirect(w, send(w, browser, party, good, request_uri="https://signing.example/ro.jwt"), "invalid_request", party)
    for nested in ({"request": good}, {"request_uri": "https://signing.example/ro.jwt"}):
        token = object_place(w, party, key).changed(**nested)
        error_redirect(w, send(w, browser, party, token), "invalid_request_object", party)
    twice = urllib.parse.urlencode(party.params(request=good)) + "&" + urllib.parse.urlencode({"request": good})
    error_redirect(w, browser.get("/authorize?" + twice), "invalid_request", party)


def A26_a_request_uri_that_was_not_registered_is_not_fetched(w):
    browser = w.signed_in()
    party, _ = signing_party(w, request_uris=["https://signing.example/ro.jwt"])
    with Canary() as canary:
        for uri in (canary.url, canary.url + "ro.jwt", "file:///etc/passwd", "http://169.254.169.254/", "https://signing.example/ro.jwt?x",
                    "https://signing.example/ro.jwt#x", "https://SIGNING.example/ro.jwt", "https://signing.example/", "x"):
            error_redirect(w, browser.get(party.url(request_uri=uri)), "invalid_request_uri", party)
        assert canary.connections == 0


def A30_every_redirect_names_the_issuer(w):
    browser = w.signed_in()
    assert browser.get(w.ministry.url()).query()["iss"] == w.issuer
    assert browser.get(w.ministry.url(prompt="none login")).query()["iss"] == w.issuer
    page = w.signed_in(w.cuong).get(w.portal.url())
    discovery = request(w.issuer, "GET", "/.well-known/openid-configuration").json()
    assert discovery["issuer"] == w.issuer
    assert is_consent(page)


def A31_state_comes_back_as_it_was(w):
    browser = w.signed_in()
    for raw, back in (("aHR0cHM6Ly9leC52bi8/+a==", "aHR0cHM6Ly9leC52bi8/+a=="), ("a%2Bb%3dc", "a%2Bb%3dc"),
                      ("a%0D%0ASet-Cookie:x", "a%0D%0ASet-Cookie%3Ax"), ("a:b@c", "a%3Ab%40c"),
                      ("%F0%9F%98%80", "%F0%9F%98%80")):
        answer = browser.get(w.ministry.url(state=None) + "&state=" + raw)
        assert answer.status == 303 and len(answer.all("Location")) == 1, answer
        assert "&state=" + back + "&" in answer.location, (raw, answer.location)
        assert not [n for n, _ in answer.headers if n.lower() == "set-cookie:x"]
    answer = browser.get(w.ministry.url(state="s" * 4097))
    assert error_redirect(w, answer, "invalid_request").get("state") is None
    assert browser.get(w.ministry.url(state="s" * 4096)).query()["state"] == "s" * 4096
    for bad in ("%00", "%zz", "%ff", "%c0%80"):
        answer = browser.get(w.ministry.url(state=None) + "&state=" + bad)
        assert answer.status in (400, 303) and (not answer.location or "code=" not in answer.location), answer


def A32_errors_go_to_registered_uris_only(w):
    error_redirect(w, w.browser().get(w.ministry.url(scope="root")), "invalid_scope")
    refused_on_page(w, w.ministry.url(scope="root", redirect_uri="https://evil.example/"))


def A33_redirects_after_posts_are_303(w):
    browser = w.browser()
    page = browser.get(w.portal.url())
    after = browser.submit(page, username=w.binh["username"], password=w.binh["password"])
    assert after.status == 303, after
    page = browser.follow(after)
    assert browser.consent(page).status == 303


def A34_A35_pages_are_protected(w):
    browser = w.browser()
    page = browser.get(w.portal.url(prompt="consent login"))
    pages = [page]
    pages.append(browser.sign_in(page, w.an["username"], w.an["password"]))
    assert is_sign_in(pages[0]) and is_consent(pages[1])
    for p in pages + [refused_on_page(w, w.ministry.url(client_id="nobody"))]:
        policy = p.header("Content-Security-Policy")
        assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy, policy
        assert p.header("X-Frame-Options") == "DENY"
        assert p.header("X-Content-Type-Options") == "nosniff"
        assert p.header("Referrer-Policy") == "no-referrer"
        assert "no-store" in p.header("Cache-Control")
        assert "://" not in "".join(p.text.replace(w.issuer, "").split("href=")[0:1]), "third-party resource"
    for p in pages:
        assert "form-action 'self' https://portal.example;" in p.header("Content-Security-Policy") + ";", \
            p.header("Content-Security-Policy")
    page = w.browser().get(w.native.url())
    assert "form-action 'self' vn.gov.example.app:;" in page.header("Content-Security-Policy") + ";"


def A36_no_cross_origin_reading(w):
    answer = request(w.issuer, "OPTIONS", "/authorize", None,
                     {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"})
    assert answer.header("Access-Control-Allow-Origin") is None
    answer = request(w.issuer, "GET", w.ministry.url(), None, {"Origin": "https://evil.example"})
    assert answer.header("Access-Control-Allow-Origin") is None


def A37_consent_form(w):
    user = w.new_user("consent37")
    browser = w.browser()
    page = browser.sign_in(browser.get(w.portal.url()), user["username"], user["password"])
    assert is_consent(page)
    form = page.forms()[0]
    fields = dict(form["fields"], decision="allow")
    for bad in (dict(fields, csrf="A" * 22), dict(fields, csrf=""), {n: v for n, v in fields.items() if n != "csrf"}):
        answer = browser.post("/consent", bad)
        assert answer.status in (400, 403) and not answer.location, answer
    other = w.signed_in(w.binh)
    assert is_error_page(other.post("/consent", fields), 403)
    assert is_error_page(browser.post("/consent", fields, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}), 403)
    assert is_error_page(browser.post("/consent", dict(fields, decision="maybe")))
    answer = browser.post("/consent", fields)
    assert answer.status == 303 and "code" in answer.query(), answer
    assert is_error_page(browser.post("/consent", fields), 403)


def A37_refusing_consent(w):
    user = w.new_user("consent37b")
    browser = w.browser()
    page = browser.sign_in(browser.get(w.portal.url(state="no")), user["username"], user["password"])
    error_redirect(w, browser.consent(page, "deny"), "access_denied", w.portal, "no")
    assert is_consent(browser.get(w.portal.url()))


def A38_public_clients_behind_custom_schemes_ask_each_time(w):
    browser = w.browser()
    for uri in ("vn.gov.example.app:/cb", "http://127.0.0.1:5000/cb"):
        for _ in range(2):
            answer = w.native.sign_on(browser, w.an, redirect_uri=uri)
            assert answer.location.startswith(uri), answer
            page = browser.get(w.native.url(redirect_uri=uri))
            assert is_consent(page), page
        answer = browser.get(w.native.url(redirect_uri=uri, prompt="none"))
        assert answer.query()["error"] == "consent_required"
    w.page.code(browser, w.an)
    assert "code" in browser.get(w.page.url()).query()


def A39_scopes(w):
    start = time.monotonic()
    for scope in ("s" * 1025, " ".join(["openid"] * 400), "root", "ope\"nid"):
        error_redirect(w, w.browser().get(w.ministry.url(scope=scope)), "invalid_scope")
    answer = w.browser().get(w.ministry.url(scope="s" * 50000))
    assert answer.status in (400, 414, 431), answer.status
    assert time.monotonic() - start < 2
    tokens = w.ministry.tokens(w.signed_in(), w.an, scope="openid root openid")
    assert tokens["scope"] == "openid"


def A40_unknown_resources(w):
    for resource in ("https://api.example", w.issuer + "#f", "x"):
        error_redirect(w, w.browser().get(w.ministry.url(resource=resource)), "invalid_target")
    answer = w.ministry.redeem(w.ministry.code(w.signed_in(), w.an), resource="https://api.example")
    assert error_of(answer) == (400, "invalid_target")


def A61_a_flow_belongs_to_its_browser(w):
    alice, mallory = w.browser(), w.browser()
    page = alice.get(w.ministry.url())
    handle = page.forms()[0]["fields"]["flow"]
    resume = "/authorize/resume?flow=" + urllib.parse.quote(handle)
    assert is_error_page(mallory.get(resume), 403)
    other = w.signed_in(w.binh)
    assert is_error_page(other.get(resume), 403)
    fields = dict(page.forms()[0]["fields"], username=w.an["username"], password=w.an["password"])
    assert is_error_page(mallory.post("/sign-in", fields), 403)
    assert mallory.session_cookie() is None
    # A later step cannot be jumped to: the consent form wants its own token.
    assert is_error_page(alice.post("/consent", {"flow": handle, "csrf": fields["csrf"], "decision": "allow"}), 403)
    assert is_sign_in(alice.get(resume))


def A63_methods(w):
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        for path in ("/authorize", "/token", "/jwks"):
            answer = request(w.issuer, method, path, None, {"X-HTTP-Method-Override": "GET"})
            assert answer.status == 405 and answer.header("Allow"), (method, path, answer)
    answer = request(w.issuer, "GET", "/token")
    assert answer.status == 405 and "POST" in answer.header("Allow")
    answer = request(w.issuer, "GET", w.ministry.url(), None, {"X-HTTP-Method-Override": "DELETE"})
    assert answer.status == 200


def A64_codes(w):
    browser = w.signed_in()
    codes = [browser.get(w.ministry.url()).query()["code"] for _ in range(300)]
    assert len(set(codes)) == len(codes)
    ids = {base64.urlsafe_b64decode(c + "==="[: -len(c) % 4])[4:20] for c in codes}
    assert len(ids) == len(codes)


def F15_cross_site_posts_come_again_as_get(w):
    browser = w.signed_in()
    params = w.ministry.params(state="keep+me/=")
    cross = {"Origin": "https://ministry.example", "Sec-Fetch-Site": "cross-site"}
    kept = browser.cookies
    browser.cookies = {}  # SameSite=Lax: not sent
    answer = browser.post("/authorize", params, cross)
    assert answer.status == 303 and answer.location.startswith("/authorize?"), answer
    browser.cookies = kept
    answer = browser.get(answer.location)
    assert answer.query()["state"] == "keep+me/=", answer
    # From our own origin it is answered at once.
    assert "code" in browser.post("/authorize", w.ministry.params()).query()


if __name__ == "__main__":
    sys.exit(run(__name__))
