# SPDX-License-Identifier: Apache-2.0
"""The back-channel logout plan."""
import time
import urllib.parse

from conformance import equal, module
from logout import BYE, returned
from party import is_sign_in, jwt_part, request

PLAN = "Back-Channel Logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
WAIT = 20  # seconds


@module(PLAN, "oidcc-backchannel-logout-discovery-endpoint-verification")
def discovery(plan):
    """Discovery says that logout tokens are sent, with a sid, and names the end_session_endpoint."""
    document = plan.discovery()
    assert document["backchannel_logout_supported"] is document["backchannel_logout_session_supported"] is True
    assert document["end_session_endpoint"].startswith(plan.issuer)


@module(PLAN, "oidcc-backchannel-rp-initiated-logout")
def logout(plan):
    """Sent to the end-session endpoint the person comes back with the state; the logout token comes over https,
    alone in its form, with the sub and sid of the ID token and without nonce; nobody is signed in any more."""
    plan.site.documents["/backchannel_logout"] = b""
    party = plan.client(post_logout_redirect_uris=[BYE], backchannel_logout_session_required=True,
                        backchannel_logout_uri=plan.site.url + "/backchannel_logout")
    browser = plan.browser()
    id_token = plan.tokens(browser, party)["id_token"]
    returned(browser.get("/logout?" + urllib.parse.urlencode(
        {"id_token_hint": id_token, "post_logout_redirect_uri": BYE, "state": "bye-1"})), "bye-1")
    until = time.monotonic() + WAIT
    while not plan.site.posts.get("/backchannel_logout") and time.monotonic() < until:
        time.sleep(0.05)
    body, = plan.site.posts["/backchannel_logout"]
    (name, token), = urllib.parse.parse_qsl(body, strict_parsing=True)
    equal(name, "logout_token")
    header, claims, id_claims = jwt_part(token, 0), jwt_part(token, 1), jwt_part(id_token, 1)
    keys = request(plan.issuer, "GET", "/jwks").json()["keys"]
    plan.verify(token, next(k for k in keys if k["kid"] == header["kid"]))
    equal(header["alg"], jwt_part(id_token, 0)["alg"])
    equal((claims["iss"], claims["aud"], claims["sub"], claims["sid"]),
          (plan.issuer, party.metadata["client_id"], id_claims["sub"], id_claims["sid"]))
    equal(claims["events"], {EVENT: {}})
    assert claims["jti"] and "nonce" not in claims and abs(claims["iat"] - time.time()) < 60
    assert is_sign_in(plan.ask(browser, party))
