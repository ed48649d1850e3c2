#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo: the provincial provider, the national portal in front of it, and the services behind it, in
the foreground.

  ./dev demo [--check] [--fresh] [--tls] [--port-base N] [--state FOLDER]

Ports N..N+39 only: N provincial provider, N+1 its admin listener, N+2 provincial portal, N+3 ministry
portal, N+4 payment, N+5 one-stop system, N+6 dossier-status API, N+7 LGSP adapter, N+8 national provider,
N+9 its admin listener, N+10 overview page, N+11 national portal; N+20.. are free for tools that want a
redirect URI. State in build/demo (tests: --state) persists unless --fresh; one demo at a time has it.
Secrets are made at the first start. demo.json appears there when everything is ready. What there is to
see is in picture.py."""
import argparse
import base64
import ctypes
import fcntl
import glob
import hashlib
import json
import os
import secrets
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import picture

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("IDP_BUILD", os.path.join(ROOT, "build"))
STATE = os.path.join(ROOT, "build", "demo")
PR_SET_PDEATHSIG = 1  # prctl(2)
READY_SECONDS = 20
STOP_SECONDS = 12

# Metadata that many clients share.
COMMON = {"id_token_signed_response_alg": "ES256", "response_types": ["code"]}
MACHINE = {"redirect_uris": [], "grant_types": ["client_credentials"], "response_types": []}

# All that the demo writes into build/demo, which the build uses too.
STATE_FILES = ["*.sock", "demo.json*", "idp.db*", "national.db*", "idpd.yaml", "national.yaml", "dvcqg.*",
               "*kek", "portal-*.json", "service-*.json", "*.log", "secrets.json", "*signer.json", "tls/*"]


def forget_state():
    for pattern in STATE_FILES:
        for path in glob.glob(os.path.join(STATE, pattern)):
            os.unlink(path)


def take_state():
    """The lock on the state folder, held as long as the process lives: a second demo would pull the
    files away from under the first."""
    os.makedirs(STATE, mode=0o700, exist_ok=True)
    lock = os.open(state("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise SystemExit(f"demo: another demo is running on {STATE}; end it, or give --state") from None


LIBC = ctypes.CDLL(None)


def end_with_parent():
    """In the child: SIGTERM when demo.py is gone, however it went."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def say(*words):
    print(*words, flush=True)


def write_private(path, data):
    if isinstance(data, str):
        data = data.encode()
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as f:
        f.write(data)
    os.rename(path + ".new", path)


def state(*names):
    return os.path.join(STATE, *names)


class Provider:
    """One idpd with everything of its own. `kept`: its part of secrets.json."""

    def __init__(self, demo, key, port, files, brand):
        self.demo, self.key, self.port, self.files, self.brand = demo, key, port, files, brand
        self.issuer, self.kept = demo.url(port), None

    def path(self, name):
        return state(self.files + name if self.files else name)

    @property
    def config(self):
        return state("national.yaml" if self.files else "idpd.yaml")

    @property
    def process(self):
        return "idpd-" + self.key if self.files else "idpd"

    def socket(self):
        """Socket paths are short by law of the kernel; a deep checkout needs a short name."""
        path = self.path("admin.sock")
        if len(path) < 100:
            return path
        tag = hashlib.sha256(path.encode()).hexdigest()[:16]
        folder = f"/tmp/idp-demo-{os.getuid()}-{tag}"
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return folder + "/admin.sock"

    def write_config(self, more=""):
        kek, policy = self.path("kek"), self.path("signer.json")
        if not os.path.exists(kek):
            write_private(kek, os.urandom(32))
        write_private(policy, json.dumps({"issuer": self.issuer, "kek_file": kek}))
        tls = (f"  tls_certificate: {state('tls', 'server.pem')}\n  tls_key: {state('tls', 'server.key')}\n"
               if self.demo.tls else "")
        name, name_en, contact, contact_en = self.brand
        write_private(self.config, f"""issuer: {self.issuer}
brand:
  name: {name}
  name_en: {name_en}
  contact: {contact}
  contact_en: {contact_en}
listen:
  address: "127.0.0.1:{self.demo.base + self.port}"
{tls}admin:
  address: "127.0.0.1:{self.demo.base + self.port + 1}"
  socket: {self.socket()}
signer:
  binary: {BUILD}/idp-signer
  policy: {policy}
store:
  path: {state('national.db' if self.files else 'idp.db')}
password:
  min_length: 12
{more}""")

    def start(self):
        child = self.demo.spawn(self.process, [f"{BUILD}/idpd", "--config", self.config], self.config)
        self.demo.wait_ready(self.issuer, child, self.process)

    def staff(self, *args, stdin=None):
        """What idpctl prints; anything but success ends the demo."""
        run = subprocess.run([f"{BUILD}/idpctl", "--socket", self.socket(), "--json", *args], input=stdin,
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"demo: {self.key}: {' '.join(args)}: {run.stdout}{run.stderr}")
        return run.stdout

    def once(self, what, act):
        """Done at the first start only."""
        if not self.kept.get(what):
            act()
            self.kept[what] = True
            self.demo.save_secrets()

    def register_client(self, metadata):
        """The registered object, secret included, is kept from the first start on."""
        clients = self.kept.setdefault("clients", {})
        if metadata["client_id"] not in clients:
            answer = self.staff("client", "add", "--file", "-", stdin=json.dumps(metadata))
            clients[metadata["client_id"]] = json.loads(answer)
            self.demo.save_secrets()
        return clients[metadata["client_id"]]

    def register_users(self, users):
        lines = "".join(json.dumps({**{k: v for k, v in u.items() if k != "level"},
                                    "password": self.kept["passwords"][u["username"]]}) + "\n" for u in users)
        self.once("users_made", lambda: self.staff("user", "add", "--file", "-", stdin=lines))

    def signer_pid(self):
        parent = next(c["pid"] for c in self.demo.children if c["name"] == self.process)
        try:
            with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as f:
                pids = f.read().split()
            return int(pids[0]) if pids else None
        except OSError:
            return None


class Demo:
    def __init__(self, args):
        self.base = args.port_base
        self.tls = args.tls
        self.scheme = "https" if args.tls else "http"
        self.children = []
        self.ca = state("tls", "ca.pem") if args.tls else None
        self.provincial = Provider(self, "provincial", 0, "", (
            "Đăng nhập một lần tỉnh Hải Dương", "Hai Duong Single Sign-On",
            "Trung tâm Phục vụ hành chính công, điện thoại 1900 0000",
            "Public Administration Service Centre, phone 1900 0000"))
        self.national = Provider(self, "national", 8, "national-", (
            "Đăng nhập Cổng Dịch vụ công quốc gia", "National Public Service Portal Sign-in",
            "Tổng đài 1800 0000", "phone 1800 0000"))
        self.kept = None

    def url(self, offset):
        return f"{self.scheme}://localhost:{self.base + offset}"

    def portal_url(self, key):
        return self.url(next(p["port"] for p in picture.PORTALS if p["key"] == key))

    # ---- what is made at the first start ----

    def load_secrets(self):
        """Kept between starts, 0600: passwords and client secrets of the demo."""
        path, issuer = state("secrets.json"), self.provincial.issuer
        kept = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                kept = json.load(f)
            if kept.get("issuer") != issuer:
                say("the state in build/demo belongs to another address: starting afresh")
                forget_state()
                kept = {}
        kept["issuer"] = issuer
        self.kept, self.provincial.kept = kept, kept
        self.national.kept = kept.setdefault("national", {})
        for provider, users in ((self.provincial, picture.USERS), (self.national, picture.NATIONAL_USERS)):
            passwords = provider.kept.setdefault("passwords", {})
            for user in users:
                passwords.setdefault(user["username"], "Cau-" + secrets.token_urlsafe(12))
        self.save_secrets()

    def save_secrets(self):
        write_private(state("secrets.json"), json.dumps(self.kept))

    def make_tls(self):
        folder = state("tls")
        if os.path.exists(os.path.join(folder, "server.pem")):
            return
        os.makedirs(folder, mode=0o700, exist_ok=True)

        def openssl(*args):
            subprocess.run(["openssl", *args], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)

        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                "ca.key", "-out", "ca.pem", "-days", "365", "-subj", "/CN=idp demo CA", "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
        write_private(os.path.join(folder, "ext"),
                      "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth\n")
        openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "365", "-extfile", "ext", "-out", "server.pem")
        for name in ("ca.key", "server.key"):
            os.chmod(os.path.join(folder, name), 0o600)

    # ---- processes ----

    def spawn(self, name, argv, config):
        with open(state(name + ".log"), "ab") as log:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     start_new_session=True, preexec_fn=end_with_parent)
        self.children.append({"name": name, "pid": child.pid, "argv": argv, "config": config,
                              "process": child})
        return child

    def wait_ready(self, url, child, name):
        context = ssl.create_default_context(cafile=self.ca) if self.tls and url.startswith("https") else None
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end:
            if child.poll() is not None:
                raise SystemExit(f"demo: {name} ended with status {child.returncode}; see {state(name + '.log')}")
            try:
                with urllib.request.urlopen(url + "/readyz", timeout=2, context=context) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.02)
        raise SystemExit(f"demo: {name} is not ready after {READY_SECONDS} s; see {state(name + '.log')}")

    def stop(self):
        if os.path.exists(state("demo.json")):
            os.unlink(state("demo.json"))
        for child in reversed(self.children):
            if child["process"].poll() is None:
                child["process"].send_signal(signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        for child in reversed(self.children):
            try:
                child["process"].wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                child["process"].kill()
                child["process"].wait()

    # ---- clients, users, resources ----

    def portal_client(self, portal):
        url = self.url(portal["port"])
        return {"client_id": "portal-" + portal["key"], "client_name": portal["name"],
                "client_name#en": portal["name_en"], "client_uri": url,
                "redirect_uris": [url + "/callback"], "initiate_login_uri": url + "/login",
                "post_logout_redirect_uris": [url + "/signed-out"],
                "token_endpoint_auth_method": "client_secret_basic",
                "grant_types": ["authorization_code"], "scope": portal["scope"],
                "sector": "portal-" + portal["key"],
                "legal_basis": "Luật Giao dịch điện tử 2023; dữ liệu mẫu", **COMMON,
                **({"minimum_level": portal["minimum_level"]} if "minimum_level" in portal else {})}

    def tool_clients(self):
        """For tools that want to try something: they meet the provider alone, no national portal."""
        tools = [f"{scheme}://{host}:{self.base + 20 + i}/cb" for i in range(4)
                 for scheme, host in (("http", "127.0.0.1"), ("http", "localhost"))]
        after = [u.replace("/cb", "/signed-out") for u in tools]
        person = {"redirect_uris": tools, "post_logout_redirect_uris": after, "connectors": [],
                  "grant_types": ["authorization_code", "refresh_token"], **COMMON}
        return [
            {"client_id": "demo-rp", "client_name": "Dịch vụ thử nghiệm", "client_name#en": "Test service",
             "sector": "demo-rp", "token_endpoint_auth_method": "client_secret_basic", **person},
            {"client_id": "demo-public", "client_name": "Ứng dụng di động thử nghiệm",
             "client_name#en": "Test app", "sector": "demo-public", "token_endpoint_auth_method": "none",
             "application_type": "native", **person},
            {"client_id": "demo-machine", "client_name": "Trục liên thông thử nghiệm",
             "client_name#en": "Test machine", "token_endpoint_auth_method": "client_secret_basic", **MACHINE},
        ]

    def machine_clients(self):
        return [
            {"client_id": "dossier-sync", "client_name": "Đồng bộ trạng thái hồ sơ",
             "client_name#en": "Dossier status sync", "token_endpoint_auth_method": "client_secret_basic",
             "scope": picture.DOSSIER_SCOPE, **MACHINE},
            {"client_id": "lgsp", "client_name": "Bộ nối trục LGSP", "client_name#en": "LGSP adapter",
             "token_endpoint_auth_method": "client_secret_post", **MACHINE},
        ]

    def province_at_national(self):
        """The provincial provider as a client of the national portal's. It is told numbers at level 1:
        by them it finds whose account somebody has here."""
        issuer = self.provincial.issuer
        return {"client_id": "000.00.19.H23", "client_name": self.provincial.brand[0],
                "client_name#en": self.provincial.brand[1], "client_uri": issuer,
                "redirect_uris": [issuer + "/upstream/callback/dvcqg"],
                "post_logout_redirect_uris": [issuer + "/upstream/signed-out/dvcqg"],
                "token_endpoint_auth_method": "client_secret_post", "response_types": ["code"],
                "grant_types": ["authorization_code"], "scope": "openid", "claims_profile": "dvcqg",
                "numbers_level": 1, "sector": "province-h23",
                "legal_basis": "Nghị định 45/2020/NĐ-CP; dữ liệu mẫu"}

    def connect(self, client):
        """The connector to the national portal, and what of the configuration belongs to it. The national
        provider of the demo has passwords alone: what it says of an account (IAL) stands for VNeID's level."""
        there = self.national.issuer
        write_private(state("dvcqg.secret"), client["client_secret"] + "\n")
        write_private(state("dvcqg.yaml"), f"""id: dvcqg
name: Cổng Dịch vụ công quốc gia
name_en: National Public Service Portal
dialect: dvcqg
issuer: {there}
endpoints:
  authorization: {there}/oauth2/authorize
  token: {there}/oauth2/token
  userinfo: {there}/oauth2/userinfo
  end_session: {there}/oidc/logout
client:
  id: "{client['client_id']}"
  secret_file: {state('dvcqg.secret')}
request:
  silent_first: true
levels:
  claim: IAL
  map: ["1=1", "2=2"]
  most: 2
network:
  failures: 1
  retry: 3s
  check_after: 2s
""")
        ca = f"  ca_file: {self.ca}\n" if self.ca else ""
        return f"""federation:
  connectors: [{state('dvcqg.yaml')}]
outbound:
  upstream: [127.0.0.1/32, localhost]
{ca}"""

    def register_provincial(self):
        provider, api = self.provincial, self.url(picture.DOSSIERS_PORT)
        resource = {"resource": api, "resource_name": "API trạng thái hồ sơ", "resource_name#en": "Dossier-status API",
                    "scopes_supported": [picture.DOSSIER_SCOPE], "introspection_clients": ["lgsp"]}
        provider.once("resource_made",
                      lambda: provider.staff("resource", "add", "--file", "-", stdin=json.dumps(resource)))
        for metadata in (*map(self.portal_client, self.portals_at("provincial")), *self.tool_clients(),
                         *self.machine_clients()):
            provider.register_client(metadata)
        provider.register_users(picture.USERS)
        words = [word for name, value in picture.REPRESENTATION.items() for word in ("--" + name, value)]
        provider.once("representation_made", lambda: provider.staff("representation", "add", *words))

    @staticmethod
    def portals_at(key):
        return [p for p in picture.PORTALS if p["at"] == key]

    # ---- configurations of the sample services ----

    def write_service_config(self, name, port, config):
        config = {"listen": f"127.0.0.1:{self.base + port}", "url": self.url(port), "contact": "1900 0000",
                  "scope": "openid", **config}
        if self.tls:
            config.update(tls_certificate=state("tls", "server.pem"), tls_key=state("tls", "server.key"),
                          ca_file=self.ca)
        path = state(name + ".json")
        write_private(path, json.dumps(config))
        return path

    def portal_config(self, portal):
        provider = self.national if portal["at"] == "national" else self.provincial
        client = provider.kept["clients"]["portal-" + portal["key"]]
        others = [p for p in picture.PORTALS if p is not portal and p["at"] == "provincial"]
        out = {"role": "portal", "issuer": provider.issuer, "client_id": client["client_id"],
               "client_secret": client["client_secret"], "overview_url": self.url(picture.OVERVIEW_PORT) + "/",
               **{k: portal[k] for k in ("name", "name_en", "tagline", "tagline_en", "theme", "scope")}}
        for end, english in (("", False), ("_en", True)):
            out["services" + end] = picture.services(portal, self.portal_url, english)
            out["others" + end] = [{"other_portal_name": p["name" + end], "other_portal_url": self.url(p["port"]) + "/"}
                                   for p in others]
        if portal.get("has_procedures"):
            out["procedures"] = picture.PROCEDURES
        return out

    def addresses(self):
        """What the overview page links to: title, in English, address, link."""
        out = {p["key"]: (p["name"], p["name_en"], self.url(p["port"]), self.url(p["port"]) + "/") for p in picture.PORTALS}
        api, lgsp = self.url(picture.DOSSIERS_PORT), self.url(picture.LGSP_PORT)
        code = next(iter(picture.DOSSIERS))
        return {**out,
                "idp": (*self.provincial.brand[:2], self.provincial.issuer, self.provincial.issuer + "/account"),
                "idp-national": (*self.national.brand[:2], self.national.issuer, self.national.issuer + "/account"),
                "dossiers": ("API trạng thái hồ sơ", "Dossier-status API", f"{api}/dossiers/{code}", None),
                "lgsp": ("Trục LGSP", "Integration platform (LGSP)", f"{lgsp}/ho-so/{code}", None)}

    def service_configs(self):
        """(process, port, configuration) of all that is not a portal."""
        api, issuer = self.url(picture.DOSSIERS_PORT), self.provincial.issuer
        lgsp = self.provincial.kept["clients"]["lgsp"]
        name = {"name": "Toàn cảnh bản thử nghiệm", "name_en": "The picture"}
        return [
            ("dossiers", picture.DOSSIERS_PORT, {"role": "dossiers", "issuer": issuer, "client_id": api,
                                                 "dossiers": picture.DOSSIERS, **name}),
            ("lgsp", picture.LGSP_PORT, {"role": "lgsp", "issuer": issuer, "client_id": lgsp["client_id"],
                                         "client_secret": lgsp["client_secret"], "resource": api, "service": api,
                                         "introspection_endpoint": issuer + "/introspect", **name}),
            ("overview", picture.OVERVIEW_PORT, {"role": "overview", "theme": "overview", **name,
                                                 "page": picture.overview(self.addresses(), False),
                                                 "page_en": picture.overview(self.addresses(), True)}),
        ]

    # ---- the whole ----

    def start_service(self, name, port, config):
        path = self.write_service_config(name if name.startswith("portal-") else "service-" + name, port, config)
        return self.url(port), self.spawn(name, [f"{BUILD}/demo/demo-portal", "--config", path], path), name

    def start(self):
        if os.path.exists(state("demo.json")):
            os.unlink(state("demo.json"))
        self.load_secrets()
        if self.tls:
            self.make_tls()
        self.national.write_config()
        self.national.start()
        for portal in self.portals_at("national"):
            self.national.register_client(self.portal_client(portal))
        province = self.national.register_client(self.province_at_national())
        self.national.register_users(picture.NATIONAL_USERS)
        self.provincial.write_config(self.connect(province))
        self.provincial.start()
        self.register_provincial()
        started = [self.start_service("portal-" + p["key"], p["port"], self.portal_config(p)) for p in picture.PORTALS]
        started += [self.start_service(*service) for service in self.service_configs()]
        for url, child, name in started:
            self.wait_ready(url, child, name)
        self.write_demo_json()

    def processes(self):
        out = [{k: c[k] for k in ("name", "pid", "argv", "config")} for c in self.children]
        for provider in (self.provincial, self.national):
            signer = provider.signer_pid()
            if signer:
                with open(f"/proc/{signer}/cmdline", encoding="utf-8") as f:
                    argv = f.read().rstrip("\0").split("\0")
                out.append({"name": "idp-signer" + provider.process[len("idpd"):], "pid": signer, "argv": argv,
                            "config": provider.path("signer.json")})
        return out

    @staticmethod
    def people(provider, users):
        return [{"username": u["username"], "password": provider.kept["passwords"][u["username"]],
                 "name": u["claims"]["HoVaTen"], "level": u.get("level", u["ial"])} for u in users]

    def portals(self, key):
        return [{"name": p["key"], "url": self.url(p["port"]), "protocol": "oidc"} for p in self.portals_at(key)]

    def write_demo_json(self):
        here, there, processes = self.provincial, self.national, self.processes()
        document = {
            "issuer": here.issuer,
            "issuers": {p.key: p.issuer for p in (here, there)},
            "admin_socket": here.socket(),
            "admin_sockets": {p.key: p.socket() for p in (here, there)},
            "metrics": f"http://127.0.0.1:{self.base + 1}/metrics",
            "ca_file": self.ca,
            "users": self.people(here, picture.USERS),
            "clients": list(here.kept["clients"].values()),
            "portals": self.portals("provincial"),
            "national": {"users": self.people(there, picture.NATIONAL_USERS),
                         "clients": list(there.kept["clients"].values()), "portals": self.portals("national")},
            "overview": self.url(picture.OVERVIEW_PORT) + "/",
            "services": {"dossiers": self.url(picture.DOSSIERS_PORT), "lgsp": self.url(picture.LGSP_PORT)},
            "processes": processes,
            "pids": {p["name"]: p["pid"] for p in processes},
        }
        write_private(state("demo.json"), json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def print_summary(self):
        say(f"START HERE        {self.url(picture.OVERVIEW_PORT)}/")
        say(f"provider          {self.provincial.issuer}/account")
        say(f"national provider {self.national.issuer}/account")
        for portal in picture.PORTALS:
            say(f"{portal['name']:<28} {self.url(portal['port'])}/")
        say(f"metrics           http://127.0.0.1:{self.base + 1}/metrics")
        for provider in (self.provincial, self.national):
            say(f"staff             build/idpctl --socket {provider.socket()} status")
        say(f"state, logs       {STATE}")
        if self.ca:
            say(f"CA certificate    {self.ca}")
        for title, provider, users in (("in the province", self.provincial, picture.USERS),
                                       ("at the national portal", self.national, picture.NATIONAL_USERS)):
            say(f"accounts {title} (made for this demo):")
            for user in users:
                say(f"  {user['username']:<20} {provider.kept['passwords'][user['username']]:<24} {user['claims']['HoVaTen']}")


# ---- --check ----

def check_local(demo, browser_class):
    """Two portals, one password; a wrong one is refused."""
    user = picture.USERS[0]
    browser = browser_class(ca_file=demo.ca)
    page = browser.get(demo.portal_url("provincial") + "/sign-in")
    password = demo.provincial.kept["passwords"][user["username"]]
    page = browser.submit(page, {"username": user["username"], "password": password})
    name = user["claims"]["HoVaTen"]
    if not page.url.startswith(demo.portal_url("provincial")) or name not in page.text:
        raise SystemExit(f"check: the provincial portal does not know the person: {page.url} {page.status}")
    page = browser.get(demo.portal_url("ministry") + "/sign-in")
    if not page.url.startswith(demo.portal_url("ministry")) or name not in page.text:
        raise SystemExit(f"check: the ministry portal asked again or does not know the person: {page.url}")
    stranger = browser_class(ca_file=demo.ca)
    page = stranger.get(demo.portal_url("ministry") + "/sign-in")
    page = stranger.submit(page, {"username": user["username"], "password": "wrong " + secrets.token_hex(8)})
    if page.url.startswith(demo.portal_url("ministry")) or name in page.text:
        raise SystemExit("check: a wrong password was let in")
    say("check: one sign-in, two portals know the person; a wrong password is refused")


def check_federated(demo, browser_class):
    """The national portal's deep link leads to the procedure, with one password, given there."""
    user = next(u for u in picture.NATIONAL_USERS if u["username"] == "vneid.dung")
    browser, procedure = browser_class(ca_file=demo.ca), picture.PROCEDURES[0]
    link = picture.deep_link(demo.portal_url("provincial"), procedure)
    page = browser.get(link)
    if not page.url.startswith(demo.national.issuer):
        raise SystemExit(f"check: the deep link does not lead to the national provider: {page.url} {page.status}")
    password = demo.national.kept["passwords"][user["username"]]
    page = browser.submit(page, {"username": user["username"], "password": password})
    wanted = (user["claims"]["HoVaTen"], procedure["code"], picture.AGENCY, procedure["service"])
    if page.url != link or not all(word in page.text for word in wanted):
        raise SystemExit(f"check: the deep link does not end at its procedure: {page.url} {page.status}")
    page = browser.get(demo.portal_url("ministry") + "/sign-in")
    if not page.url.startswith(demo.portal_url("ministry")) or wanted[0] not in page.text:
        raise SystemExit(f"check: the ministry portal asked again: {page.url}")
    say("check: signed in at the national portal, the deep link ends at its procedure, the ministry knows the person")


def check_machine(demo):
    """A machine's token opens the dossier-status API through the adapter; a spoilt one does not."""
    context = ssl.create_default_context(cafile=demo.ca) if demo.ca else None

    def ask(url, form=None, authorization=None):
        request = urllib.request.Request(url, form and urllib.parse.urlencode(form).encode())
        request.add_header("Authorization", authorization)
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None

    client = demo.provincial.kept["clients"]["dossier-sync"]
    basic = "Basic " + base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    status, tokens = ask(demo.provincial.issuer + "/token", {
        "grant_type": "client_credentials", "scope": picture.DOSSIER_SCOPE,
        "resource": demo.url(picture.DOSSIERS_PORT)}, basic)
    if status != 200:
        raise SystemExit(f"check: no token for the machine: {status}")
    code, dossier = next(iter(picture.DOSSIERS.items()))
    places = (f"{demo.url(picture.LGSP_PORT)}/ho-so/{code}", f"{demo.url(picture.DOSSIERS_PORT)}/dossiers/{code}")
    good, bad = "Bearer " + tokens["access_token"], "Bearer " + tokens["access_token"][:-8] + "AAAAAAAA"
    for place in places:
        status, answer = ask(place, authorization=good)
        if status != 200 or answer["trang_thai"] != dossier["trang_thai"]:
            raise SystemExit(f"check: {place}: {status}")
        if ask(place, authorization=bad)[0] != 401:
            raise SystemExit(f"check: {place}: a forged token was taken")
    say("check: the machine reads a dossier's status through the adapter; a forged token is refused")


def check(demo):
    """One sign-on of each kind over HTTP, as a person's browser and a machine do it."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
    from browser import Browser

    check_local(demo, Browser)
    check_federated(demo, Browser)
    check_machine(demo)


def main():
    parser = argparse.ArgumentParser(prog="dev demo")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--port-base", type=int, default=8400)
    parser.add_argument("--state", help="folder of the state instead of build/demo")
    args = parser.parse_args()
    if not 1024 <= args.port_base <= 65535 - 39:
        parser.error("--port-base: 1024 to 65496")

    global STATE
    if args.state:
        STATE = os.path.abspath(args.state)

    def end(_number, _frame):
        raise KeyboardInterrupt

    ending = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for number in ending:
        signal.signal(number, end)
    demo = None
    try:
        take_state()
        if args.fresh:
            forget_state()
        demo = Demo(args)
        demo.start()
        demo.print_summary()
        if args.check:
            check(demo)
            return 0
        say("ready; Ctrl-C ends everything")
        while True:
            time.sleep(1)
            for child in demo.children:
                if child["process"].poll() is not None:
                    raise SystemExit(f"demo: {child['name']} ended; see {state(child['name'] + '.log')}")
    except KeyboardInterrupt:
        return 0
    finally:
        for number in ending:  # a second Ctrl-C must not leave children behind
            signal.signal(number, signal.SIG_IGN)
        if demo:
            demo.stop()


if __name__ == "__main__":
    sys.exit(main())
