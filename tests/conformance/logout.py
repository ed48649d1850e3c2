# SPDX-License-Identifier: Apache-2.0
"""The RP-initiated logout plan."""
import urllib.parse

from conformance import equal, module
from party import b64url, b64url_decode, is_error_page, is_sign_in

PLAN = "RP-Initiated Logout"
BYE = "https://rp.example/bye"


class SignedOn:
    """A relying party with post-logout URIs, and a browser that is signed in for it."""

    def __init__(self, plan):
        self.plan = plan
        self.party = plan.client(post_logout_redirect_uris=[BYE])
        self.browser = plan.browser()
        self.id_token = plan.tokens(self.browser, self.party)["id_token"]

    def logout(self, hint=True, uri=BYE, state="bye-1", **changed):
        """Sends the person to the end-session endpoint, agrees where asked; what comes then."""
        params = {"id_token_hint": self.id_token if hint is True else hint, "post_logout_redirect_uri": uri,
                  "state": state, **changed}
        page = self.browser.get("/logout?" + urllib.parse.urlencode({n: v for n, v in params.items() if v}))
        if page.status == 200 and any(f["id"] == "logout" for f in page.forms()):
            page = self.browser.submit(page, "logout", ("decision", "allow"))
        return page

    def is_signed_in(self):
        return not is_sign_in(self.plan.ask(self.browser, self.party))


def returned(page, state):
    equal(page.status, 303)
    at = urllib.parse.urlsplit(page.location)
    equal((page.location.split("?")[0], dict(urllib.parse.parse_qsl(at.query)).get("state")), (BYE, state))


def stays(page):
    """No way back to the relying party: a page of ours."""
    assert page.location is None or page.location.startswith("/"), page


@module(PLAN, "oidcc-rp-initiated-logout-discovery-endpoint-verification")
def discovery(plan):
    """Discovery names the end_session_endpoint."""
    assert plan.discovery()["end_session_endpoint"].startswith(plan.issuer)


@module(PLAN, "oidcc-rp-initiated-logout")
def logout(plan):
    """Hint, URI and state: the session ends, the person comes back with the state."""
    at = SignedOn(plan)
    returned(at.logout(), "bye-1")
    assert not at.is_signed_in()


@module(PLAN, "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri")
def bad_uri(plan):
    """A URI that was not registered is not gone to."""
    stays(SignedOn(plan).logout(uri="https://rp.example/evil"))


@module(PLAN, "oidcc-rp-initiated-logout-modified-id-token-hint")
def modified_hint(plan):
    """A hint whose signature does not hold is worth nothing."""
    at = SignedOn(plan)
    header, payload, signature = at.id_token.split(".")
    spoilt = bytearray(b64url_decode(signature))
    spoilt[5] ^= 0x5A
    stays(at.logout(hint=f"{header}.{payload}.{b64url(bytes(spoilt))}"))


@module(PLAN, "oidcc-rp-initiated-logout-no-id-token-hint")
def no_hint(plan):
    """Without a hint (and without client_id) nobody is gone back to."""
    stays(SignedOn(plan).logout(hint=None))


@module(PLAN, "oidcc-rp-initiated-logout-no-params")
def no_params(plan):
    """Without anything: asked, then signed out, and a page that says so."""
    at = SignedOn(plan)
    page = at.logout(hint=None, uri=None, state=None)
    stays(page)
    assert not at.is_signed_in()


@module(PLAN, "oidcc-rp-initiated-logout-no-post-logout-redirect-uri")
def no_uri(plan):
    """With a hint alone: signed out, a page of ours."""
    at = SignedOn(plan)
    stays(at.logout(uri=None))
    assert not at.is_signed_in()


@module(PLAN, "oidcc-rp-initiated-logout-no-state")
def no_state(plan):
    """Without state the person comes back without one."""
    returned(SignedOn(plan).logout(state=None), None)


@module(PLAN, "oidcc-rp-initiated-logout-only-state")
def only_state(plan):
    """State alone: a page of ours."""
    at = SignedOn(plan)
    stays(at.logout(hint=None, uri=None))
    assert not at.is_signed_in()


@module(PLAN, "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri")
def query_added(plan):
    """A query added to the registered URI makes it another one."""
    stays(SignedOn(plan).logout(uri=BYE + "?foo=bar"))


@module(PLAN, "oidcc-rp-initiated-logout-bad-id-token-hint")
def bad_hint(plan):
    """Something that is no token at all."""
    page = SignedOn(plan).logout(hint="bad.bad.bad")
    stays(page)
    assert page.status < 500 and (is_error_page(page) or page.status in (200, 303))
