# SPDX-License-Identifier: Apache-2.0
"""The third-party-initiated login plan: the provider sends people to a service's initiate_login_uri
(OIDC Core 4), and takes none without https."""
import re
import urllib.parse

from conformance import equal, module
from dynamic import refused, register

PLAN = "Third-Party-Initiated Login"


def offered(plan, browser, page):
    """Addresses that the account page leads to on other sites."""
    links = re.findall(r'<a [^>]*href="(https?://[^"]*)"', page.text)
    return [link.replace("&amp;", "&") for link in links if not link.startswith(plan.issuer)]


@module(PLAN, "oidcc-3rd_party-init-login")
def init_login(plan):
    """The account page leads to the registered address, with iss being this provider and nothing about the
    person; the login that begins there ends with tokens. Services that registered themselves stand there
    once the person has used them, services of the staff always."""
    address = plan.site.url + "/login?kept=1"
    party = register(plan, initiate_login_uri=address)
    equal(party.metadata["initiate_login_uri"], address)
    browser = plan.browser()
    plan.redeem(party, plan.authorize(browser, party))
    known = plan.client(initiate_login_uri="https://staff.example/login")
    links = offered(plan, browser, browser.get("/account"))
    iss = urllib.parse.quote(plan.issuer, safe="")
    equal(sorted(links), sorted([f"{address}&iss={iss}", f"https://staff.example/login?iss={iss}"]))
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(f"{address}&iss={iss}").query))
    equal(query, {"kept": "1", "iss": plan.issuer})
    for client in (party, known):
        tokens = plan.redeem(client, plan.authorize(browser, client))
        equal(plan.id_claims(tokens)["iss"], query["iss"])
    other, somebody = plan.browser(), plan.provider.add_user()
    other.follow(other.sign_in(other.get("/account"), somebody["username"], somebody["password"]))
    equal(offered(plan, other, other.get("/account")), [f"https://staff.example/login?iss={iss}"], "for somebody else")


@module(PLAN, "oidcc-3rd_party-init-login-nohttps")
def init_login_nohttps(plan):
    """An initiate_login_uri that is not https is refused at registration."""
    for address in ("http://rp.example/login", "ftp://rp.example/login", "rp.example/login", "javascript:alert(1)",
                    "https://rp.example/login#x", "https://user@rp.example/login", 5):
        refused(plan, initiate_login_uri=address)
