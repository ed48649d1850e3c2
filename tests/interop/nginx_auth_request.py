#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""nginx before a resource: auth_request, whose subrequest asks our introspection about the bearer token
and believes signed answers only (RFC 9701). It lets a good token in, and neither a foreign, revoked
or expired one, nor anybody whose answer was changed on its way."""
import base64
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from check import Checks
from foreign import Server, version
from idp import Provider
from party import Party, request
from spoiling_proxy import SpoilingProxy, change_payload

NGINX = "/usr/sbin/nginx"
MODULES = "/usr/lib/nginx/modules"
RESOURCE = "https://api.example.vn"
MACHINE = {"token_endpoint_auth_method": "client_secret_basic", "grant_types": ["client_credentials"],
           "response_types": [], "redirect_uris": []}
TOKEN_SECONDS = 60  # the least that may be
P256_KEY_INFO = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")  # RFC 5480 2

JUDGE = """
const issuer = '%(issuer)s', resource = '%(resource)s', audience = '%(audience)s';
const key = Buffer.from('%(key)s', 'base64');

function bearer(r) {
    const found = /^Bearer ([A-Za-z0-9._~+\\/-]+=*)$/i.exec(r.headersIn.Authorization || '');
    return found && found[1];
}

async function verified(text) {
    const parts = text.split('.');
    if (parts.length !== 3)
        throw Error('not a signed answer');
    const head = JSON.parse(Buffer.from(parts[0], 'base64url'));
    if (head.alg !== 'ES256' || head.typ !== 'token-introspection+jwt')
        throw Error('not the algorithm or type');
    const known = await crypto.subtle.importKey('spki', key, {name: 'ECDSA', namedCurve: 'P-256'}, false, ['verify']);
    if (!await crypto.subtle.verify({name: 'ECDSA', hash: 'SHA-256'}, known, Buffer.from(parts[2], 'base64url'),
                                    Buffer.from(parts[0] + '.' + parts[1])))
        throw Error('bad signature');
    return JSON.parse(Buffer.from(parts[1], 'base64url'));
}

async function judge(r) {
    try {
        const token = bearer(r);
        if (!token)
            throw Error('no token');
        const answer = await r.subrequest('/_introspect', {method: 'POST', body: 'token=' + encodeURIComponent(token)});
        if (answer.status !== 200)
            throw Error('introspection answered ' + answer.status);
        const claims = await verified(answer.responseText);
        const about = claims.token_introspection;
        if (claims.iss !== issuer || claims.aud !== audience)
            throw Error('an answer for somebody else');
        if (about.active !== true)
            throw Error('inactive');
        if (about.iss !== issuer || about.aud !== resource || !(about.exp > Date.now() / 1000))
            throw Error('not for here');
        if (about.scope.split(' ').indexOf('dossier.read') < 0) {
            r.return(403);
            return;
        }
        r.return(204);
    } catch (e) {
        r.error('refused: ' + e.message);
        r.return(401);
    }
}

export default {judge};
"""

CONFIGURATION = """load_module %(modules)s/ngx_http_js_module.so;
daemon off;
worker_processes 1;
pid %(folder)s/pid;
error_log %(folder)s/error.log warn;
user www-data;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path %(folder)s/body;
  proxy_temp_path %(folder)s/proxy;
  fastcgi_temp_path %(folder)s/fastcgi;
  uwsgi_temp_path %(folder)s/uwsgi;
  scgi_temp_path %(folder)s/scgi;
  js_path %(folder)s;
  js_import judge.js;
  server {
    listen 127.0.0.1:%(port)d;
    root %(folder)s/www;
    location /inside/ { auth_request /_judge; }
    location = /_judge { internal; js_content judge.judge; }
    location = /_introspect {
      internal;
      proxy_pass %(introspection)s;
      proxy_method POST;
      proxy_pass_request_headers off;
      proxy_set_header Host %(host)s;
      proxy_set_header Authorization "Basic %(basic)s";
      proxy_set_header Content-Type application/x-www-form-urlencoded;
      proxy_set_header Accept application/token-introspection+jwt;
      proxy_ssl_verify on;
    }
  }
}
"""


def key_info(issuer):
    """The provider's ES256 key as SubjectPublicKeyInfo."""
    keys = request(issuer, "GET", "/jwks").json()["keys"]
    key = next(k for k in keys if k.get("crv") == "P-256")
    point = b"".join(base64.urlsafe_b64decode(key[name] + "=") for name in ("x", "y"))
    return base64.b64encode(P256_KEY_INFO + point).decode()


def nginx(issuer, base, server):
    """`base`: where introspection is asked; `server`: the resource server's client."""
    def files(folder, port):
        basic = base64.b64encode(f"{server['client_id']}:{server['client_secret']}".encode()).decode()
        host = base.split("//")[1]
        values = {"modules": MODULES, "folder": folder, "port": port, "host": host, "basic": basic,
                  "introspection": f"http://127.0.0.1:{host.split(':')[1]}/introspect"}
        judge = {"issuer": issuer, "resource": RESOURCE, "audience": server["client_id"], "key": key_info(issuer)}
        return {"nginx.conf": CONFIGURATION % values, "judge.js": JUDGE % judge, "www/inside/index.html": "inside",
                "www/index.html": "outside"}
    return Server(lambda folder: [NGINX, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"], files)


def get(server, token=None, authorization=None):
    headers = {"Authorization": authorization or f"Bearer {token}"} if token or authorization else {}
    answer = request(server.url, "GET", "/inside/index.html", headers=headers)
    return answer.status if answer.status != 200 else answer.text


class Setting:
    """Clients, the resource and tokens of every kind."""

    def __init__(self, provider):
        self.provider = provider
        self.machine = self.party(client_id="machine", scope="dossier.read dossier.write tax.read")
        self.short = self.party(client_id="short", scope="dossier.read", access_token_seconds=TOKEN_SECONDS)
        self.server = provider.add_client(client_id="server", introspection_signed_response_alg="ES256", scope="none", **MACHINE)
        provider.idpctl("resource", "add", "--file", "-", stdin=f'{{"resource": "{RESOURCE}", "scopes_supported": '
                        '["dossier.read", "dossier.write"], "introspection_clients": ["server"]}')
        provider.idpctl("resource", "add", "--file", "-", stdin='{"resource": "https://tax.example.vn", '
                        '"scopes_supported": ["tax.read"]}')
        self.expiring, self.expires_at = self.token(party=self.short), time.time() + TOKEN_SECONDS

    def party(self, **metadata):
        return Party(self.provider.issuer, self.provider.add_client(**{**MACHINE, **metadata}))

    def token(self, scope="dossier.read", party=None):
        answer = (party or self.machine).token({"grant_type": "client_credentials", "scope": scope})
        assert answer.status == 200, answer
        return answer.json()["access_token"]

    def revoke(self, token):
        assert self.machine.token({"token": token}, path="/revoke").status == 200


def through_the_front(checks, setting):
    provider = setting.provider
    with nginx(provider.issuer, provider.issuer, setting.server) as server:
        checks.that("outside needs no token", request(server.url, "GET", "/").text == "outside")
        good = setting.token()
        checks.that("nginx lets a good token in", get(server, good) == "inside", f"{get(server, good)} {server.log()}")
        checks.that("nginx refuses nobody's request", get(server) == 401)
        for name, text in (("another scheme", "Basic " + good), ("two words", f"Bearer {good} x"), ("nothing", "Bearer "),
                           ("an injected parameter", f"Bearer {good}&token_type_hint=x"), ("garbage", "Bearer a.b.c")):
            checks.that(f"nginx refuses {name}", get(server, authorization=text) == 401)
        header, payload, signature = good.split(".")
        checks.that("nginx refuses a token with a changed signature",
                    get(server, f"{header}.{payload}.{signature[:-4]}AAAA") == 401)
        checks.that("nginx refuses a token with a changed payload", get(server, change_payload(good, scope="dossier.read x")) == 401)
        checks.that("nginx refuses a token for another resource", get(server, setting.token("tax.read")) == 401)
        checks.that("nginx forbids without the scope", get(server, setting.token("dossier.write")) == 403)
        with Provider() as other:
            foreign = Party(other.issuer, other.add_client(**MACHINE, scope="dossier.read"))
            token = foreign.token({"grant_type": "client_credentials"}).json()["access_token"]
            checks.that("nginx refuses another provider's token", get(server, token) == 401)
        setting.revoke(good)
        checks.that("nginx refuses a revoked token at once", get(server, good) == 401)
        checks.that("nginx lets a short-lived token in", get(server, setting.expiring) == "inside", server.log())
        time.sleep(max(0, setting.expires_at + 1 - time.time()))
        checks.that("nginx refuses it when it has expired", get(server, setting.expiring) == 401)
        checks.that("nginx's log shows why", "inactive" in server.log() and "no token" in server.log(), server.log())


def through_other_hands(checks, setting):
    provider = setting.provider
    for name, change, is_good in (
            ("unchanged", lambda text: text, True),
            ("that says active of a revoked token", lambda text: change_payload(text, token_introspection={
                "active": True, "iss": provider.issuer, "aud": RESOURCE, "exp": int(time.time()) + 60,
                "scope": "dossier.read"}), False),
            ("without signature", lambda text: text.rsplit(".", 1)[0] + ".", False),
            ("that is no JWT", lambda text: '{"active": true}', False)):
        with SpoilingProxy(provider.issuer, {"/introspect": change}) as proxy, \
                nginx(provider.issuer, proxy.url, setting.server) as server:
            token = setting.token()
            if not is_good:
                setting.revoke(token)
            got = get(server, token)
            checks.that(f"nginx {'takes' if is_good else 'refuses'} an answer {name}", proxy.changed["/introspect"] == 1 and
                        got == ("inside" if is_good else 401), f"{proxy.changed} {got} {server.log()}")


def main():
    checks = Checks()
    print(version(NGINX, "-v"), "·", version("dpkg-query", "-W", "libnginx-mod-http-js"))
    with Provider() as provider:
        setting = Setting(provider)
        through_other_hands(checks, setting)
        through_the_front(checks, setting)
    return checks.end()


if __name__ == "__main__":
    sys.exit(main())
