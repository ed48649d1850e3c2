# SPDX-License-Identifier: Apache-2.0
"""Attacks on audiences of access tokens (RFC 8707): catalogue 1A A40, 1D D17, D19."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from authorization_endpoint import error_redirect
from oidc_world import CODE, run
from party import Party, error_of, is_sign_in, jwt_part, request

API, TAX, LAND = "https://api.resource.example", "https://tax.resource.example", "https://land.resource.example"
HIGH = "urn:vn:resource:high"
SCOPE = "openid profile offline_access api.read api.write tax.read high.read"


def prepare(w):
    """The resources and the parties of this file, once."""
    if hasattr(w, "office"):
        return
    for resource, scopes, more in ((API, ["api.read", "api.write"], {"access_token_seconds": 60}),
                                   (TAX, ["tax.read"], {"access_token_signed_response_alg": "EdDSA"}),
                                   (LAND, ["land.read"], {}), (HIGH, ["high.read"], {"minimum_level": 2})):
        w.provider.idpctl("resource", "add", "--file", "-",
                          stdin=json.dumps({"resource": resource, "scopes_supported": scopes, **more}))
    w.office = party(w, "office")
    w.agency = party(w, "agency")
    w.robot = party(w, "robot", grant_types=["client_credentials"], response_types=[], redirect_uris=[],
                    scope="api.read api.write tax.read dossier.read", legal_basis=None)


def party(w, name, **changed):
    metadata = {"client_id": name, "client_name": "Sở", "redirect_uris": [f"https://{name}.example/cb"], "grant_types": CODE,
                "scope": SCOPE, "legal_basis": "QĐ 1/2026", "token_endpoint_auth_method": "client_secret_basic", **changed}
    return Party(w.issuer, {**metadata, **w.provider.add_client(**metadata)})


def claims_of(answer):
    assert answer.status == 200, answer
    return jwt_part(answer.json()["access_token"], 1)


def machine(w, **fields):
    return w.robot.token({"grant_type": "client_credentials", **fields})


def A40_resources_that_may_not_be_asked_for(w):
    prepare(w)
    browser = w.signed_in()
    for bad in (API + "/", API + "#", API + "#x", API.upper(), "x", "api.read", LAND, "https://unknown.example", "a" * 513,
                w.issuer + "/"):
        answer = browser.get(w.office.url(scope="openid api.read", resource=bad))
        if len(bad) > 512:
            error_redirect(w, answer, "invalid_request", w.office)
        else:
            error_redirect(w, answer, "invalid_target", w.office)
        assert error_of(machine(w, scope="api.read", resource=bad))[1] in ("invalid_target", "invalid_request"), bad
    answer = browser.get(w.office.url(scope="openid api.read", resource=API))
    assert claims_of(w.office.redeem(answer.query()["code"]))["aud"] == API
    assert claims_of(machine(w, scope="api.read", resource=API))["aud"] == API
    error_redirect(w, browser.get(w.ministry.url(resource=API)), "invalid_target", w.ministry)
    assert error_of(w.machine.token({"grant_type": "client_credentials", "resource": API})) == (400, "invalid_target")


def A40_a_refusal_loses_nothing(w):
    """The code, and the refresh token, are still good after a token request for a wrong resource."""
    prepare(w)
    code = w.office.code(w.signed_in(), w.an, scope="openid api.read offline_access", resource=API)
    for wrong in (TAX, HIGH, LAND, "x"):
        assert error_of(w.office.redeem(code, resource=wrong)) == (400, "invalid_target"), wrong
    tokens = w.office.redeem(code, resource=API).json()
    refresh = tokens["refresh_token"]
    for wrong in (TAX, "x"):
        assert error_of(w.office.refresh(refresh, resource=wrong)) == (400, "invalid_target"), wrong
    assert error_of(w.office.refresh(refresh, scope="openid", resource=API)) == (400, "invalid_target")
    answer = w.office.refresh(refresh, resource=API)
    assert claims_of(answer)["aud"] == API
    answer = w.office.refresh(answer.json()["refresh_token"], resource=w.issuer)
    assert claims_of(answer)["aud"] == w.issuer and w.office.userinfo(answer.json()["access_token"]).status == 200


def A40_one_resource_a_token(w):
    prepare(w)
    asked = "openid api.read tax.read"
    browser = w.signed_in()
    query = w.office.url(scope=asked, resource=API) + "&resource=" + TAX
    code = browser.get(query).query()["code"]
    body = f"grant_type=authorization_code&code={code}&redirect_uri={w.office.redirect_uri}&code_verifier={w.office.verifier}"
    answer = request(w.issuer, "POST", "/token", f"{body}&resource={API}&resource={TAX}",
                     {"Content-Type": "application/x-www-form-urlencoded", "Authorization": w.office.basic()})
    assert error_of(answer) == (400, "invalid_target"), answer
    claims = claims_of(w.office.redeem(code, resource=TAX))
    assert (claims["aud"], claims["scope"]) == (TAX, "tax.read"), claims
    code = browser.get(w.office.url(scope=asked, resource=API)).query()["code"]
    assert error_of(w.office.redeem(code, resource=TAX)) == (400, "invalid_target"), "one that was not asked for"
    many = "".join(f"&resource={API}" for _ in range(9))
    error_redirect(w, browser.get(w.office.url(scope=asked) + many), "invalid_request", w.office)


def A40_scopes_stay_with_their_resource(w):
    prepare(w)
    browser = w.signed_in()
    tokens = w.office.redeem(w.office.code(browser, w.an, scope="openid profile api.read tax.read", resource=API)).json()
    claims = jwt_part(tokens["access_token"], 1)
    assert (claims["aud"], claims["scope"], tokens["scope"]) == (API, "api.read", "api.read")
    assert claims["exp"] - claims["iat"] == 60 == tokens["expires_in"]
    assert jwt_part(tokens["id_token"], 1)["aud"] == w.office.client_id
    answer = w.office.redeem(w.office.code(browser, w.an, scope="openid profile api.read"))
    assert claims_of(answer)["scope"] == "openid profile" and claims_of(answer)["aud"] == w.issuer
    answer = w.office.redeem(w.office.code(browser, w.an, scope="tax.read"))
    assert claims_of(answer)["aud"] == TAX and jwt_part(answer.json()["access_token"], 0)["alg"] == "EdDSA"


def A40_a_resource_with_a_level(w):
    prepare(w)
    browser = w.signed_in()
    error_redirect(w, browser.get(w.office.url(scope="openid high.read", resource=HIGH)),
                   "unmet_authentication_requirements", w.office)
    error_redirect(w, browser.get(w.office.url(scope="openid high.read", resource=HIGH, prompt="none")),
                   "interaction_required", w.office)
    code = w.office.code(browser, w.an, scope="openid high.read")
    assert error_of(w.office.redeem(code, resource=HIGH)) == (400, "invalid_target")
    assert claims_of(w.office.redeem(code))["scope"] == "openid"


def A40_machines(w):
    prepare(w)
    assert claims_of(machine(w, scope="api.read"))["aud"] == API
    claims = claims_of(machine(w, resource=API))
    assert (claims["aud"], claims["scope"], claims["sub"]) == (API, "api.read api.write", "robot")
    claims = claims_of(machine(w, scope="api.read tax.read", resource=TAX))
    assert (claims["aud"], claims["scope"]) == (TAX, "tax.read")
    assert error_of(machine(w, scope="tax.read", resource=API)) == (400, "invalid_target")
    claims = claims_of(machine(w, scope="dossier.read"))
    assert (claims["aud"], claims["scope"]) == (w.issuer, "dossier.read")
    w.provider.idpctl("resource", "disable", TAX)
    assert error_of(machine(w, resource=TAX)) == (400, "invalid_target")
    w.provider.idpctl("resource", "enable", TAX)
    assert claims_of(machine(w, resource=TAX))["aud"] == TAX


def A40_kept_through_the_sign_in_page(w):
    prepare(w)
    browser = w.browser()
    page = browser.get(w.office.url(scope="openid api.read", resource=API))
    assert is_sign_in(page)
    answer = browser.sign_in(page, "an", w.an["password"])
    assert claims_of(w.office.redeem(answer.query()["code"]))["aud"] == API


def D17_a_token_for_a_resource_opens_no_userinfo(w):
    prepare(w)
    tokens = w.office.redeem(w.office.code(w.signed_in(), w.an, scope="openid api.read", resource=API)).json()
    assert w.office.userinfo(tokens["access_token"]).status == 401


def D19_services_cannot_tell_that_it_is_one_person(w):
    """The same person by the same client at two resources, and by another client at the first: one
    name at each resource, another at each client, and none of them in two places."""
    prepare(w)
    browser = w.signed_in()
    subs, ids = {}, {}
    for party_ in (w.office, w.agency):
        for resource, scope in ((API, "api.read"), (TAX, "tax.read")):
            tokens = party_.redeem(party_.code(browser, w.an, scope="openid " + scope, resource=resource)).json()
            subs.setdefault(resource, set()).add(jwt_part(tokens["access_token"], 1)["sub"])
            ids.setdefault(party_.client_id, set()).add(jwt_part(tokens["id_token"], 1)["sub"])
    seen = [*subs[API], *subs[TAX], *ids["office"], *ids["agency"]]
    assert len(seen) == 4 == len(set(seen)), (subs, ids)


def D19_resources_do_not_know_each_other_s_people(w):
    """Two resources that compare the tokens of one grant find nothing in common that is the person's or the
    grant's own: neither sub nor a part of jti."""
    prepare(w)
    refresh, seen = w.office.tokens(w.signed_in(), w.an, scope="openid api.read tax.read")["refresh_token"], []
    for resource in (API, TAX):
        answer = w.office.refresh(refresh, resource=resource)
        refresh, claims = answer.json()["refresh_token"], claims_of(answer)
        seen.append({claims["sub"]} | {claims["jti"][i:i + 5] for i in range(len(claims["jti"]) - 4)})
    assert not seen[0] & seen[1], seen


if __name__ == "__main__":
    sys.exit(run(__name__))
