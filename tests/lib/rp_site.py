# SPDX-License-Identifier: Apache-2.0
"""The web server of a relying party: https, with an authority of the test's own, documents by path.
Under tests/own_network.sh it has a public address and names."""
import atexit
import http.server
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading

FOLDER = tempfile.mkdtemp(prefix="idp-rp-site-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
CA_FILE = os.path.join(FOLDER, "ca.crt")


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=FOLDER)


def make_authority():
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.crt", "-days", "2", "-subj", "/CN=Test authority")


make_authority()


class Site:
    """`documents`: path -> bytes or an object (JSON). `hits`: path -> how often it was asked for. `posts`: path ->
    bodies that were posted to it."""

    def __init__(self, name="localhost", address="127.0.0.1"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
                "-out", name + ".crt", "-days", "2", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name,
                "-addext", "basicConstraints=critical,CA:FALSE", "-CA", "ca.crt", "-CAkey", "ca.key")
        self.documents, self.hits, self.posts = {}, {}, {}
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.hits[self.path] = site.hits.get(self.path, 0) + 1
                body = site.documents.get(self.path)
                self.send_response(404 if body is None else 200)
                body = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                site.posts.setdefault(self.path, []).append(body.decode())
                self.do_GET()

            def log_message(self, *ignored):
                pass

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(FOLDER, name + ".crt"), os.path.join(FOLDER, name + ".key"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://{name}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
