# SPDX-License-Identifier: Apache-2.0
"""The HTTP server against raw bytes: smuggling and malformed lines (T01-T03), slow clients (T04),
bodies (T05), pipelining (T06), who the client is (T07), TLS (T08), response splitting (T09),
methods (A63), hosts (D15), origins (F15), cookies (F17); and the library's known traps."""
import itertools
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from check import collect, equal, run, true  # noqa: E402
from testserver import SLOW, TestServer, Wire, request  # noqa: E402

SMUGGLED = b"GET /echo?smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
HOST = b"Host: localhost\r\n"
shared = None  # one server for all tests that need no options


def refused(data, *statuses, name=""):
    """One of the statuses (or a bare close), nothing more, and the connection ends."""
    with shared.connect() as wire:
        answer = wire.send(data).answer()
        if answer is None:
            true(None in statuses, f"{name}: closed without an answer")
            return
        true(answer.status in statuses, f"{name}: {answer}")
        while wire.more():
            pass
        # The library sends the header of its own refusals twice, and closes.
        rest = wire.buffer if answer.header("X-Request-Id") else wire.buffer.replace(b"HTTP/1.1 400", b"")
        true(b"HTTP/1.1" not in rest and b"smuggled" not in rest, f"{name}: a second answer: {rest[:200]}")
        true(not answer.header("X-Request-Id") or not rest, f"{name}: more than an answer: {rest[:200]}")


def served(data, name=""):
    with shared.connect() as wire:
        answer = wire.send(data).answer()
        true(answer is not None and answer.status == 200, f"{name}: {answer}")
        answer = wire.send(request("GET", "/json")).answer()
        true(answer is not None and answer.status == 200, f"{name}: keep-alive lost")


# ---- T01: framing ----

def T01_two_framings_or_bad_lengths_are_refused_and_nothing_behind_them_runs():
    start = b"POST /echo HTTP/1.1\r\n" + HOST
    chunked = b"0\r\n\r\n"
    cases = {
        "CL+TE": start + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked,
        "TE+CL": start + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + chunked,
        "TE xchunked": start + b"Transfer-Encoding: xchunked\r\n\r\n" + chunked,
        "TE chunked, identity": start + b"Transfer-Encoding: chunked, identity\r\n\r\n" + chunked,
        "TE alone": start + b"Transfer-Encoding: chunked\r\n\r\n" + chunked,
        "TE space colon": start + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n" + chunked,
        "TE tab": start + b"Transfer-Encoding:\tchunked\r\n\r\n" + chunked,
        "two CL": start + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "two CL, differing": start + b"Content-Length: 0\r\nContent-Length: 3\r\n\r\nabc",
        "CL +3": start + b"Content-Length: +3\r\n\r\nabc",
        "CL -3": start + b"Content-Length: -3\r\n\r\nabc",
        "CL 0x3": start + b"Content-Length: 0x3\r\n\r\nabc",
        "CL 3,3": start + b"Content-Length: 3, 3\r\n\r\nabc",
        "CL 3 with a space": start + b"Content-Length: 3 \r\n\r\nabc",
        "CL empty": start + b"Content-Length: \r\n\r\n",
        "CL letters": start + b"Content-Length: abc\r\n\r\n",
        "CL too large": start + b"Content-Length: 99999999999999999999999\r\n\r\n",
        "CL on GET": b"GET /echo HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nabcde",
    }
    for name, data in cases.items():
        refused(data + SMUGGLED, 400, 411, 413, name=name)
    served(start + b"Content-Length: 3\r\n\r\nabc", "an honest POST")


# ---- T02: fields ----

def T02_malformed_fields_are_refused_and_closed():
    start = b"GET /echo HTTP/1.1\r\n" + HOST
    cases = {
        "space before colon": start + b"X-A : b\r\n\r\n",
        "tab before colon": start + b"X-A\t: b\r\n\r\n",
        "space in name": start + b"X A: b\r\n\r\n",
        "control in name": start + b"X\x01A: b\r\n\r\n",
        "8-bit name": start + b"X\xe9: b\r\n\r\n",
        "no name": start + b": b\r\n\r\n",
        "no colon": start + b"nonsense\r\n\r\n",
        "control in value": start + b"X-A: a\x01b\r\n\r\n",
        "DEL in value": start + b"X-A: a\x7fb\r\n\r\n",
        "bare CR in value": start + b"X-A: a\rb\r\n\r\n",
        "obs-fold, middle": start + b"X-A: a\r\n b\r\nX-C: d\r\n\r\n",
        "obs-fold, tab": start + b"X-A: a\r\n\tb\r\nX-C: d\r\n\r\n",
        "obs-fold, last": start + b"X-A: a\r\n b\r\n\r\n",
        "obs-fold, Host": b"GET /echo HTTP/1.1\r\nHost:\r\n localhost\r\nX-A: b\r\n\r\n",
        "fold before the first": b"GET /echo HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
        "NUL in value, middle": start + b"X-A: a\x00b\r\nX-C: d\r\n\r\n",
        "NUL in value, last": start + b"X-A: a\x00b\r\n\r\n",
        "NUL in name": start + b"X\x00A: a\r\nX-C: d\r\n\r\n",
        "bare LF, request line": b"GET /echo HTTP/1.1\n" + HOST + b"\r\n",
        "bare LF, first field": b"GET /echo HTTP/1.1\r\nHost: localhost\nX-A: b\r\n\r\n",
        "bare LF, last field": start + b"X-A: b\n\r\n",
        "bare LF, blank line": start + b"X-A: b\r\n\n",
        "bare LF, everywhere": b"GET /echo HTTP/1.1\nHost: localhost\n\n",
        "no Host": b"GET /echo HTTP/1.1\r\nX-A: b\r\n\r\n",
        "two Hosts": start + HOST + b"\r\n",
        "two differing Hosts": start + b"Host: evil\r\n\r\n",
        "empty Host": b"GET /echo HTTP/1.1\r\nHost: \r\n\r\n",
        "Host with a path": b"GET /echo HTTP/1.1\r\nHost: localhost/evil\r\n\r\n",
        "Host with a user": b"GET /echo HTTP/1.1\r\nHost: localhost@evil\r\n\r\n",
        "Host list": b"GET /echo HTTP/1.1\r\nHost: localhost, evil\r\n\r\n",
    }
    for name, data in cases.items():
        refused(data, 400, None, name=name)
    many = b"".join(b"X-%d: y\r\n" % i for i in range(64))
    refused(start + many + b"\r\n", 431, name="65 fields")
    refused(start + b"X-A: " + b"a" * 16384 + b"\r\n\r\n", 431, 400, name="a line of 16 KB")
    refused(start + b"X-A: " + b"a" * 65536 + b"\r\n\r\n", 431, 400, None, name="a line of 64 KB")


def T02_ordinary_requests_pass_the_layout_check():
    """The twin: whatever browsers and libraries send, in every order, length and splitting."""
    start = b"GET /echo?a=b&c=%20d HTTP/1.1\r\n"
    fields = [b"Host: localhost", b"Accept: */*", b"X-Empty:", b"X-Empty-Space: ", b"X-Tab:\ta", b"X-None:b",
              b"Cookie: a=b; c=d", b"X-Latin: caf\xe9", b"X-Inner: a  b", b"X-Trailing: a  ",
              b"User-Agent: " + b"m" * 300]
    for shift in range(len(fields)):
        order = fields[shift:] + fields[:shift]
        served(start + b"\r\n".join(order) + b"\r\n\r\n", f"order {shift}")
    many = b"".join(b"X-%d: y\r\n" % i for i in range(63))
    served(start + HOST + many + b"\r\n", "64 fields")
    served(b"\r\n" + start + HOST + b"\r\n", "an empty line first (RFC 9112 2.2)")
    served(start + HOST + b"X-A: " + b"a" * 12000 + b"\r\n\r\n", "a long line")
    whole = request("POST", "/echo", "Content-Type: text/plain", body=b"hello")
    for cut in range(1, len(whole), 7):
        with shared.connect() as wire:
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wire.send(whole[:cut])
            time.sleep(0.002)
            answer = wire.send(whole[cut:]).answer()
            true(answer and answer.status == 200 and answer.field("body") == "5", f"cut at {cut}: {answer}")


# ---- T03: targets ----

def T03_malformed_targets_are_refused():
    def line(target):
        return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n"
    cases = {
        "absolute": line(b"http://localhost/echo"), "absolute, other": line(b"http://evil/echo"),
        "absolute https": line(b"https://localhost/echo"), "authority": line(b"localhost:80"),
        "asterisk": line(b"*"), "relative": line(b"echo"), "empty": b"GET  HTTP/1.1\r\n" + HOST + b"\r\n",
        "%00": line(b"/echo%00x"), "%00 in query": line(b"/echo?a=%00"), "raw NUL": line(b"/echo\x00x"),
        "raw 8-bit": line(b"/echo\xe9"), "raw 8-bit in query": line(b"/echo?a=\xc3\xa9"),
        "control": line(b"/echo\x01"), "tab": line(b"/echo\tx"), "fragment": line(b"/echo#x"),
        "space": line(b"/echo x"), "two spaces before": b"GET  /echo HTTP/1.1\r\n" + HOST + b"\r\n",
        "two spaces after": b"GET /echo  HTTP/1.1\r\n" + HOST + b"\r\n",
        "space after version": b"GET /echo HTTP/1.1 \r\n" + HOST + b"\r\n",
        "bad escape": line(b"/echo%zz"), "short escape": line(b"/echo%2"),
        "no version": b"GET /echo\r\n" + HOST + b"\r\n", "HTTP/2.0": b"GET /echo HTTP/2.0\r\n" + HOST + b"\r\n",
        "lower-case version": b"GET /echo http/1.1\r\n" + HOST + b"\r\n",
    }
    for name, data in cases.items():
        refused(data + SMUGGLED, 400, 505, None, name=name)
    refused(line(b"/echo?" + b"a" * 16384), 414, name="16 KB")
    refused(line(b"/echo?" + b"a" * 65536), 414, 431, None, name="64 KB")
    served(line(b"/echo?" + b"a" * 11000), "11 KB")
    equal(shared.ask(line(b"/%65cho")).field("path"), "/echo", "an escaped letter")
    equal(shared.ask(line(b"/nothing")).status, 404)
    equal(shared.ask(line(b"/tree/%C3%A9")).field("path"), "/tree/\u00e9", "UTF-8")
    equal(shared.ask(line(b"/tree/%e9")).status, 400, "not UTF-8")
    equal(shared.ask(line(b"/tree/%0d%0aX:y")).status, 400, "line end in a path")


def B37_broken_escapes_in_parameters_are_an_invalid_request():
    for query in ("a=%zz", "a=%e9", "a=%c0%80", "%ff%fea=1"):
        answer = shared.get("/echo?" + query)
        equal(answer.status, 400, query)
        true(b'"error":"invalid_request"' in answer.body, answer)
    equal(shared.get("/echo?a=%C3%A9").status, 200)


# ---- T04: slow clients ----

def T04_slow_headers_bodies_and_idle_connections_end_in_time():
    with TestServer("--timeout", 2, "--quiet") as server:
        def life(first, drip, wrapup=12 * SLOW):
            with server.connect(timeout=wrapup) as wire:
                wire.send(first)
                start = time.monotonic()
                while time.monotonic() - start < wrapup:
                    wire.socket.settimeout(0.5)
                    try:
                        if not wire.more():
                            return time.monotonic() - start
                    except TimeoutError:
                        wire.send(drip)
                raise AssertionError(f"still open after {wrapup} s: {first[:30]}")
        results = {}
        cases = {
            "nothing at all": (b"", b""),
            "request line": (b"GET /ec", b"h"),
            "fields": (b"GET /echo HTTP/1.1\r\nHost: localhost\r\n", b"X-A: b\r\n"),
            "body": (b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n", b"a"),
            "idle after an answer": (request("GET", "/json"), b""),
        }
        threads = []
        for name, (first, drip) in cases.items():
            def one(name=name, first=first, drip=drip):
                results[name] = life(first, drip)
            threads.append(threading.Thread(target=one))
            threads[-1].start()
        time.sleep(1)
        start = time.monotonic()
        equal(server.get("/json", source="127.0.0.2").status, 200)
        true(time.monotonic() - start < 0.1 * SLOW, "another client waits")
        for thread in threads:
            thread.join()
        for name in cases:
            true(name in results and results[name] < 5 * SLOW, f"{name}: {results.get(name)}")


def T04_a_client_that_does_not_read_is_ended():
    with TestServer("--timeout", 1, "--quiet") as server:
        with server.connect(timeout=20 * SLOW) as wire:
            wire.send(request("GET", "/big") * 40)
            time.sleep(5 * SLOW)
            got = 0
            wire.socket.settimeout(10 * SLOW)
            try:
                while data := wire.socket.recv(65536):
                    got += len(data)
            except ConnectionResetError:
                pass
            true(got < 40 * 512 * 1024, "it got everything")
        equal(server.get("/json").status, 200)


def T04_one_address_cannot_hold_all_connections():
    with TestServer("--threads", 2, "--limit", 128, "--quiet") as server:
        held = [server.connect() for _ in range(400)]
        time.sleep(0.3 * SLOW)
        start = time.monotonic()
        equal(server.get("/json", source="127.0.0.9").status, 200)
        true(time.monotonic() - start < 0.1 * SLOW, "another address waits")
        for wire in held:
            wire.close()
        time.sleep(0.2 * SLOW)
        equal(server.get("/json").status, 200, "after closing, the first address may again")


# ---- T05: bodies ----

def T05_bodies_that_no_route_takes_are_refused_before_they_are_read():
    def head(path, length, *fields):
        return request("POST", path, f"Content-Length: {length}", *fields)
    form = "Content-Type: application/x-www-form-urlencoded"
    refused(head("/echo", 65537), 413, name="64 KB + 1")
    refused(head("/form", 32769, form), 413, name="the route's own limit")
    refused(head("/form", 10, "Content-Type: multipart/form-data; boundary=x"), 415, name="multipart")
    refused(head("/form", 10, "Content-Type: text/plain"), 415, name="text/plain")
    refused(head("/form", 10), 415, name="no type")
    refused(head("/echo", 10, "Content-Encoding: gzip"), 415, name="gzip")
    refused(head("/echo", 10, "Expect: something"), 417, name="unknown expectation")
    equal(shared.ask(request("GET", "/echo", "Expect: something")).status, 417)
    served(request("POST", "/echo", body=b"a" * 65536), "64 KB")
    served(request("POST", "/form", form, body=b"name=x"), "a form")
    served(request("POST", "/form", form + "; charset=utf-8", body=b"name=x"), "a form with a charset")
    with shared.connect() as wire:
        wire.send(request("POST", "/echo", "Expect: 100-continue", "Content-Length: 5"))
        true(wire.more() and wire.buffer.startswith(b"HTTP/1.1 100"), "100 Continue")
        equal(wire.send(b"hello").answer().field("body"), "5")


# ---- T06: pipelining ----

def T06_a_hundred_pipelined_requests_are_answered_in_order():
    for path in ("/echo", "/work"):
        with shared.connect(timeout=30 * SLOW) as wire:
            wire.send(b"".join(request("GET", f"{path}?ms=1&n={i}") for i in range(100)))
            ids = set()
            for i in range(100):
                answer = wire.answer()
                true(answer and answer.status == 200, f"{path} {i}: {answer}")
                true(f"n={i}\n".encode() in answer.body, f"{path} {i}: {answer}")
                ids.add(answer.header("X-Request-Id"))
            equal(len(ids), 100, "request ids")


def T06_nothing_of_one_request_shows_in_the_next():
    with shared.connect() as wire:
        first = wire.send(request("POST", "/echo", "Cookie: session-a1b2c3=secret", "Accept-Language: en",
                                  "Content-Type: application/x-www-form-urlencoded", body=b"name=n")).answer()
        equal((first.field("cookie"), first.field("lang"), first.field("form")), ("secret", "en", "n"))
        second = wire.send(request("GET", "/echo")).answer()
        equal((second.field("cookie"), second.field("lang"), second.field("form"), second.field("body"),
               second.field("query")), ("", "vi", "", "0", ""))
        wire.send(request("GET", "/redirect")).answer()
        third = wire.send(request("GET", "/json")).answer()
        true(third.header("Set-Cookie") is None and third.header("Location") is None, "fields of another answer")


# ---- T07: who the client is ----

def T07_forwarding_fields_of_peers_that_are_not_listed_are_ignored():
    for field in ("X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7", "X-Real-IP: 203.0.113.7"):
        equal(shared.get("/echo", field).field("client"), "127.0.0.1", field)
    with TestServer("--trust", "127.0.0.1/32", "--quiet") as server:
        equal(server.get("/echo", "X-Forwarded-For: 203.0.113.7").field("client"), "203.0.113.7")
        equal(server.get("/echo", "X-Forwarded-For: 203.0.113.7").field("network"), "203.0.113.0/24")
        equal(server.get("/echo", "X-Forwarded-For: 6.6.6.6, 203.0.113.7").field("client"), "203.0.113.7")
        equal(server.get("/echo", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 203.0.113.7").field("client"),
              "203.0.113.7")
        equal(server.get("/echo", 'Forwarded: for=6.6.6.6, for="[2001:db8::1]:4711";proto=https')
              .field("client"), "2001:db8::1")
        equal(server.get("/echo", 'Forwarded: for="[2001:db8:1:2:3::1]"').field("network"), "2001:db8:1:2::/64")
        equal(server.get("/echo", "X-Forwarded-For: 203.0.113.7", "Forwarded: for=6.6.6.6").field("client"),
              "127.0.0.1", "contradiction")
        equal(server.get("/echo", "X-Forwarded-For: 203.0.113.7", source="127.0.0.2").field("client"),
              "127.0.0.2", "another peer")


def proxy_v2(address, command=0x21, family=0x11, port=4711, tlv=b""):
    packed = socket.inet_pton(socket.AF_INET6 if family == 0x21 else socket.AF_INET, address)
    rest = packed + (b"\x00" * len(packed)) + struct.pack("!HH", port, 443) + tlv
    return b"\r\n\r\n\x00\r\nQUIT\n" + struct.pack("!BBH", command, family, len(rest)) + rest


def T07_proxy_protocol_of_listed_peers_names_the_client():
    get = request("GET", "/echo")
    with TestServer("--proxy-protocol", "--trust", "127.0.0.1", "--quiet", "--timeout", 2) as server:
        def client(data, **options):
            answer = server.ask(data, **options)
            return answer and answer.field("client")
        equal(client(proxy_v2("203.0.113.7") + get), "203.0.113.7")
        equal(client(proxy_v2("2001:db8::7", family=0x21) + get), "2001:db8::7")
        equal(client(proxy_v2("::ffff:203.0.113.9", family=0x21) + get), "203.0.113.9", "mapped")
        equal(client(proxy_v2("203.0.113.7", tlv=b"\x04\x00\x03abc") + get), "203.0.113.7", "with a TLV")
        equal(client(proxy_v2("203.0.113.7", command=0x20) + get), "127.0.0.1", "LOCAL")
        with server.connect() as wire:  # byte by byte
            for byte in proxy_v2("203.0.113.8"):
                wire.send(bytes([byte]))
                time.sleep(0.001)
            equal(wire.send(get).answer().field("client"), "203.0.113.8")
        header = proxy_v2("203.0.113.7")
        for name, bad in {"none": get, "version 1": b"PROXY TCP4 203.0.113.7 127.0.0.1 1 2\r\n" + get,
                          "signature": b"\x0e" + header[1:] + get, "version": header[:12] + b"\x11" + header[13:] + get,
                          "command": header[:12] + b"\x22" + header[13:] + get,
                          "short addresses": header[:14] + b"\x00\x04" + header[16:20] + get,
                          "too long": header[:14] + b"\xff\xff" + header[16:] + get}.items():
            equal(client(bad), None, name)
        equal(client(header + get, source="127.0.0.2"), None, "a peer that is not listed")
        equal(client(header[:20]), None, "an unfinished header ends in time")


# ---- T08: TLS ----

def certificate(folder, name):
    key, cert = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", f"/CN={name}", "-addext",
                    "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    os.chmod(key, 0o600)
    return cert, key


def tls_wrap(minimum=ssl.TLSVersion.TLSv1_2, maximum=ssl.TLSVersion.TLSv1_3, ciphers=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = minimum, maximum
    return lambda s: context.wrap_socket(s, server_hostname="localhost")


def common_name(wire):
    der = wire.socket.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der,
                          capture_output=True, check=True).stdout.decode()
    return text.split("CN = ")[1].strip()


def T08_tls_is_modern_only_and_its_certificate_can_be_exchanged_while_running():
    with tempfile.TemporaryDirectory() as folder:
        cert, key = certificate(folder, "first")
        with TestServer("--cert", cert, "--key", key, "--https", "--quiet") as server:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                answer = server.get("/echo", wrap=tls_wrap(version, version))
                equal(answer.status, 200, str(version))
                equal(answer.header("Strict-Transport-Security"), "max-age=31536000")
            for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
                try:
                    server.get("/echo", wrap=tls_wrap(version, version))
                    raise AssertionError(f"{version} was accepted")
                except (ssl.SSLError, OSError):
                    pass
            for ciphers in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256",
                            "DHE-RSA-AES128-GCM-SHA256"):
                try:
                    server.get("/echo", wrap=tls_wrap(maximum=ssl.TLSVersion.TLSv1_2,
                                                      ciphers=ciphers + ":@SECLEVEL=0"))
                    raise AssertionError(f"{ciphers} was accepted")
                except (ssl.SSLError, OSError):
                    pass
            cookie = server.get("/redirect", wrap=tls_wrap()).header("Set-Cookie")
            equal(cookie, "__Host-session-a1b2c3=abc; Path=/; Max-Age=60; SameSite=Lax; Secure; HttpOnly")
            with server.connect(wrap=tls_wrap()) as old:
                equal(common_name(old), "first")
                second_cert, second_key = certificate(folder, "second")
                os.replace(second_cert, cert)
                server.signal(signal.SIGHUP)  # key of the first, certificate of the second
                equal(server.process.stdout.readline().strip(), "reloaded ERR_REFUSED")
                with server.connect(wrap=tls_wrap()) as wire:
                    equal(common_name(wire), "first", "the old pair stays")
                os.replace(second_key, key)
                server.signal(signal.SIGHUP)
                equal(server.process.stdout.readline().strip(), "reloaded ERR_OK")
                with server.connect(wrap=tls_wrap()) as wire:
                    equal(common_name(wire), "second")
                equal(old.send(request("GET", "/json")).answer().status, 200, "the old connection lives on")
            with server.connect() as plain:
                true(plain.send(request("GET", "/json")).answer() is None, "plain HTTP on the TLS port")
        os.chmod(key, 0o644)
        try:
            with TestServer("--cert", cert, "--key", key, "--quiet"):
                raise AssertionError("a key that others can read was taken")
        except AssertionError as error:
            true("cannot start" in str(error), str(error))


# ---- T09: response splitting ----

def T09_line_ends_in_an_echoed_value_do_not_reach_the_wire():
    for value in ("a%0d%0aX-Evil:%201", "a%0aX-Evil:%201", "a%0dX-Evil:%201", "a%01b", "%0d%0a%0d%0a<html>"):
        answer = shared.get("/header?value=" + value)
        equal(answer.status, 500, value)
        true(b"Evil" not in answer.raw and answer.header("X-Echo") is None, answer.raw)
    equal(shared.get("/header?value=a%20b").header("X-Echo"), "a b")
    answer = shared.get("/page?form_action=https%3A%2F%2Frp.example%3B%20script-src%20*")
    true("script-src" not in answer.header("Content-Security-Policy"), "CSP injection")
    answer = shared.get("/page?form_action=https%3A%2F%2Frp.example")
    true(answer.header("Content-Security-Policy").endswith("form-action 'self' https://rp.example"), "form-action")


# ---- A34, A35, A36: fields of answers ----

def A34_A35_pages_carry_their_protection_and_answers_are_not_stored():
    answer = shared.get("/page")
    wanted = {"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
              "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store"}
    for name, value in wanted.items():
        equal(answer.all(name), [value], name)
    true("frame-ancestors 'none'" in answer.header("Content-Security-Policy"), "CSP")
    equal(shared.get("/echo").header("Cache-Control"), "no-store")
    equal(shared.get("/json").header("Access-Control-Allow-Origin"), "*")
    true(shared.get("/echo").header("Access-Control-Allow-Origin") is None, "CORS where none belongs")


# ---- A63: methods ----

def A63_other_methods_are_refused_and_overrides_ignored():
    for method in ("PUT", "DELETE", "TRACE", "PATCH", "OPTIONS", "FOO", "get"):
        answer = shared.ask(request(method, "/echo"))
        equal((answer.status, answer.header("Allow")), (405, "GET, HEAD, POST"), method)
    refused(request("CONNECT", "/echo"), 405, name="CONNECT")
    refused(b"CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\n\r\n", 405, name="CONNECT authority")
    answer = shared.ask(request("POST", "/json"))
    equal((answer.status, answer.header("Allow")), (405, "GET, HEAD"))
    equal(shared.get("/json", "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: PUT").status, 200)
    with shared.connect() as wire:
        head = wire.send(request("HEAD", "/json")).answer(is_head=True)
        equal((head.status, head.header("Content-Length")), (200, "12"))
        equal(wire.send(request("GET", "/json")).answer().body, b'{"ok":true}\n', "nothing of the HEAD's body came")
        equal(wire.send(request("GET", "/none")).answer().status, 404)
        equal(wire.send(request("PUT", "/json")).answer().status, 405)
        equal(wire.send(request("GET", "/json")).answer().status, 200, "refusals without a body keep the connection")


# ---- D15: hosts ----

def D15_unknown_hosts_are_misdirected():
    with TestServer("--host", "sso.example.gov.vn", "--quiet") as server:
        def status(host, *fields, path="/echo"):
            return server.ask(request("GET", path, *fields, host=host)).status
        equal(status("sso.example.gov.vn"), 200)
        equal(status("SSO.Example.gov.vn"), 200)
        for host in ("evil.example", "sso.example.gov.vn.evil", "sso.example.gov.vn:81", "127.0.0.1"):
            equal(status(host), 421, host)
        equal(status("evil.example", "X-Forwarded-Host: sso.example.gov.vn"), 421)
        equal(status("sso.example.gov.vn", "X-Forwarded-Host: evil.example"), 200)
        equal(status("10.0.0.7", path="/healthz"), 200, "probes use addresses")
        equal(server.ask(b"GET /echo HTTP/1.0\r\n\r\n").status, 421, "HTTP/1.0 without a Host")


# ---- F15, F17 ----

def F15_forms_sent_from_other_sites_are_refused():
    with TestServer("--host", "localhost:1", "--quiet") as server:
        def status(*fields):
            return server.ask(request("POST", "/form", "Content-Type: application/x-www-form-urlencoded",
                                      *fields, host="localhost:1", body=b"name=x")).status
        for good in ((), ("Origin: http://localhost:1",), ("Sec-Fetch-Site: same-origin", "Origin: null"),
                     ("Sec-Fetch-Site: none",), ("Sec-Fetch-Site: same-origin", "Origin: http://localhost:1")):
            equal(status(*good), 200, good)
        for bad in (("Origin: http://evil",), ("Origin: https://localhost:1",), ("Origin: http://localhost",),
                    ("Origin: http://localhost:1.evil",), ("Sec-Fetch-Site: cross-site",),
                    ("Sec-Fetch-Site: same-site",), ("Sec-Fetch-Site: cross-site", "Origin: http://localhost:1"),
                    ("Origin: ",)):
            equal(status(*bad), 403, bad)


def F17_malformed_cookies_are_ignored():
    def cookie(*fields):
        answer = shared.get("/echo", *fields)
        equal(answer.status, 200, fields[0][:60])
        return answer.field("cookie")
    equal(cookie("Cookie: session-a1b2c3=good"), "good")
    equal(cookie("Cookie: a=b; session-a1b2c3=good; c=d"), "good")
    equal(cookie("Cookie: session-a1b2c3=good; session-a1b2c3=good"), "good", "twice the same")
    equal(cookie("Cookie: session-a1b2c3=good; session-a1b2c3=evil"), "", "two values")
    equal(cookie("Cookie: session-a1b2c3=good", "Cookie: session-a1b2c3=evil"), "", "two fields")
    for junk in ("", ";;;", "=", "=x", "session-a1b2c3", "session-a1b2c3=", " ; = ; ", "a" * 8000,
                 "session-a1b2c3 x=y", "Session-A1B2C3=x", "__Host-session-a1b2c3=x"):
        equal(cookie("Cookie: " + junk), "", junk[:40])
    equal(cookie("Cookie: " + "; ".join(f"c{i}=v" for i in range(300)) + "; session-a1b2c3=good"), "good")
    answer = shared.get("/echo", "Cookie: " + "; ".join(f"c{i}=v" for i in range(1500)))
    true(answer is None or answer.status in (200, 431), f"1500 cookies: {answer}")
    equal(shared.get("/echo").status, 200)


# ---- tracing ----

def N01_request_ids_follow_traceparent():
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = shared.get("/echo", f"traceparent: 00-{trace}-00f067aa0ba902b7-01")
    equal((answer.header("X-Request-Id"), answer.field("id")), (trace, trace))
    for bad in ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", f"ff-{trace}-00f067aa0ba902b7-01",
                f"00-{trace.upper()}-00f067aa0ba902b7-01", f"00-{trace}-0000000000000000-01",
                f"00-{trace}-00f067aa0ba902b7-01-x", f"00-{trace}-00f067aa0ba902b7", "x" * 55):
        got = shared.get("/echo", "traceparent: " + bad).header("X-Request-Id")
        true(got.lower() != trace and len(got) == 32, bad)
    shared.get("/echo?secret=1", "Cookie: a=secret", f"traceparent: 00-{trace}-00f067aa0ba902b7-01")
    time.sleep(0.1 * SLOW)
    log = shared.log()
    true(f'"traceparent":"00-{trace}-' in log, "traceparent in the log")
    true("secret" not in log, "a query or cookie in the log")


def N02_the_language_is_what_was_asked_for():
    def lang(path="/echo", *fields):
        return shared.get(path, *fields).field("lang")
    equal(lang(), "vi")
    equal(lang("/echo?lang=en"), "en")
    equal(lang("/echo?ui_locales=fr%20en-GB"), "en")
    equal(lang("/echo?lang=xx"), "vi")
    equal(lang("/echo", "Accept-Language: en-US,en;q=0.9"), "en")
    equal(lang("/echo", "Accept-Language: en;q=0.5, vi;q=0.9"), "vi")
    equal(lang("/echo", "Accept-Language: en", "Cookie: lang-a1b2c3=vi"), "vi")
    true(shared.get("/page?lang=en").header("Set-Cookie").startswith("lang-a1b2c3=en;"), "remembered")


def N03_the_admin_listener_shows_its_own_routes_only():
    def status(port, path):
        with Wire(port) as wire:
            return wire.send(request("GET", path)).answer().status
    equal(status(shared.admin_port, "/admin"), 200)
    equal(status(shared.port, "/admin"), 404)
    equal(status(shared.admin_port, "/echo"), 404)
    equal(status(shared.admin_port, "/healthz"), 200)


# ---- the library's traps ----

def N10_128_connections_on_one_thread_do_not_hang():
    """libmicrohttpd 0.9.75's own epoll loop stops when exactly 128 events return at once."""
    for count in (127, 128, 129, 256):
        with TestServer("--threads", 1, "--limit", 1024, "--quiet") as server:
            wires = [server.connect() for _ in range(count)]
            start = time.monotonic()
            for _ in range(10):
                for wire in wires:
                    wire.send(request("GET", "/json"))
                for wire in wires:
                    equal(wire.answer().status, 200)
            took = time.monotonic() - start
            true(took < 5 * SLOW, f"{count} connections: {took:.1f} s for {10 * count} requests")
            for wire in wires:
                wire.close()


def N11_connections_are_dealt_evenly():
    for threads in (2, 4):
        with TestServer("--threads", threads, "--quiet") as server:
            wires = [server.connect() for _ in range(8)]
            seen = [wire.send(request("GET", "/echo")).answer().field("thread") for wire in wires]
            equal(sorted(seen), sorted(str(i % threads) for i in range(8)), f"{threads} threads")
            for wire in wires:
                wire.close()


def N12_a_full_pool_is_answered_503_and_one_network_gets_a_quarter():
    with TestServer("--pool", 1, "--queue", 8, "--quiet") as server:
        wires = [server.connect() for _ in range(12)]
        for wire in wires:
            wire.send(request("GET", f"/work?ms={200 * SLOW}"))
        statuses = sorted(wire.answer().status for wire in wires)
        true(statuses.count(200) in (2, 3), f"one runs, a quarter of eight wait: {statuses}")
        equal(statuses.count(200) + statuses.count(503), 12)
        equal(wires[0].send(request("GET", "/work?ms=1&rounds=3")).answer().body[:6], b"done=3")
        equal(wires[0].send(request("GET", "/work?ms=0&rounds=99")).answer().status, 500, "no end of rounds")


def N13_a_client_that_leaves_while_its_job_runs_harms_nobody():
    with TestServer("--pool", 2, "--quiet") as server:
        for _ in range(20):
            with server.connect() as wire:
                wire.send(request("GET", "/work?ms=20"))
        time.sleep(0.5 * SLOW)
        equal(server.get("/work?ms=1").status, 200)


def N15_writes_of_many_connections_come_back_each_with_its_own_result():
    """One commit serves many requests; exactly one of those that use the same key may have it."""
    with tempfile.TemporaryDirectory() as folder:
        with TestServer("--store", os.path.join(folder, "test.db"), "--quiet") as server:
            wires = [server.connect(timeout=30 * SLOW) for _ in range(64)]
            start = time.monotonic()
            for round_number in range(5):
                for i, wire in enumerate(wires):
                    wire.send(request("GET", f"/once?key={round_number}-{i // 8}"))
                results = [wire.answer().status for wire in wires]
                equal((results.count(200), results.count(409)), (8, 56), f"round {round_number}")
                for group in range(8):
                    equal(results[8 * group:8 * group + 8].count(200), 1, f"group {group}")
            took = time.monotonic() - start
            true(took < 2.5 * SLOW, f"{took:.1f} s for five rounds: threads are not woken")
            for wire in wires[:32]:
                wire.send(request("GET", "/once"))
                wire.close()  # leaves while its write is under way
            equal(server.get("/once").status, 200)


def N16_the_end_waits_for_jobs_that_are_out():
    """Their memory is the exchange's: without waiting, a pool thread would write into freed memory."""
    with TestServer("--drain", 0, "--quiet") as server:
        wires = [server.connect() for _ in range(4)]
        for wire in wires:
            wire.send(request("GET", "/work?ms=1500"))
        time.sleep(0.3)
        start = time.monotonic()
        equal(server.stop(), 0)
        true(time.monotonic() - start > 0.8, "it did not wait")
        for wire in wires:
            wire.close()


def N14_draining_loses_no_request():
    """Every request that a client had sent on a connection gets its whole answer."""
    with TestServer("--quiet") as server:
        lost, done, stop = [], [0], threading.Event()

        def client():
            while not stop.is_set():
                try:
                    wire = server.connect()
                except OSError:
                    return  # no longer accepting: not a lost request
                with wire:
                    for i in itertools.count():
                        path = "/work?ms=5" if i % 5 == 0 else "/big" if i % 7 == 0 else "/json"
                        answer = wire.send(request("GET", path)).answer()
                        if answer is None:
                            lost.append((i, path))
                            return
                        done[0] += 1
                        if answer.header("Connection") == "close":
                            break
        threads = [threading.Thread(target=client) for _ in range(24)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        idle = server.connect()
        start = time.monotonic()
        equal(server.stop(), 0)
        took = time.monotonic() - start
        stop.set()
        for thread in threads:
            thread.join()
        idle.close()
        true(done[0] > 200, f"load: {done[0]}")
        true(len(lost) <= 0, f"lost {len(lost)} of {done[0]}: {lost[:5]}")
        true(took < 4 * SLOW, f"drained in {took:.1f} s")


if __name__ == "__main__":
    tests = collect(globals(), ("T0", "A", "B", "D", "F", "N"))
    with TestServer() as shared:
        status = run(tests)
    sys.exit(status)
