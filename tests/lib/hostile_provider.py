# SPDX-License-Identifier: Apache-2.0
"""A provider made for relying parties to distrust: every endpoint answers what a test says, and
counts. Beside it Probe, which drives build/tests/tools/rp_probe (protocols/rp on standard input).
Tokens are RS256, signed by the openssl command."""
import base64
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from idp import BUILD, SLOW

CLIENT_ID, CLIENT_SECRET = "cong:tinh", "bí mật+%"
REDIRECT_URI = "https://portal.example/cb"


def b64url(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def openssl(*words, stdin=None):
    return subprocess.run(["openssl", *words], input=stdin, capture_output=True, check=True).stdout


class Key:
    def __init__(self, kid):
        self.kid = kid
        self.file = tempfile.NamedTemporaryFile(suffix=".pem")
        self.file.write(openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"))
        self.file.flush()
        text = openssl("rsa", "-in", self.file.name, "-noout", "-modulus").decode()
        self.modulus = bytes.fromhex(text.strip().split("=")[1])

    def jwk(self, **changed):
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": b64url(self.modulus),
                "e": "AQAB", **changed}

    def sign(self, claims, **header):
        text = b64url({"alg": "RS256", "kid": self.kid, "typ": "JWT", **header}) + "." + b64url(claims)
        return text + "." + b64url(openssl("dgst", "-sha256", "-sign", self.file.name, stdin=text.encode()))


KEY = Key("k1")  # making one takes a while


class Answer:
    def __init__(self, status=200, body=b"", headers=(), send=None):
        self.status, self.headers, self.send = status, headers, send
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


class HostileProvider:
    """`answers`: path -> function of the request body that gives an Answer; a test replaces what it
    wants to spoil. `hits`: path -> how often it was asked. `seen`: path -> (headers, body), the last."""

    def __init__(self, certificate=None):
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                provider.handle(self)

            do_POST = do_GET

            def log_message(self, *ignored):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # relying parties hang up: that is what is tested

        self.server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.issuer = f"{scheme}://127.0.0.1:{self.server.server_port}"
        self.key, self.hits, self.seen, self.lock = KEY, {}, {}, threading.Lock()
        self.nonce, self.claims = None, {}
        self.answers = {
            "/.well-known/openid-configuration": lambda body: Answer(body=self.metadata()),
            "/jwks": lambda body: Answer(body={"keys": [self.key.jwk()]}),
            "/token": lambda body: Answer(body=self.tokens()),
            "/userinfo": lambda body: Answer(body={"sub": "s1", "name": "Nguyễn Văn An"}),
        }
        self.endless_bytes = 0
        self.over = threading.Event()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def metadata(self, **changed):
        base = {"issuer": self.issuer, "authorization_endpoint": self.issuer + "/authorize",
                "token_endpoint": self.issuer + "/token", "jwks_uri": self.issuer + "/jwks",
                "userinfo_endpoint": self.issuer + "/userinfo", "end_session_endpoint": self.issuer + "/logout",
                "authorization_response_iss_parameter_supported": True}
        return {n: v for n, v in {**base, **changed}.items() if v is not None}

    def id_claims(self, **changed):
        now = int(time.time())
        return {"iss": self.issuer, "sub": "s1", "aud": CLIENT_ID, "iat": now, "exp": now + 300,
                "nonce": self.nonce, **self.claims, **changed}

    def tokens(self, **changed):
        return {"token_type": "Bearer", "access_token": "at", "expires_in": 300, "refresh_token": "rt",
                "id_token": self.key.sign(self.id_claims()), **changed}

    def logout_token(self, key=None, header=None, **changed):
        """A value of None leaves the claim out."""
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": "s1", "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": b64url(os.urandom(16)),
                  "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, **changed}
        return (key or self.key).sign({n: v for n, v in claims.items() if v is not None}, **{"typ": "logout+jwt", **(header or {})})

    def handle(self, request):
        path = request.path.split("?")[0]
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        with self.lock:
            self.hits[path] = self.hits.get(path, 0) + 1
            self.seen[path] = (dict(request.headers), body.decode())
        answer = self.answers[path](body) if path in self.answers else Answer(404)
        if answer.send:
            return answer.send(request)
        request.send_response(answer.status)
        for name, value in answer.headers:
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer.body)))
        request.end_headers()
        request.wfile.write(answer.body)

    def silent(self, request):
        """Takes the request and says nothing."""
        self.over.wait(60 * SLOW)

    def dripping(self, request):
        """A byte now and then: never idle, never done."""
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        while not self.over.wait(0.3):
            request.wfile.write(b" ")
            request.wfile.flush()

    def endless(self, request):
        """As many bytes as are taken."""
        request.send_response(200)
        request.end_headers()
        while not self.over.is_set():
            request.wfile.write(b" " * 65536)
            self.endless_bytes += 65536

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Probe:
    """A relying party of `provider`. do() gives rp_probe's answer."""

    def __init__(self, provider, environment=None, **config):
        self.provider = provider
        self.process = subprocess.Popen([f"{BUILD}/tests/tools/rp_probe"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.made = self.do("new", **{
            "issuer": provider.issuer, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "auth": "basic",
            "redirect_uri": REDIRECT_URI, "post_logout_redirect_uri": "https://portal.example/bye",
            "scope": "openid profile", "alg": "RS256", **config})

    def do(self, verb, **more):
        self.process.stdin.write(json.dumps({"do": verb, **{n: v for n, v in more.items() if v is not None}}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"rp_probe ended with {self.process.wait()} at {verb}")
        return json.loads(line)

    def result(self, verb, **more):
        return self.do(verb, **more)["result"]

    def login(self):
        """The query of a good answer to a fresh login; the provider will sign that login's nonce."""
        begun = self.do("login")
        assert begun["result"] == "ERR_OK", begun
        self.provider.nonce = begun["nonce"]
        return {"code": "c", "state": begun["state"], "iss": self.provider.issuer}

    def fetch(self, exchange):
        """Carries out an exchange of the steps without network: status and body."""
        body = exchange.get("form")
        request = urllib.request.Request(exchange["url"], body.encode() if body is not None else None)
        if "authorization" in exchange:
            request.add_header("Authorization", exchange["authorization"])
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return {"status": answer.status, "body": answer.read().decode()}
        except urllib.error.HTTPError as error:
            return {"status": error.code, "body": error.read().decode()}

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))

    def __enter__(self):
        return self

    def __exit__(self, kind, *ignored):
        self.process.stdin.close()
        status = self.process.wait(30 * SLOW)
        if kind is None and status != 0:
            raise AssertionError(f"rp_probe ended with {status}")
