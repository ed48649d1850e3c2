#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mod_auth_openidc in a real Apache before a page that only signed-in people may see: discovery, code
with PKCE, nonce and state, userinfo, sign-out. It refuses an answer to a state that it never gave, and
an ID token that was changed on its way."""
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from browser import Browser
from check import Checks
from foreign import Server, version
from idp import Provider
from spoiling_proxy import SpoilingProxy, change_payload

APACHE = "/usr/sbin/apache2"
MODULES = "/usr/lib/apache2/modules"
NEEDED = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "mime", "alias", "headers"]


def configuration(folder, port, relying_party):
    load = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in NEEDED)
    return f"""ServerRoot {folder}
PidFile {folder}/pid
ErrorLog {folder}/error.log
LogLevel warn auth_openidc:info
Listen 127.0.0.1:{port}
ServerName localhost
User www-data
Group www-data
StartServers 1
{load}
LoadModule auth_openidc_module {MODULES}/mod_auth_openidc.so
DocumentRoot {folder}/www
DirectoryIndex index.html
TypesConfig /etc/mime.types
OIDCRedirectURI http://localhost:{port}/inside/callback
OIDCCryptoPassphrase not-a-secret-of-anybody
OIDCCookie mod_auth_openidc_session
OIDCStateCookiePrefix mod_auth_openidc_state_
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim sub
OIDCDefaultLoggedOutURL http://localhost:{port}/
{relying_party}
<Location /inside>
  AuthType openid-connect
  Require valid-user
  Header set X-Known-As "expr=%{{REMOTE_USER}}"
  Header set X-Known-Mail "expr=%{{req:OIDC_CLAIM_email}}"
</Location>
"""


def apache(relying_party):
    return Server(
        lambda folder: [APACHE, "-d", folder, "-f", f"{folder}/apache.conf", "-DFOREGROUND"],
        lambda folder, port: {"apache.conf": configuration(folder, port, relying_party(folder, port)),
                              "www/index.html": "outside", "www/inside/index.html": "inside"})


def directives(metadata_url, client):
    return f"""OIDCProviderMetadataURL {metadata_url}
OIDCClientID {client['client_id']}
OIDCClientSecret {client['client_secret']}
OIDCProviderTokenEndpointAuth {client['token_endpoint_auth_method']}
OIDCIDTokenSignedResponseAlg {client['id_token_signed_response_alg']}"""


def sign_on(browser, page, user):
    """Types the password where it is asked, presses the button of a form_post answer."""
    if asks_password(page):
        page = browser.submit(page, {"username": user["username"], "password": user["password"]})
    for form in page.forms:
        if "code" in form["fields"] or "error" in form["fields"]:
            page = browser.post(urllib.parse.urljoin(page.url, form["action"]), form["fields"])
    return page


DISCOVERY = "/.well-known/openid-configuration"


def relying_party(provider, metadata_base, **metadata):
    """Registers it when its port is known."""
    def written(folder, port):
        url = f"http://localhost:{port}"
        client = provider.add_client(redirect_uris=[url + "/inside/callback"], scope="openid profile email",
                                     post_logout_redirect_uris=[url + "/"], legal_basis="QĐ 1/2026", **metadata)
        return directives(metadata_base + DISCOVERY, client)
    return apache(written)


def asks_password(page):
    return any("password" in form["types"].values() for form in page.forms)


def whole_visit(checks, provider, user):
    with relying_party(provider, provider.issuer, token_endpoint_auth_method="client_secret_basic",
                       require_pkce=True) as server:
        browser = Browser()
        page = browser.get(server.url + "/inside/")
        checks.that("mod_auth_openidc leads to the sign-in page", page.url.startswith(provider.issuer), page.url)
        page = sign_on(browser, page, user)
        checks.that("mod_auth_openidc shows the page inside", page.status == 200 and page.text == "inside",
                    f"{page.status} {page.url} {page.text[:300]} {server.log()}")
        known = page.header("X-Known-As", "")
        checks.that("mod_auth_openidc knows the person by the pairwise sub", len(known) > 20, known)
        checks.that("mod_auth_openidc has the claims of userinfo", page.header("X-Known-Mail") == "an@example.vn",
                    page.headers)
        again = Browser()
        again.cookies = {key: value for key, value in browser.cookies.items()
                         if not key[1].startswith("mod_auth_openidc")}
        page = again.get(server.url + "/inside/")
        checks.that("mod_auth_openidc signs on silently with a live session",
                    page.text == "inside" and page.header("X-Known-As") == known, page.url)
        page = browser.get(server.url + "/inside/callback?logout=" + urllib.parse.quote(server.url + "/", safe=""))
        if any(form["id"] == "logout" for form in page.forms):
            page = browser.submit(page, {}, form_id="logout", button=("decision", "allow"))
        checks.that("mod_auth_openidc's sign-out comes back from the provider",
                    page.url.startswith(server.url) and page.text == "outside", f"{page.url} {page.text[:300]}")
        page = browser.get(server.url + "/inside/")
        checks.that("after signing out the password is asked again", asks_password(page), page.url)
        page = browser.get(server.url + "/inside/callback?code=made-up&state=made-up")
        checks.that("mod_auth_openidc refuses an answer whose state it never gave", page.status in (400, 500),
                    page.status)


def visit_with(provider, user, change):
    """A sign-on with the token endpoint's answers changed on their way: (page, answers changed, log)."""
    with SpoilingProxy(provider.issuer, {DISCOVERY: lambda body: {**body, "token_endpoint": proxy.url + "/token"},
                                         "/token": change}) as proxy, \
            relying_party(provider, proxy.url, token_endpoint_auth_method="client_secret_post",
                          id_token_signed_response_alg="RS256") as server:
        browser = Browser()
        page = sign_on(browser, browser.get(server.url + "/inside/"), user)
        return page, proxy.changed["/token"], server.log()


def main():
    checks = Checks()
    print(version(APACHE, "-v"), "·", version("dpkg-query", "-W", "libapache2-mod-auth-openidc"))
    with Provider() as provider:
        user = provider.add_user(claims={"HoVaTen": "Nguyễn Văn An", "name": "Nguyễn Văn An",
                                         "email": "an@example.vn", "email_verified": True})
        whole_visit(checks, provider, user)
        page, changed, log = visit_with(provider, user, lambda body: body)
        checks.that("mod_auth_openidc takes an answer that came through another hand", page.text == "inside",
                    f"{page.status} {page.text[:300]} {log}")
        page, changed, log = visit_with(
            provider, user, lambda body: {**body, "id_token": change_payload(body["id_token"], sub="somebody-else")})
        checks.that("mod_auth_openidc refuses an ID token whose payload was changed there",
                    changed == 1 and page.text != "inside" and "signature" in log,
                    f"{changed} {page.status} {page.text[:300]} {log}")
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
