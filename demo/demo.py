#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demo: the provincial provider and two portals, in the foreground.

  ./dev demo [--check] [--fresh] [--tls] [--port-base N] [--state FOLDER]

Ports N..N+39 only: N provider, N+1 its admin listener, N+2 provincial portal, N+3 ministry portal;
N+20.. are free for tools that want a redirect URI. State in build/demo (tests: --state) persists
unless --fresh; one demo at a time has it. Secrets are made at the first start. demo.json appears there when
everything is ready."""
import argparse
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
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("IDP_BUILD", os.path.join(ROOT, "build"))
STATE = os.path.join(ROOT, "build", "demo")
PR_SET_PDEATHSIG = 1  # prctl(2)
READY_SECONDS = 20
STOP_SECONDS = 12

PORTALS = [
    {
        "key": "provincial", "port": 2, "theme": "provincial",
        "name": "Cổng dịch vụ công tỉnh", "name_en": "Provincial public services",
        "tagline": "Thủ tục hành chính của tỉnh, làm tại nhà.",
        "tagline_en": "The province's procedures, from home.",
        "services": [
            {"title": "Đăng ký khai sinh", "detail": "Nộp hồ sơ và theo dõi kết quả trực tuyến."},
            {"title": "Cấp bản sao trích lục hộ tịch", "detail": "Nhận bản điện tử hoặc qua bưu chính."},
            {"title": "Giấy phép xây dựng nhà ở riêng lẻ", "detail": "Gửi bản vẽ, trả phí trực tuyến."},
        ],
        "services_en": [
            {"title": "Birth registration", "detail": "Apply and follow the result online."},
            {"title": "Civil status extract", "detail": "Get it electronically or by post."},
            {"title": "Building permit for a private house", "detail": "Send plans, pay online."},
        ],
        "scope": "openid profile email phone vn_profile vn_contact vn_assurance",
    },
    {
        "key": "ministry", "port": 3, "theme": "ministry",
        "name": "Cổng dịch vụ công bộ", "name_en": "Ministry public services",
        "tagline": "Dịch vụ của bộ cho người dân và doanh nghiệp.",
        "tagline_en": "The ministry's services for people and enterprises.",
        "services": [
            {"title": "Đổi giấy phép lái xe", "detail": "Không cần đến quầy nếu hồ sơ đầy đủ."},
            {"title": "Chứng chỉ hành nghề", "detail": "Cấp mới, cấp lại và tra cứu."},
        ],
        "services_en": [
            {"title": "Driving licence renewal", "detail": "No counter visit when papers are complete."},
            {"title": "Professional certificates", "detail": "Issue, replace and look up."},
        ],
        "scope": "openid profile vn_profile vn_assurance",
    },
]

USERS = [
    {"username": "nguyen.van.an", "type": "citizen", "ial": 1, "level": 1,
     "identifiers": {"SoDinhDanh": "030090001234", "SoDienThoai": "0912345678"},
     "claims": {"HoVaTen": "Nguyễn Văn An", "NgayThangNamSinh": "19900212", "GioiTinh": 1,
                "QuocTich": "VN", "email": "an@example.vn", "email_verified": True,
                "ThuDienTu": "an@example.vn", "DiaChi": "12 Trần Hưng Đạo, Hải Dương"}},
    {"username": "tran.thi.binh", "type": "citizen", "ial": 2, "level": 1,
     "identifiers": {"SoDinhDanh": "030195005678"},
     "claims": {"HoVaTen": "Trần Thị Bình", "NgayThangNamSinh": "19950730", "GioiTinh": 2,
                "QuocTich": "VN", "ThuongTru": "Thôn Đông, Kinh Môn"}},
    {"username": "pham.quoc.cuong", "type": "official", "ial": 2, "level": 1,
     "identifiers": {"SoDinhDanh": "030088009999"},
     "claims": {"HoVaTen": "Phạm Quốc Cường", "ma_dinh_danh_co_quan": "H23.15"}},
    {"username": "congty.haiduong", "type": "enterprise", "ial": 1, "level": 1,
     "identifiers": {"MaSoThue": "0100233488"},
     "claims": {"HoVaTen": "Công ty Hải Dương Xanh", "TenDoanhNghiep": "Công ty Hải Dương Xanh",
                "NguoiDaiDien": "Lê Thị Dung"}},
]


# All that the demo writes into build/demo, which the build uses too.
STATE_FILES = ["admin.sock", "demo.json*", "idp.db*", "idpd.yaml", "kek", "portal-*.json", "*.log",
               "secrets.json", "signer.json", "tls/*"]


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


class Demo:
    def __init__(self, args):
        self.base = args.port_base
        self.tls = args.tls
        self.scheme = "https" if args.tls else "http"
        self.issuer = f"{self.scheme}://localhost:{self.base}"
        self.children = []
        self.ca = state("tls", "ca.pem") if args.tls else None

    def url(self, offset):
        return f"{self.scheme}://localhost:{self.base + offset}"

    # ---- what is made at the first start ----

    def secrets(self):
        """Kept between starts, 0600: passwords and client secrets of the demo."""
        path = state("secrets.json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                kept = json.load(f)
            if kept.get("issuer") == self.issuer:
                return kept
            say("the state in build/demo belongs to another address: starting afresh")
            forget_state()
        kept = {
            "issuer": self.issuer,
            "passwords": {u["username"]: "Cau-" + secrets.token_urlsafe(12) for u in USERS},
        }
        write_private(path, json.dumps(kept))
        return kept

    def save_secrets(self, kept):
        write_private(state("secrets.json"), json.dumps(kept))

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

    def write_provider_config(self):
        if not os.path.exists(state("kek")):
            write_private(state("kek"), os.urandom(32))
        write_private(state("signer.json"), json.dumps({"issuer": self.issuer, "kek_file": state("kek")}))
        tls = (f"  tls_certificate: {state('tls', 'server.pem')}\n  tls_key: {state('tls', 'server.key')}\n"
               if self.tls else "")
        write_private(state("idpd.yaml"), f"""issuer: {self.issuer}
brand:
  name: Đăng nhập một lần tỉnh Hải Dương
  name_en: Hai Duong Single Sign-On
  contact: Trung tâm Phục vụ hành chính công, điện thoại 1900 0000
  contact_en: Public Administration Service Centre, phone 1900 0000
listen:
  address: "127.0.0.1:{self.base}"
{tls}admin:
  address: "127.0.0.1:{self.base + 1}"
  socket: {self.admin_socket()}
signer:
  binary: {BUILD}/idp-signer
  policy: {state('signer.json')}
store:
  path: {state('idp.db')}
password:
  min_length: 12
""")

    def admin_socket(self):
        """Socket paths are short by law of the kernel; a deep checkout needs a short name."""
        path = state("admin.sock")
        if len(path) < 100:
            return path
        tag = hashlib.sha256(path.encode()).hexdigest()[:16]
        folder = f"/tmp/idp-demo-{os.getuid()}-{tag}"
        os.makedirs(folder, mode=0o700, exist_ok=True)
        return folder + "/admin.sock"

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

    def idpctl(self, *args, stdin=None):
        run = subprocess.run([f"{BUILD}/idpctl", "--socket", self.admin_socket(), "--json", *args],
                             input=stdin, capture_output=True, text=True)
        return run

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

    # ---- clients and users ----

    def client_metadata(self):
        tools = [f"{scheme}://{host}:{self.base + 20 + i}/cb" for i in range(4)
                 for scheme, host in (("http", "127.0.0.1"), ("http", "localhost"))]
        common = {"id_token_signed_response_alg": "ES256", "response_types": ["code"]}
        out = []
        for portal in PORTALS:
            url = self.url(portal["port"])
            out.append({"client_id": "portal-" + portal["key"], "client_name": portal["name"],
                        "client_name#en": portal["name_en"], "client_uri": url,
                        "redirect_uris": [url + "/callback"], "initiate_login_uri": url + "/login",
                        "post_logout_redirect_uris": [url + "/signed-out"],
                        "token_endpoint_auth_method": "client_secret_basic",
                        "grant_types": ["authorization_code"], "scope": portal["scope"],
                        "sector": "portal-" + portal["key"],
                        "legal_basis": "Luật Giao dịch điện tử 2023; dữ liệu mẫu", **common})
        out.append({"client_id": "demo-rp", "client_name": "Dịch vụ thử nghiệm", "client_name#en": "Test service",
                    "redirect_uris": tools, "sector": "demo-rp",
                    "post_logout_redirect_uris": [u.replace("/cb", "/signed-out") for u in tools],
                    "token_endpoint_auth_method": "client_secret_basic",
                    "grant_types": ["authorization_code", "refresh_token"], **common})
        out.append({"client_id": "demo-public", "client_name": "Ứng dụng di động thử nghiệm",
                    "client_name#en": "Test app", "redirect_uris": tools, "sector": "demo-public",
                    "post_logout_redirect_uris": [u.replace("/cb", "/signed-out") for u in tools],
                    "token_endpoint_auth_method": "none", "application_type": "native",
                    "grant_types": ["authorization_code", "refresh_token"], **common})
        out.append({"client_id": "demo-machine", "client_name": "Trục liên thông thử nghiệm",
                    "client_name#en": "Test machine", "redirect_uris": [],
                    "token_endpoint_auth_method": "client_secret_basic",
                    "grant_types": ["client_credentials"], "response_types": []})
        return out

    def register_clients(self, kept):
        """The registered object, secret included, is kept from the first start on."""
        clients = kept.setdefault("clients", {})
        for metadata in self.client_metadata():
            if metadata["client_id"] in clients:
                continue
            run = self.idpctl("client", "add", "--file", "-", stdin=json.dumps(metadata))
            if run.returncode != 0:
                raise SystemExit(f"demo: client {metadata['client_id']}: {run.stdout}{run.stderr}")
            clients[metadata["client_id"]] = json.loads(run.stdout)
            self.save_secrets(kept)
        return list(clients.values())

    def register_users(self, kept):
        if kept.get("users_made"):
            return
        lines = "".join(json.dumps({k: v for k, v in {**u, "password": kept["passwords"][u["username"]]}.items()
                                    if k != "level"}) + "\n" for u in USERS)
        run = self.idpctl("user", "add", "--file", "-", stdin=lines)
        if run.returncode != 0:
            raise SystemExit(f"demo: users: {run.stdout}{run.stderr}")
        kept["users_made"] = True
        self.save_secrets(kept)

    def write_portal_config(self, portal, client):
        other = [p for p in PORTALS if p is not portal][0]
        config = {
            "listen": f"127.0.0.1:{self.base + portal['port']}", "url": self.url(portal["port"]),
            "issuer": self.issuer, "client_id": client["client_id"], "client_secret": client["client_secret"],
            "other_name": other["name"], "other_name_en": other["name_en"], "other_url": self.url(other["port"]),
            "contact": "1900 0000",
            **{k: portal[k] for k in ("name", "name_en", "tagline", "tagline_en", "services", "services_en",
                                      "theme", "scope")},
        }
        if self.tls:
            config.update(tls_certificate=state("tls", "server.pem"), tls_key=state("tls", "server.key"),
                          ca_file=self.ca)
        path = state(f"portal-{portal['key']}.json")
        write_private(path, json.dumps(config))
        return path

    # ---- the whole ----

    def start(self):
        if os.path.exists(state("demo.json")):
            os.unlink(state("demo.json"))
        kept = self.secrets()
        if self.tls:
            self.make_tls()
        self.write_provider_config()
        config = state("idpd.yaml")
        idpd = self.spawn("idpd", [f"{BUILD}/idpd", "--config", config], config)
        self.wait_ready(self.issuer, idpd, "idpd")
        clients = self.register_clients(kept)
        self.register_users(kept)
        by_id = {c["client_id"]: c for c in clients}
        for portal in PORTALS:
            path = self.write_portal_config(portal, by_id["portal-" + portal["key"]])
            name = "portal-" + portal["key"]
            child = self.spawn(name, [f"{BUILD}/demo/demo-portal", "--config", path], path)
            self.wait_ready(self.url(portal["port"]), child, name)
        self.write_demo_json(kept, clients)
        return kept

    def write_demo_json(self, kept, clients):
        processes = [{k: c[k] for k in ("name", "pid", "argv", "config")} for c in self.children]
        signer = self.signer_pid()
        if signer:
            with open(f"/proc/{signer}/cmdline", encoding="utf-8") as f:
                argv = f.read().rstrip("\0").split("\0")
            processes.append({"name": "idp-signer", "pid": signer, "argv": argv,
                              "config": state("signer.json")})
        document = {
            "issuer": self.issuer,
            "issuers": {"provincial": self.issuer},
            "admin_socket": self.admin_socket(),
            "admin_sockets": {"provincial": self.admin_socket()},
            "metrics": f"http://127.0.0.1:{self.base + 1}/metrics",
            "ca_file": self.ca,
            "users": [{"username": u["username"], "password": kept["passwords"][u["username"]],
                       "name": u["claims"]["HoVaTen"], "level": u["level"]} for u in USERS],
            "clients": clients,
            "portals": [{"name": p["key"], "url": self.url(p["port"]), "protocol": "oidc"} for p in PORTALS],
            "processes": processes,
            "pids": {p["name"]: p["pid"] for p in processes},
        }
        write_private(state("demo.json"), json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def signer_pid(self):
        parent = self.children[0]["pid"]
        try:
            with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as f:
                pids = f.read().split()
            return int(pids[0]) if pids else None
        except OSError:
            return None

    def print_summary(self, kept):
        say(f"provider          {self.issuer}/account")
        for portal in PORTALS:
            say(f"{portal['name']:<24} {self.url(portal['port'])}/")
        say(f"metrics           http://127.0.0.1:{self.base + 1}/metrics")
        say(f"staff             build/idpctl --socket {self.admin_socket()} status")
        say(f"state, logs       {STATE}")
        if self.ca:
            say(f"CA certificate    {self.ca}")
        say("accounts (made for this demo):")
        for user in USERS:
            say(f"  {user['username']:<20} {kept['passwords'][user['username']]:<24} {user['claims']['HoVaTen']}")


def check(demo, kept):
    """One whole sign-on over HTTP, as a person's browser does it: two portals, one password."""
    sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
    from browser import Browser

    user = USERS[0]
    browser = Browser(ca_file=demo.ca)
    page = browser.get(demo.url(2) + "/sign-in")
    page = browser.submit(page, {"username": user["username"], "password": kept["passwords"][user["username"]]})
    name = user["claims"]["HoVaTen"]
    if not page.url.startswith(demo.url(2)) or name not in page.text:
        raise SystemExit(f"check: the provincial portal does not know the person: {page.url} {page.status}")
    page = browser.get(demo.url(3) + "/sign-in")
    if not page.url.startswith(demo.url(3)) or name not in page.text:
        raise SystemExit(f"check: the ministry portal asked again or does not know the person: {page.url}")
    stranger = Browser(ca_file=demo.ca)
    page = stranger.get(demo.url(3) + "/sign-in")
    page = stranger.submit(page, {"username": user["username"], "password": "wrong " + secrets.token_hex(8)})
    if page.url.startswith(demo.url(3)) or name in page.text:
        raise SystemExit("check: a wrong password was let in")
    say("check: one sign-in, two portals know the person; a wrong password is refused")


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
        kept = demo.start()
        demo.print_summary(kept)
        if args.check:
            check(demo, kept)
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
