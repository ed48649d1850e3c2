# SPDX-License-Identifier: Apache-2.0
"""A provider with connectors, relying parties of its own, and browsers that go through it to upstream and back.

    with Federation() as f:                    the national portal's double at f.dvcqg, the ministry's at f.vneid
        page = f.sign_on(browser, "dvcqg")     where the browser ends: at the relying party, or on a page of ours

What the pages of the provider look like to a script is said here alone."""
import json
import re
import secrets
import time
import urllib.parse

from browser import Browser
from idp import Provider, SLOW
from party import Party, jwt_part
from upstream_partner import VneidPartnerDouble, public_key
from upstream_vneid import VneidDouble
from upstream_wso2 import Wso2Double

AN, LAN = "030090001234", "030190001234"  # personal numbers
TAX_CODE = "0100233488"
LOA = "urn:vn:dvc:loa:"
FAST = {"failures": 2, "retry": "1s"}  # network: of tests that wait for it


def yaml(settings, indent=""):
    """A mapping as YAML; what is not a mapping in JSON's notation."""
    text = ""
    for name, value in settings.items():
        if isinstance(value, dict):
            text += f"{indent}{name}:\n{yaml(value, indent + '  ')}"
        elif value is not None:
            text += f"{indent}{name}: {json.dumps(value, ensure_ascii=False)}\n"
    return text


def merged(base, changed):
    """`changed` over `base`, section by section; None takes a setting away."""
    result = dict(base)
    for name, value in changed.items():
        result[name] = merged(base.get(name) or {}, value) if isinstance(value, dict) else value
    return result


class FederatedProvider(Provider):
    """connect() before start(). The allow-list of what may be reached is loopback's first address and name."""

    places = ["127.0.0.1/32", "localhost"]

    def __init__(self, settings="", **options):
        super().__init__(**options)
        self.own_settings, self.connectors = settings, {}

    def redirect_uri(self, connector, path=None):
        return self.issuer + (path or f"/upstream/callback/{connector}")

    def connect(self, connector, dialect, upstream, **changed):
        """Writes the connector's file, and its secret beside it with mode 0600; tells a double where people come
        back to. A second call for the same id replaces the first."""
        self._private(f"{connector}.secret", upstream.client_secret.encode() + b"\n")
        base = {"id": connector, "name": f"Cổng {connector}", "name_en": f"Portal {connector}", "dialect": dialect,
                "issuer": upstream.issuer,
                "client": {"id": upstream.client_id, "secret_file": self.path(f"{connector}.secret")}}
        if hasattr(upstream, "endpoints"):
            base["endpoints"] = upstream.endpoints()
        settings = merged(base, changed)
        self._private(f"{connector}.yaml", yaml(settings).encode())
        if hasattr(upstream, "people") and hasattr(upstream, "base"):
            upstream.redirect_uris = [self.redirect_uri(connector, settings["client"].get("redirect_path"))]
        self.connectors[connector] = settings
        self.settings = self.own_settings + yaml({
            "federation": {"connectors": [self.path(f"{name}.yaml") for name in self.connectors]}})
        if "outbound:" not in self.own_settings:
            self.settings += yaml({"outbound": {"upstream": self.places}})
        self._write()

    def change(self, connector, **changed):
        """Other settings of a connector that is there; seen at the next start or SIGHUP."""
        self.connectors[connector] = merged(self.connectors[connector], changed)
        self._private(f"{connector}.yaml", yaml(self.connectors[connector]).encode())

    def add_envelope_key(self):
        """(kid, public key) of a new key for VNeID's envelopes. The provider must be running, and its signer's
        policy say "envelopes": "on"."""
        kid = self.idpctl("keys", "generate", "--use", "envelope")[1]["kid"]
        return kid, public_key(self.idpctl("keys", "public", kid)[1]["jwk"])


VNEID_CLAIMS = ["HoVaTen=name", "NgayThangNamSinh=birthdate", "SoDinhDanh=citizen_pid"]


class Federation:
    """`dialects`: which connectors there are; each has the name of its dialect and a double of that name here.
    `changed`: connector -> settings over its own."""

    def __init__(self, dialects=("dvcqg", "vneid"), settings="", changed=None, certificate=None, provider=None):
        self.dialects, self.changed = dialects, changed or {}
        self.provider = provider or FederatedProvider(settings, policy={"envelopes": "on"} if "partner" in dialects else None)
        self.issuer = self.provider.issuer
        self.dvcqg = Wso2Double(certificate=certificate)
        self.vneid = VneidDouble(certificate=certificate)
        self.partner = VneidPartnerDouble(certificate=certificate)
        for double in (self.dvcqg, self.vneid, self.partner):
            double.add_citizen("an", AN, "Nguyễn Văn An")
            double.add_citizen("lan", LAN, "Trần Thị Lan")
            double.signs_in = "an"

    def __enter__(self):
        for name, dialect, more in (("dvcqg", "dvcqg", {}), ("vneid", "vneid", {"person": {"claims": VNEID_CLAIMS}}),
                                    ("oidc", "oidc", {})):
            if name in self.dialects:
                double = self.vneid if name == "oidc" else getattr(self, name)
                self.provider.connect(name, dialect, double, **merged(more, self.changed.get(name, {})))
        if "vneid" in self.dialects and "oidc" in self.dialects:
            raise AssertionError("one double, one connector")
        self.provider.start()
        if "partner" in self.dialects:
            kid, self.partner.public_key = self.provider.add_envelope_key()
            self.provider.stop()
            self.provider.connect("partner", "vneid-partner", self.partner,
                                  **merged({"client": {"envelope_kid": kid}}, self.changed.get("partner", {})))
            self.provider.start()
        self.portal = self.add_portal()
        return self

    def __exit__(self, *what):
        for double in (self.dvcqg, self.vneid, self.partner):
            double.close()  # first: what hangs there lets go
        self.provider.__exit__(*what)

    def add_portal(self, **metadata):
        name = "cong_" + secrets.token_hex(3)
        base = {"client_id": name, "client_name": "Cổng", "redirect_uris": [f"https://{name.replace('_', '-')}.example/cb"],
                "token_endpoint_auth_method": "client_secret_basic", "grant_types": ["authorization_code"],
                "scope": "openid profile vn_profile vn_id vn_org vn_assurance", "legal_basis": "QĐ 1/2026",
                "id_token_signed_response_alg": "ES256", **metadata}
        return Party(self.issuer, dict(base, **self.provider.add_client(**base)))

    def add_account(self, number=None, **fields):
        """A local account, with a password."""
        identifiers = {"SoDinhDanh": number} if number else {}
        return self.provider.add_user(identifiers=identifiers, claims={"HoVaTen": "Người Có Tài Khoản"}, **fields)

    # ---- a browser's way

    def browser(self, party=None):
        return Browser(stop_at=(party or self.portal).redirect_uri)

    def begin(self, browser, party=None, **request):
        """Asks for a sign-on: the sign-in page, or wherever that leads at once."""
        request.setdefault("scope", (party or self.portal).metadata["scope"])
        return browser.get(self.issuer + (party or self.portal).url(**request))

    def start_url(self, page, connector):
        """What the sign-in page's link to a connector leads to; None: it is not offered."""
        for link in page.links:
            url = urllib.parse.urljoin(page.url, link)
            parts = urllib.parse.urlsplit(url)
            if parts.path == "/upstream/start" and ("connector", connector) in urllib.parse.parse_qsl(parts.query):
                return url
        return None

    def offered(self, page, connector):
        """start_url(), which must be there."""
        url = self.start_url(page, connector)
        if url is None:
            raise AssertionError(f"{connector} is not offered: {said(page)}")
        return url

    def sign_on(self, browser, connector, party=None, **request):
        return browser.get(self.offered(self.begin(browser, party, **request), connector))

    def callback(self, browser, connector, party=None, **request):
        """The URL with which upstream sends the browser back, not fetched yet."""
        kept = browser.stop_at
        browser.stop_at = self.provider.redirect_uri(connector)
        page = self.sign_on(browser, connector, party, **request)
        browser.stop_at = kept
        if not page.url.startswith(self.provider.redirect_uri(connector)):
            raise AssertionError(f"not sent back: {said(page)}")
        return page.url

    @staticmethod
    def query(page):
        """Of the answer to the relying party; {} on a page of ours."""
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.url).query)) if page.status == 0 else {}

    def tokens(self, page, party=None):
        """The answer redeemed, with the ID token's claims as `claims` and userinfo's as `info`."""
        party = party or self.portal
        if "code" not in self.query(page):
            raise AssertionError(f"no code: {said(page)}")
        answer = party.redeem(self.query(page)["code"])
        if answer.status != 200:
            raise AssertionError(answer)
        tokens = answer.json()
        return {**tokens, "claims": jwt_part(tokens["id_token"], 1), "info": party.userinfo(tokens["access_token"]).json()}

    def signed_on(self, connector="dvcqg", person="an", browser=None, party=None, **request):
        """The tokens of a whole sign-on of a person of the double's, in a fresh browser unless one is given."""
        self.double(connector).signs_in = person
        return self.tokens(self.sign_on(browser or self.browser(party), connector, party, **request), party)

    def local_tokens(self, user, browser=None, **request):
        browser = browser or self.browser()
        page = self.begin(browser, **request)
        return self.tokens(browser.submit(page, {"username": user["username"], "password": user["password"]}))

    def double(self, connector):
        return self.vneid if connector == "oidc" else getattr(self, connector)

    def is_signed_in(self, browser):
        page = browser.get(self.issuer + "/account")
        return page.status == 200 and page.url == self.issuer + "/account" and not asks_password(page)

    # ---- pages between upstream and the end

    def prove(self, browser, page, user):
        """The page that asks for the local account's password; gives what comes then."""
        if not is_proof(page):
            raise AssertionError(f"not asked for a proof: {said(page)}")
        return browser.submit(page, {"password": user["password"]} if "username" not in page.form(field="password")["fields"]
                              else {"password": user["password"], "username": user["username"]})

    @staticmethod
    def choices(page):
        """Buttons of the page on which one of several accounts is chosen; [] on another page."""
        return [button for form in upstream_forms(page) if "password" not in form["types"].values() for button in form["buttons"]]

    @staticmethod
    def choose(browser, page, button, value=None):
        """`value`: another than the button's."""
        form = next(f for f in upstream_forms(page) if button in f["buttons"])
        return browser.post(urllib.parse.urljoin(page.url, form["action"]), {**form["fields"], button[0]: button[1] if value is None else value})

    def backchannel_url(self, connector):
        return f"{self.issuer}/upstream/backchannel-logout/{connector}"


def upstream_forms(page):
    """Forms of the pages between upstream's answer and the end: those below /upstream/."""
    return [f for f in page.forms
            if urllib.parse.urlsplit(urllib.parse.urljoin(page.url, f["action"])).path.startswith("/upstream/")]


def said(page):
    """A page in a line."""
    text = re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2] or page.text)
    return f"{page.status} {page.url[:120]} {' '.join(text.split())[:300]}"


def asks_password(page):
    return page.status == 200 and any("password" in f["types"].values() for f in page.forms)


def is_proof(page):
    """The page that asks a person who came from upstream to prove a local account."""
    return page.status == 200 and "/upstream/link?" in page.url and asks_password(page)


def eventually(condition, seconds=5):
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds * SLOW
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
