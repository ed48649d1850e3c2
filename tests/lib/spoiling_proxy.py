# SPDX-License-Identifier: Apache-2.0
"""Stands between a relying party and the provider, passes everything on, and changes what some
endpoints answer: a relying party that is any good must notice. Loopback only."""
import base64
import http.server
import json
import threading
import urllib.error
import urllib.request


class SpoilingProxy:
    """`changes`: {path: dict -> dict}, applied to JSON answers, or text -> text for others; `changed`
    counts them by path."""

    def __init__(self, upstream, changes):
        self.changed = dict.fromkeys(changes, 0)
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
                ask = urllib.request.Request(upstream + self.path, data=body, method=self.command)
                for name in ("Content-Type", "Authorization", "Accept"):
                    if self.headers.get(name):
                        ask.add_header(name, self.headers[name])
                try:
                    with urllib.request.urlopen(ask, timeout=20) as answer:
                        status, kind, data = answer.status, answer.headers["Content-Type"], answer.read()
                except urllib.error.HTTPError as error:
                    status, kind, data = error.code, error.headers["Content-Type"], error.read()
                path = self.path.split("?")[0]
                if path in changes and status == 200:
                    is_json = kind.split(";")[0] == "application/json"
                    fresh = changes[path](json.loads(data) if is_json else data.decode())
                    data = (json.dumps(fresh) if is_json else fresh).encode()
                    proxy.changed[path] += 1
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = pass_on

            def log_message(self, *ignored):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *ignored):
        self.server.shutdown()
        self.server.server_close()


def change_payload(token, **claims):
    """The token with other claims under the old signature."""
    header, payload, signature = token.split(".")
    held = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    held.update(claims)
    fresh = base64.urlsafe_b64encode(json.dumps(held).encode()).rstrip(b"=").decode()
    return f"{header}.{fresh}.{signature}"
