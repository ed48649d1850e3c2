#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""X14: an upstream provider that hangs while a crowd waits for it, one that resets, talks nonsense, leads away or
is nowhere. Everybody else is answered as if nothing were, no more sockets are open to it than
`network.connections`, and who waits is told in time.

  upstream_hangs.py [--pairs N] [--people N] [--strict] [TEST ...]     full programme: IDP_BUILD=build-release, --strict

Prints what others wait and cost beside the crowd and without it, with the ratio's median of so many pairs that were
measured by turns; --strict goes before whatever else the machine does, and asserts that no ratio is above MOST."""
import argparse
import base64
import http.client
import os
import re
import resource
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib"), os.path.join(HERE, "..", "bench")]
import check  # noqa: E402
from check import equal, true  # noqa: E402
from federation_world import FederatedProvider, Federation, eventually  # noqa: E402
from idp import BUILD, SLOW, free_port  # noqa: E402
os.environ["IDP_BUILD"] = BUILD  # the harness of ./dev bench has another default
from harness import FORM, Load, cpu_of, head  # noqa: E402
from oidc_world import Canary  # noqa: E402
from upstream_wso2 import Wso2Double  # noqa: E402

ARGUMENTS = None
SOCKETS = 8  # to an upstream provider at once
WAITING = 256  # for it at once (idp/outbound.h); more people are told without waiting
TOLD_SECONDS = 6 * SLOW  # until who waits has a page
MEASURED_SECONDS = 0.8  # for each kind of request; three kinds fit into the 5 s that upstream has
TRIES = 3  # for a pair
CONNECTIONS = 2  # of the load beside the crowd: it is to be answered, not to fill the machine
MOST = 1.10
NETWORK = {"network": {"connections": SOCKETS, "failures": 100, "retry": "1s"}}  # told late: the worst for others
SETTINGS = "throttle:\n  network_free: 100000\n"


# ---- people who wait

def source(number):
    """The address that a person comes from: many networks, so that no limit for one of them is met."""
    return f"127.{1 + number // 200}.{number % 200}.1", 0


class Person:
    def __init__(self, host, cookie, target):
        self.host, self.cookie, self.target = host, cookie, target
        self.received, self.statuses, self.text, self.took = b"", [], "", None

    def connect(self, number, address):
        self.socket = socket.create_connection(address, source_address=source(number))
        self.socket.setblocking(False)

    def ask(self, target):
        self.received = b""
        self.socket.send(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\nAccept: text/html\r\nCookie: {self.cookie}\r\n\r\n".encode())

    def take(self):
        """Whether all has been said: the answer, and the page that it leads to."""
        data = self.socket.recv(65536)
        self.received += data
        top, found, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", top, re.I)
        if data and not (found and length and len(body) >= int(length[1])):
            return False
        self.statuses.append(int(top[9:12] or 0))
        location = re.search(rb"\r\nlocation: *([^\r]+)", top, re.I)
        if location and len(self.statuses) < 3:
            parts = urllib.parse.urlsplit(location[1].decode())
            self.ask(f"{parts.path}?{parts.query}")
            return False
        self.text = body.decode("utf-8", "replace")
        return True


class Crowd:
    """People who came back from upstream at the same moment, in a thread that sleeps while they wait."""

    def __init__(self, people, port):
        self.people, self.address, self.waiting = people, ("127.0.0.1", port), len(people)
        self.thread = threading.Thread(target=self._run)

    def start(self):
        for number, person in enumerate(self.people):
            person.connect(number, self.address)
        self.thread.start()
        return self

    def _run(self):
        with selectors.DefaultSelector() as ready:
            began = time.monotonic()
            for person in self.people:
                person.ask(person.target)
                ready.register(person.socket, selectors.EVENT_READ, person)
            while self.waiting and time.monotonic() - began < 10 * TOLD_SECONDS:
                for key, _ in ready.select(1):
                    if key.data.take():
                        key.data.took = time.monotonic() - began
                        ready.unregister(key.fileobj)
                        key.fileobj.close()
                        self.waiting -= 1

    def end(self, what):
        """Everybody has the sign-in page, in time, and it says what happened. How long the last one waited."""
        self.thread.join()
        equal(self.waiting, 0, f"{what}: people without an answer")
        equal({tuple(p.statuses) for p in self.people}, {(303, 200)}, f"{what}: answers")
        true(all("Cổng " in p.text and 'type="password"' in p.text for p in self.people), f"{what}: a page without the other ways")
        last = max(p.took for p in self.people)
        true(last <= TOLD_SECONDS, f"{what}: the last one was told after {last:.1f} s")
        return last


def come_back(f, connector, count):
    """A crowd of people with an answer of upstream's each; the codes are not looked at before they are redeemed."""
    browser = f.browser()
    start = urllib.parse.urlsplit(f.offered(f.begin(browser), connector))
    cookie = browser._cookie_header("localhost")
    host, people = urllib.parse.urlsplit(f.issuer).netloc, []
    for number in range(count):
        connection = http.client.HTTPConnection("127.0.0.1", f.provider.port, timeout=20, source_address=source(number))
        connection.request("GET", f"{start.path}?{start.query}", headers={"Host": host, "Cookie": cookie})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        equal(answer.status, 303, "a start")
        state = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.getheader("Location")).query)["state"][0]
        people.append(Person(host, cookie, f"/upstream/callback/{connector}?code=any&state={state}"))
    return Crowd(people, f.provider.port)


# ---- everybody else

class Others:
    """client_credentials, the page of the local sign-in, the public keys; any other status ends the load."""

    def __init__(self, f):
        machine = f.provider.add_client(grant_types=["client_credentials"], redirect_uris=[], response_types=[],
                                        access_token_signed_response_alg="ES256")
        pair = base64.b64encode(":".join(urllib.parse.quote(machine[n], safe="") for n in ("client_id", "client_secret")).encode()).decode()
        host = urllib.parse.urlsplit(f.issuer).netloc
        page = f.portal.url(scope="openid")
        self.port, self.pids = f.provider.port, [f.provider.process.pid, f.provider.signer_pid()]
        self.steps = {
            "/token": {"head": head("POST", "/token", host, f"Authorization: Basic {pair}") + FORM,
                       "body": "grant_type=client_credentials", "status": 200},
            "sign-in page": {"head": head("GET", page, host, "Accept: text/html"), "status": 200},
            "/jwks": {"head": head("GET", "/jwks", host), "status": 200},
        }
        self.counts = {}
        for name in self.steps:
            result = self._load(name, 300).start()
            result.go()
            self.counts[name] = max(50, int(300 / result.result()["seconds"] * MEASURED_SECONDS))

    def _load(self, name, count):
        return Load(self.port, [self.steps[name]], operations=count, warm=50, connections=CONNECTIONS)

    def ready(self):
        return {name: self._load(name, count).start() for name, count in self.counts.items()}

    def measure(self, loads):
        """name -> (milliseconds at p99, CPU milliseconds of ours for each)"""
        found = {}
        for name, load in loads.items():
            before = sum(map(cpu_of, self.pids))
            load.go()
            p99 = load.result()["p99"]
            found[name] = p99, (sum(map(cpu_of, self.pids)) - before) * 1000 / self.counts[name]
        return found


def pair(f, others):
    """(others without, others with the crowd, most sockets, how long the last of the crowd waited, whether they waited
    until all was measured)"""
    f.dvcqg.right_again()
    true(eventually(lambda: "code" in f.query(f.sign_on(f.browser(), "dvcqg")), 10), "upstream is right again")
    crowd = come_back(f, "dvcqg", ARGUMENTS.people)
    quiet = others.measure(others.ready())
    f.dvcqg.faults = {"token": ("slow", 30)}
    true(eventually(lambda: f.dvcqg.open_now <= SOCKETS), "browsers have hung up")
    f.dvcqg.forget()
    loads = others.ready()
    crowd.start()
    true(eventually(lambda: len(f.dvcqg.heard("token")) == SOCKETS), "as many requests as there may be are under way")
    waiting = min(ARGUMENTS.people, WAITING)
    true(eventually(lambda: crowd.waiting <= waiting), "more wait than may")
    time.sleep(0.3)  # the connections of the others are being closed
    busy = others.measure(loads)
    waited = crowd.waiting
    last = crowd.end("hangs")
    return quiet, busy, f.dvcqg.open_most, last, waited >= 0.9 * waiting


def X14_others_beside_people_who_wait():
    with Federation(("dvcqg",), SETTINGS, {"dvcqg": NETWORK}) as f:
        others = Others(f)
        every, pairs = [], []
        while len(pairs) < ARGUMENTS.pairs and len(every) < TRIES * ARGUMENTS.pairs:
            every.append(pair(f, others))
            pairs += [every[-1]] if every[-1][-1] else []  # else the machine was too slow to measure while they waited
        equal(f.provider.process.poll(), None, "the provider")
    true(len(pairs) == ARGUMENTS.pairs, f"in {len(every)} pairs nobody waited until all was measured")
    most = {}
    for name in pairs[0][0]:
        for i, what in enumerate(("ms at p99", "CPU-ms each")):
            ratios = [p[1][name][i] / max(p[0][name][i], 0.001) for p in pairs]
            quiet, busy = (statistics.median(p[when][name][i] for p in pairs) for when in (0, 1))
            most[name, what] = statistics.median(ratios)
            print(f"{name:<13} {quiet:.3f} {what}, beside people who wait {busy:.3f}: {most[name, what]:.2f} x "
                  f"({min(ratios):.2f} to {max(ratios):.2f})")
    sockets, last = max(p[2] for p in every), max(p[3] for p in every)
    print(f"{ARGUMENTS.people} people, of whom {min(ARGUMENTS.people, WAITING)} waited; {sockets} sockets to upstream, {SOCKETS} allowed; "
          f"the last was told after {last:.2f} s")
    true(sockets <= SOCKETS, f"{sockets} sockets to upstream")
    if ARGUMENTS.strict:
        true(max(most.values()) <= MOST, most)


def lost(provider, connector, token):
    """A connector whose token endpoint is elsewhere; its double, which is never asked."""
    double = Wso2Double()
    provider.connect(connector, "dvcqg", double, endpoints={**double.endpoints(), "token": token}, **NETWORK)
    return double


def told(f, connector, count, what):
    crowd = come_back(f, connector, count).start()
    print(f"{what}: the last of {count} was told after {crowd.end(what):.2f} s")


def X14_other_ways_to_fail():
    count = min(ARGUMENTS.people, 100)
    provider = FederatedProvider(SETTINGS)
    with Canary() as canary, Canary("::1") as inside:
        doubles = {"closed": lost(provider, "closed", f"http://127.0.0.1:{free_port()}/token"),
                   "inside": lost(provider, "inside", inside.url + "token")}
        with Federation(("dvcqg",), changed={"dvcqg": NETWORK}, provider=provider) as f:
            for fault in ("reset", "garbage", ("redirect", canary.url)):
                f.dvcqg.faults = {"token": fault}
                told(f, "dvcqg", count, fault)
                f.dvcqg.right_again()
                true(eventually(lambda: "code" in f.query(f.sign_on(f.browser(), "dvcqg")), 10), f"right again after {fault}")
            for connector, double in doubles.items():
                told(f, connector, count, connector)
                equal(double.requests, [], "asked all the same")
                double.close()
            true(f.local_tokens(f.add_account())["access_token"], "the local way")
        equal((canary.connections, inside.connections), (0, 0), "connections to places that are not on the list")


def X14_names_that_are_not_found():
    """A resolver that waits is waited for no longer than anything else, and holds up no other upstream provider."""
    count = min(ARGUMENTS.people, 100)
    with tempfile.TemporaryDirectory() as folder:
        shim = os.path.join(folder, "slow_names.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", shim, os.path.join(HERE, "slow_names.c"), "-ldl"], check=True)
        provider = FederatedProvider(SETTINGS)
        provider.places = [*provider.places, "nowhere.invalid"]
        double = lost(provider, "nowhere", "https://nowhere.invalid/token")
        os.environ["LD_PRELOAD"] = shim
        try:
            with Federation(("dvcqg",), changed={"dvcqg": NETWORK}, provider=provider) as f:
                del os.environ["LD_PRELOAD"]
                crowd = come_back(f, "nowhere", count).start()
                took = []
                while crowd.waiting:
                    began = time.monotonic()
                    f.signed_on("dvcqg")
                    took.append(time.monotonic() - began)
                    time.sleep(0.1)
                last = crowd.end("nowhere")
                f.signed_on("dvcqg")
        finally:
            os.environ.pop("LD_PRELOAD", None)
            double.close()
    print(f"nowhere: the last of {count} was told after {last:.2f} s; {len(took)} sign-ins through another provider, "
          f"the slowest in {max(took):.2f} s")
    true(len(took) > 5 and max(took) < 2 * SLOW, took)


def main():
    global ARGUMENTS
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--strict", action="store_true")
    ARGUMENTS, sys.argv[1:] = parser.parse_known_args()
    if ARGUMENTS.strict:
        os.nice(-15)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return check.run(check.collect(globals(), "X14"))


if __name__ == "__main__":
    sys.exit(main())
