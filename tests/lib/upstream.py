# SPDX-License-Identifier: Apache-2.0
"""A provider that a test federates with: the machinery that the doubles of upstream dialects share
(upstream_wso2.py, upstream_vneid.py). It is right unless it is told to be wrong:

    upstream.faults["token"] = "hang"        how an endpoint answers (FAULTS; ("slow", 3) for seconds)
    upstream.spoils.add("nonce_missing")     what an answer says (ID_TOKEN_SPOILS, and the double's own)

Every request is kept in `requests`, the most connections at once in `open_most`. Standard library and
python3-cryptography."""
import base64
import gzip
import hashlib
import hmac
import http.server
import json
import secrets
import select
import socket
import ssl
import struct
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

FORM = "application/x-www-form-urlencoded"
HUGE = 10 * 1024 * 1024  # bytes


def b64url(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def number_bytes(number):
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


class SigningKey:
    """RS256."""

    def __init__(self, kid=None):
        self.kid = kid or secrets.token_hex(8)
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwk(self):
        n = self.private.public_key().public_numbers()
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": b64url(number_bytes(n.n)),
                "e": b64url(number_bytes(n.e))}

    def public_pem(self):
        return self.private.public_key().public_bytes(serialization.Encoding.PEM,
                                                      serialization.PublicFormat.SubjectPublicKeyInfo)

    def private_pem(self):
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption())

    def sign(self, claims, **header):
        text = b64url({"alg": "RS256", "kid": self.kid, "typ": "JWT", **header}) + "." + b64url(claims)
        return text + "." + b64url(self.private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))


def unsigned(claims):
    return b64url({"alg": "none", "typ": "JWT"}) + "." + b64url(claims) + "."


def keyed_with(secret, claims, **header):
    """HS256 under bytes that an attacker knows: the public key, or nothing."""
    text = b64url({"alg": "HS256", "typ": "JWT", **header}) + "." + b64url(claims)
    return text + "." + b64url(hmac.new(secret, text.encode(), hashlib.sha256).digest())


OTHER_KEY = SigningKey("other")  # a key that no double publishes; making one takes a while

# What may be wrong with an ID token: name -> what is done to the claims.
ID_TOKEN_SPOILS = {
    "iss_wrong": lambda c: c.update(iss="https://evil.example"),
    "iss_missing": lambda c: c.pop("iss"),
    "aud_other": lambda c: c.update(aud="somebody-else"),
    "aud_array_without_azp": lambda c: (c.update(aud=[c["aud"], "somebody-else"]), c.pop("azp", None)),
    "azp_other": lambda c: c.update(azp="somebody-else"),
    "iat_old": lambda c: c.update(iat=c["iat"] - 3600),
    "exp_past": lambda c: c.update(exp=c["iat"] - 600),
    "sub_empty": lambda c: c.update(sub=""),
    "sub_number": lambda c: c.update(sub=12345),
    "sub_256": lambda c: c.update(sub="s" * 256),
    "sub_missing": lambda c: c.pop("sub"),
    "nonce_missing": lambda c: c.pop("nonce", None),
    "nonce_wrong": lambda c: c.update(nonce="another"),
}
# ... and with its signature: name -> the token.
SIGNATURE_SPOILS = {
    "key_wrong": lambda key, claims: OTHER_KEY.sign(claims, kid=key.kid),
    "kid_unknown": lambda key, claims: OTHER_KEY.sign(claims, kid=secrets.token_hex(8)),
    "alg_none": lambda key, claims: unsigned(claims),
    "alg_hs256_public_key": lambda key, claims: keyed_with(key.public_pem(), claims, kid=key.kid),
    "alg_hs256_empty_key": lambda key, claims: keyed_with(b"", claims, kid=key.kid),
}


class Seen:
    """A request as it came."""

    def __init__(self, endpoint, method, target, headers, body):
        self.endpoint, self.method, self.target, self.headers, self.body = endpoint, method, target, headers, body
        self.path, _, self.query_text = target.partition("?")
        self.at = time.monotonic()

    def __repr__(self):
        return f"<{self.method} {self.target[:200]} {self.body[:200]!r}>"

    @property
    def query(self):
        return dict(urllib.parse.parse_qsl(self.query_text, keep_blank_values=True))

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.body, keep_blank_values=True))

    def cookie(self, name):
        pairs = (part.strip().partition("=") for part in self.headers.get("Cookie", "").split(";"))
        return next((value for key, _, value in pairs if key == name), None)

    @property
    def bearer(self):
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return token if kind == "Bearer" else None


class Reply:
    def __init__(self, status=200, body=b"", headers=()):
        self.status, self.headers = status, dict(headers)
        if not isinstance(body, bytes):
            if isinstance(body, str):
                body = body.encode()
                self.headers.setdefault("Content-Type", "text/html; charset=utf-8")
            else:
                body = json.dumps(body).encode()
                self.headers.setdefault("Content-Type", "application/json")
        self.body = body


def redirect(location, **headers):
    return Reply(302, b"", {"Location": location, **{n.replace("_", "-"): v for n, v in headers.items()}})


# ---- how an endpoint may fail: name -> (upstream, handler of the connection, the right reply, argument)

def _send(handler, reply):
    handler.send_response(reply.status)
    for name, value in reply.headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(reply.body)))
    handler.end_headers()
    handler.wfile.write(reply.body)


def _slow(upstream, handler, reply, seconds=30):
    if not upstream.over.wait(seconds):
        _send(handler, reply)


def _hang(upstream, handler, reply, _=None):
    upstream.over.wait(120)


def _drip(upstream, handler, reply, _=None):
    """A byte now and then: never idle, never done."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not upstream.over.wait(0.3):
        handler.wfile.write(b" ")
        handler.wfile.flush()


def _reset(upstream, handler, reply, _=None):
    """RST instead of an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.rfile.close()
    handler.wfile.close()
    handler.connection.close()


def _huge(upstream, handler, reply, _=None):
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(HUGE))
    handler.end_headers()
    upstream.huge_bytes = 0
    while upstream.huge_bytes < HUGE:
        handler.wfile.write(b" " * 65536)
        upstream.huge_bytes += 65536


def _gzip_bomb(upstream, handler, reply, _=None):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    _send(handler, Reply(200, gzip.compress(b" " * HUGE + reply.body), headers))


FAULTS = {
    "slow": _slow,
    "hang": _hang,
    "drip": _drip,
    "reset": _reset,
    "huge": _huge,
    "gzip_bomb": _gzip_bomb,
    "error500": lambda u, h, r, _=None: _send(h, Reply(500, b"upstream is ill")),
    "error503": lambda u, h, r, _=None: _send(h, Reply(503, b"upstream is away")),
    "garbage": lambda u, h, r, _=None: h.wfile.write(b"\x00\xff\x16\x03garbage\r\n\r\n"),
    "not_json": lambda u, h, r, _=None: _send(h, Reply(200, b"<html>not JSON</html>", {"Content-Type": "application/json"})),
    "not_object": lambda u, h, r, _=None: _send(h, Reply(200, b"[1]", {"Content-Type": "application/json"})),
    "empty": lambda u, h, r, _=None: _send(h, Reply(200)),
    # the same answer at another place; the argument is a URL, or nothing for one of its own
    "redirect": lambda u, h, r, to=None: _send(h, redirect(to or u.base + "/elsewhere")),
}


class Upstream:
    """HTTP part: `routes` of a subclass name path -> (endpoint, method of the subclass)."""

    def __init__(self, certificate=None):
        self.faults, self.spoils, self.requests = {}, set(), []
        self.connections, self.open_most = [], 0
        self.huge_bytes = 0
        self.lock, self.over = threading.RLock(), threading.Event()
        self.server = self._server()
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.base = f"{scheme}://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _server(self):
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                upstream._opened(self.request)
                super().setup()

            def finish(self):
                upstream._closed(self.request)
                super().finish()

            def do_GET(self):
                upstream._handle(self)

            do_POST = do_GET

            def log_message(self, *ignored):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 1024

            def handle_error(self, request, client_address):
                pass  # relying parties hang up: that is what is tested

        return Server(("127.0.0.1", 0), Handler)

    def _opened(self, connection):
        with self.lock:
            self.connections.append(connection)
            self.open_most = max(self.open_most, self.open_now)

    def _closed(self, connection):
        with self.lock:
            self.connections.remove(connection)

    @property
    def open_now(self):
        """Connections of which the other side has not hung up, whether or not an endpoint that stalls has noticed."""
        with self.lock:
            ended = select.poll()
            live = [c for c in self.connections if c.fileno() >= 0]
            for connection in live:
                ended.register(connection, select.POLLRDHUP)
            return len(live) - len(ended.poll(0))

    def _handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        endpoint, method = self.routes().get(handler.path.partition("?")[0], ("none", None))
        seen = Seen(endpoint, handler.command, handler.path, dict(handler.headers), body)
        with self.lock:
            self.requests.append(seen)
            fault = self.faults.get(endpoint)
            reply = method(seen) if method else Reply(404)
        if fault is None:
            return _send(handler, reply)
        handler.close_connection = True
        name, *argument = fault if isinstance(fault, tuple) else (fault,)
        FAULTS[name](self, handler, reply, *argument)

    # ---- for tests

    def heard(self, endpoint):
        """The requests that came to an endpoint, oldest first."""
        with self.lock:
            return [r for r in self.requests if r.endpoint == endpoint]

    def forget(self):
        """The requests so far; their counts begin anew."""
        with self.lock:
            self.requests, self.open_most = [], self.open_now

    def right_again(self):
        self.faults, self.spoils = {}, set()

    def spoilt(self, *names):
        return any(name in self.spoils for name in names)

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()
